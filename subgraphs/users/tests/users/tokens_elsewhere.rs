//! What other programs learn about tokens: introspection, revocation, the revocation feed.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::{Clock, RequestOrigin, settings::development_credential};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use users::account::{
    roles::{Role, Roles},
    status::UserStatus,
};

use crate::world::{PASSWORD, World, claims, config};

#[tokio::test]
async fn good_tokens_are_described_and_ended_sessions_are_not() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let access = world.identity.introspect(&person.access_token).await.unwrap().unwrap();
    assert_eq!(
        (access.sub.as_str(), access.token_type),
        (person.id.to_string().as_str(), "Bearer")
    );
    let refresh = world.identity.introspect(&person.refresh_token).await.unwrap().unwrap();
    assert_eq!(refresh.token_type, "refresh_token");
    world.identity.revoke_token(&person.access_token, &RequestOrigin::default()).await.unwrap();
    for token in [&person.access_token, &person.refresh_token] {
        assert!(world.identity.introspect(token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_used_refresh_token_and_a_suspended_owner_make_tokens_worthless() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    world.identity.refresh(&person.refresh_token, &RequestOrigin::default()).await.unwrap();
    assert!(world.identity.introspect(&person.refresh_token).await.unwrap().is_none());
    let origin = RequestOrigin::default();
    world.identity.set_status(person.id, UserStatus::Suspended, "x", &origin).await.unwrap();
    assert!(world.identity.introspect(&person.access_token).await.unwrap().is_none());
}

#[tokio::test]
async fn f23_forged_tokens_are_worthless() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let genuine = claims(&person.access_token);
    let kid = jsonwebtoken::decode_header(&person.access_token).unwrap().kid.unwrap();
    let jwks = world.identity.signing_keys().jwks().await.unwrap();
    let public = jwks["keys"][0]["x"].as_str().unwrap().as_bytes().to_vec();
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(kid);
    // A MAC under the public key, which everybody knows.
    let confused =
        jsonwebtoken::encode(&header, &genuine, &EncodingKey::from_secret(&public)).unwrap();
    let mut parts: Vec<&str> = person.access_token.split('.').collect();
    let body = person.access_token.replace('.', "");
    parts[2] = "";
    let unsigned = parts.join(".");
    let passports = kit::testing::Passports::new(Clock::system());
    let foreign = passports.sign(&genuine);
    for token in ["", ".", "..", "rt_", "pat_x", &confused, &unsigned, &foreign, &body] {
        assert!(world.identity.introspect(token).await.unwrap().is_none(), "{token}");
    }
}

#[tokio::test]
async fn revocations_appear_on_the_feed_in_order() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let other = world.session("ada@example.org", PASSWORD).await;
    let origin = RequestOrigin::default();
    assert_eq!(world.identity.revoke_sessions(person.id, None, &origin).await.unwrap(), 2);
    let roles = Roles::new([Role::Driver]);
    world.identity.set_roles(person.id, &roles, &origin).await.unwrap();
    let (feed, head) = world.identity.revocations(0, 100).await.unwrap();
    assert_eq!(head, 3);
    let numbers: Vec<_> = feed.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let sessions = [&person, &other].map(|it| claims(&it.access_token)["sid"].clone());
    for row in &feed[..2] {
        let sid = kit::id::SessionId::from(row.session_id.unwrap()).to_string();
        assert!(sessions.contains(&json!(sid)));
    }
    assert_eq!(feed[2].user_id, Some(person.id.uuid()));
    assert!(feed[2].not_before / 1000 > claims(&other.access_token)["iat"].as_i64().unwrap());
    assert!(world.identity.revocations(3, 100).await.unwrap().0.is_empty());
    world.clock.advance(std::time::Duration::from_mins(10));
    let (feed, head) = world.identity.revocations(0, 100).await.unwrap();
    assert_eq!((feed.len(), head), (0, 3), "no access token from before is left");
}

#[tokio::test]
async fn only_services_with_the_scope_may_ask() {
    let mut config = config();
    "sqlite::memory:".clone_into(&mut config.kit.database.url);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let running = users::start(config, listener, shutdown.clone()).await.unwrap();
    let (url, client) = (running.url(), reqwest::Client::new());
    let post = async |path: &str, service: Option<&str>, body: &'static str| {
        let request = client.post(format!("{url}{path}")).body(body);
        let request = match service {
            Some(name) => request.bearer_auth(development_credential(name).expose()),
            None => request,
        };
        request.send().await.unwrap()
    };
    assert_eq!(post("/oauth/introspect", None, "token=x").await.status(), StatusCode::UNAUTHORIZED);
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        assert_eq!(post(path, Some("payments"), "token=x").await.status(), StatusCode::FORBIDDEN);
        for body in ["", "token=", "tokens=x", "token=a&token=b"] {
            let answer = post(path, Some("operator"), body).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path} {body}");
        }
    }
    let answer = post("/oauth/introspect", Some("operator"), "token=x").await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "active": false }));
    assert_eq!(post("/oauth/revoke", Some("operator"), "token=x").await.status(), StatusCode::OK);

    let basic = client.post(format!("{url}/oauth/introspect")).body("token=x");
    let answer = basic.basic_auth("gateway", Some("development")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "as OAuth clients authenticate");
    let refused = post("/oauth/introspect", Some("operator"), "").await;
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], "invalid_request");

    let feed = format!("{url}/internal/revocations");
    assert_eq!(client.get(&feed).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let bearer = development_credential("gateway");
    let answer = client.get(&feed).bearer_auth(bearer.expose()).send().await.unwrap();
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({ "revocations": [], "next": 0, "head": 0 })
    );
    let bad =
        client.get(format!("{feed}?after=x")).bearer_auth(bearer.expose()).send().await.unwrap();
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    shutdown.cancel();
    running.handle.await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_holds_a_token_may_end_it() {
    let world = World::new().await;
    // Before there is a service that sends mails of its own.
    let person = world.person("ada@example.org").await;
    let other = world.session("ada@example.org", PASSWORD).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let serving = users::service(&config(), world.identity.clone())
        .spawn(listener, shutdown.clone())
        .unwrap();
    let client = reqwest::Client::new();
    let revoke = async |token: &str| {
        let form = format!("token={token}&token_type_hint=refresh_token&client_id=app");
        client.post(format!("{url}/oauth/revoke")).body(form).send().await.unwrap()
    };
    for unknown in ["x", "rt_", "pat_x", "a.b.c"] {
        assert_eq!(revoke(unknown).await.status(), StatusCode::OK, "{unknown}");
    }
    assert_eq!(revoke(&person.refresh_token).await.status(), StatusCode::OK);
    for token in [&person.access_token, &person.refresh_token] {
        assert!(world.identity.introspect(token).await.unwrap().is_none());
    }
    assert!(world.identity.introspect(&other.access_token).await.unwrap().is_some());
    assert_eq!(revoke(&person.refresh_token).await.status(), StatusCode::OK, "again");
    assert_eq!(revoke("").await.status(), StatusCode::BAD_REQUEST);

    // A credential that is shown has to be good.
    let wrong = client.post(format!("{url}/oauth/revoke")).bearer_auth("svc_operator_wrong");
    assert_eq!(wrong.body("token=x").send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let limited = loop {
        let answer = revoke("x").await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = limited.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(limited.json::<Value>().await.unwrap()["errors"][0]["code"], "RATE_LIMITED");
    assert!(world.identity.introspect(&other.access_token).await.unwrap().is_some());
    world.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(revoke(&other.refresh_token).await.status(), StatusCode::OK);
    assert!(world.identity.introspect(&other.refresh_token).await.unwrap().is_none());

    shutdown.cancel();
    serving.handle.await.unwrap().unwrap();
}
