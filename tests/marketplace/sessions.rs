//! Sessions, suspensions and personal access tokens, as the gateway sees them.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::Client;

const ME: &str = "{ me { id } }";

/// Asks until the gateway answers with this status. It follows the revocations about a second
/// behind; the bound is a stuck test's, not a promise.
async fn becomes(client: &Client, expected: u16) -> Value {
    let asking = async {
        loop {
            let (status, body) = client.post(&json!({ "query": ME })).await;
            if status == expected {
                return body;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("the gateway follows")
}

#[tokio::test]
async fn f22_a_revoked_session_is_out_at_the_gateway_and_the_others_go_on() {
    let (first, email, password) = Client::register_as().await;
    let second = Client::sign_in(&email, password).await;
    let ended = second
        .data("mutation { sessionRevokeAll { revoked errors { __typename } } }", json!({}))
        .await;
    assert_eq!(ended["sessionRevokeAll"], json!({ "revoked": 1, "errors": [] }));
    let refused = becomes(&first, 401).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    assert_eq!(
        refused.get("data").cloned().unwrap_or_default(),
        Value::Null,
        "nothing was executed"
    );
    assert!(second.data(ME, json!({})).await["me"]["id"].is_string());
    second.data("mutation { sessionRevoke { revoked } }", json!({})).await;
    becomes(&second, 401).await;
}

#[tokio::test]
async fn f22_a_suspended_person_is_out_at_the_gateway() {
    let (person, email, password) = Client::register_as().await;
    let id = person.data(ME, json!({})).await["me"]["id"].clone();
    let admin = Client::role("ADMIN").await;
    let set = "mutation ($id: ID!, $status: UserStatus!) { userSetStatus(id: $id, status: $status, reason: \"test\") \
               { user { id } errors { ... on UserError { code } } } }";
    let done = admin.data(set, json!({ "id": id, "status": "SUSPENDED" })).await;
    assert_eq!(done["userSetStatus"]["errors"], json!([]), "{done}");
    becomes(&person, 401).await;
    admin.data(set, json!({ "id": id, "status": "ACTIVE" })).await;
    Client::sign_in(&email, password).await;
}

#[tokio::test]
async fn a_personal_access_token_works_with_its_scopes_until_it_is_revoked() {
    let (person, _, _) = Client::register_as().await;
    let create = "mutation { accessTokenCreate(input: { name: \"script\", scopes: [\"profile:write\"] }) \
                  { secret accessToken { id } errors { ... on UserError { code } } } }";
    let created = person.data(create, json!({})).await["accessTokenCreate"].clone();
    let script = Client::with_token(created["secret"].as_str().unwrap());
    assert_eq!(script.data(ME, json!({})).await, person.data(ME, json!({})).await);
    let update =
        "mutation { profileUpdate(input: { displayName: \"Scripted\" }) { user { displayName } } }";
    assert_eq!(
        script.data(update, json!({})).await["profileUpdate"]["user"]["displayName"],
        "Scripted"
    );
    let denied = script.send("mutation { sessionRevokeAll { revoked } }", json!({})).await;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE", "{denied}");
    let revoke = "mutation ($id: ID!) { accessTokenRevoke(id: $id) { errors { __typename } } }";
    person.data(revoke, json!({ "id": created["accessToken"]["id"] })).await;
    becomes(&script, 401).await;

    let invented = Client::with_token("pat_00000000_00000000000000000000000000000000_00000000");
    assert_eq!(invented.post(&json!({ "query": ME })).await.0, 401);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let (_, email, password) = Client::register_as().await;
    let query = "mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { refreshToken } } }";
    let input = json!({ "input": { "email": email, "password": password } });
    let tokens = Client::anonymous().data(query, input).await["sessionCreate"]["tokens"].clone();
    let wrong = Client::with_token(tokens["refreshToken"].as_str().unwrap());
    assert_eq!(wrong.post(&json!({ "query": ME })).await.0, 401);
}
