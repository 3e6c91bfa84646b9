//! Resetting and changing passwords.

use std::time::Duration;

use kit::Caller;
use serde_json::{Value, json};

use crate::world::{OTHER_PASSWORD, PASSWORD, REFRESH, World, codes};

const REQUEST: &str = "mutation($email: String!) { passwordResetRequest(email: $email) { accepted \
     errors { __typename ... on UserError { code path } } } }";
const RESET: &str = "mutation($token: String!, $new: String!) { passwordReset(token: $token, \
     newPassword: $new) { changed errors { __typename ... on UserError { code path } } } }";
const CHANGE: &str = "mutation($old: String!, $new: String!) { passwordChange(currentPassword: \
     $old, newPassword: $new) { changed errors { __typename ... on UserError { code path } } } }";

async fn link(world: &World, email: &str) -> String {
    world.data(&Caller::Anonymous, REQUEST, json!({ "email": email })).await;
    world.last_mail(email, "password_reset").await.token()
}

async fn reset(world: &World, token: &str, new: &str) -> Value {
    let variables = json!({ "token": token, "new": new });
    world.data(&Caller::Anonymous, RESET, variables).await["passwordReset"].clone()
}

async fn change(world: &World, caller: &Caller, old: &str, new: &str) -> Value {
    let variables = json!({ "old": old, "new": new });
    world.data(caller, CHANGE, variables).await["passwordChange"].clone()
}

async fn can_refresh(world: &World, token: &str) -> bool {
    let data = world.data(&Caller::Anonymous, REFRESH, json!({ "token": token })).await;
    data["sessionRefresh"]["tokens"].is_object()
}

#[tokio::test]
async fn a_reset_sets_the_password_ends_all_sessions_and_tells_the_owner() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let token = link(&world, "ada@example.org").await;
    assert_eq!(
        reset(&world, &token, OTHER_PASSWORD).await,
        json!({ "changed": true, "errors": [] })
    );
    assert!(!can_refresh(&world, &person.refresh_token).await);
    assert_eq!(codes(&world.log_in(&person.email, PASSWORD).await), ["INVALID_CREDENTIALS"]);
    assert_eq!(world.log_in(&person.email, OTHER_PASSWORD).await["errors"], json!([]));
    world.last_mail(&person.email, "password_changed").await;
    assert_eq!(codes(&reset(&world, &token, PASSWORD).await), ["TOKEN_INVALID"], "used");
}

#[tokio::test]
async fn a_reset_link_lives_30_minutes_and_only_the_newest_works() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let first = link(&world, "ada@example.org").await;
    let second = link(&world, "ada@example.org").await;
    assert_eq!(codes(&reset(&world, &first, OTHER_PASSWORD).await), ["TOKEN_INVALID"]);
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(codes(&reset(&world, &second, OTHER_PASSWORD).await), ["TOKEN_INVALID"]);
}

#[tokio::test]
async fn a_weak_new_password_leaves_the_link_alive() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let token = link(&world, "ada@example.org").await;
    let weak = reset(&world, &token, "too short").await;
    assert_eq!(codes(&weak), ["WEAK_PASSWORD"]);
    assert_eq!(weak["errors"][0]["path"], json!(["newPassword"]));
    assert_eq!(reset(&world, &token, OTHER_PASSWORD).await["changed"], true);
}

#[tokio::test]
async fn of_two_resets_with_one_link_one_wins() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let token = link(&world, "ada@example.org").await;
    let (one, two) = tokio::join!(
        reset(&world, &token, OTHER_PASSWORD),
        reset(&world, &token, "another good pass phrase")
    );
    assert_eq!([one, two].iter().filter(|it| it["changed"] == true).count(), 1);
}

#[tokio::test]
async fn three_links_an_hour() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        for _ in 0..3 {
            world.data(&Caller::Anonymous, REQUEST, json!({ "email": email })).await;
        }
        let fourth = world.data(&Caller::Anonymous, REQUEST, json!({ "email": email })).await;
        assert_eq!(codes(&fourth["passwordResetRequest"]), ["RATE_LIMITED"]);
    }
    world.clock.advance(Duration::from_hours(1));
    link(&world, "ada@example.org").await;
}

#[tokio::test]
async fn a_reset_proves_the_address_too() {
    let world = World::new().await;
    world.register("ada@example.org").await;
    let verification = world.last_mail("ada@example.org", "verify_email").await.token();
    let token = link(&world, "ada@example.org").await;
    assert_eq!(reset(&world, &token, OTHER_PASSWORD).await["changed"], true);
    assert_eq!(world.log_in("ada@example.org", OTHER_PASSWORD).await["errors"], json!([]));
    let verify = "mutation($t: String!) { userVerifyEmail(token: $t) { user { id } } }";
    let late = world.data(&Caller::Anonymous, verify, json!({ "t": verification })).await;
    assert_eq!(late["userVerifyEmail"]["user"], json!(null));
    let events = kit::events::page(world.database.read(), 0, 10).await.unwrap().events;
    assert_eq!(events.iter().filter(|event| event.kind == "user.registered").count(), 1);
}

#[tokio::test]
async fn a_change_needs_the_current_password_and_ends_the_other_sessions() {
    let world = World::new().await;
    let laptop = world.person("ada@example.org").await;
    let phone = world.session("ada@example.org", PASSWORD).await;
    let wrong = change(&world, &laptop.caller, "not the password here", OTHER_PASSWORD).await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
    assert_eq!(wrong["errors"][0]["path"], json!(["currentPassword"]));
    let weak = change(&world, &laptop.caller, PASSWORD, "aaaaaaaaaaaaaaaa").await;
    assert_eq!(codes(&weak), ["WEAK_PASSWORD"]);
    let changed = change(&world, &laptop.caller, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(changed, json!({ "changed": true, "errors": [] }));
    assert!(can_refresh(&world, &laptop.refresh_token).await);
    assert!(!can_refresh(&world, &phone.refresh_token).await);
    world.last_mail("ada@example.org", "password_changed").await;
}

#[tokio::test]
async fn a_stolen_session_is_no_oracle_for_the_password() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    for _ in 0..5 {
        let guess = change(&world, &person.caller, "guess guess guess guess", OTHER_PASSWORD).await;
        assert_eq!(codes(&guess), ["INVALID_CREDENTIALS"]);
    }
    let locked = change(&world, &person.caller, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(codes(&locked), ["RATE_LIMITED"]);
}
