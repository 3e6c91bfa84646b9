//! What the other services' feeds do here, and our own feed.

use kit::Caller;
use kit::id::{OrderId, UserId};
use serde_json::{Value, json};

use crate::world::{NOW, World, customer};

#[tokio::test]
async fn f37_a_new_name_shows_and_an_older_event_does_not_bring_the_old_one_back() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, "Good.").await;
    let name = || async {
        let query = "query($id: ID!) { review(id: $id) { author { displayName } } }";
        let seen = world.data(Caller::Anonymous, query, json!({ "id": review["id"] })).await;
        seen["review"]["author"]["displayName"].clone()
    };
    assert_eq!(name().await, "Ada");
    world
        .user_event(
            "user.updated",
            json!({ "id": ada, "displayName": "Countess", "status": "ACTIVE" }),
        )
        .await;
    assert_eq!(name().await, "Countess");
    world
        .replay_user_event(
            1,
            "user.updated",
            json!({ "id": ada, "displayName": "Old", "status": "ACTIVE" }),
        )
        .await;
    assert_eq!(name().await, "Countess");
    // Events about things this service does not keep are no error.
    world.user_event("user.invented", json!({ "anything": 1 })).await;
    world.payment_event("payout.sent", json!({})).await;
    world.assert_counters().await;
}

#[tokio::test]
async fn an_order_told_twice_is_one_purchase() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let order = json!({ "userId": ada, "orderId": OrderId::new(NOW), "productIds": [product], "paidAt": "2026-01-02T03:04:05Z" });
    world.payment_event("order.paid", order.clone()).await;
    world.payment_event("order.paid", order).await;
    let payload = world.create(ada, json!({ "productId": product, "rating": 5 })).await;
    assert_eq!(payload["review"]["verifiedPurchase"], true);
    world.assert_counters().await;
}

#[tokio::test]
async fn f38_erasing_a_person_keeps_counts_and_takes_the_person() {
    let world = World::new().await;
    let (ada, bob, product) =
        (world.person("Ada").await, world.person("Bob").await, world.product().await);
    let mine = world.review_by(ada, product, 5, "Signed, Ada Lovelace.").await;
    let other = world.review_by(bob, product, 3, "Fine.").await;
    let vote =
        "mutation($id: ID!) { reviewVote(id: $id, vote: HELPFUL) { errors { __typename } } }";
    world.data(customer(ada), vote, json!({ "id": other["id"] })).await;
    let erased = json!({ "id": ada, "displayName": "Deleted user", "status": "ERASED", "deleteContent": true });
    world.user_event("user.erased", erased.clone()).await;
    world.user_event("user.erased", erased).await;
    let query =
        "query($id: ID!) { review(id: $id) { rating title body author { id } helpfulCount } }";
    let seen = world.data(Caller::Anonymous, query, json!({ "id": mine["id"] })).await;
    assert_eq!(
        seen["review"],
        json!({ "rating": 5, "title": null, "body": null, "author": null, "helpfulCount": 0 })
    );
    let seen = world.data(Caller::Anonymous, query, json!({ "id": other["id"] })).await;
    assert_eq!(seen["review"]["helpfulCount"], 1, "the vote stays");
    assert_eq!(world.summary(product).await["count"], 2);
    world.assert_counters().await;
    let found = world.search_database("Lovelace").await;
    assert!(found.is_empty(), "still in {found:?}");
    world.assert_counters().await;
}

#[tokio::test]
async fn texts_stay_when_the_person_wants_so() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let mine = world.review_by(ada, product, 5, "Good kettle.").await;
    world.user_event("user.erased", json!({ "id": ada, "deleteContent": false })).await;
    let query = "query($id: ID!) { review(id: $id) { body author { id } } }";
    let seen = world.data(Caller::Anonymous, query, json!({ "id": mine["id"] })).await;
    assert_eq!(seen["review"], json!({ "body": "Good kettle.", "author": null }));
    let mut found = world.search_database(&ada.uuid().to_string()).await;
    // The outbox keeps which id a mail went to, without text and address.
    found.retain(|table| *table != "outbox");
    assert!(found.is_empty(), "still in {found:?}");
    world.assert_counters().await;
}

#[tokio::test]
async fn our_own_feed_tells_what_becomes_visible_and_what_vanishes() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, "Good.").await;
    let delete = "mutation($id: ID!) { reviewDelete(id: $id) { deletedId } }";
    world.data(customer(ada), delete, json!({ "id": review["id"] })).await;
    world.review_by(UserId::new(NOW), product, 1, "http://a.example http://b.example").await;
    let feed = kit::events::page(world.database.read(), 0, 100).await.unwrap();
    let told: Vec<(&str, &Value)> =
        feed.events.iter().map(|event| (event.kind.as_str(), &event.payload["id"])).collect();
    assert_eq!(told, [("review.published", &review["id"]), ("review.hidden", &review["id"])]);
    assert_eq!(feed.events[0].payload["subjectId"], json!(product));
    assert_eq!(feed.events[0].payload["authorId"], json!(ada));
    world.assert_counters().await;
}
