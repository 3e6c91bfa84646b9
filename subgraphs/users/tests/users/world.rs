//! A users service without HTTP: a fresh database, a clock moved by hand, mails in a list.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_graphql::{Request, Variables};
use kit::{
    Caller, Clock, Database, RequestOrigin, Timestamp, UserCaller,
    id::UserId,
    mail::{Delivery, SendError, Transport, Worker},
    settings::Period,
};
use migrations::users::Migrator;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use users::{Config, graphql::UsersSchema, identity::Identity};

pub(crate) const PASSWORD: &str = "violet tractor humming lake";
pub(crate) const OTHER_PASSWORD: &str = "kettle orbit mustard fjord";

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) database: Database,
    pub(crate) identity: Identity,
    pub(crate) schema: UsersSchema,
    pub(crate) config: Config,
    worker: Worker,
    sent: Arc<Mutex<Vec<Mail>>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) template: String,
    pub(crate) text: String,
}

impl Mail {
    /// The token in the mail's link.
    pub(crate) fn token(&self) -> String {
        let (_, rest) = self.text.split_once("?token=").expect("the mail has a link");
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

struct Recorder(Arc<Mutex<Vec<Mail>>>);

#[kit::async_trait]
impl Transport for Recorder {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError> {
        self.0.lock().unwrap().push(Mail {
            to: delivery.to.to_owned(),
            template: delivery.template.to_owned(),
            text: delivery.rendered.text.clone(),
        });
        Ok(())
    }
}

/// Hashes that cost next to nothing, answers without a floor.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.hashing.memory_kib = 64;
    config.hashing.slots = 4;
    config.hashing.queue = 256;
    config.identity.answer_floor = Period(Duration::ZERO);
    config.peers.reviews_url.clear();
    config.peers.payments_url.clear();
    config
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) caller: Caller,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let clock = Clock::manual(Timestamp(1_795_371_000_000));
        let database = kit::testing::database::<Migrator>().await;
        Self::on(config, clock, database).await
    }

    /// A second replica on the same database.
    pub(crate) async fn twin(&self) -> Self {
        self.reconfigured(self.config.clone()).await
    }

    /// The same database under another configuration.
    pub(crate) async fn reconfigured(&self, config: Config) -> Self {
        Self::on(config, self.clock.clone(), self.database.clone()).await
    }

    pub(crate) async fn on(config: Config, clock: Clock, database: Database) -> Self {
        let identity = users::identity(&config, database.clone(), clock.clone()).await.unwrap();
        let schema = users::graphql::schema(identity.clone(), &config.kit.limits);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let templates = users::templates(&config, &identity);
        let transport = Arc::new(Recorder(Arc::clone(&sent)));
        let worker =
            Worker::with_transport(&database, &clock, templates, transport, Duration::ZERO);
        Self { clock, database, identity, schema, config, worker, sent }
    }

    /// Runs an operation and returns the whole answer.
    pub(crate) async fn run(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        self.run_from("192.0.2.1", caller, query, variables).await
    }

    pub(crate) async fn run_from(
        &self,
        ip: &str,
        caller: &Caller,
        query: &str,
        variables: Value,
    ) -> Value {
        let origin = RequestOrigin {
            ip: Some(ip.parse::<IpAddr>().unwrap()),
            user_agent: Some("test browser".to_owned()),
            request_id: "r1".to_owned(),
        };
        let request = Request::new(query)
            .variables(Variables::from_json(variables))
            .data(users::loaders::loaders(self.identity.clone()))
            .data(caller.clone())
            .data(origin)
            .data(self.clock.clone());
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    /// `data` of an operation that must not fail.
    pub(crate) async fn data(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        let answer = self.run(caller, query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    /// Sends what is queued and returns all mails to this address so far, oldest first.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Mail> {
        while self.worker.work_once(&CancellationToken::new()).await.unwrap() > 0 {}
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|mail| mail.to == to).cloned().collect()
    }

    pub(crate) async fn last_mail(&self, to: &str, template: &str) -> Mail {
        let mails = self.mails(to).await;
        let found = mails.iter().rev().find(|mail| mail.template == template).cloned();
        found.unwrap_or_else(|| panic!("no {template} to {to} among {mails:?}"))
    }

    pub(crate) async fn register(&self, email: &str) -> Value {
        let input = json!({ "email": email, "password": PASSWORD, "displayName": "Ada L" });
        self.data(&Caller::Anonymous, REGISTER, json!({ "input": input })).await["userRegister"]
            .clone()
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Value {
        self.log_in_from("192.0.2.1", email, password).await
    }

    pub(crate) async fn log_in_from(&self, ip: &str, email: &str, password: &str) -> Value {
        let input = json!({ "input": { "email": email, "password": password } });
        let answer = self.run_from(ip, &Caller::Anonymous, LOG_IN, input).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"]["sessionCreate"].clone()
    }

    /// Registers, verifies and logs in.
    pub(crate) async fn person(&self, email: &str) -> Person {
        let registered = self.register(email).await;
        assert_eq!(registered, json!({ "accepted": true, "errors": [] }));
        let token = self.last_mail(email, "verify_email").await.token();
        let verified = self.data(&Caller::Anonymous, VERIFY, json!({ "token": token })).await;
        assert_eq!(verified["userVerifyEmail"]["errors"], json!([]));
        self.session(email, PASSWORD).await
    }

    /// Logs a verified person in.
    pub(crate) async fn session(&self, email: &str, password: &str) -> Person {
        let payload = self.log_in(email, password).await;
        assert_eq!(payload["errors"], json!([]), "{payload}");
        let access_token = payload["tokens"]["accessToken"].as_str().unwrap().to_owned();
        Person {
            id: UserId::parse(payload["user"]["id"].as_str().unwrap()).unwrap(),
            email: email.to_owned(),
            caller: caller_of(&access_token),
            access_token,
            refresh_token: payload["tokens"]["refreshToken"].as_str().unwrap().to_owned(),
        }
    }

    /// A person with these roles beside CUSTOMER, given by nobody in particular.
    pub(crate) async fn staff(&self, email: &str, role: &str) -> Person {
        let person = self.person(email).await;
        let roles = users::account::roles::Roles::new([
            users::account::roles::Role::Customer,
            role.parse().unwrap(),
        ]);
        let origin = RequestOrigin::default();
        self.identity.set_roles(person.id, &roles, &origin).await.unwrap();
        self.session(email, PASSWORD).await
    }
}

/// The caller a gateway would write into the passport for this access token.
pub(crate) fn caller_of(access_token: &str) -> Caller {
    let claims = claims(access_token);
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    Caller::User(UserCaller {
        id: UserId::parse(claims["sub"].as_str().unwrap()).unwrap(),
        session: claims["sid"].as_str().map(str::to_owned),
        scopes: claims["scope"].as_str().unwrap().split(' ').map(str::to_owned).collect(),
        roles: texts(&claims["roles"]),
        amr: texts(&claims["amr"]),
        auth_time: claims["auth_time"].as_i64().map(Timestamp::from_seconds),
        generation: claims["gen"].as_i64(),
    })
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The codes of a payload's errors.
pub(crate) fn codes(payload: &Value) -> Vec<&str> {
    payload["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect()
}

pub(crate) const ERRORS: &str = "errors { __typename ... on UserError { code message path } \
     ... on RateLimitedError { retryAfterSeconds } }";

pub(crate) const REGISTER: &str = "mutation($input: UserRegisterInput!) { userRegister(input: $input) { \
     accepted errors { __typename ... on UserError { code message path } \
     ... on WeakPasswordError { score suggestions } } } }";

pub(crate) const VERIFY: &str = "mutation($token: String!) { userVerifyEmail(token: $token) { \
     user { id displayName } errors { __typename ... on UserError { code path } } } }";

pub(crate) const LOG_IN: &str = "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { \
     tokens { accessToken tokenType expiresIn refreshToken refreshExpiresIn scope } user { id } \
     errors { __typename ... on UserError { code message path } \
     ... on RateLimitedError { retryAfterSeconds } } } }";

pub(crate) const REFRESH: &str = "mutation($token: String!) { sessionRefresh(refreshToken: $token) { \
     tokens { accessToken refreshToken refreshExpiresIn } \
     errors { __typename ... on UserError { code } } } }";

pub(crate) const ME: &str = "{ me { id account { email emailVerified status roles version \
     sessions { id isCurrent } } } }";
