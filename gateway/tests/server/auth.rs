//! Bearer tokens: what is believed, and that nothing runs for the rest.

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::Config;
use gateway::config::{AuthenticationConfig, JwksConfig};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use crate::support::{Running, Subgraph};

/// Somebody who signs tokens.
pub(crate) struct Issuer {
    key: EncodingKey,
    pub(crate) jwk: Value,
    key_id: String,
}

impl Issuer {
    pub(crate) fn new(key_id: &str) -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let pkcs8 = pair.to_pkcs8v1().expect("PKCS#8");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id, "x": x });
        Self { key: EncodingKey::from_ed_der(pkcs8.as_ref()), jwk, key_id: key_id.to_owned() }
    }

    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.key_id.clone());
        header
    }

    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).expect("signs")
    }

    /// A good token with these scopes.
    pub(crate) fn token(&self, scope: &str) -> String {
        let mut claims = claims();
        claims["scope"] = scope.into();
        self.sign(&self.header(), &claims)
    }

    pub(crate) fn config(&self) -> Config {
        let jwks = JwksConfig {
            keys: Some(json!({ "keys": [self.jwk] }).to_string()),
            issuer: Some("https://users.example".to_owned()),
            audiences: vec!["https://api.example".to_owned()],
            ..JwksConfig::default()
        };
        let authentication =
            AuthenticationConfig { jwks: vec![jwks], ..AuthenticationConfig::default() };
        Config { authentication, ..Config::default() }
    }
}

pub(crate) fn claims() -> Value {
    let now = get_current_timestamp();
    json!({
        "iss": "https://users.example", "aud": "https://api.example", "sub": "usr_1", "sid": "ses_1",
        "iat": now, "exp": now + 600, "scope": "profile", "roles": ["CUSTOMER"], "amr": ["pwd"], "auth_time": now, "gen": 3,
    })
}

fn with(key: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[key] = value.into();
    claims
}

fn without(key: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(key);
    claims
}

fn raw_token(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn f23_only_good_tokens_are_believed() {
    let issuer = Issuer::new("k1");
    let stranger = Issuer::new("k1");
    let gateway = Running::start(issuer.config()).await;
    let now = get_current_timestamp();
    let header = issuer.header();
    let typed = |typ: Option<&str>| Header { typ: typ.map(str::to_owned), ..header.clone() };
    let unknown_key = Header { kid: Some("k9".to_owned()), ..header.clone() };
    let good = issuer.sign(&header, &claims());
    let (start, signature) = good.rsplit_once('.').expect("three parts");
    let mut tampered_claims = good.split('.').map(str::to_owned).collect::<Vec<_>>();
    tampered_claims[1] = URL_SAFE_NO_PAD.encode(with("sub", "usr_admin").to_string());
    // HMAC with the public key as the secret: the classic confusion of algorithms.
    let hmac_header = Header { alg: Algorithm::HS256, ..header.clone() };
    let public = issuer.jwk["x"].as_str().expect("a key").to_owned();
    let confused = encode(&hmac_header, &claims(), &EncodingKey::from_secret(public.as_bytes()))
        .expect("signs");
    let none = json!({ "alg": "none", "typ": "at+jwt", "kid": "k1" });

    let table = [
        ("good", format!("Bearer {good}"), 200),
        ("lower-case scheme", format!("bearer {good}"), 200),
        (
            "long type",
            format!("Bearer {}", issuer.sign(&typed(Some("application/at+jwt")), &claims())),
            200,
        ),
        ("within leeway", format!("Bearer {}", issuer.sign(&header, &with("exp", now - 2))), 200),
        (
            "one of several audiences",
            format!(
                "Bearer {}",
                issuer.sign(&header, &with("aud", json!(["x", "https://api.example"])))
            ),
            200,
        ),
        (
            "no key id",
            format!("Bearer {}", issuer.sign(&Header { kid: None, ..header.clone() }, &claims())),
            200,
        ),
        ("expired", format!("Bearer {}", issuer.sign(&header, &with("exp", now - 60))), 401),
        ("never expires", format!("Bearer {}", issuer.sign(&header, &without("exp"))), 401),
        ("not valid yet", format!("Bearer {}", issuer.sign(&header, &with("nbf", now + 60))), 401),
        (
            "issued in the future",
            format!("Bearer {}", issuer.sign(&header, &with("iat", now + 60))),
            401,
        ),
        ("forged", format!("Bearer {}", stranger.sign(&header, &claims())), 401),
        ("unknown key", format!("Bearer {}", issuer.sign(&unknown_key, &claims())), 401),
        (
            "wrong audience",
            format!("Bearer {}", issuer.sign(&header, &with("aud", "https://other.example"))),
            401,
        ),
        ("no audience", format!("Bearer {}", issuer.sign(&header, &without("aud"))), 401),
        (
            "wrong issuer",
            format!("Bearer {}", issuer.sign(&header, &with("iss", "https://evil.example"))),
            401,
        ),
        ("no issuer", format!("Bearer {}", issuer.sign(&header, &without("iss"))), 401),
        ("no subject", format!("Bearer {}", issuer.sign(&header, &without("sub"))), 401),
        ("an id token", format!("Bearer {}", issuer.sign(&typed(Some("JWT")), &claims())), 401),
        (
            "a passport",
            format!("Bearer {}", issuer.sign(&typed(Some("passport+jwt")), &claims())),
            401,
        ),
        ("no type", format!("Bearer {}", issuer.sign(&typed(None), &claims())), 401),
        ("algorithm none", format!("Bearer {}", raw_token(&none, &claims(), b"")), 401),
        ("HMAC with the public key", format!("Bearer {confused}"), 401),
        ("claims replaced", format!("Bearer {}", tampered_claims.join(".")), 401),
        ("signature cut", format!("Bearer {start}.{}", &signature[..10]), 401),
        ("no signature", format!("Bearer {start}."), 401),
        ("garbage", "Bearer garbage".to_owned(), 401),
        ("too long", format!("Bearer {}", "x".repeat(9_000)), 401),
        ("empty", "Bearer ".to_owned(), 401),
        ("another scheme", "Basic dXNlcjpwYXNz".to_owned(), 401),
    ];
    for (what, authorization, status) in table {
        let before = gateway.subgraph_requests();
        let answer = gateway
            .post_with(&[("authorization", &authorization)], json!({ "query": "{ me { id } }" }))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
        if status == 401 {
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
            assert_eq!(gateway.subgraph_requests(), before, "{what}: nothing is executed");
        }
    }
    let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    assert_eq!(
        gateway.post_with(&two, json!({ "query": "{ me { id } }" })).await.status.as_u16(),
        401
    );
    assert_eq!(gateway.query("{ me { id } }").await.status.as_u16(), 200, "no token: anonymous");
}

#[tokio::test]
async fn rsa_keys_are_believed_and_other_kinds_are_left_out() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa)
        .expect("DER");
    let public = aws_lc_rs::signature::KeyPair::public_key(&rsa);
    let component = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let keys = json!({ "keys": [
        { "kty": "AKP", "kid": "future", "alg": "ML-DSA-44", "pub": "AAAA" },
        { "kty": "oct", "kid": "shared", "k": "c2VjcmV0" },
        { "kty": "RSA", "kid": "r1", "use": "sig", "alg": "RS256",
          "n": component(public.modulus().big_endian_without_leading_zero()),
          "e": component(public.exponent().big_endian_without_leading_zero()) },
    ] });
    let mut config = Config::default();
    config.authentication.jwks =
        vec![JwksConfig { keys: Some(keys.to_string()), ..JwksConfig::default() }];
    let gateway = Running::start(config).await;

    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(der.as_ref())
    );
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a PEM");
    let mut header = Header::new(Algorithm::RS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some("r1".to_owned());
    let token = encode(&header, &claims(), &key).expect("signs");
    let query = json!({ "query": "{ members }" });
    let answer =
        gateway.post_with(&[("authorization", &format!("Bearer {token}"))], query.clone()).await;
    assert_eq!(answer.json(), json!({ "data": { "members": "members" } }));

    // The same key with an algorithm that the key set does not name.
    let header = Header { alg: Algorithm::PS256, ..header };
    let token = encode(&header, &claims(), &key).expect("signs");
    let answer =
        gateway.post_with(&[("authorization", &format!("Bearer {token}"))], query.clone()).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");

    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some("shared".to_owned());
    let token = encode(&header, &claims(), &EncodingKey::from_secret(b"secret")).expect("signs");
    let answer = gateway.post_with(&[("authorization", &format!("Bearer {token}"))], query).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED", "shared secrets are never accepted");
}

#[tokio::test]
async fn f25_unknown_keys_are_asked_for_once() {
    let issuer = Issuer::new("k1");
    let keys = json!({ "keys": [issuer.jwk] });
    let users_service = Subgraph::start(move |_| axum::Json(keys.clone()).into_response()).await;
    let mut config = Config::default();
    config.authentication.jwks =
        vec![JwksConfig { url: Some(users_service.url()), ..JwksConfig::default() }];
    let gateway = Running::start(config).await;
    let query = json!({ "query": "{ members }" });
    let good = format!("Bearer {}", issuer.token(""));
    assert_eq!(
        gateway.post_with(&[("authorization", &good)], query.clone()).await.status.as_u16(),
        200
    );
    let stranger = Issuer::new("k2");
    for _ in 0..5 {
        let unknown = format!("Bearer {}", stranger.token(""));
        assert_eq!(
            gateway.post_with(&[("authorization", &unknown)], query.clone()).await.code(),
            "UNAUTHENTICATED"
        );
    }
    assert_eq!(
        users_service.received().len(),
        1,
        "within 30 s of the last attempt nothing is asked again"
    );
}

#[tokio::test]
async fn rotated_keys_are_found() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (old, new) = (Issuer::new("old"), Issuer::new("new"));
    let (first, later) = (json!({ "keys": [old.jwk] }), json!({ "keys": [old.jwk, new.jwk] }));
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let users_service = Subgraph::start(move |_| {
        let keys = if asked.fetch_add(1, Ordering::Relaxed) == 0 { &first } else { &later };
        axum::Json(keys.clone()).into_response()
    })
    .await;
    let mut config = Config::default();
    // The file is what is known at the start; the URL is asked for what it does not have.
    config.authentication.jwks = vec![
        JwksConfig {
            keys: Some(json!({ "keys": [old.jwk] }).to_string()),
            ..JwksConfig::default()
        },
        JwksConfig { url: Some(users_service.url()), ..JwksConfig::default() },
    ];
    let gateway = Running::start(config).await;
    let query = json!({ "query": "{ members }" });
    let old_token = format!("Bearer {}", old.token(""));
    assert_eq!(
        gateway.post_with(&[("authorization", &old_token)], query).await.status.as_u16(),
        200
    );
}

#[tokio::test]
async fn an_unreachable_issuer_is_no_reason_to_believe_anything() {
    let issuer = Issuer::new("k1");
    let mut config = Config::default();
    let closed = Subgraph::usual().await.url();
    config.authentication.jwks = vec![JwksConfig { url: Some(closed), ..JwksConfig::default() }];
    let gateway = Running::start(config).await;
    let token = format!("Bearer {}", issuer.token(""));
    let answer =
        gateway.post_with(&[("authorization", &token)], json!({ "query": "{ me { id } }" })).await;
    assert_eq!(answer.status.as_u16(), 503);
    assert_eq!(answer.code(), "AUTHENTICATION_UNAVAILABLE");
    assert_eq!(gateway.subgraph_requests(), 0);
    assert_eq!(
        gateway.query("{ me { id } }").await.status.as_u16(),
        200,
        "anonymous callers are served"
    );
}

#[tokio::test]
async fn without_keys_a_token_is_ignored() {
    let gateway = Running::start(Config::default()).await;
    let answer = gateway
        .post_with(
            &[("authorization", "Bearer garbage")],
            json!({ "query": "{ me { id } members }" }),
        )
        .await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.json()["data"], json!({ "me": { "id": "1" }, "members": null }));
    assert!(gateway.users.received()[0].headers.get("authorization").is_none());
}

#[tokio::test]
async fn claims_can_be_required() {
    let issuer = Issuer::new("k1");
    let mut config = issuer.config();
    config.authentication.required_claims = vec!["iat".to_owned(), "jti".to_owned()];
    let gateway = Running::start(config).await;
    let query = json!({ "query": "{ me { id } }" });
    for (claims, status) in
        [(with("jti", "t1"), 200), (claims(), 401), (with("jti", Value::Null), 401)]
    {
        let token = format!("Bearer {}", issuer.sign(&issuer.header(), &claims));
        let answer = gateway.post_with(&[("authorization", &token)], query.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{claims}");
    }
}

#[tokio::test]
async fn a_token_can_be_required() {
    let issuer = Issuer::new("k1");
    let mut config = issuer.config();
    config.authentication.required = true;
    let gateway = Running::start(config).await;
    let answer = gateway.query("{ me { id } }").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(gateway.subgraph_requests(), 0);
}
