//! `@authenticated` and `@requiresScopes`: denied fields are null, reported, and never fetched.

use serde_json::{Value, json};

use crate::auth::Issuer;
use crate::support::{Answer, Running};

async fn ask(gateway: &Running, issuer: &Issuer, scope: Option<&str>, query: &str) -> Answer {
    let token = scope.map(|scope| format!("Bearer {}", issuer.token(scope)));
    let headers: Vec<(&str, &str)> =
        token.iter().map(|token| ("authorization", token.as_str())).collect();
    gateway.post_with(&headers, json!({ "query": query })).await
}

#[tokio::test]
async fn scopes_are_an_or_of_ands() {
    let issuer = Issuer::new("k1");
    let gateway = Running::start(issuer.config()).await;
    // @requiresScopes(scopes: [["a", "b"], ["c"]])
    let table = [
        (None, false),
        (Some(""), false),
        (Some("a"), false),
        (Some("b x"), false),
        (Some("a b"), true),
        (Some("c"), true),
        (Some("ab"), false),
        (Some("C"), false),
        (Some("a b c"), true),
    ];
    for (scope, allowed) in table {
        let answer = ask(&gateway, &issuer, scope, "{ secret echo }").await;
        assert_eq!(answer.status.as_u16(), 200);
        let expected = if allowed {
            json!({ "data": { "secret": "secret", "echo": "echo" } })
        } else {
            json!({ "data": { "secret": null, "echo": "echo" } })
        };
        assert_eq!(answer.json()["data"], expected["data"], "{scope:?}: {}", answer.text);
        assert_eq!(
            answer.code(),
            if allowed { "none" } else { "UNAUTHORIZED_FIELD_OR_TYPE" },
            "{scope:?}"
        );
        let sent = gateway.users.received().pop().expect("a request");
        assert_eq!(sent.query().contains("secret"), allowed, "{scope:?}: {}", sent.query());
    }
}

#[tokio::test]
async fn denied_fields_are_reported_at_their_path() {
    let issuer = Issuer::new("k1");
    let gateway = Running::start(issuer.config()).await;
    let answer = ask(&gateway, &issuer, Some("profile"), "{ who: me { name mail: email } }").await;
    assert_eq!(answer.json()["data"], json!({ "who": { "name": "Ada", "mail": null } }));
    let errors = answer.json()["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
    assert_eq!(errors[0]["path"], json!(["who", "mail"]));
    assert_eq!(errors[0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE");
    assert!(!gateway.users.received()[0].query().contains("email"));
}

#[tokio::test]
async fn types_are_protected_wherever_they_stand() {
    let issuer = Issuer::new("k1");
    let gateway = Running::start(issuer.config()).await;
    let vault = ask(&gateway, &issuer, None, "{ vault { code } echo }").await;
    assert_eq!(vault.json()["data"], json!({ "vault": null, "echo": "echo" }));
    assert!(!gateway.users.received()[0].query().contains("vault"));
    // Composition has put the rule of one implementation on the interface.
    let named = ask(&gateway, &issuer, None, "{ named { name ... on Robot { model } } }").await;
    assert_eq!(named.json()["data"], json!({ "named": null }), "{}", named.text);
    assert_eq!(named.code(), "UNAUTHORIZED_FIELD_OR_TYPE");
    let named = ask(&gateway, &issuer, Some(""), "{ named { name ... on Robot { model } } }").await;
    assert_eq!(
        named.json()["data"]["named"],
        json!([{ "name": "Ada" }, { "name": "R2", "model": "D2" }])
    );
    // A union has no rules of its own: its protected members are empty shells.
    let things =
        ask(&gateway, &issuer, None, "{ things { ... on User { name } ... on Robot { model } } }")
            .await;
    assert_eq!(
        things.json()["data"]["things"],
        json!([{ "name": "Ada" }, { "model": null }]),
        "{}",
        things.text
    );
    assert_eq!(things.json()["errors"][0]["path"], json!(["things", 1, "model"]));
    assert!(!gateway.users.received().pop().expect("a request").query().contains("model"));
    let allowed = ask(&gateway, &issuer, Some(""), "{ vault { code } }").await;
    assert_eq!(allowed.json(), json!({ "data": { "vault": { "code": "1234" } } }));
}

#[tokio::test]
async fn denied_non_null_fields_propagate() {
    let issuer = Issuer::new("k1");
    let gateway = Running::start(issuer.config()).await;
    let answer = ask(&gateway, &issuer, None, "{ strict echo }").await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.json()["data"], Value::Null);
    assert_eq!(answer.json()["errors"][0]["path"], json!(["strict"]));
}

#[tokio::test]
async fn one_operation_is_planned_for_each_set_of_rights() {
    let issuer = Issuer::new("k1");
    let gateway = Running::start(issuer.config()).await;
    let query = "{ secret members me { email } }";
    let seen = |answer: &Answer| answer.json()["data"].clone();
    for _ in 0..2 {
        let nobody = ask(&gateway, &issuer, None, query).await;
        assert_eq!(
            seen(&nobody),
            json!({ "secret": null, "members": null, "me": { "email": null } })
        );
        let member = ask(&gateway, &issuer, Some("x"), query).await;
        assert_eq!(
            seen(&member),
            json!({ "secret": null, "members": "members", "me": { "email": null } })
        );
        let all = ask(&gateway, &issuer, Some("c email:read"), query).await;
        assert_eq!(
            seen(&all),
            json!({ "secret": "secret", "members": "members", "me": { "email": "ada@example.org" } })
        );
    }
}
