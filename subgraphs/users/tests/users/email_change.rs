//! Moving an account to another address.

use std::time::Duration;

use kit::Caller;
use serde_json::{Value, json};

use crate::world::{ME, PASSWORD, REFRESH, World, codes};

const REQUEST: &str = "mutation($new: String!, $password: String!) { emailChangeRequest(newEmail: \
     $new, currentPassword: $password) { accepted errors { __typename ... on UserError { code path } } } }";
const CONFIRM: &str = "mutation($token: String!) { emailChangeConfirm(token: $token) { user { id } \
     errors { __typename ... on UserError { code } } } }";

async fn request(world: &World, caller: &Caller, new: &str, password: &str) -> Value {
    let variables = json!({ "new": new, "password": password });
    world.data(caller, REQUEST, variables).await["emailChangeRequest"].clone()
}

async fn confirm(world: &World, token: &str) -> Value {
    let data = world.data(&Caller::Anonymous, CONFIRM, json!({ "token": token })).await;
    data["emailChangeConfirm"].clone()
}

#[tokio::test]
async fn the_new_address_counts_once_it_is_confirmed() {
    let world = World::new().await;
    let person = world.person("old@example.org").await;
    let accepted = json!({ "accepted": true, "errors": [] });
    assert_eq!(request(&world, &person.caller, "New@example.org", PASSWORD).await, accepted);
    let pending = "{ me { account { email pendingEmail } } }";
    let data = world.data(&person.caller, pending, json!({})).await;
    assert_eq!(
        data["me"]["account"],
        json!({ "email": "old@example.org", "pendingEmail": "New@example.org" })
    );
    assert_eq!(world.log_in("old@example.org", PASSWORD).await["errors"], json!([]));

    let token = world.last_mail("New@example.org", "email_change_confirm").await.token();
    assert_eq!(confirm(&world, &token).await["errors"], json!([]));
    assert_eq!(codes(&confirm(&world, &token).await), ["TOKEN_INVALID"]);
    let data = world.data(&person.caller, pending, json!({})).await;
    assert_eq!(data["me"]["account"], json!({ "email": "New@example.org", "pendingEmail": null }));
    assert_eq!(world.log_in("new@example.org", PASSWORD).await["errors"], json!([]));
    assert_eq!(codes(&world.log_in("old@example.org", PASSWORD).await), ["INVALID_CREDENTIALS"]);
}

#[tokio::test]
async fn the_old_address_can_take_it_back_for_seven_days() {
    let world = World::new().await;
    let person = world.person("old@example.org").await;
    request(&world, &person.caller, "thief@example.org", PASSWORD).await;
    let token = world.last_mail("thief@example.org", "email_change_confirm").await.token();
    confirm(&world, &token).await;
    let undo = world.last_mail("old@example.org", "email_change_notice").await.token();
    world.clock.advance(Duration::from_hours(24 * 7) - Duration::from_secs(1));
    assert_eq!(confirm(&world, &undo).await["errors"], json!([]));
    assert_eq!(world.log_in("old@example.org", PASSWORD).await["errors"], json!([]));
    let refresh =
        world.data(&Caller::Anonymous, REFRESH, json!({ "token": person.refresh_token })).await;
    assert_eq!(codes(&refresh["sessionRefresh"]), ["TOKEN_INVALID"]);
    world.last_mail("old@example.org", "password_reset").await;
    assert_eq!(codes(&confirm(&world, &undo).await), ["TOKEN_INVALID"], "once");
}

#[tokio::test]
async fn a_link_lives_an_hour_and_needs_the_password() {
    let world = World::new().await;
    let person = world.person("old@example.org").await;
    let wrong = request(&world, &person.caller, "new@example.org", "wrong wrong wrong wrong").await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
    let bad = request(&world, &person.caller, "no address", PASSWORD).await;
    assert_eq!(bad["errors"][0]["path"], json!(["newEmail"]));
    assert!(world.mails("new@example.org").await.is_empty());
    request(&world, &person.caller, "new@example.org", PASSWORD).await;
    let token = world.last_mail("new@example.org", "email_change_confirm").await.token();
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(codes(&confirm(&world, &token).await), ["TOKEN_INVALID"]);
}

#[tokio::test]
async fn a_taken_address_gets_the_same_answer_and_its_owner_a_mail() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    world.person("bob@example.org").await;
    let taken = request(&world, &person.caller, "bob@example.org", PASSWORD).await;
    let free = request(&world, &person.caller, "new@example.org", PASSWORD).await;
    assert_eq!(taken, free);
    world.last_mail("bob@example.org", "already_registered").await;
    // Somebody registers the free address before the link is followed.
    let token = world.last_mail("new@example.org", "email_change_confirm").await.token();
    world.person("new@example.org").await;
    assert_eq!(codes(&confirm(&world, &token).await), ["TOKEN_INVALID"]);
    let data = world.data(&person.caller, ME, json!({})).await;
    assert_eq!(data["me"]["account"]["email"], "ada@example.org");
}
