//! Refresh tokens: rotation, lost answers, theft.

use std::time::Duration;

use kit::{Caller, id::SessionId};
use serde_json::{Value, json};

use crate::world::{PASSWORD, REFRESH, World, claims, codes};

async fn refresh(world: &World, token: &str) -> Value {
    let data = world.data(&Caller::Anonymous, REFRESH, json!({ "token": token })).await;
    data["sessionRefresh"].clone()
}

fn successor(payload: &Value) -> String {
    payload["tokens"]["refreshToken"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
}

#[tokio::test]
async fn each_refresh_gives_the_next_token_and_the_session_goes_on() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let mut token = person.refresh_token;
    for _ in 0..5 {
        world.clock.advance(Duration::from_mins(4));
        let next = refresh(&world, &token).await;
        let access = next["tokens"]["accessToken"].as_str().unwrap();
        assert_eq!(claims(access)["sid"], claims(&person.access_token)["sid"]);
        assert_ne!(successor(&next), token);
        token = successor(&next);
    }
}

#[tokio::test]
async fn f21_a_lost_answer_can_be_asked_for_again_within_30_seconds() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let first = refresh(&world, &person.refresh_token).await;
    world.clock.advance(Duration::from_secs(30));
    let again = refresh(&world, &person.refresh_token).await;
    assert_eq!(successor(&first), successor(&again));
    assert_eq!(codes(&refresh(&world, &successor(&again)).await), [] as [&str; 0]);
}

#[tokio::test]
async fn f20_an_old_token_after_30_seconds_is_theft_and_ends_the_session_for_both() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let stolen = refresh(&world, &person.refresh_token).await;
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(codes(&refresh(&world, &person.refresh_token).await), ["TOKEN_REUSED"]);
    assert_eq!(codes(&refresh(&world, &successor(&stolen)).await), ["TOKEN_INVALID"]);
    assert_eq!(codes(&refresh(&world, &person.refresh_token).await), ["TOKEN_INVALID"]);
    let mails = world.mails(&person.email).await;
    assert_eq!(mails.iter().filter(|mail| mail.template == "token_reuse").count(), 1);
    let person = world.session(&person.email, PASSWORD).await;
    let query = "{ me { account { securityEvents(first: 3) { edges { node { kind } } } } } }";
    let data = world.data(&person.caller, query, json!({})).await;
    assert_eq!(
        data["me"]["account"]["securityEvents"]["edges"][1]["node"]["kind"],
        "TOKEN_REUSE_DETECTED"
    );
}

#[tokio::test]
async fn an_old_token_is_theft_at_once_when_its_successor_has_been_used() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let second = successor(&refresh(&world, &person.refresh_token).await);
    refresh(&world, &second).await;
    assert_eq!(codes(&refresh(&world, &person.refresh_token).await), ["TOKEN_REUSED"]);
    assert_eq!(codes(&refresh(&world, &second).await), ["TOKEN_INVALID"]);
}

#[tokio::test]
async fn an_old_token_is_theft_at_once_when_the_new_access_token_has_been_used() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let next = refresh(&world, &person.refresh_token).await;
    let access = claims(next["tokens"]["accessToken"].as_str().unwrap());
    let session = SessionId::parse(access["sid"].as_str().unwrap()).unwrap();
    let generation = access["gen"].as_i64().unwrap();
    world.identity.saw_access_token(session, generation).await.unwrap();
    assert_eq!(codes(&refresh(&world, &person.refresh_token).await), ["TOKEN_REUSED"]);
}

#[tokio::test]
async fn f21_fifty_parallel_refreshes_take_one_step() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let answers =
        futures::future::join_all((0..50).map(|_| refresh(&world, &person.refresh_token))).await;
    let first = successor(&answers[0]);
    assert!(answers.iter().all(|answer| successor(answer) == first));
    assert_eq!(claims(answers[0]["tokens"]["accessToken"].as_str().unwrap())["gen"], 1);
    assert_eq!(codes(&refresh(&world, &first).await), [] as [&str; 0]);
}

#[tokio::test]
async fn forged_and_malformed_tokens_change_nothing() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let forged = person.refresh_token.replace(".0.", ".1.");
    let long = "r".repeat(100_000);
    for token in ["", "rt_x.0.y", &forged, &person.access_token, &long] {
        assert_eq!(codes(&refresh(&world, token).await), ["TOKEN_INVALID"]);
    }
    assert_eq!(codes(&refresh(&world, &person.refresh_token).await), [] as [&str; 0]);
}

#[tokio::test]
async fn sessions_idle_for_7_days_and_sessions_of_30_days_end() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let mut token = person.refresh_token;
    for _ in 0..4 {
        world.clock.advance(Duration::from_hours(24 * 7 - 1));
        let next = refresh(&world, &token).await;
        let left = next["tokens"]["refreshExpiresIn"].as_i64().unwrap();
        assert!(left <= 7 * 24 * 3600 && left > 0);
        token = successor(&next);
    }
    world.clock.advance(Duration::from_hours(24 * 3));
    assert_eq!(codes(&refresh(&world, &token).await), ["TOKEN_INVALID"], "30 days");

    let person = world.session(&person.email, PASSWORD).await;
    world.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(codes(&refresh(&world, &person.refresh_token).await), ["TOKEN_INVALID"], "idle");
}

#[tokio::test]
async fn replicas_hand_out_the_same_successor() {
    let world = World::new().await;
    let twin = world.twin().await;
    let person = world.person("ada@example.org").await;
    let (one, two) =
        tokio::join!(refresh(&world, &person.refresh_token), refresh(&twin, &person.refresh_token));
    assert_eq!(successor(&one), successor(&two));
}
