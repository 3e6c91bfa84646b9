//! Personal access tokens.

use std::time::Duration;

use kit::{Caller, RequestOrigin, testing};
use serde_json::{Value, json};
use users::account::{
    roles::{Role, Roles},
    status::UserStatus,
};

use crate::world::{World, codes};

const CREATE: &str = "mutation($input: AccessTokenCreateInput!) { accessTokenCreate(input: $input) { \
     secret accessToken { id name prefix scopes expiresAt revokedAt } \
     errors { __typename ... on UserError { code path } } } }";
const REVOKE: &str = "mutation($id: ID!) { accessTokenRevoke(id: $id) { accessToken { revokedAt } \
     errors { __typename ... on UserError { code } } } }";
const LIST: &str =
    "{ me { account { accessTokens { edges { node { name prefix lastUsedAt revokedAt } } } } } }";

async fn create(world: &World, caller: &Caller, input: Value) -> Value {
    world.data(caller, CREATE, json!({ "input": input })).await["accessTokenCreate"].clone()
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let input = json!({ "name": "CI", "scopes": ["reviews:write", "payments:read"] });
    let created = create(&world, &person.caller, input).await;
    let secret = created["secret"].as_str().unwrap();
    assert!(secret.starts_with(created["accessToken"]["prefix"].as_str().unwrap()));
    let live = world.identity.introspect(secret).await.unwrap().unwrap();
    assert_eq!(live.scope, "payments:read reviews:write");
    assert_eq!(live.sub, person.id.to_string());
    assert_eq!(live.exp - live.iat, 90 * 24 * 3600);

    let listed = world.data(&person.caller, LIST, json!({})).await;
    let node = &listed["me"]["account"]["accessTokens"]["edges"][0]["node"];
    assert!(node["lastUsedAt"].is_string());
    assert!(!listed.to_string().contains(secret));

    let id = created["accessToken"]["id"].clone();
    let stranger = world.person("bob@example.org").await;
    let foreign = world.data(&stranger.caller, REVOKE, json!({ "id": id })).await;
    assert_eq!(codes(&foreign["accessTokenRevoke"]), ["NOT_FOUND"]);
    for _ in 0..2 {
        let revoked = world.data(&person.caller, REVOKE, json!({ "id": id })).await;
        assert!(revoked["accessTokenRevoke"]["accessToken"]["revokedAt"].is_string());
    }
    assert!(world.identity.introspect(secret).await.unwrap().is_none());
    // Whoever keeps answers about this person's tokens learns that they are out of date.
    let (feed, _) = world.identity.revocations(0, 10).await.unwrap();
    let told: Vec<_> = feed.iter().map(|row| (row.user_id, row.not_before)).collect();
    assert_eq!(told, [(Some(person.id.uuid()), 0)]);
}

#[tokio::test]
async fn a_token_never_has_more_than_its_owner() {
    let world = World::new().await;
    let driver = world.staff("dan@example.org", "DRIVER").await;
    for (scopes, code) in [
        (json!(["session"]), "SCOPE_NOT_ALLOWED"),
        (json!(["users:admin"]), "SCOPE_NOT_ALLOWED"),
        (json!(["nonsense"]), "SCOPE_NOT_ALLOWED"),
        (json!([]), "TOO_SHORT"),
    ] {
        let refused =
            create(&world, &driver.caller, json!({ "name": "x", "scopes": scopes })).await;
        assert_eq!(codes(&refused), [code]);
        assert_eq!(refused["errors"][0]["path"], json!(["input", "scopes"]));
    }
    let input = json!({ "name": "x", "scopes": ["rides:driver", "payments:read"] });
    let secret = create(&world, &driver.caller, input).await["secret"].as_str().unwrap().to_owned();
    let origin = RequestOrigin::default();
    let customer = Roles::new([Role::Customer]);
    world.identity.set_roles(driver.id, &customer, &origin).await.unwrap();
    let live = world.identity.introspect(&secret).await.unwrap().unwrap();
    assert_eq!(live.scope, "payments:read", "roles that are lost are lost for tokens too");
    let admin = world.staff("root@example.org", "ADMIN").await;
    assert!(admin.caller.has_scope("users:admin"));
    world.identity.set_status(driver.id, UserStatus::Suspended, "x", &origin).await.unwrap();
    assert!(world.identity.introspect(&secret).await.unwrap().is_none());
}

#[tokio::test]
async fn tokens_live_1_to_365_days() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    for days in [0, -1, 366] {
        let input = json!({ "name": "x", "scopes": ["reviews:write"], "expiresInDays": days });
        assert_eq!(codes(&create(&world, &person.caller, input).await), ["OUT_OF_RANGE"]);
    }
    let input = json!({ "name": "x", "scopes": ["reviews:write"], "expiresInDays": 1 });
    let created = create(&world, &person.caller, input).await;
    world.clock.advance(Duration::from_hours(24));
    assert!(
        world.identity.introspect(created["secret"].as_str().unwrap()).await.unwrap().is_none()
    );
}

#[tokio::test]
async fn tokens_cannot_make_tokens() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let token = testing::user(person.id, &["profile:write", "reviews:write"]);
    let input = json!({ "input": { "name": "x", "scopes": ["reviews:write"] } });
    for (caller, code) in [(&token, "FORBIDDEN"), (&Caller::Anonymous, "UNAUTHENTICATED")] {
        let answer = world.run(caller, CREATE, input.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code);
    }
}
