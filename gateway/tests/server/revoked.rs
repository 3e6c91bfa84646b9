//! Sessions that end before their tokens do, and tokens that only their issuer can read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::IntoResponse;
use gateway::Config;
use gateway::config::{IntrospectionConfig, RevocationsConfig, Secret};
use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use crate::auth::{Issuer, claims};
use crate::support::{Received, Running, Subgraph, answer_with};

/// An issuer's lists of what it has revoked and of what opaque tokens are worth.
#[derive(Clone, Default)]
struct Lists {
    revocations: Arc<Mutex<Vec<Value>>>,
    tokens: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Lists {
    fn revoke(&self, mut entry: Value) {
        let mut revocations = self.revocations.lock().expect("no panic");
        entry["seq"] = (revocations.len() + 1).into();
        entry["expiresAt"] = (get_current_timestamp() + 600).into();
        revocations.push(entry);
    }

    fn set_token(&self, token: &str, answer: Value) {
        self.tokens.lock().expect("no panic").push((token.to_owned(), answer));
    }

    /// Both endpoints: a list for a request without a body, a token's worth for a form.
    fn answer(&self, received: &Received) -> axum::response::Response {
        if received.headers.get("authorization").is_none_or(|value| value != "Bearer svc_gateway_x")
        {
            return answer_with(401, "{}");
        }
        let Some(form) = received.body.as_str() else {
            let revocations = self.revocations.lock().expect("no panic");
            let body = json!({ "revocations": *revocations, "next": revocations.len() });
            return axum::Json(body).into_response();
        };
        let tokens = self.tokens.lock().expect("no panic");
        let known = tokens.iter().rev().find(|(token, _)| form == format!("token={token}"));
        let body = known.map_or_else(|| json!({ "active": false }), |(_, answer)| answer.clone());
        axum::Json(body).into_response()
    }
}

async fn start(issuer: &Issuer, lists: &Lists) -> (Running, Arc<Subgraph>) {
    let told = lists.clone();
    let service = Subgraph::start(move |received| told.answer(received)).await;
    let mut config: Config = issuer.config();
    config.authentication.revocations = Some(RevocationsConfig {
        url: service.url(),
        credential: Secret::from("svc_gateway_x"),
        poll: Duration::from_millis(5),
    });
    config.authentication.introspection = Some(IntrospectionConfig {
        url: service.url(),
        credential: Secret::from("svc_gateway_x"),
        ..IntrospectionConfig::default()
    });
    (Running::start(config).await, Arc::new(service))
}

async fn status(gateway: &Running, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let query = json!({ "query": "{ members }" });
    gateway.post_with(&[("authorization", &bearer)], query).await.status.as_u16()
}

/// Asks until the answer is this one: the list is read every few milliseconds.
async fn becomes(gateway: &Running, token: &str, expected: u16) {
    let asking = async { while status(gateway, token).await != expected {} };
    tokio::time::timeout(Duration::from_secs(10), asking).await.expect("the list is followed");
}

#[tokio::test]
async fn a_revoked_session_ends_although_its_token_lives() {
    let (issuer, lists) = (Issuer::new("k1"), Lists::default());
    let (gateway, _service) = start(&issuer, &lists).await;
    let token = issuer.token("");
    let mut other = claims();
    other["sid"] = "ses_2".into();
    let other = issuer.sign(&issuer.header(), &other);
    assert_eq!((status(&gateway, &token).await, status(&gateway, &other).await), (200, 200));

    lists.revoke(json!({ "sid": "ses_1", "sub": null, "notBefore": 0 }));
    becomes(&gateway, &token, 401).await;
    let bearer = format!("Bearer {token}");
    let query = json!({ "query": "{ members }" });
    let answer = gateway.post_with(&[("authorization", &bearer)], query).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
    assert_eq!(status(&gateway, &other).await, 200, "another session of the same person");

    // Everything the person has been given so far.
    let not_before = get_current_timestamp() + 1;
    lists.revoke(json!({ "sid": null, "sub": "usr_1", "notBefore": not_before }));
    becomes(&gateway, &other, 401).await;
    let mut later = claims();
    later["sid"] = "ses_3".into();
    later["iat"] = not_before.into();
    assert_eq!(status(&gateway, &issuer.sign(&issuer.header(), &later)).await, 200);
}

#[tokio::test]
async fn an_opaque_token_is_worth_what_its_issuer_says() {
    let (issuer, lists) = (Issuer::new("k1"), Lists::default());
    let (gateway, service) = start(&issuer, &lists).await;
    let exp = get_current_timestamp() + 600;
    let worth = json!({ "active": true, "sub": "usr_1", "scope": "members", "exp": exp, "iat": 1, "token_type": "Bearer" });
    lists.set_token("pat_good", worth.clone());
    lists.set_token(
        "pat_refresh",
        json!({ "active": true, "sub": "usr_1", "exp": exp, "token_type": "refresh_token" }),
    );

    assert_eq!(status(&gateway, "pat_good").await, 200);
    assert_eq!(status(&gateway, "pat_refresh").await, 401);
    assert_eq!(status(&gateway, "pat_unknown").await, 401);
    assert_eq!(status(&gateway, "other_unknown").await, 401, "no token of that kind");
    let asked = |token: &str| {
        let form = format!("token={token}");
        service.received().iter().filter(|received| received.body == form.as_str()).count()
    };
    assert_eq!(status(&gateway, "pat_good").await, 200);
    assert_eq!(status(&gateway, "pat_unknown").await, 401);
    assert_eq!((asked("pat_good"), asked("pat_unknown")), (1, 1), "answers are kept");
    assert_eq!(asked("other_unknown"), 0);

    // Something about the person has changed: the answer is not good any more.
    lists.set_token("pat_good", json!({ "active": false }));
    lists.revoke(json!({ "sid": null, "sub": "usr_1", "notBefore": 0 }));
    becomes(&gateway, "pat_good", 401).await;
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_is_no_reason_to_believe() {
    let issuer = Issuer::new("k1");
    let closed = Subgraph::usual().await.url();
    let mut config = issuer.config();
    config.authentication.introspection =
        Some(IntrospectionConfig { url: closed, ..IntrospectionConfig::default() });
    let gateway = Running::start(config).await;
    assert_eq!(status(&gateway, "pat_good").await, 503);
    assert_eq!(status(&gateway, &issuer.token("")).await, 200);
    assert_eq!(gateway.users.received().len(), 1);
}
