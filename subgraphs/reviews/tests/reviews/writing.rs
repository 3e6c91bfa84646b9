//! Writing, changing and deleting reviews.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kit::Caller;
use kit::id::{ProductId, UserId};
use reviews::config::Rules;
use serde_json::{Value, json};

use crate::world::{CREATE, NOW, World, codes, customer, generous};

const UPDATE: &str =
    "mutation($id: ID!, $input: ReviewUpdateInput!) { reviewUpdate(id: $id, input: $input) {
    review { id rating title body status version editedAt }
    errors { __typename ... on UserError { code path } } } }";

const DELETE: &str = "mutation($id: ID!) { reviewDelete(id: $id) {
    deletedId errors { __typename ... on UserError { code } } } }";

async fn update(world: &World, author: UserId, id: &Value, input: Value) -> Value {
    let variables = json!({ "id": id, "input": input });
    world.data(customer(author), UPDATE, variables).await["reviewUpdate"].clone()
}

async fn eligibility(
    world: &World,
    caller: Caller,
    product: ProductId,
    bought: Option<bool>,
) -> Value {
    let representation =
        json!({ "__typename": "Product", "id": product, "viewerHasPurchased": bought });
    let selection = "... on Product { viewerReviewEligibility { allowed reason } }";
    world.entities(caller, &[representation], selection).await[0]["viewerReviewEligibility"].clone()
}

#[tokio::test]
async fn a_buyer_writes_a_review_that_is_shown_at_once() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    world.buys(ada, product).await;
    let payload = world.create(ada, json!({
        "productId": product, "rating": 4, "title": "  Good\u{202E} ", "body": "Boils <b>fast</b>.\u{0}",
    })).await;
    assert_eq!(payload["errors"], json!([]));
    let review = &payload["review"];
    assert_eq!(review["title"], "Good");
    assert_eq!(review["body"], "Boils <b>fast</b>.");
    assert_eq!(review["status"], "PUBLISHED");
    assert_eq!(review["verifiedPurchase"], true);
    assert_eq!(review["version"], 1);
    assert_eq!(review["locale"], "en");
    assert_eq!(review["author"]["displayName"], "Ada");
    let summary = world.summary(product).await;
    assert_eq!((&summary["count"], &summary["verifiedCount"]), (&json!(1), &json!(1)));
    assert_eq!(summary["average"], 4.0);
    world.assert_counters().await;
}

#[tokio::test]
async fn bad_input_is_named_and_nothing_is_written() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    world.buys(ada, product).await;
    let ride = world.ride(ada, world.seller).await;
    let missing = ProductId::new(NOW);
    let cases = [
        (
            json!({ "productId": product, "rating": 0 }),
            "InvalidInputError",
            json!(["input", "rating"]),
        ),
        (
            json!({ "productId": product, "rating": 6 }),
            "InvalidInputError",
            json!(["input", "rating"]),
        ),
        (json!({ "rating": 3 }), "InvalidInputError", json!(["input"])),
        (
            json!({ "productId": product, "rideId": ride, "rating": 3 }),
            "InvalidInputError",
            json!(["input"]),
        ),
        (
            json!({ "productId": product, "rating": 3, "title": "x".repeat(121) }),
            "InvalidInputError",
            json!(["input", "title"]),
        ),
        (
            json!({ "productId": product, "rating": 3, "body": "x".repeat(5001) }),
            "InvalidInputError",
            json!(["input", "body"]),
        ),
        (
            json!({ "productId": product, "rating": 3, "idempotencyKey": "" }),
            "InvalidInputError",
            json!(["input", "idempotencyKey"]),
        ),
        (
            json!({ "productId": "prd_x", "rating": 3 }),
            "NotFoundError",
            json!(["input", "productId"]),
        ),
        (
            json!({ "productId": missing, "rating": 3 }),
            "NotFoundError",
            json!(["input", "productId"]),
        ),
        (
            json!({ "productId": product, "rating": 3, "body": "card 4242 4242 4242 4242" }),
            "ContentRejectedError",
            json!(["input", "body"]),
        ),
    ];
    for (input, error, path) in cases {
        let payload = world.create(ada, input.clone()).await;
        assert_eq!(payload["review"], Value::Null, "{input}");
        assert_eq!(payload["errors"][0]["__typename"], error, "{input}: {payload}");
        assert_eq!(payload["errors"][0]["path"], path, "{input}");
    }
    assert_eq!(world.summary(product).await["count"], 0);
    world.assert_counters().await;
}

#[tokio::test]
async fn only_buyers_may_review_and_not_their_own_things() {
    let world = World::new().await;
    let (bob, product) = (world.person("Bob").await, world.product().await);
    let input = json!({ "productId": product, "rating": 5 });
    let refused = world.create(bob, input.clone()).await;
    assert_eq!(refused["errors"][0]["reason"], "NOT_PURCHASED", "{refused}");
    let own = world.create(world.seller, input.clone()).await;
    assert_eq!(own["errors"][0]["reason"], "OWN_LISTING");
    world.buys(bob, product).await;
    world
        .user_event(
            "user.suspended",
            json!({ "id": bob, "displayName": "Bob", "status": "SUSPENDED" }),
        )
        .await;
    let suspended = world.create(bob, input).await;
    assert_eq!(suspended["errors"][0]["reason"], "SUSPENDED");
    assert_eq!(world.summary(product).await["count"], 0);
    world.assert_counters().await;
}

#[tokio::test]
async fn writing_needs_a_person_with_the_scope() {
    let world = World::new().await;
    let product = world.product().await;
    let input = json!({ "input": { "productId": product, "rating": 5, "idempotencyKey": "k" } });
    let anonymous = world.run(Caller::Anonymous, CREATE, input.clone()).await;
    assert_eq!(
        (codes(&anonymous), &anonymous["data"]["reviewCreate"]),
        (vec!["UNAUTHENTICATED"], &Value::Null)
    );
    let without = world.run(kit::testing::user(world.seller, &[]), CREATE, input.clone()).await;
    assert_eq!(codes(&without), ["FORBIDDEN"]);
    let service = world.run(kit::testing::service("x", &["reviews:write"]), CREATE, input).await;
    assert_eq!(codes(&service), ["FORBIDDEN"]);
    world.assert_counters().await;
}

#[tokio::test]
async fn a_purchase_the_feed_has_not_told_yet_is_asked_of_payments() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    world.payments.bought.lock().unwrap().insert((ada, product));
    let payload = world.create(ada, json!({ "productId": product, "rating": 5 })).await;
    assert_eq!(payload["review"]["status"], "PUBLISHED", "{payload}");
    assert_eq!(payload["review"]["verifiedPurchase"], true);
    world.assert_counters().await;
}

#[tokio::test]
async fn f34_while_payments_is_down_reviews_wait_and_are_settled_later() {
    let world = World::new().await;
    let (ada, eve, product) =
        (world.person("Ada").await, world.person("Eve").await, world.product().await);
    world.payments.down.store(true, Ordering::SeqCst);
    let input = json!({ "productId": product, "rating": 2, "body": "Lid leaks." });
    let waiting = world.create(ada, input.clone()).await;
    assert_eq!(waiting["review"]["status"], "PENDING", "{waiting}");
    let fake = world.create(eve, input).await;
    assert_eq!(fake["review"]["status"], "PENDING");
    assert_eq!(world.summary(product).await["count"], 0);

    // Still down: nothing changes, and the next try comes later.
    assert_eq!(world.core.verify_due().await.unwrap(), 0);
    world.payments.down.store(false, Ordering::SeqCst);
    world.payments.bought.lock().unwrap().insert((ada, product));
    assert_eq!(world.core.verify_due().await.unwrap(), 0, "not due yet");
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(world.core.verify_due().await.unwrap(), 2);

    let query = "query($id: ID!) { review(id: $id) { status verifiedPurchase moderation { reason note automatic } } }";
    let ada_sees = world.data(customer(ada), query, json!({ "id": waiting["review"]["id"] })).await;
    assert_eq!(ada_sees["review"]["status"], "PUBLISHED");
    assert_eq!(ada_sees["review"]["verifiedPurchase"], true);
    let eve_sees = world.data(customer(eve), query, json!({ "id": fake["review"]["id"] })).await;
    assert_eq!(eve_sees["review"]["status"], "REJECTED");
    assert_eq!(eve_sees["review"]["moderation"]["note"], "no purchase of this was found");
    assert_eq!(world.summary(product).await["count"], 1);
    world.assert_counters().await;
}

#[tokio::test]
async fn f31_fifty_simultaneous_attempts_make_one_review() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    world.buys(ada, product).await;
    let attempts = (0..50).map(|attempt| {
        let world = &world;
        async move {
            let input = json!({ "productId": product, "rating": 1 + attempt % 5, "idempotencyKey": format!("a{attempt}") });
            world.create(ada, input).await
        }
    });
    let payloads = futures::future::join_all(attempts).await;
    let made: Vec<&Value> =
        payloads.iter().filter(|payload| !payload["review"].is_null()).collect();
    assert_eq!(made.len(), 1);
    for payload in payloads.iter().filter(|payload| payload["review"].is_null()) {
        assert_eq!(payload["errors"][0]["__typename"], "DuplicateReviewError", "{payload}");
        assert_eq!(payload["errors"][0]["existing"]["id"], made[0]["review"]["id"]);
    }
    assert_eq!(world.summary(product).await["count"], 1);
    world.assert_counters().await;
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    world.buys(ada, product).await;
    let input = json!({ "productId": product, "rating": 5, "idempotencyKey": "same" });
    let first = world.create(ada, input.clone()).await;
    let second = world.create(ada, input).await;
    assert_eq!(first, second);
    let other = json!({ "productId": product, "rating": 1, "idempotencyKey": "same" });
    let reused = world.create(ada, other).await;
    assert_eq!(reused["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(reused["errors"][0]["__typename"], "ConflictError");
    assert_eq!(world.summary(product).await["count"], 1);
    world.assert_counters().await;
}

#[tokio::test]
async fn five_reviews_a_day() {
    let world = World::with_rules(Rules { reviews_per_day: 5, ..generous() }).await;
    let ada = world.person("Ada").await;
    for _ in 0..5 {
        let product = world.product().await;
        world.review_by(ada, product, 4, "Fine.").await;
    }
    let product = world.product().await;
    world.buys(ada, product).await;
    let payload = world.create(ada, json!({ "productId": product, "rating": 4 })).await;
    assert_eq!(payload["errors"][0]["__typename"], "RateLimitedError");
    assert!(payload["errors"][0]["retryAfterSeconds"].as_i64().unwrap() > 0);
    assert_eq!(world.summary(product).await["count"], 0);
    world.clock.advance(Duration::from_hours(24));
    let payload = world.create(ada, json!({ "productId": product, "rating": 4 })).await;
    assert_eq!(payload["errors"], json!([]));
    world.assert_counters().await;
}

#[tokio::test]
async fn eligibility_says_why_not() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let reason = |answer: Value| answer["reason"].as_str().map(str::to_owned);
    let ask = |caller, bought| eligibility(&world, caller, product, bought);
    assert_eq!(reason(ask(Caller::Anonymous, None).await).unwrap(), "NOT_AUTHENTICATED");
    assert_eq!(reason(ask(customer(ada), Some(false)).await).unwrap(), "NOT_PURCHASED");
    assert_eq!(reason(ask(customer(ada), None).await).unwrap(), "PURCHASE_CHECK_UNAVAILABLE");
    assert_eq!(ask(customer(ada), Some(true)).await, json!({ "allowed": true, "reason": null }));
    assert_eq!(reason(ask(customer(world.seller), Some(true)).await).unwrap(), "OWN_LISTING");
    world.review_by(ada, product, 5, "Good.").await;
    assert_eq!(reason(ask(customer(ada), Some(true)).await).unwrap(), "ALREADY_REVIEWED");
    world.user_event("user.suspended", json!({ "id": ada, "displayName": "Ada" })).await;
    assert_eq!(reason(ask(customer(ada), Some(true)).await).unwrap(), "SUSPENDED");
    world.assert_counters().await;
}

#[tokio::test]
async fn an_edit_needs_the_current_version_and_keeps_the_history() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 2, "Meh.").await;
    let id = &review["id"];
    let edited = update(
        &world,
        ada,
        id,
        json!({ "rating": 5, "title": "Better now", "expectedVersion": 1 }),
    )
    .await;
    assert_eq!(edited["review"]["version"], 2, "{edited}");
    assert_eq!(
        (&edited["review"]["rating"], &edited["review"]["body"]),
        (&json!(5), &json!("Meh."))
    );
    assert!(!edited["review"]["editedAt"].is_null());
    let stale = update(&world, ada, id, json!({ "rating": 1, "expectedVersion": 1 })).await;
    assert_eq!(stale["errors"][0]["code"], "CONFLICT");
    assert_eq!(stale["errors"][0]["__typename"], "ConflictError");
    let nothing = update(&world, ada, id, json!({ "rating": 5, "expectedVersion": 2 })).await;
    assert_eq!(nothing["review"]["version"], 2, "nothing changed, no new version");
    let removed = update(&world, ada, id, json!({ "title": null, "expectedVersion": 2 })).await;
    assert_eq!(removed["review"]["title"], Value::Null);
    assert_eq!(world.summary(product).await["average"], 5.0);

    let revisions = "query($id: ID!, $after: String) { review(id: $id) { revisions(first: 2, after: $after) {
        edges { cursor node { version rating title body } } pageInfo { hasNextPage endCursor } } } }";
    let first = world.data(customer(ada), revisions, json!({ "id": id })).await;
    let page = &first["review"]["revisions"];
    let versions: Vec<&Value> =
        page["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]["version"]).collect();
    assert_eq!(versions, [&json!(1), &json!(2)]);
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let next = world
        .data(customer(ada), revisions, json!({ "id": id, "after": page["pageInfo"]["endCursor"] }))
        .await;
    assert_eq!(next["review"]["revisions"]["edges"][0]["node"]["version"], 3);
    world.assert_counters().await;
}

#[tokio::test]
async fn parallel_edits_of_one_version_have_one_winner() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 3, "Fine.").await;
    let edits = (0..8).map(|edit| {
        update(
            &world,
            ada,
            &review["id"],
            json!({ "body": format!("Edit {edit}"), "expectedVersion": 1 }),
        )
    });
    let payloads = futures::future::join_all(edits).await;
    assert_eq!(payloads.iter().filter(|payload| payload["errors"] == json!([])).count(), 1);
    assert!(
        payloads
            .iter()
            .filter(|p| p["review"].is_null())
            .all(|p| p["errors"][0]["code"] == "CONFLICT")
    );
    world.assert_counters().await;
}

#[tokio::test]
async fn the_eleventh_edit_is_refused() {
    let world = World::with_rules(Rules { max_edits: 10, ..generous() }).await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 3, "Fine.").await;
    for version in 1..=10 {
        let edited = update(
            &world,
            ada,
            &review["id"],
            json!({ "body": format!("Edit {version}"), "expectedVersion": version }),
        )
        .await;
        assert_eq!(edited["errors"], json!([]));
    }
    let refused =
        update(&world, ada, &review["id"], json!({ "body": "Once more", "expectedVersion": 11 }))
            .await;
    assert_eq!(refused["errors"][0]["code"], "EDIT_LIMIT_REACHED");
    world.assert_counters().await;
}

#[tokio::test]
async fn only_the_author_changes_a_review() {
    let world = World::new().await;
    let (bob, product) = (world.person("Bob").await, world.product().await);
    let review = world.review(product, 3, "Fine.").await;
    let variables = json!({ "id": review["id"], "input": { "rating": 1, "expectedVersion": 1 } });
    let edit = world.run(customer(bob), UPDATE, variables).await;
    assert_eq!((codes(&edit), &edit["data"]["reviewUpdate"]), (vec!["FORBIDDEN"], &Value::Null));
    let delete = world.run(customer(bob), DELETE, json!({ "id": review["id"] })).await;
    assert_eq!(codes(&delete), ["FORBIDDEN"]);
    let unknown = world.data(customer(bob), DELETE, json!({ "id": product })).await;
    assert_eq!(unknown["reviewDelete"]["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(world.summary(product).await["average"], 3.0);
    world.assert_counters().await;
}

#[tokio::test]
async fn after_deleting_one_may_write_again() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 1, "Broken.").await;
    let deleted = world.data(customer(ada), DELETE, json!({ "id": review["id"] })).await;
    assert_eq!(deleted["reviewDelete"]["deletedId"], review["id"]);
    assert_eq!(world.summary(product).await["count"], 0);
    let query = "query($id: ID!) { review(id: $id) { id } }";
    let gone = world.data(customer(ada), query, json!({ "id": review["id"] })).await;
    assert_eq!(gone["review"], Value::Null);
    let again = world.data(customer(ada), DELETE, json!({ "id": review["id"] })).await;
    assert_eq!(again["reviewDelete"]["errors"][0]["code"], "NOT_FOUND");
    let second = world.review_by(ada, product, 5, "Replaced, works.").await;
    assert_ne!(second["id"], review["id"]);
    assert_eq!(world.summary(product).await["average"], 5.0);
    world.assert_counters().await;
}

#[tokio::test]
async fn rides_are_reviewed_by_their_rider_within_thirty_days() {
    let world = World::new().await;
    let (rider, driver, other) =
        (world.person("Rider").await, world.person("Driver").await, world.person("Other").await);
    let ride = world.ride(rider, driver).await;
    let input = json!({ "rideId": ride, "rating": 5, "body": "Smooth." });
    assert_eq!(world.create(other, input.clone()).await["errors"][0]["reason"], "NOT_PURCHASED");
    assert_eq!(world.create(driver, input.clone()).await["errors"][0]["reason"], "OWN_LISTING");
    assert_eq!(world.create(rider, input.clone()).await["review"]["status"], "PUBLISHED");
    let late = world.ride(rider, driver).await;
    world.clock.advance(Duration::from_hours(31 * 24));
    let input = json!({ "rideId": late, "rating": 5 });
    assert_eq!(world.create(rider, input).await["errors"][0]["reason"], "NOT_PURCHASED");
    world.assert_counters().await;
}

#[tokio::test]
async fn a_later_refund_does_not_take_the_badge() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 1, "Sent back.").await;
    world.payment_event("order.refunded", json!({
        "userId": ada, "orderId": kit::id::OrderId::new(NOW), "productIds": [product], "refundedAt": NOW.0
    })).await;
    let query = "query($id: ID!) { review(id: $id) { verifiedPurchase } }";
    let seen = world.data(Caller::Anonymous, query, json!({ "id": review["id"] })).await;
    assert_eq!(seen["review"]["verifiedPurchase"], true);
    world.assert_counters().await;
}

#[tokio::test]
async fn the_author_is_told_by_mail_and_sees_its_state() {
    let world = World::new().await;
    let (ada, bob, product) =
        (world.person("Ada").await, world.person("Bob").await, world.product().await);
    let review = world.review_by(ada, product, 4, "Good.").await;
    let query =
        "query($id: ID!) { review(id: $id) { confirmationEmail { template status attempts } } }";
    let variables = json!({ "id": review["id"] });
    let mine = world.data(customer(ada), query, variables.clone()).await;
    assert_eq!(
        mine["review"]["confirmationEmail"],
        json!({ "template": "review_received", "status": "QUEUED", "attempts": 0 })
    );
    let theirs = world.run(customer(bob), query, variables).await;
    assert_eq!(
        (codes(&theirs), &theirs["data"]["review"]["confirmationEmail"]),
        (vec!["FORBIDDEN"], &Value::Null)
    );
    world.assert_counters().await;
}
