//! Counters against a recount and against a simple model, after random work on several tasks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use kit::Caller;
use kit::id::{ProductId, ReviewId, UserId};
use reviews::domain::subject::Subject;
use reviews::import::{ImportedReply, ImportedReview, import};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::world::{NOW, World, customer, moderator};

/// A small generator: the same numbers every time for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// What a review is in the model: rating when published, else nothing.
type Model = BTreeMap<(ProductId, UserId), Option<i64>>;

/// Random work of one author on their own reviews, mirrored in a model. Authors work at the
/// same time on the same products; each review has one author, so the models simply add up.
async fn author(
    world: &World,
    author: UserId,
    products: &[ProductId],
    others: &[Value],
    seed: u64,
    steps: usize,
) -> Model {
    let mut dice = Dice(seed);
    let mut model = Model::new();
    let mut reviews: BTreeMap<ProductId, (Value, i64)> = BTreeMap::new();
    for step in 0..steps {
        let product = products[dice.roll(products.len())];
        let rating = i64::try_from(1 + dice.roll(5)).unwrap();
        let known = reviews.get(&product).cloned();
        match (dice.roll(6), known) {
            (0 | 1, None) => {
                let input = json!({ "productId": product, "rating": rating, "body": "Fine." });
                let payload = world.create(author, input).await;
                assert_eq!(payload["review"]["status"], "PUBLISHED", "{payload}");
                reviews.insert(product, (payload["review"]["id"].clone(), 1));
                model.insert((product, author), Some(rating));
            }
            (2, Some((id, version))) => {
                let update = "mutation($id: ID!, $input: ReviewUpdateInput!) { reviewUpdate(id: $id, input: $input) { review { version status rating } errors { __typename } } }";
                let input = json!({ "rating": rating, "body": format!("Edit {step}"), "expectedVersion": version });
                let payload =
                    world.data(customer(author), update, json!({ "id": id, "input": input })).await;
                let review = &payload["reviewUpdate"]["review"];
                reviews.insert(product, (id, review["version"].as_i64().unwrap()));
                let rating =
                    (review["status"] == "PUBLISHED").then(|| review["rating"].as_i64().unwrap());
                model.insert((product, author), rating);
            }
            (3, Some((id, version))) => {
                let hidden = model[&(product, author)].is_none();
                let status = if hidden { "PUBLISHED" } else { "HIDDEN" };
                let moderate = "mutation($id: ID!, $d: ModerationInput!) { reviewModerate(id: $id, decision: $d) { review { version status rating } errors { __typename } } }";
                let decision = json!({ "status": status, "expectedVersion": version });
                let payload =
                    world.data(moderator(), moderate, json!({ "id": id, "d": decision })).await;
                let review = &payload["reviewModerate"]["review"];
                assert_eq!(review["status"], status, "{payload}");
                reviews.insert(product, (id, review["version"].as_i64().unwrap()));
                model.insert(
                    (product, author),
                    (!hidden || status == "PUBLISHED")
                        .then(|| review["rating"].as_i64().unwrap())
                        .filter(|_| status == "PUBLISHED"),
                );
            }
            (4, Some((id, _))) if dice.roll(2) == 0 => {
                let delete = "mutation($id: ID!) { reviewDelete(id: $id) { deletedId } }";
                world.data(customer(author), delete, json!({ "id": id })).await;
                reviews.remove(&product);
                model.remove(&(product, author));
            }
            _ => {
                let vote = "mutation($id: ID!, $vote: VoteKind) { reviewVote(id: $id, vote: $vote) { errors { __typename } } }";
                let kind =
                    [json!("HELPFUL"), json!("UNHELPFUL"), Value::Null][dice.roll(3)].clone();
                let variables = json!({ "id": others[dice.roll(others.len())], "vote": kind });
                world.data(customer(author), vote, variables).await;
            }
        }
    }
    model
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f32_random_work_on_eight_tasks_leaves_counters_equal_to_model_and_recount() {
    let steps =
        std::env::var("REVIEWS_RANDOM_STEPS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let world = World::new().await;
    let mut products = Vec::new();
    for _ in 0..4 {
        products.push(world.product().await);
    }
    let shelf = world.product().await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(world.review(shelf, 3, "To be voted on.").await["id"].clone());
    }
    let mut authors = Vec::new();
    for _ in 0..8 {
        let author = world.person("Author").await;
        for product in &products {
            world.buys(author, *product).await;
        }
        authors.push(author);
    }
    let seed = AtomicU64::new(0x9e37_79b9);
    let work = authors.iter().map(|person| {
        author(&world, *person, &products, &others, seed.fetch_add(7_919, Ordering::SeqCst), steps)
    });
    let models = futures::future::join_all(work).await;
    world.assert_counters().await;
    for product in products {
        let ratings: Vec<i64> = models
            .iter()
            .flatten()
            .filter(|((of, _), _)| *of == product)
            .filter_map(|(_, rating)| *rating)
            .collect();
        let summary = world.summary(product).await;
        assert_eq!(summary["count"], ratings.len());
        for stars in 1..=5_i64 {
            let count = ratings.iter().filter(|rating| **rating == stars).count();
            assert_eq!(summary["histogram"][usize::try_from(stars - 1).unwrap()]["count"], count);
        }
    }
}

#[tokio::test]
async fn the_recount_notices_a_counter_that_is_off() {
    let world = World::new().await;
    let product = world.product().await;
    world.review(product, 4, "Good.").await;
    world.assert_counters().await;
    world
        .database
        .write(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("UPDATE rating_summaries SET n5 = n5 + 1").await?;
                tx.execute_unprepared(
                    "UPDATE analytics_daily SET rejected = 1 WHERE subject_type = 'ALL'",
                )
                .await?;
                Ok::<_, sea_orm::DbErr>(())
            })
        })
        .await
        .unwrap();
    let drift = reviews::verify(&world.database).await.unwrap();
    assert_eq!(drift.len(), 2, "{drift:#?}");
    assert!(drift[0].counter.starts_with("rating_summaries PRODUCT"));
}

#[tokio::test]
async fn history_can_only_grow() {
    let world = World::new().await;
    let product = world.product().await;
    world.review(product, 4, "Good.").await;
    for sql in [
        "UPDATE review_revisions SET body = 'other'",
        "UPDATE review_revisions SET rating = 1, title = NULL, body = NULL",
        "DELETE FROM review_revisions",
        "UPDATE moderation_log SET note = 'other'",
        "DELETE FROM moderation_log",
    ] {
        let outcome = world
            .database
            .write(|tx| Box::pin(async move { tx.execute_unprepared(sql).await }))
            .await;
        assert!(outcome.is_err_and(|error| error.to_string().contains("append-only")), "{sql}");
    }
}

#[tokio::test]
async fn imported_reviews_count_like_written_ones() {
    let world = World::new().await;
    let mut reviews = Vec::new();
    let driver = world.person("Driver").await;
    for at in 0..700_u32 {
        let created_at = kit::Timestamp(NOW.0 - i64::from(at) * 3_600_000);
        let ride = at % 10 == 0;
        let id = kit::id::new_id(created_at);
        reviews.push(ImportedReview {
            id: ReviewId::new(created_at),
            author: UserId::new(created_at),
            subject: if ride {
                Subject::ride(id)
            } else {
                Subject::product(kit::Uuid::from_u128(u128::from(at % 7)))
            },
            driver: ride.then_some(driver),
            rating: i32::try_from(1 + at % 5).unwrap(),
            title: (at % 2 == 0).then(|| format!("Title {at}")),
            body: (at % 3 != 0).then(|| {
                "A text of more than eight words so that it has a fingerprint too.".to_owned()
            }),
            locale: "en".to_owned(),
            verified: at % 4 != 0,
            created_at,
            votes: (0..at % 4).map(|voter| (UserId::new(created_at), voter != 0)).collect(),
            reply: (at % 5 == 0).then(|| ImportedReply {
                author: world.seller,
                body: "Thank you.".to_owned(),
                created_at,
            }),
        });
    }
    import(&world.database, &reviews).await.unwrap();
    world.assert_counters().await;
    let page = world
        .data(
            Caller::Anonymous,
            "{ latestReviews(first: 1) { totalCount edges { node { reply { body } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(page["latestReviews"]["totalCount"], 700);
    assert_eq!(page["latestReviews"]["edges"][0]["node"]["reply"]["body"], "Thank you.");
    let events = kit::events::page(world.database.read(), 0, 1000).await.unwrap();
    assert_eq!(events.events.len(), 700);
}
