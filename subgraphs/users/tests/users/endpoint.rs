//! The service over HTTP.

use std::sync::{Arc, Mutex};

use kit::{Caller, Clock, settings::development_credential, testing::Passports};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::{LOG_IN, PASSWORD, REGISTER, VERIFY, caller_of, config};

struct Served {
    url: String,
    passports: Passports,
    client: reqwest::Client,
    shutdown: CancellationToken,
    running: kit::Running,
}

impl Served {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut users::Config)) -> Self {
        let passports = Passports::new(Clock::system());
        let mut config = config();
        "sqlite::memory:".clone_into(&mut config.kit.database.url);
        config.kit.passport = passports.settings();
        change(&mut config);
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

    /// The token of the newest mail of this template.
    async fn link(&self, to: &str, template: &str) -> String {
        let wanted = async {
            loop {
                let inbox = self.get(&format!("/dev/inbox.json?to={to}")).await;
                let mails: Value = inbox.json().await.unwrap();
                let mails = mails.as_array().unwrap();
                if let Some(mail) = mails.iter().find(|mail| mail["template"] == template) {
                    return mail["text"].as_str().unwrap().to_owned();
                }
            }
        };
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(20), wanted);
        let text = waiting.await.expect("the mail arrives");
        let (_, rest) = text.split_once("?token=").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// Registers, verifies and logs in; the caller and the id.
    async fn person(&self, email: &str) -> (Caller, String) {
        let input = json!({ "email": email, "password": PASSWORD, "displayName": "Ada L" });
        self.graphql(&Caller::Anonymous, REGISTER, json!({ "input": input })).await;
        let token = self.link(email, "verify_email").await;
        self.graphql(&Caller::Anonymous, VERIFY, json!({ "token": token })).await;
        let input = json!({ "input": { "email": email, "password": PASSWORD } });
        let answer = self.graphql(&Caller::Anonymous, LOG_IN, input).await;
        let access = answer["data"]["sessionCreate"]["tokens"]["accessToken"].as_str().unwrap();
        let id = answer["data"]["sessionCreate"]["user"]["id"].as_str().unwrap();
        (caller_of(access), id.to_owned())
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

/// A server of one answer to everything, and the requests' bodies it has seen.
async fn somebody(answer: Value) -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&seen);
    let routes = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let (log, answer) = (Arc::clone(&log), answer.clone());
        async move {
            let path = request.uri().path().to_owned();
            let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
            log.lock().unwrap().push(format!("{path} {}", String::from_utf8_lossy(&body)));
            axum::Json(answer)
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, seen)
}

#[tokio::test]
async fn an_export_has_the_other_services_parts_and_names_those_that_gave_none() {
    let (reviews, seen) = somebody(json!({ "reviews": [{ "rating": 5 }] })).await;
    let served = Served::with(|config| {
        config.peers.reviews_url = reviews;
        config.peers.payments_url = "http://127.0.0.1:9".to_owned();
    })
    .await;
    let (caller, id) = served.person("ada@example.org").await;
    served.graphql(&caller, "mutation { accountExport { accepted } }", json!({})).await;
    let link = served.link("ada@example.org", "account_export").await;
    let export: Value =
        served.get(&format!("/account/export?token={link}")).await.json().await.unwrap();
    assert_eq!(export["account"]["email"], "ada@example.org");
    assert_eq!(export["reviews"]["reviews"][0]["rating"], 5);
    assert_eq!(export["incomplete"], json!(["payments"]));
    let asked = format!("/internal/export/{id} ");
    assert!(seen.lock().unwrap().contains(&asked));
    served.stop().await;
}

#[tokio::test]
async fn a_captcha_can_be_asked_for() {
    let (yes, asked) = somebody(json!({ "success": true })).await;
    let served = Served::with(|config| {
        config.captcha.url = yes;
        config.captcha.secret = kit::settings::Secret::from("shared");
    })
    .await;
    let register = async |token: Option<&str>| {
        let input = json!({
            "email": "ada@example.org", "password": PASSWORD, "displayName": "Ada L",
            "captchaToken": token,
        });
        let answer = served.graphql(&Caller::Anonymous, REGISTER, json!({ "input": input })).await;
        answer["data"]["userRegister"].clone()
    };
    let without = register(None).await;
    assert_eq!(without["errors"][0]["code"], "CAPTCHA_FAILED");
    assert_eq!(without["errors"][0]["path"], json!(["input", "captchaToken"]));
    assert_eq!(register(Some("solved")).await, json!({ "accepted": true, "errors": [] }));
    assert_eq!(asked.lock().unwrap().as_slice(), ["/ secret=shared&response=solved"]);
    served.stop().await;

    let (no, _) = somebody(json!({ "success": false })).await;
    for url in [no, "http://127.0.0.1:9".to_owned()] {
        let served = Served::with(|config| config.captcha.url = url).await;
        let input = json!({
            "email": "ada@example.org", "password": PASSWORD, "displayName": "Ada L",
            "captchaToken": "x",
        });
        let answer = served.graphql(&Caller::Anonymous, REGISTER, json!({ "input": input })).await;
        assert_eq!(answer["data"]["userRegister"]["errors"][0]["code"], "CAPTCHA_FAILED");
        served.stop().await;
    }
}

#[tokio::test]
async fn a_leaked_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leaked.txt");
    // SHA-1 of the passphrase all these tests use.
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        PASSWORD.as_bytes(),
    );
    std::fs::write(&file, format!("{}:3\n", data_encoding::HEXUPPER.encode(digest.as_ref())))
        .unwrap();
    let served = Served::with(|config| config.identity.breached_passwords = file).await;
    for (password, code) in
        [(PASSWORD, Some("WEAK_PASSWORD")), ("kettle orbit mustard fjord", None)]
    {
        let input =
            json!({ "email": "ada@example.org", "password": password, "displayName": "Ada L" });
        let answer = served.graphql(&Caller::Anonymous, REGISTER, json!({ "input": input })).await;
        let error = &answer["data"]["userRegister"]["errors"][0]["code"];
        assert_eq!(error.as_str(), code, "{answer}");
    }
    served.stop().await;
}
