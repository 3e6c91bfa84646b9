//! The service over HTTP.

use kit::{Caller, Clock, settings::development_credential, testing::Passports};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::{PASSWORD, REGISTER, config};

struct Served {
    url: String,
    passports: Passports,
    client: reqwest::Client,
    shutdown: CancellationToken,
    running: kit::Running,
}

impl Served {
    async fn new() -> Self {
        let passports = Passports::new(Clock::system());
        let mut config = config();
        "sqlite::memory:".clone_into(&mut config.kit.database.url);
        config.kit.passport = passports.settings();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shutdown = CancellationToken::new();
        let running = users::start(config, listener, shutdown.clone()).await.unwrap();
        let client = reqwest::Client::new();
        Self { url: running.url(), passports, client, shutdown, running }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn graphql(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        let answer = self
            .client
            .post(format!("{}/graphql", self.url))
            .header("x-concord-passport", self.passports.mint("users", caller))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.handle.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn nothing_is_answered_without_a_passport() {
    let served = Served::new().await;
    let body = json!({ "query": "{ _service { sdl } }" });
    let url = format!("{}/graphql", served.url);
    let answer = served.client.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    served.stop().await;
}

#[tokio::test]
async fn keys_and_discovery_are_public_and_agree() {
    let served = Served::new().await;
    let jwks = served.get("/.well-known/jwks.json").await;
    assert_eq!(jwks.headers()["cache-control"], "public, max-age=300");
    let jwks: Value = jwks.json().await.unwrap();
    let key = &jwks["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert!(key.get("d").is_none());
    let discovery: Value =
        served.get("/.well-known/openid-configuration").await.json().await.unwrap();
    assert_eq!(discovery["issuer"], "http://localhost:4001");
    assert_eq!(discovery["jwks_uri"], "http://localhost:4001/.well-known/jwks.json");
    served.stop().await;
}

#[tokio::test]
async fn contacts_are_for_services_with_the_scope() {
    let served = Served::new().await;
    let nobody = "/internal/contacts/usr_00000000000000000000000000";
    assert_eq!(served.get(nobody).await.status(), StatusCode::UNAUTHORIZED);
    let as_service = async |name: &str| {
        let url = format!("{}{nobody}", served.url);
        let token = development_credential(name);
        served.client.get(url).bearer_auth(token.expose()).send().await.unwrap().status()
    };
    assert_eq!(as_service("reviews").await, StatusCode::NOT_FOUND);
    assert_eq!(as_service("gateway").await, StatusCode::FORBIDDEN);
    served.stop().await;
}

#[tokio::test]
async fn mails_arrive_in_the_development_inbox() {
    let served = Served::new().await;
    let input = json!({ "email": "ada@example.org", "password": PASSWORD, "displayName": "Ada L" });
    let answer = served.graphql(&Caller::Anonymous, REGISTER, json!({ "input": input })).await;
    assert_eq!(answer["data"]["userRegister"]["accepted"], true, "{answer}");
    let mail = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            let inbox: Value =
                served.get("/dev/inbox.json?to=ada@example.org").await.json().await.unwrap();
            if let Some(mail) = inbox.as_array().and_then(|mails| mails.first()) {
                break mail.clone();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(mail["template"], "verify_email");
    assert!(mail["text"].as_str().unwrap().contains("?token="));
    served.stop().await;
}

#[tokio::test]
async fn readiness_counts_the_signing_keys() {
    let served = Served::new().await;
    assert_eq!(served.get("/health/live").await.status(), StatusCode::OK);
    let ready = served.get("/health/ready").await;
    assert!(ready.text().await.unwrap().contains("signing keys"));
    served.stop().await;
}
