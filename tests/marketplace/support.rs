//! One marketplace for all tests of a binary, and a client for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;
use marketplace::demo::logins::Login;
use marketplace::{Options, Stack};
use serde_json::{Value, json};

/// The running marketplace.
pub(crate) struct Marketplace {
    pub(crate) gateway: String,
    pub(crate) users: String,
    pub(crate) payments: String,
    logins: Vec<Login>,
    _folder: tempfile::TempDir,
}

static MARKETPLACE: OnceLock<Marketplace> = OnceLock::new();

/// Started by whoever asks first, on a runtime of its own that lives as long as the process.
pub(crate) fn marketplace() -> &'static Marketplace {
    MARKETPLACE.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let folder = tempfile::tempdir().unwrap();
                let data = folder.path().to_str().unwrap().to_owned();
                let options =
                    Options::parse_from(["marketplace", "--port", "0", "--data-dir", &data]);
                let mut stack = Stack::start(&options, &mut |_| {}).await.unwrap();
                let running = Marketplace {
                    gateway: stack.gateway_url(),
                    users: stack.users_url(),
                    payments: stack.payments_url(),
                    logins: stack.logins().to_vec(),
                    _folder: folder,
                };
                sender.send(running).unwrap();
                let error = stack.failed().await;
                panic!("{error}");
            });
        });
        receiver.recv().expect("the marketplace starts")
    })
}

/// Somebody with or without a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    token: Option<String>,
}

impl Client {
    pub(crate) fn anonymous() -> Self {
        Self::default()
    }

    pub(crate) fn with_token(token: &str) -> Self {
        Self { token: Some(token.to_owned()) }
    }

    /// Signed in as the first demo log-in of a role.
    pub(crate) async fn role(role: &str) -> Self {
        let login = marketplace().logins.iter().find(|login| login.role == role).unwrap();
        Self::sign_in(&login.email, &login.password).await
    }

    pub(crate) async fn sign_in(email: &str, password: &str) -> Self {
        let answer = Self::anonymous()
            .send(
                "mutation SignIn($input: SessionCreateInput!) {
                   sessionCreate(input: $input) { tokens { accessToken } errors { ... on UserError { code message } } }
                 }",
                json!({ "input": { "email": email, "password": password } }),
            )
            .await;
        let token = answer["data"]["sessionCreate"]["tokens"]["accessToken"].as_str();
        Self { token: Some(token.unwrap_or_else(|| panic!("cannot sign in: {answer}")).to_owned()) }
    }

    /// A new person, registered and verified through the mail.
    pub(crate) async fn register() -> Self {
        Self::register_as().await.0
    }

    /// A new person with what is needed to sign in again.
    pub(crate) async fn register_as() -> (Self, String, &'static str) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (email, password) =
            (format!("shopper{number}@example.com"), "sundial-otter-violet-quarry");
        let answer = Self::anonymous()
            .send(
                "mutation Register($input: UserRegisterInput!) { userRegister(input: $input) { accepted errors { ... on UserError { code message } } } }",
                json!({ "input": { "email": email, "password": password, "displayName": format!("Shopper {number}") } }),
            )
            .await;
        assert_eq!(answer["data"]["userRegister"]["accepted"], true, "{answer}");
        let token = verification_token(&email).await;
        let answer = Self::anonymous()
            .send(
                "mutation Verify($token: String!) { userVerifyEmail(token: $token) { user { id } errors { ... on UserError { code } } } }",
                json!({ "token": token }),
            )
            .await;
        assert!(answer["data"]["userVerifyEmail"]["user"]["id"].is_string(), "{answer}");
        let client = Self::sign_in(&email, password).await;
        (client, email, password)
    }

    /// Sends one operation, gives back the whole answer.
    pub(crate) async fn send(&self, query: &str, variables: Value) -> Value {
        let (status, body) = self.post(&json!({ "query": query, "variables": variables })).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Sends one operation that must not have top-level errors, gives back its data.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.send(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    pub(crate) async fn post(&self, body: &Value) -> (u16, Value) {
        let mut request =
            reqwest::Client::new().post(format!("{}/graphql", marketplace().gateway)).json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

/// The token of the newest mail to this address, once it has been sent.
async fn verification_token(email: &str) -> String {
    for _ in 0..1000 {
        let url = format!("{}/dev/inbox.json?to={email}", marketplace().users);
        let mails: Value =
            reqwest::Client::new().get(url).send().await.unwrap().json().await.unwrap();
        if let Some(text) = mails[0]["text"].as_str() {
            let (_, rest) = text.split_once("?token=").unwrap();
            return rest
                .split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
                .next()
                .unwrap()
                .to_owned();
        }
        tokio::task::yield_now().await;
    }
    panic!("no mail to {email}");
}

/// A single-use card token from the vault.
pub(crate) async fn card_token(number: &str) -> String {
    let response = reqwest::Client::new()
        .post(format!("{}/vault/v1/tokens", marketplace().payments))
        .json(&json!({ "number": number, "expMonth": 12, "expYear": 2034, "cvc": "123" }))
        .send()
        .await
        .unwrap();
    let body: Value = response.json().await.unwrap();
    body["token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Keys that nobody else uses.
pub(crate) fn fresh_key() -> String {
    uuid::Uuid::now_v7().to_string()
}
