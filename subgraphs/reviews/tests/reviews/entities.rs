//! What reviews adds to other services' entities.

use kit::Caller;
use kit::id::{ProductId, UserId};
use serde_json::{Value, json};

use crate::world::{NOW, World, customer, moderator};

#[tokio::test]
async fn a_product_nobody_reviewed_has_an_empty_summary() {
    let world = World::new().await;
    let summary = world.summary(ProductId::new(NOW)).await;
    assert_eq!((&summary["count"], &summary["average"]), (&json!(0), &Value::Null));
    assert_eq!(summary["bayesianAverage"], 3.0);
    let histogram = summary["histogram"].as_array().unwrap();
    assert_eq!(histogram.len(), 5);
    assert_eq!(histogram[4], json!({ "rating": 5, "count": 0, "share": 0.0 }));
    world.assert_counters().await;
}

#[tokio::test]
async fn the_bayesian_average_rests_on_the_catalogues_mean_of_the_hour() {
    let world = World::new().await;
    let (good, bad) = (world.product().await, world.product().await);
    for _ in 0..3 {
        world.review(good, 5, "Good.").await;
    }
    world.review(bad, 1, "Bad.").await;
    // (10 · 3 + 15) / 13 until the mean is computed: (15 + 1) / 4 = 4.
    assert!(
        (world.summary(good).await["bayesianAverage"].as_f64().unwrap() - 45.0 / 13.0).abs() < 1e-9
    );
    world.core.recompute_prior().await.unwrap();
    assert!(
        (world.summary(good).await["bayesianAverage"].as_f64().unwrap() - 55.0 / 13.0).abs() < 1e-9
    );
    assert!(
        (world.summary(bad).await["bayesianAverage"].as_f64().unwrap() - 41.0 / 11.0).abs() < 1e-9
    );
    world.assert_counters().await;
}

#[tokio::test]
async fn foreign_and_unknown_ids_are_null_without_spoiling_the_batch() {
    let world = World::new().await;
    let product = world.product().await;
    let review = world.review(product, 5, "Good.").await;
    let representations = [
        json!({ "__typename": "Product", "id": product }),
        json!({ "__typename": "Product", "id": "usr_000" }),
        json!({ "__typename": "Review", "id": review["id"] }),
        json!({ "__typename": "Review", "id": kit::id::ReviewId::new(NOW) }),
        json!({ "__typename": "User", "id": world.seller }),
        json!({ "__typename": "Ride", "id": "rid_nonsense" }),
    ];
    let selection = "__typename ... on Product { id } ... on Review { rating } ... on User { publishedReviewCount }";
    let found = world.entities(Caller::Anonymous, &representations, selection).await;
    assert_eq!(
        found,
        json!([
            { "__typename": "Product", "id": product }, null,
            { "__typename": "Review", "rating": 5 }, null,
            { "__typename": "User", "publishedReviewCount": 0 }, null,
        ])
    );
    world.assert_counters().await;
}

#[tokio::test]
async fn drivers_have_an_average_from_five_rides_on_and_never_see_single_ratings() {
    let world = World::new().await;
    let driver = world.person("Driver").await;
    let ask = || async {
        let representation = json!({ "__typename": "User", "id": driver });
        let selection = "... on User { driverRatingSummary { count average } }";
        world.entities(customer(driver), &[representation], selection).await[0]["driverRatingSummary"].clone()
    };
    let mut last = None;
    for rides in 1..=5 {
        let rider = world.person("Rider").await;
        let ride = world.ride(rider, driver).await;
        world
            .create(rider, json!({ "rideId": ride, "rating": if rides == 1 { 1 } else { 5 } }))
            .await;
        last = Some((ride, rider));
        if rides < 5 {
            assert_eq!(ask().await, Value::Null);
        }
    }
    assert_eq!(ask().await, json!({ "count": 5, "average": 4.2 }));
    let (ride, rider) = last.unwrap();
    let rating = |caller| {
        let world = &world;
        async move {
            let representation = json!({ "__typename": "Ride", "id": ride });
            world
                .entities(
                    caller,
                    &[representation],
                    "... on Ride { driverRating ratingSummary { count } }",
                )
                .await[0]["driverRating"]
                .clone()
        }
    };
    assert_eq!(rating(customer(rider)).await, 5);
    assert_eq!(rating(customer(driver)).await, Value::Null);
    world.assert_counters().await;
}

#[tokio::test]
async fn people_have_counts_and_lists_of_what_others_may_see() {
    let world = World::new().await;
    let (ada, voter) = (world.person("Ada").await, world.person("Voter").await);
    let (first, second) = (world.product().await, world.product().await);
    let review = world.review_by(ada, first, 5, "Good.").await;
    world.review_by(ada, second, 5, "http://a.example http://b.example").await;
    let vote =
        "mutation($id: ID!) { reviewVote(id: $id, vote: HELPFUL) { errors { __typename } } }";
    world.data(customer(voter), vote, json!({ "id": review["id"] })).await;
    let ask = |caller| {
        let world = &world;
        async move {
            let representation = json!({ "__typename": "User", "id": ada });
            let selection = "... on User { publishedReviewCount helpfulVotesReceived reviews { totalCount edges { node { status } } } }";
            world.entities(caller, &[representation], selection).await[0].clone()
        }
    };
    let public = ask(Caller::Anonymous).await;
    assert_eq!(
        (&public["publishedReviewCount"], &public["helpfulVotesReceived"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(public["reviews"]["totalCount"], 1);
    for caller in [customer(ada), moderator()] {
        let all = ask(caller).await;
        assert_eq!(all["reviews"]["totalCount"], 2, "{all}");
        assert_eq!(all["reviews"]["edges"][0]["node"]["status"], "PENDING");
    }
    world.assert_counters().await;
}

#[tokio::test]
async fn the_viewers_own_review_in_any_state() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, "http://a.example http://b.example").await;
    let ask = |caller| {
        let world = &world;
        async move {
            let representation = json!({ "__typename": "Product", "id": product });
            world
                .entities(
                    caller,
                    &[representation],
                    "... on Product { viewerReview { id status } }",
                )
                .await[0]["viewerReview"]
                .clone()
        }
    };
    assert_eq!(ask(customer(ada)).await, json!({ "id": review["id"], "status": "PENDING" }));
    assert_eq!(ask(customer(UserId::new(NOW))).await, Value::Null);
    assert_eq!(ask(Caller::Anonymous).await, Value::Null);
    world.assert_counters().await;
}
