//! Votes, reports and replies.

use std::time::Duration;

use kit::Caller;
use kit::id::{ReviewId, UserId};
use reviews::config::Rules;
use serde_json::{Value, json};

use crate::world::{NOW, World, codes, customer, generous, moderator};

const VOTE: &str = "mutation($id: ID!, $vote: VoteKind) { reviewVote(id: $id, vote: $vote) {
    review { helpfulCount unhelpfulCount helpfulnessScore viewerVote }
    errors { __typename ... on UserError { code } } } }";

const REPORT: &str = "mutation($id: ID!) { reviewReport(id: $id, reason: SPAM, note: \"advert\") {
    accepted errors { __typename ... on UserError { code } } } }";

const REPLY: &str = "mutation($id: ID!, $body: String) { reviewReply(id: $id, body: $body) {
    review { reply { id body editedAt author { id displayName } } }
    errors { __typename ... on UserError { code } ... on ContentRejectedError { reason } } } }";

const STATUS: &str = "query($id: ID!) { review(id: $id) { status version reply { body } } }";

async fn vote(world: &World, voter: UserId, id: &Value, vote: Value) -> Value {
    let variables = json!({ "id": id, "vote": vote });
    world.data(customer(voter), VOTE, variables).await["reviewVote"].clone()
}

#[tokio::test]
async fn f33_one_vote_per_person_changed_and_withdrawn() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review(product, 4, "Good.").await;
    let first = vote(&world, ada, &review["id"], json!("HELPFUL")).await;
    assert_eq!(first["review"]["helpfulCount"], 1);
    assert_eq!(first["review"]["viewerVote"], "HELPFUL");
    assert!((first["review"]["helpfulnessScore"].as_f64().unwrap() - 0.2065).abs() < 0.001);
    let again = vote(&world, ada, &review["id"], json!("HELPFUL")).await;
    assert_eq!(again["review"]["helpfulCount"], 1);
    let changed = vote(&world, ada, &review["id"], json!("UNHELPFUL")).await;
    assert_eq!(
        (&changed["review"]["helpfulCount"], &changed["review"]["unhelpfulCount"]),
        (&json!(0), &json!(1))
    );
    let withdrawn = vote(&world, ada, &review["id"], Value::Null).await;
    assert_eq!(
        (&withdrawn["review"]["unhelpfulCount"], &withdrawn["review"]["viewerVote"]),
        (&json!(0), &Value::Null)
    );
    world.assert_counters().await;
}

#[tokio::test]
async fn votes_of_many_people_at_once_all_count() {
    let world = World::new().await;
    let product = world.product().await;
    let review = world.review(product, 4, "Good.").await;
    let votes = (0..40).map(|at| {
        let (world, review) = (&world, &review);
        async move {
            let kind = if at % 4 == 0 { "UNHELPFUL" } else { "HELPFUL" };
            vote(world, UserId::new(NOW), &review["id"], json!(kind)).await
        }
    });
    futures::future::join_all(votes).await;
    let seen = world
        .data(
            Caller::Anonymous,
            "query($id: ID!) { review(id: $id) { helpfulCount unhelpfulCount } }",
            json!({ "id": review["id"] }),
        )
        .await;
    assert_eq!(seen["review"], json!({ "helpfulCount": 30, "unhelpfulCount": 10 }));
    world.assert_counters().await;
}

#[tokio::test]
async fn f33_no_votes_on_ones_own_unknown_or_hidden_reviews() {
    let world = World::new().await;
    let (ada, bob, product) =
        (world.person("Ada").await, world.person("Bob").await, world.product().await);
    let review = world.review_by(ada, product, 4, "Good.").await;
    let own = vote(&world, ada, &review["id"], json!("HELPFUL")).await;
    assert_eq!(own["errors"], json!([{ "__typename": "SelfVoteError", "code": "SELF_VOTE" }]));
    let unknown = vote(&world, bob, &json!(ReviewId::new(NOW)), json!("HELPFUL")).await;
    assert_eq!(unknown["errors"][0]["code"], "NOT_FOUND");
    hide(&world, &review["id"], 1).await;
    let hidden = vote(&world, bob, &review["id"], json!("HELPFUL")).await;
    assert_eq!(hidden["errors"][0]["code"], "NOT_FOUND");
    world.assert_counters().await;
}

#[tokio::test]
async fn thirty_votes_a_minute() {
    let world = World::with_rules(Rules { votes_per_minute: 30, ..generous() }).await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review(product, 4, "Good.").await;
    for at in 0..30 {
        let kind = if at % 2 == 0 { "HELPFUL" } else { "UNHELPFUL" };
        assert_eq!(vote(&world, ada, &review["id"], json!(kind)).await["errors"], json!([]));
    }
    let refused = vote(&world, ada, &review["id"], Value::Null).await;
    assert_eq!(refused["errors"][0]["code"], "RATE_LIMITED");
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(vote(&world, ada, &review["id"], Value::Null).await["errors"], json!([]));
    world.assert_counters().await;
}

async fn hide(world: &World, id: &Value, version: i32) {
    let query = "mutation($id: ID!, $version: Int!) { reviewModerate(id: $id, decision: { status: HIDDEN, reason: SPAM, expectedVersion: $version }) { review { status } errors { __typename } } }";
    let data = world.data(moderator(), query, json!({ "id": id, "version": version })).await;
    assert_eq!(data["reviewModerate"]["review"]["status"], "HIDDEN", "{data}");
}

async fn report(world: &World, reporter: UserId, id: &Value) -> Value {
    world.data(customer(reporter), REPORT, json!({ "id": id })).await["reviewReport"].clone()
}

#[tokio::test]
async fn three_reporters_hide_a_review_until_a_moderator_restores_it() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 1, "Do not buy.").await;
    let id = &review["id"];
    assert_eq!(report(&world, ada, id).await["errors"][0]["code"], "OWN_REVIEW");
    let reporters = [world.person("R1").await, world.person("R2").await, world.person("R3").await];
    assert_eq!(report(&world, reporters[0], id).await, json!({ "accepted": true, "errors": [] }));
    let twice = report(&world, reporters[0], id).await;
    assert_eq!(
        (&twice["accepted"], &twice["errors"][0]["code"]),
        (&json!(false), &json!("ALREADY_REPORTED"))
    );
    report(&world, reporters[1], id).await;
    assert_eq!(world.summary(product).await["count"], 1);
    report(&world, reporters[2], id).await;
    assert_eq!(world.summary(product).await["count"], 0);
    assert_eq!(
        world.data(Caller::Anonymous, STATUS, json!({ "id": id })).await["review"],
        Value::Null
    );

    let queue = world
        .data(
            moderator(),
            "{ moderationQueue { totalCount edges { node { id status version } } } }",
            json!({}),
        )
        .await;
    assert_eq!(queue["moderationQueue"]["totalCount"], 1);
    let queued = &queue["moderationQueue"]["edges"][0]["node"];
    assert_eq!((&queued["id"], &queued["status"]), (id, &json!("HIDDEN")));
    let restore = "mutation($id: ID!, $version: Int!) { reviewModerate(id: $id, decision: { status: PUBLISHED, expectedVersion: $version }) { review { status } errors { __typename } } }";
    world.data(moderator(), restore, json!({ "id": id, "version": queued["version"] })).await;
    assert_eq!(world.summary(product).await["count"], 1);
    // The dismissed reports do not count again.
    report(&world, world.person("R4").await, id).await;
    assert_eq!(world.summary(product).await["count"], 1);
    world.assert_counters().await;
}

#[tokio::test]
async fn reports_of_brand_new_accounts_can_be_made_to_weigh_half() {
    let young_account = kit::settings::Period(Duration::from_hours(24));
    let world = World::with_rules(Rules { young_account, ..generous() }).await;
    let product = world.product().await;
    let review = world.review(product, 1, "Do not buy.").await;
    for reporter in 1..=6 {
        assert_eq!(world.summary(product).await["count"], 1, "before reporter {reporter}");
        report(&world, UserId::new(NOW), &review["id"]).await;
    }
    assert_eq!(world.summary(product).await["count"], 0);
    world.assert_counters().await;
}

#[tokio::test]
async fn twenty_reports_a_day() {
    let world = World::with_rules(Rules { reports_per_day: 20, ..generous() }).await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    for _ in 0..20 {
        let review = world.review(product, 3, "Fine.").await;
        assert_eq!(report(&world, ada, &review["id"]).await["accepted"], true);
    }
    let review = world.review(product, 3, "Fine.").await;
    assert_eq!(report(&world, ada, &review["id"]).await["errors"][0]["code"], "RATE_LIMITED");
    world.assert_counters().await;
}

#[tokio::test]
async fn the_seller_replies_changes_and_removes_the_reply() {
    let world = World::new().await;
    let (bob, product) = (world.person("Bob").await, world.product().await);
    let review = world.review(product, 2, "Handle broke.").await;
    let id = &review["id"];
    let merchant = |user| kit::testing::user(user, &["reviews:reply"]);
    let foreign = world.run(merchant(bob), REPLY, json!({ "id": id, "body": "Sorry" })).await;
    assert_eq!(codes(&foreign), ["FORBIDDEN"]);
    let replied = world
        .data(merchant(world.seller), REPLY, json!({ "id": id, "body": "We send a new one." }))
        .await;
    let reply = &replied["reviewReply"]["review"]["reply"];
    assert_eq!(
        (&reply["body"], &reply["author"]["displayName"], &reply["editedAt"]),
        (&json!("We send a new one."), &json!("The Seller"), &Value::Null)
    );
    let changed = world
        .data(merchant(world.seller), REPLY, json!({ "id": id, "body": "It is on its way." }))
        .await;
    assert_eq!(changed["reviewReply"]["review"]["reply"]["id"], reply["id"]);
    assert!(!changed["reviewReply"]["review"]["reply"]["editedAt"].is_null());
    let advert = world
        .data(
            merchant(world.seller),
            REPLY,
            json!({ "id": id, "body": "Mail me: shop@example.org" }),
        )
        .await;
    assert_eq!(advert["reviewReply"]["errors"][0]["reason"], "PERSONAL_DATA");
    world.assert_counters().await;
    let removed =
        world.data(merchant(world.seller), REPLY, json!({ "id": id, "body": null })).await;
    assert_eq!(removed["reviewReply"]["review"]["reply"], Value::Null);
    let seen = world.data(Caller::Anonymous, STATUS, json!({ "id": id })).await;
    assert_eq!(
        (&seen["review"]["reply"], &seen["review"]["version"]),
        (&Value::Null, &json!(1)),
        "a reply is no new version of the review"
    );
    world.assert_counters().await;
}
