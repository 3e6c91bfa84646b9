//! Listing and ending sessions.

use kit::{Caller, id::SessionId, testing};
use serde_json::{Value, json};

use crate::world::{ME, PASSWORD, REFRESH, World, codes};

const REVOKE: &str = "mutation($id: ID) { sessionRevoke(id: $id) { revoked \
     errors { __typename ... on UserError { code path } } } }";
const REVOKE_ALL: &str = "mutation($keep: Boolean) { sessionRevokeAll(exceptCurrent: $keep) { \
     revoked errors { __typename } } }";

async fn sessions(world: &World, caller: &Caller) -> Vec<Value> {
    let data = world.data(caller, ME, json!({})).await;
    data["me"]["account"]["sessions"].as_array().unwrap().clone()
}

async fn can_refresh(world: &World, token: &str) -> bool {
    let data = world.data(&Caller::Anonymous, REFRESH, json!({ "token": token })).await;
    data["sessionRefresh"]["tokens"].is_object()
}

#[tokio::test]
async fn one_session_can_be_ended_by_its_owner_only() {
    let world = World::new().await;
    let laptop = world.person("ada@example.org").await;
    let phone = world.session("ada@example.org", PASSWORD).await;
    let stranger = world.person("bob@example.org").await;
    assert_eq!(sessions(&world, &laptop.caller).await.len(), 2);
    let id = phone.caller.user().unwrap().session.clone().unwrap();

    let foreign = world.data(&stranger.caller, REVOKE, json!({ "id": id })).await;
    assert_eq!(codes(&foreign["sessionRevoke"]), ["NOT_FOUND"]);
    let ended = world.data(&laptop.caller, REVOKE, json!({ "id": id })).await;
    assert_eq!(ended["sessionRevoke"], json!({ "revoked": 1, "errors": [] }));
    assert!(!can_refresh(&world, &phone.refresh_token).await);
    assert!(can_refresh(&world, &laptop.refresh_token).await);
    let again = world.data(&laptop.caller, REVOKE, json!({ "id": id })).await;
    assert_eq!(codes(&again["sessionRevoke"]), ["NOT_FOUND"]);
    for garbage in ["", "ses_x", "usr_00000000000000000000000000"] {
        let answer = world.data(&laptop.caller, REVOKE, json!({ "id": garbage })).await;
        assert_eq!(codes(&answer["sessionRevoke"]), ["NOT_FOUND"], "{garbage}");
    }
}

#[tokio::test]
async fn without_an_id_the_session_that_asks_ends() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let ended = world.data(&person.caller, REVOKE, json!({})).await;
    assert_eq!(ended["sessionRevoke"]["revoked"], 1);
    assert!(!can_refresh(&world, &person.refresh_token).await);
}

#[tokio::test]
async fn all_others_or_all_can_be_ended() {
    let world = World::new().await;
    let first = world.person("ada@example.org").await;
    for _ in 0..3 {
        world.session("ada@example.org", PASSWORD).await;
    }
    let others = world.data(&first.caller, REVOKE_ALL, json!({})).await;
    assert_eq!(others["sessionRevokeAll"]["revoked"], 3);
    let left = sessions(&world, &first.caller).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["isCurrent"], true);
    let all = world.data(&first.caller, REVOKE_ALL, json!({ "keep": false })).await;
    assert_eq!(all["sessionRevokeAll"]["revoked"], 1);
    assert!(sessions(&world, &first.caller).await.is_empty());
}

#[tokio::test]
async fn there_are_at_most_twenty_and_the_longest_unused_goes() {
    let world = World::new().await;
    let first = world.person("ada@example.org").await;
    for _ in 0..20 {
        world.clock.advance(std::time::Duration::from_secs(1));
        world.session("ada@example.org", PASSWORD).await;
    }
    assert_eq!(sessions(&world, &first.caller).await.len(), 20);
    assert!(!can_refresh(&world, &first.refresh_token).await);
}

#[tokio::test]
async fn ending_sessions_needs_the_scope_session() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let token = testing::user(person.id, &["profile:write"]);
    for (caller, code) in [
        (Caller::Anonymous, "UNAUTHENTICATED"),
        (token, "FORBIDDEN"),
        (testing::service("reviews", &["session"]), "FORBIDDEN"),
    ] {
        for query in [REVOKE, REVOKE_ALL] {
            let answer = world.run(&caller, query, json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
        }
    }
    assert!(can_refresh(&world, &person.refresh_token).await);
}

#[tokio::test]
async fn session_ids_are_typed() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let id = sessions(&world, &person.caller).await[0]["id"].as_str().unwrap().to_owned();
    assert!(SessionId::parse(&id).is_some());
}
