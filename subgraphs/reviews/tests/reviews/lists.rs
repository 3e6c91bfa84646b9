//! Lists: orders, filters, search, cursors, inserts in between, and the number of statements.

use std::collections::BTreeSet;
use std::time::Duration;

use kit::Caller;
use kit::id::{ProductId, ReviewId, UserId};
use reviews::domain::subject::Subject;
use reviews::import::{ImportedReview, import};
use serde_json::{Value, json};

use crate::world::{NOW, World, codes, customer};

const ORDERS: [&str; 5] = ["MOST_HELPFUL", "NEWEST", "OLDEST", "HIGHEST_RATING", "LOWEST_RATING"];

const PAGE: &str = "query($r: [_Any!]!, $first: Int, $after: String, $last: Int, $before: String, $sort: ReviewSort, $filter: ReviewFilter) {
    _entities(representations: $r) { ... on Product { reviews(first: $first, after: $after, last: $last, before: $before, sort: $sort, filter: $filter) {
        totalCount edges { cursor node { id rating body } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";

async fn page(world: &World, product: ProductId, arguments: Value) -> Value {
    let mut variables = json!({ "r": [{ "__typename": "Product", "id": product }] });
    crate::world::merge(&mut variables, arguments);
    world.data(Caller::Anonymous, PAGE, variables).await["_entities"][0]["reviews"].clone()
}

fn ids(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()).collect()
}

/// Reviews with ties in every sort key.
async fn shelf(world: &World, count: usize) -> ProductId {
    let product = world.product().await;
    for at in 0..count {
        if at % 3 == 0 {
            world.clock.advance(Duration::from_millis(1));
        }
        let rating = 1 + i32::try_from(at % 4).unwrap();
        let review = world.review(product, rating, &format!("Text {at}")).await;
        if at % 2 == 0 {
            let voter = world.person("Voter").await;
            let vote = "mutation($id: ID!) { reviewVote(id: $id, vote: HELPFUL) { errors { __typename } } }";
            world.data(customer(voter), vote, json!({ "id": review["id"] })).await;
        }
    }
    product
}

/// All ids of the list, page by page, forwards or backwards; `between` runs between pages.
async fn walk(
    world: &World,
    product: ProductId,
    sort: &str,
    size: usize,
    forward: bool,
    insert: bool,
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let arguments = if forward {
            json!({ "first": size, "after": cursor, "sort": sort })
        } else {
            json!({ "last": size, "before": cursor, "sort": sort, "first": null })
        };
        let page = page(world, product, arguments).await;
        let mut found = ids(&page);
        let info = &page["pageInfo"];
        if forward {
            all.append(&mut found);
            cursor = info["endCursor"].clone();
        } else {
            found.append(&mut all);
            all = found;
            cursor = info["startCursor"].clone();
        }
        if info[if forward { "hasNextPage" } else { "hasPreviousPage" }] == false {
            return all;
        }
        if insert {
            world.review(product, 3, "In between").await;
        }
    }
}

#[tokio::test]
async fn both_directions_show_the_same_list_in_every_order() {
    let world = World::new().await;
    let product = shelf(&world, 13).await;
    for sort in ORDERS {
        let whole = ids(&page(&world, product, json!({ "first": 100, "sort": sort })).await);
        assert_eq!(whole.len(), 13);
        for size in [1, 4, 13] {
            assert_eq!(
                walk(&world, product, sort, size, true, false).await,
                whole,
                "{sort} {size}"
            );
            assert_eq!(
                walk(&world, product, sort, size, false, false).await,
                whole,
                "{sort} {size} back"
            );
        }
    }
    let highest = page(&world, product, json!({ "first": 100, "sort": "HIGHEST_RATING" })).await;
    let ratings: Vec<i64> = highest["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| edge["node"]["rating"].as_i64().unwrap())
        .collect();
    assert!(ratings.is_sorted_by(|a, b| a >= b), "{ratings:?}");
    world.assert_counters().await;
}

#[tokio::test]
async fn f44_inserting_while_paging_repeats_and_loses_nothing() {
    for forward in [true, false] {
        let world = World::new().await;
        for sort in ORDERS {
            let product = shelf(&world, 9).await;
            let old: BTreeSet<String> =
                ids(&page(&world, product, json!({ "first": 100, "sort": sort })).await)
                    .into_iter()
                    .collect();
            let seen = walk(&world, product, sort, 2, forward, forward != (sort == "OLDEST")).await;
            let unique: BTreeSet<String> = seen.iter().cloned().collect();
            assert_eq!(unique.len(), seen.len(), "{sort}: repeated");
            assert!(old.is_subset(&unique), "{sort}: lost");
        }
        world.assert_counters().await;
    }
}

#[tokio::test]
async fn page_arguments_are_checked() {
    let world = World::new().await;
    let product = shelf(&world, 3).await;
    let good = page(&world, product, json!({ "first": 1 })).await["pageInfo"]["endCursor"].clone();
    let good = good.as_str().unwrap();
    let mut tampered = good.to_owned();
    let last = if tampered.pop() == Some('A') { 'B' } else { 'A' };
    tampered.push(last);
    let cases = [
        (json!({ "first": 0 }), "BAD_USER_INPUT"),
        (json!({ "first": -1 }), "BAD_USER_INPUT"),
        (json!({ "first": 101 }), "BAD_USER_INPUT"),
        (json!({ "first": 2, "last": 2 }), "BAD_USER_INPUT"),
        (json!({ "first": 2, "after": tampered }), "INVALID_CURSOR"),
        (json!({ "first": 2, "after": "nonsense" }), "INVALID_CURSOR"),
        (json!({ "first": 2, "after": good, "sort": "NEWEST" }), "INVALID_CURSOR"),
    ];
    for (arguments, code) in cases {
        let mut variables = json!({ "r": [{ "__typename": "Product", "id": product }] });
        crate::world::merge(&mut variables, arguments.clone());
        let answer = world.run(Caller::Anonymous, PAGE, variables).await;
        assert_eq!(codes(&answer), [code], "{arguments}: {answer}");
        assert_eq!(answer["data"]["_entities"][0]["reviews"], Value::Null, "{arguments}");
    }
    world.assert_counters().await;
}

#[tokio::test]
async fn filters_and_search_narrow_list_and_count() {
    let world = World::new().await;
    let product = world.product().await;
    world.review(product, 5, "Exzellenter Wasserkocher, größer als gedacht").await;
    world.review(product, 5, "Boils water quickly").await;
    world.review(product, 2, "Broken after a week; the water leaks").await;
    let silent = world.person("Silent").await;
    world.buys(silent, product).await;
    world.create(silent, json!({ "productId": product, "rating": 4, "locale": "de" })).await;
    let cases = [
        (json!({}), 4),
        (json!({ "ratings": [5] }), 2),
        (json!({ "ratings": [2, 4] }), 2),
        (json!({ "ratings": [] }), 4),
        (json!({ "withText": true }), 3),
        (json!({ "withText": false }), 1),
        (json!({ "verifiedOnly": true }), 4),
        (json!({ "locales": ["de"] }), 1),
        (json!({ "search": "WATER" }), 2),
        (json!({ "search": "wat" }), 2),
        (json!({ "search": "water leak" }), 1),
        (json!({ "search": "GROSSER" }), 1),
        (json!({ "search": "\" OR 1=1 --" }), 0),
        (json!({ "search": "water", "ratings": [5] }), 1),
    ];
    for (filter, expected) in cases {
        let page = page(&world, product, json!({ "first": 10, "filter": filter })).await;
        assert_eq!(ids(&page).len(), expected, "{filter}");
        assert_eq!(page["totalCount"], expected, "{filter}");
    }
    let found =
        page(&world, product, json!({ "first": 10, "filter": { "search": "leaks" } })).await;
    let id = &found["edges"][0]["node"]["id"];
    let delete = "mutation($id: ID!) { reviewDelete(id: $id) { errors { __typename } } }";
    let author = world
        .data(
            Caller::Anonymous,
            "query($id: ID!) { review(id: $id) { author { id } } }",
            json!({ "id": id }),
        )
        .await;
    let author = author["review"]["author"]["id"].as_str().unwrap().parse().unwrap();
    world.data(customer(author), delete, json!({ "id": id })).await;
    let gone = page(&world, product, json!({ "first": 10, "filter": { "search": "leaks" } })).await;
    assert_eq!(gone["totalCount"], 0);
    world.assert_counters().await;
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_lists() {
    let world = World::new().await;
    let viewer = customer(world.person("Viewer").await);
    let mut products = Vec::new();
    for _ in 0..12 {
        products.push(shelf(&world, 6).await);
    }
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product {
        ratingSummary { average } viewerReview { id } viewerReviewEligibility { allowed }
        reviews(first: 5, sort: NEWEST) { totalCount edges { node {
            rating viewerVote author { displayName publishedReviewCount helpfulVotesReceived driverRatingSummary { average } }
            reply { body author { displayName } } subject { ... on Product { ratingSummary { count } } } } } } } } }";
    let mut counted = Vec::new();
    for take in [1, 4, 12] {
        let representations: Vec<Value> = products[..take].iter().map(|product| json!({ "__typename": "Product", "id": product, "viewerHasPurchased": false })).collect();
        let before = world.database.statements();
        let data = world.data(viewer.clone(), query, json!({ "r": representations })).await;
        counted.push(world.database.statements() - before);
        let entities = data["_entities"].as_array().unwrap();
        assert_eq!(entities.len(), take);
        assert!(
            entities.iter().all(|entity| entity["reviews"]["edges"].as_array().unwrap().len() == 5)
        );
    }
    assert!(counted.windows(2).all(|pair| pair[0] == pair[1]), "{counted:?}");
    assert!(counted[0] <= 12, "{counted:?}");
    world.assert_counters().await;
}

#[tokio::test]
async fn f43_a_hundred_products_with_twenty_reviews_and_their_authors_cost_as_much_as_one() {
    let world = World::new().await;
    let products: Vec<ProductId> = (0..100).map(|_| ProductId::new(NOW)).collect();
    let reviews: Vec<ImportedReview> = (0..2_500_u32)
        .map(|at| ImportedReview {
            id: ReviewId::new(NOW),
            author: UserId::new(NOW),
            subject: Subject::product(products[usize::try_from(at % 100).unwrap()].uuid()),
            driver: None,
            rating: i32::try_from(1 + at % 5).unwrap(),
            title: None,
            body: None,
            locale: "en".to_owned(),
            verified: true,
            created_at: NOW,
            votes: Vec::new(),
            reply: None,
        })
        .collect();
    import(&world.database, &reviews).await.unwrap();
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product {
        ratingSummary { average } reviews(first: 20) { edges { node { rating author { displayName } } } } } } }";
    for take in [1, 100] {
        let representations: Vec<Value> = products[..take]
            .iter()
            .map(|product| json!({ "__typename": "Product", "id": product }))
            .collect();
        let before = world.database.statements();
        let data = world.data(Caller::Anonymous, query, json!({ "r": representations })).await;
        assert_eq!(world.database.statements() - before, 3, "{take} products");
        let entities = data["_entities"].as_array().unwrap();
        assert!(
            entities
                .iter()
                .all(|entity| entity["reviews"]["edges"].as_array().unwrap().len() == 20)
        );
    }
    world.assert_counters().await;
}

/// A common word is found by walking the list, a rare one by the search index; with either the
/// pages make up the whole, in every order.
#[tokio::test]
async fn rare_and_common_words_find_the_same_way() {
    let world = World::new().await;
    let products: Vec<ProductId> = (0..3).map(|_| ProductId::new(NOW)).collect();
    let reviews: Vec<ImportedReview> = (0..1_500_u32)
        .map(|at| ImportedReview {
            id: ReviewId::new(NOW),
            author: UserId::new(NOW),
            subject: Subject::product(products[usize::try_from(at % 3).unwrap()].uuid()),
            driver: None,
            rating: i32::try_from(1 + at % 5).unwrap(),
            title: (at % 50 == 0).then(|| "Qualitätsware, blau".to_owned()),
            body: Some(format!("Kettle number {at} of many")),
            locale: "en".to_owned(),
            verified: at % 2 == 0,
            created_at: NOW,
            votes: Vec::new(),
            reply: None,
        })
        .collect();
    import(&world.database, &reviews).await.unwrap();
    let found = async |product: usize, filter: Value| {
        let ask = json!({ "first": 100, "filter": filter });
        let page = page(&world, products[product], ask).await;
        (page["totalCount"].as_i64().unwrap(), ids(&page))
    };
    for (search, expected) in [
        ("many kettle", 500),
        ("kettle man", 500),
        ("ettle many", 0),
        ("kettle mant", 0),
        ("kettl many", 0),
        ("qualitatsware", 10),
        ("kettle qualitat", 10),
        ("qualitat kettle", 0),
        ("number 300", 1),
        ("nothing of it", 0),
    ] {
        let (count, ids) = found(0, json!({ "search": search })).await;
        assert_eq!(count, expected, "{search}");
        assert_eq!(ids.len(), usize::try_from(expected.min(100)).unwrap(), "{search}");
    }
    for search in ["kettle", "blau"] {
        let filter = |more: Value| {
            let mut filter = json!({ "search": search });
            crate::world::merge(&mut filter, more);
            filter
        };
        let (all, _) = found(1, filter(json!({}))).await;
        let (verified, _) = found(1, filter(json!({ "verifiedOnly": true }))).await;
        let (low, _) = found(1, filter(json!({ "ratings": [1, 2] }))).await;
        let (high, _) = found(1, filter(json!({ "ratings": [3, 4, 5] }))).await;
        assert_eq!(all, low + high, "{search}");
        assert!(verified > 0 && verified <= all, "{search}");
        for sort in ORDERS {
            let mut seen = BTreeSet::new();
            let mut cursor = Value::Null;
            loop {
                let ask = json!({ "first": 90, "after": cursor, "sort": sort, "filter": { "search": search } });
                let page = page(&world, products[1], ask).await;
                seen.extend(ids(&page));
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                cursor = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(seen.len(), usize::try_from(all).unwrap(), "{search} {sort}");
        }
    }
    world.assert_counters().await;
}

#[tokio::test]
async fn latest_reviews_over_all_subjects() {
    let world = World::new().await;
    let (rider, driver) = (world.person("Rider").await, world.person("Driver").await);
    let first = shelf(&world, 3).await;
    world.clock.advance(Duration::from_secs(1));
    let ride = world.ride(rider, driver).await;
    world.create(rider, json!({ "rideId": ride, "rating": 5, "body": "Smooth." })).await;
    let query = "query($after: String) { latestReviews(first: 2, after: $after) { totalCount pageInfo { hasNextPage endCursor }
        edges { node { rating author { displayName } subject { __typename ... on Product { id } ... on Ride { id } } } } } }";
    let page = world.data(Caller::Anonymous, query, json!({})).await["latestReviews"].clone();
    assert_eq!(page["totalCount"], 4);
    let node = &page["edges"][0]["node"];
    assert_eq!(node["subject"], json!({ "__typename": "Ride", "id": ride }));
    assert_eq!(node["author"]["displayName"], "Rider");
    let next = world
        .data(Caller::Anonymous, query, json!({ "after": page["pageInfo"]["endCursor"] }))
        .await;
    assert_eq!(next["latestReviews"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(next["latestReviews"]["edges"][0]["node"]["subject"]["id"], json!(first));
    world.assert_counters().await;
}
