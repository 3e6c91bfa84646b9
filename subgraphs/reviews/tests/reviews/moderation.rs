//! Automatic rules, moderators' decisions, and that stars steer neither.

use kit::Caller;
use kit::id::UserId;
use serde_json::{Value, json};

use crate::world::{World, codes, customer, moderator};

const MODERATE: &str = "mutation($id: ID!, $decision: ModerationInput!) { reviewModerate(id: $id, decision: $decision) {
    review { id status version body } errors { __typename ... on UserError { code path } } } }";

const UPDATE: &str =
    "mutation($id: ID!, $input: ReviewUpdateInput!) { reviewUpdate(id: $id, input: $input) {
    review { status version body rating } errors { __typename ... on UserError { code } } } }";

const OWN_VIEW: &str = "query($id: ID!) { review(id: $id) { status version body rating
    moderation { status reason note automatic decidedAt } } }";

const ADVERT: &str = "Buy at http://a.example and http://b.example";

async fn moderate(world: &World, id: &Value, decision: Value) -> Value {
    let variables = json!({ "id": id, "decision": decision });
    world.data(moderator(), MODERATE, variables).await["reviewModerate"].clone()
}

async fn edit(world: &World, author: UserId, id: &Value, input: Value) -> Value {
    let variables = json!({ "id": id, "input": input });
    world.data(customer(author), UPDATE, variables).await["reviewUpdate"].clone()
}

async fn queue_length(world: &World) -> Value {
    let data = world.data(moderator(), "{ moderationQueue { totalCount } }", json!({})).await;
    data["moderationQueue"]["totalCount"].clone()
}

#[tokio::test]
async fn f49_the_stars_never_steer_moderation() {
    let world = World::new().await;
    let texts = [
        "A calm and ordinary opinion about a kettle that I have used for a while.",
        ADVERT,
        "THIS KETTLE IS AN UTTER FUCKING DISGRACE TO ALL KETTLES",
        "Write to me at jane@example.org about it",
    ];
    for text in texts {
        let mut decisions = Vec::new();
        for rating in 1..=5 {
            let product = world.product().await;
            let author = world.person("Somebody").await;
            let review = world.review_by(author, product, rating, text).await;
            let seen = world.data(customer(author), OWN_VIEW, json!({ "id": review["id"] })).await;
            let decision = &seen["review"]["moderation"];
            decisions.push((decision["status"].clone(), decision["reason"].clone()));
        }
        assert!(decisions.windows(2).all(|pair| pair[0] == pair[1]), "{text}: {decisions:?}");
    }
    world.assert_counters().await;
}

#[tokio::test]
async fn a_suspicious_text_waits_and_the_moderator_publishes_it() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, ADVERT).await;
    let id = &review["id"];
    assert_eq!(review["status"], "PENDING");
    let seen = world.data(customer(ada), OWN_VIEW, json!({ "id": id })).await;
    let decision = &seen["review"]["moderation"];
    assert_eq!((&decision["reason"], &decision["automatic"]), (&json!("SPAM"), &json!(true)));
    assert_eq!(decision["note"], "2 links (60)");
    assert_eq!(
        world.data(Caller::Anonymous, OWN_VIEW, json!({ "id": id })).await["review"],
        Value::Null
    );
    assert_eq!(queue_length(&world).await, 1);
    let published =
        moderate(&world, id, json!({ "status": "PUBLISHED", "expectedVersion": 1 })).await;
    assert_eq!(published["review"]["status"], "PUBLISHED", "{published}");
    assert_eq!(queue_length(&world).await, 0);
    assert_eq!(world.summary(product).await["count"], 1);
    world.assert_counters().await;
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_an_edit_is_an_appeal() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, ADVERT).await;
    let id = &review["id"];
    let without = moderate(&world, id, json!({ "status": "REJECTED", "expectedVersion": 1 })).await;
    assert_eq!(without["errors"][0]["path"], json!(["decision", "reason"]));
    let rejected = moderate(
        &world,
        id,
        json!({ "status": "REJECTED", "reason": "SPAM", "note": "Links", "expectedVersion": 1 }),
    )
    .await;
    assert_eq!(rejected["review"]["status"], "REJECTED");
    let again = moderate(&world, id, json!({ "status": "PUBLISHED", "expectedVersion": 2 })).await;
    assert_eq!(again["errors"][0]["code"], "INVALID_STATE");
    let appeal =
        edit(&world, ada, id, json!({ "body": "A good kettle.", "expectedVersion": 2 })).await;
    assert_eq!(appeal["review"]["status"], "PENDING", "{appeal}");
    assert_eq!(queue_length(&world).await, 1);
    let published =
        moderate(&world, id, json!({ "status": "PUBLISHED", "expectedVersion": 3 })).await;
    assert_eq!(published["review"]["status"], "PUBLISHED");
    world.assert_counters().await;
}

#[tokio::test]
async fn of_a_suspicious_edit_the_old_text_stays_visible_until_it_is_decided() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 4, "A good kettle.").await;
    let id = &review["id"];
    let waiting =
        edit(&world, ada, id, json!({ "body": ADVERT, "rating": 5, "expectedVersion": 1 })).await;
    assert_eq!(waiting["review"]["body"], "A good kettle.");
    assert_eq!(
        (&waiting["review"]["rating"], &waiting["review"]["version"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(world.summary(product).await["average"], 4.0);
    assert_eq!(queue_length(&world).await, 1);
    let dropped = moderate(
        &world,
        id,
        json!({ "status": "REJECTED", "reason": "SPAM", "expectedVersion": 2 }),
    )
    .await;
    assert_eq!(
        (&dropped["review"]["status"], &dropped["review"]["body"]),
        (&json!("PUBLISHED"), &json!("A good kettle."))
    );
    assert_eq!(queue_length(&world).await, 0);
    edit(&world, ada, id, json!({ "body": ADVERT, "rating": 5, "expectedVersion": 3 })).await;
    let accepted =
        moderate(&world, id, json!({ "status": "PUBLISHED", "expectedVersion": 4 })).await;
    assert_eq!(accepted["review"]["body"], ADVERT);
    assert_eq!(world.summary(product).await["average"], 5.0);
    world.assert_counters().await;
}

#[tokio::test]
async fn a_pending_review_that_is_cleaned_up_is_published() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, ADVERT).await;
    let edited =
        edit(&world, ada, &review["id"], json!({ "body": "A good kettle.", "expectedVersion": 1 }))
            .await;
    assert_eq!(edited["review"]["status"], "PUBLISHED");
    assert_eq!(queue_length(&world).await, 0);
    world.assert_counters().await;
}

#[tokio::test]
async fn moderation_is_for_moderators_and_only_moves_that_exist() {
    let world = World::new().await;
    let (ada, product) = (world.person("Ada").await, world.product().await);
    let review = world.review_by(ada, product, 5, "Good.").await;
    let decision = json!({ "status": "HIDDEN", "expectedVersion": 1 });
    let refused = world
        .run(customer(ada), MODERATE, json!({ "id": review["id"], "decision": decision }))
        .await;
    assert_eq!(codes(&refused), ["FORBIDDEN"]);
    let queue = world.run(customer(ada), "{ moderationQueue { totalCount } }", json!({})).await;
    assert_eq!(codes(&queue), ["FORBIDDEN"]);
    let stale =
        moderate(&world, &review["id"], json!({ "status": "HIDDEN", "expectedVersion": 7 })).await;
    assert_eq!(stale["errors"][0]["code"], "CONFLICT");
    let pending =
        moderate(&world, &review["id"], json!({ "status": "PENDING", "expectedVersion": 1 })).await;
    assert_eq!(pending["errors"][0]["path"], json!(["decision", "status"]));
    let again =
        moderate(&world, &review["id"], json!({ "status": "PUBLISHED", "expectedVersion": 1 }))
            .await;
    assert_eq!(again["errors"][0]["code"], "INVALID_STATE");
    world.assert_counters().await;
}

#[tokio::test]
async fn the_sixth_author_of_the_same_text_waits() {
    let world = World::new().await;
    let text = "This kettle has changed my life and I recommend it to all my friends and family.";
    for copy in 1..=6 {
        let product = world.product().await;
        // Small changes do not make a new text.
        let varied =
            if copy % 2 == 0 { text.to_uppercase().to_lowercase() } else { text.replace('.', "!") };
        let review = world.review(product, 5, &varied).await;
        let expected = if copy <= 5 { "PUBLISHED" } else { "PENDING" };
        assert_eq!(review["status"], expected, "copy {copy}");
    }
    world.assert_counters().await;
}

#[tokio::test]
async fn private_fields_are_for_author_and_moderators() {
    let world = World::new().await;
    let (ada, bob, product) =
        (world.person("Ada").await, world.person("Bob").await, world.product().await);
    let review = world.review_by(ada, product, 5, "Good.").await;
    for field in
        ["revisions { edges { cursor } }", "moderation { status }", "confirmationEmail { id }"]
    {
        let representation = json!({ "__typename": "Review", "id": review["id"] });
        let query = format!(
            "query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Review {{ rating {field} }} }} }}"
        );
        let variables = json!({ "r": [representation] });
        for (caller, code) in [(Caller::Anonymous, "UNAUTHENTICATED"), (customer(bob), "FORBIDDEN")]
        {
            let answer = world.run(caller, &query, variables.clone()).await;
            assert_eq!(codes(&answer), [code], "{field}");
            assert_eq!(answer["data"]["_entities"][0]["rating"], 5, "the rest survives: {answer}");
        }
        for caller in [customer(ada), moderator()] {
            world.data(caller, &query, variables.clone()).await;
        }
    }
    world.assert_counters().await;
}
