//! What subgraphs learn about the caller: the passport, and nothing that a client can make up.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::Config;
use serde_json::{Value, json};

use crate::auth::Issuer;
use crate::support::{Received, Running};

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn passport(received: &Received) -> String {
    received.headers["x-concord-passport"].to_str().expect("a text").to_owned()
}

fn claims(received: &Received) -> Value {
    decode(passport(received).split('.').nth(1).expect("claims"))
}

#[tokio::test]
async fn identity_headers_of_clients_never_arrive() {
    let gateway = Running::start(Config::default()).await;
    let spoofed = [
        ("x-user-id", "usr_admin"),
        ("x-concord-passport", "forged"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-user", "admin"),
        ("x-real-ip", "10.0.0.1"),
        ("authorization", "Bearer abc"),
        ("cookie", "session=1"),
        ("forwarded", "for=10.0.0.1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    gateway.post_with(&spoofed, json!({ "query": "{ me { id } }" })).await;
    let received = &gateway.users.received()[0];
    let mut names: Vec<&str> = received.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "content-length", "content-type", "host", "traceparent", "x-request-id"]
    );
}

#[tokio::test]
async fn named_headers_are_passed_on() {
    let mut config = Config::default();
    config.subgraphs.all.propagate_headers = vec!["x-tenant".to_owned()];
    let gateway = Running::start(config).await;
    gateway
        .post_with(&[("x-tenant", "north"), ("x-other", "1")], json!({ "query": "{ me { id } }" }))
        .await;
    let received = &gateway.users.received()[0];
    assert_eq!(received.headers["x-tenant"], "north");
    assert!(received.headers.get("x-other").is_none());
}

#[tokio::test]
async fn passports_are_signed_and_name_caller_and_audience() {
    let issuer = Issuer::new("k1");
    let mut config = issuer.config();
    config.passport.enabled = true;
    let gateway = Running::start(config).await;
    let token = format!("Bearer {}", issuer.token("profile email:read"));
    let query = json!({ "query": "{ me { name reviews { body } } }" });
    gateway.post_with(&[("authorization", &token), ("x-concord-passport", "forged")], query).await;

    let (users, reviews) = (&gateway.users.received()[0], &gateway.reviews.received()[0]);
    assert_eq!(claims(users)["aud"], "users");
    assert_eq!(claims(reviews)["aud"], "reviews");
    let claims = claims(users);
    assert_eq!(claims["iss"], "concord-gateway");
    assert_eq!(claims["sub"], "usr_1");
    assert_eq!(claims["sid"], "ses_1");
    assert_eq!(claims["scope"], "email:read profile");
    assert_eq!(claims["roles"], json!(["CUSTOMER"]));
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["gen"], 3);
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 60));
    assert!(
        claims.get("ip").is_none() && claims.get("rid").is_none(),
        "queries of one caller look alike"
    );

    let keys = gateway.get("/.well-known/jwks.json").await.json();
    let text = passport(users);
    let (signed, signature) = text.rsplit_once('.').expect("three parts");
    let header = decode(signed.split('.').next().expect("a header"));
    assert_eq!(
        header,
        json!({ "typ": "passport+jwt", "alg": "EdDSA", "kid": keys["keys"][0]["kid"] })
    );
    let public =
        URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().expect("a key")).expect("base64");
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).expect("base64"))
        .expect("the signature is right");
}

#[tokio::test]
async fn mutations_tell_where_they_come_from() {
    let mut config = Config::default();
    config.passport.enabled = true;
    config.server.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    let gateway = Running::start(config).await;
    let headers =
        [("x-forwarded-for", "203.0.113.9"), ("user-agent", "test/1"), ("x-request-id", "r-1")];
    gateway
        .post_with(&headers, json!({ "query": "mutation { rename(name: \"x\") { id } }" }))
        .await;
    let claims = claims(&gateway.users.received()[0]);
    assert_eq!(claims["sub"], "anonymous");
    assert_eq!(
        (&claims["ip"], &claims["ua"], &claims["rid"]),
        (&json!("203.0.113.9"), &json!("test/1"), &json!("r-1"))
    );
}

#[tokio::test]
async fn addresses_from_strangers_do_not_count() {
    let mut config = Config::default();
    config.passport.enabled = true;
    let gateway = Running::start(config).await;
    let body = json!({ "query": "mutation { rename(name: \"x\") { id } }" });
    gateway.post_with(&[("x-forwarded-for", "203.0.113.9")], body).await;
    assert_eq!(claims(&gateway.users.received()[0])["ip"], "127.0.0.1");
}

#[tokio::test]
async fn queries_share_a_passport_and_mutations_do_not() {
    let mut config = Config::default();
    config.passport.enabled = true;
    let gateway = Running::start(config).await;
    for _ in 0..2 {
        gateway.query("{ me { id } }").await;
    }
    for id in ["m-1", "m-2"] {
        let body = json!({ "query": "mutation { rename(name: \"x\") { id } }" });
        gateway.post_with(&[("x-request-id", id)], body).await;
    }
    let passports: Vec<String> = gateway.users.received().iter().map(passport).collect();
    assert_eq!(passports[0], passports[1]);
    assert_ne!(passports[2], passports[3]);
}

#[tokio::test]
async fn without_signing_there_is_no_passport_and_no_key() {
    let gateway = Running::start(Config::default()).await;
    gateway.query("{ me { id } }").await;
    assert!(gateway.users.received()[0].headers.get("x-concord-passport").is_none());
    assert_eq!(gateway.get("/.well-known/jwks.json").await.status.as_u16(), 404);
}
