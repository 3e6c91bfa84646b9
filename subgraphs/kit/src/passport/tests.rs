//! Every way of presenting something that is not a passport.

use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, Jwk, OctetKeyPairParameters};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{TYPE, Verifier};
use crate::caller::{Caller, UserCaller};
use crate::clock::Clock;
use crate::fixture::NOW;
use crate::id::UserId;
use crate::settings::PassportSettings;
use crate::testing::Passports;

struct Case {
    passports: Passports,
    verifier: Verifier,
    claims: Value,
}

fn case() -> Case {
    let clock = Clock::manual(NOW);
    let passports = Passports::new(clock.clone());
    let verifier = Verifier::new(&passports.settings(), "users", clock);
    let user =
        Caller::User(UserCaller::with_scopes(UserId::new(NOW), ["session", "profile:write"]));
    let claims = serde_json::to_value(passports.claims("users", &user)).unwrap();
    Case { passports, verifier, claims }
}

impl Case {
    fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.passports.kid().to_owned());
        header
    }

    async fn accepts(&self, token: &str) -> bool {
        self.verifier.verify(token).await.is_ok()
    }

    async fn accepts_claims(&self, changes: Value) -> bool {
        let mut claims = self.claims.clone();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        self.accepts(&self.passports.sign(&claims)).await
    }
}

#[tokio::test]
async fn a_passport_tells_who_is_calling() {
    let case = case();
    let mut claims = case.claims.clone();
    claims["sid"] = json!("ses_1");
    claims["roles"] = json!(["ADMIN"]);
    claims["auth_time"] = json!(NOW.seconds() - 5);
    claims["gen"] = json!(3);
    claims["ip"] = json!("2001:db8::1");
    claims["ua"] = json!("curl");
    claims["rid"] = json!("r1");
    let verified = case.verifier.verify(&case.passports.sign(&claims)).await.unwrap();
    let user = verified.caller.user().unwrap();
    assert!(verified.caller.has_scope("profile:write") && verified.caller.has_role("ADMIN"));
    assert_eq!(user.session.as_deref(), Some("ses_1"));
    assert_eq!(user.generation, Some(3));
    assert_eq!(user.auth_time.unwrap().seconds(), NOW.seconds() - 5);
    assert_eq!(verified.origin.ip.unwrap().to_string(), "2001:db8::1");
    assert_eq!(
        (verified.origin.user_agent.as_deref(), verified.origin.request_id.as_str()),
        (Some("curl"), "r1")
    );
    let nobody = case.passports.mint("users", &Caller::Anonymous);
    assert_eq!(case.verifier.verify(&nobody).await.unwrap().caller, Caller::Anonymous);
}

#[tokio::test]
async fn wrong_or_missing_claims_are_refused() {
    let case = case();
    assert!(case.accepts_claims(json!({})).await);
    for (name, wrong) in [
        ("aud", json!("reviews")),
        ("iss", json!("somebody-else")),
        ("sub", json!("prd_00000000000000000000000000")),
        ("sub", json!("")),
        ("sub", json!("svc:reviews")),
        ("exp", json!("soon")),
        ("iat", json!("now")),
    ] {
        assert!(!case.accepts_claims(json!({ name: wrong })).await, "{name}: {wrong}");
    }
    for name in ["aud", "iss", "sub", "exp", "iat"] {
        assert!(!case.accepts_claims(json!({ name: null })).await, "without {name}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_five_seconds() {
    let case = case();
    let now = NOW.seconds();
    for (changes, accepted) in [
        (json!({ "exp": now - 4 }), true),
        (json!({ "exp": now - 6 }), false),
        (json!({ "iat": now + 4 }), true),
        (json!({ "iat": now + 6 }), false),
        (json!({ "nbf": now + 4 }), true),
        (json!({ "nbf": now + 6 }), false),
    ] {
        assert_eq!(case.accepts_claims(changes.clone()).await, accepted, "{changes}");
    }
}

#[tokio::test]
async fn other_types_algorithms_and_keys_are_refused() {
    let case = case();
    let claims = &case.claims;
    let sign = |header: &Header| case.passports.sign_with(header, claims);

    assert!(case.accepts(&sign(&case.header())).await);
    for typ in [None, Some("JWT"), Some("at+jwt"), Some("")] {
        let mut header = case.header();
        header.typ = typ.map(str::to_owned);
        assert!(!case.accepts(&sign(&header)).await, "typ {typ:?}");
    }
    for kid in [None, Some("another")] {
        let mut header = case.header();
        header.kid = kid.map(str::to_owned);
        assert!(!case.accepts(&sign(&header)).await, "kid {kid:?}");
    }
    let stranger = Passports::new(Clock::manual(NOW));
    assert!(
        !case.accepts(&stranger.sign_with(&case.header(), claims)).await,
        "another's signature"
    );

    let own_key = Jwk {
        common: CommonParameters::default(),
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: jsonwebtoken::jwk::OctetKeyPairType::OctetKeyPair,
            curve: jsonwebtoken::jwk::EllipticCurve::Ed25519,
            x: stranger.settings().keys[0].x.clone(),
        }),
    };
    let mut header = case.header();
    header.jwk = Some(own_key);
    assert!(!case.accepts(&stranger.sign_with(&header, claims)).await, "brings its key");
    let mut header = case.header();
    header.jku = Some("http://127.0.0.1/keys".to_owned());
    assert!(!case.accepts(&sign(&header)).await, "names a place for keys");

    // The public key taken for an HMAC secret.
    let x = case.passports.settings().keys[0].x.clone();
    for secret in [x.as_bytes(), b""] {
        let mut header = case.header();
        header.alg = Algorithm::HS256;
        let token = encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap();
        assert!(!case.accepts(&token).await, "HS256");
    }
    let token = sign(&case.header());
    let parts: Vec<&str> = token.split('.').collect();
    let none = data_encoding::BASE64URL_NOPAD.encode(
        json!({ "alg": "none", "typ": TYPE, "kid": case.passports.kid() }).to_string().as_bytes(),
    );
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.x"),
        String::new(),
        "..".to_owned(),
        "x".repeat(20_000),
    ] {
        assert!(!case.accepts(&forged).await, "{forged:.40}");
    }
}

/// A gateway that counts how often its keys are asked for.
async fn key_server(
    passports: &Passports,
) -> (PassportSettings, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use std::sync::atomic::Ordering;
    let asked = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
    let counter = std::sync::Arc::clone(&asked);
    let jwks = passports.jwks();
    let route = axum::routing::get(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(axum::Json(jwks.clone()))
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let jwks_url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    tokio::spawn(
        axum::serve(listener, axum::Router::new().route("/jwks.json", route)).into_future(),
    );
    (PassportSettings { jwks_url, ..PassportSettings::default() }, asked)
}

#[tokio::test]
async fn keys_are_fetched_once_and_unknown_ones_cause_no_storm() {
    use std::sync::atomic::Ordering;
    let clock = Clock::manual(NOW);
    let passports = Passports::new(clock.clone());
    let (settings, asked) = key_server(&passports).await;
    let verifier = Verifier::new(&settings, "users", clock.clone());
    for _ in 0..5 {
        let token =
            passports.mint("users", &Caller::User(UserCaller::with_scopes(UserId::new(NOW), [])));
        assert!(verifier.verify(&token).await.is_ok());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some("unknown".to_owned());
    let forged = passports.sign_with(&header, &passports.claims("users", &Caller::Anonymous));
    for _ in 0..100 {
        assert!(verifier.verify(&forged).await.is_err());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the keys are fresh: no second fetch");
    clock.advance(std::time::Duration::from_secs(31));
    let storm = (0..50).map(|_| verifier.verify(&forged));
    assert!(futures::future::join_all(storm).await.iter().all(Result::is_err));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "one fetch in half a minute");
    assert!(verifier.verify(&passports.mint("users", &Caller::Anonymous)).await.is_ok());
}

#[tokio::test]
async fn without_keys_nobody_is_let_in() {
    let clock = Clock::manual(NOW);
    let passports = Passports::new(clock.clone());
    let settings = PassportSettings {
        jwks_url: "http://127.0.0.1:1/jwks.json".to_owned(),
        ..PassportSettings::default()
    };
    let verifier = Verifier::new(&settings, "users", clock);
    assert!(verifier.keys().ready().await.is_err());
    let error = verifier.verify(&passports.mint("users", &Caller::Anonymous)).await.unwrap_err();
    assert!(matches!(error, super::PassportError::Key { .. }), "{error}");
}
