//! A tiny service for the kit's own tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{
    Context, EmptySubscription, Error, Interface, Object, Schema, SimpleObject, Union,
};
use sea_orm::DbErr;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Timestamp};
use crate::database::Database;
use crate::graphql::{InvalidInputError, Limited, RateLimitedError, scopes};
use crate::mail::{RenderError, Rendered, Templates};
use crate::service::{Running, Service};
use crate::settings::Settings;
use crate::testing::{self, Passports};

pub(crate) const NOW: Timestamp = Timestamp(1_795_371_000_000);

#[derive(Debug)]
pub(crate) struct Migrator;

#[crate::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migrations::kit::migrations()
    }
}

pub(crate) async fn database() -> Database {
    testing::database::<Migrator>().await
}

/// Says which mails were rendered; `broken` cannot be.
#[derive(Debug, Default)]
pub(crate) struct Letters;

impl Templates for Letters {
    fn render(
        &self,
        template: &str,
        locale: &str,
        data: &serde_json::Value,
    ) -> Result<Rendered, RenderError> {
        if template == "broken" {
            return Err(RenderError::UnknownTemplate { template: template.to_owned() });
        }
        Ok(Rendered {
            subject: format!("{template} ({locale})"),
            text: data.to_string(),
            html: format!("<p>{template}</p>"),
        })
    }
}

#[expect(clippy::duplicated_attributes, reason = "two fields have the same type")]
#[derive(Interface)]
#[graphql(
    field(name = "message", ty = "&String"),
    field(name = "code", ty = "&String"),
    field(name = "path", ty = "&Vec<String>")
)]
enum UserError {
    InvalidInput(InvalidInputError),
    RateLimited(RateLimitedError),
}

#[derive(Union)]
enum PokeError {
    InvalidInput(InvalidInputError),
    RateLimited(RateLimitedError),
}

#[derive(SimpleObject)]
struct PokePayload {
    poked: Option<i32>,
    errors: Vec<PokeError>,
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> &'static str {
        "world"
    }

    async fn whoami(&self, ctx: &Context<'_>) -> String {
        crate::caller(ctx).principal()
    }

    async fn request_id(&self, ctx: &Context<'_>) -> String {
        crate::origin(ctx).request_id.clone()
    }

    async fn broken(&self) -> Option<Result<i32, Error>> {
        Some(Err(DbErr::Custom("password=hunter2".to_owned()).into()))
    }

    async fn panics(&self) -> i32 {
        fail_on_purpose()
    }

    async fn staff_only(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        Some(scopes(ctx, &["staff"]).map(|()| 7))
    }

    async fn nested(&self) -> Query {
        Query
    }
}

fn fail_on_purpose() -> i32 {
    panic!("on purpose")
}

/// Points at which a test and a mutation wait for each other.
#[derive(Default)]
pub(crate) struct Pauses {
    pub(crate) started: Notify,
    pub(crate) go_on: Notify,
    pub(crate) finished: Notify,
}

pub(crate) struct Mutation {
    pokes: Arc<AtomicUsize>,
    pauses: Arc<Pauses>,
}

#[Object]
impl Mutation {
    async fn poke(&self, times: i32) -> Option<PokePayload> {
        if times < 0 {
            let error = InvalidInputError::new("NEGATIVE", "not below zero", &["times"]);
            return Some(PokePayload { poked: None, errors: vec![PokeError::InvalidInput(error)] });
        }
        if times > 100 {
            let error = RateLimitedError::new("slow down", &[], 3);
            return Some(PokePayload { poked: None, errors: vec![PokeError::RateLimited(error)] });
        }
        self.pokes.fetch_add(1, Ordering::SeqCst);
        Some(PokePayload { poked: Some(times), errors: Vec::new() })
    }

    async fn poke_slowly(&self) -> bool {
        self.pauses.started.notify_one();
        self.pauses.go_on.notified().await;
        self.pokes.fetch_add(1, Ordering::SeqCst);
        self.pauses.finished.notify_one();
        true
    }
}

/// A service that is being served, with what a test needs to talk to it.
pub(crate) struct Fixture {
    pub(crate) running: Running,
    pub(crate) shutdown: CancellationToken,
    pub(crate) passports: Passports,
    pub(crate) clock: Clock,
    pub(crate) pokes: Arc<AtomicUsize>,
    pub(crate) pauses: Arc<Pauses>,
    pub(crate) client: reqwest::Client,
}

pub(crate) fn schema(
    settings: &Settings,
    pokes: &Arc<AtomicUsize>,
    pauses: &Arc<Pauses>,
) -> Schema<Query, Mutation, EmptySubscription> {
    let mutation = Mutation { pokes: Arc::clone(pokes), pauses: Arc::clone(pauses) };
    Schema::build(Query, mutation, EmptySubscription)
        .enable_federation()
        .register_output_type::<UserError>()
        .limited(&settings.limits)
        .finish()
}

pub(crate) async fn serve(name: &'static str, adjust: impl FnOnce(&mut Settings)) -> Fixture {
    let clock = Clock::manual(NOW);
    let passports = Passports::new(clock.clone());
    let mut settings = Settings { passport: passports.settings(), ..Settings::default() };
    adjust(&mut settings);
    let (pokes, pauses) = (Arc::default(), Arc::default());
    let schema = schema(&settings, &pokes, &pauses);
    let shutdown = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = Service::new(name, settings, database().await, clock.clone())
        .graphql(schema)
        .mail(Arc::new(Letters))
        .spawn(listener, shutdown.clone())
        .unwrap();
    Fixture { running, shutdown, passports, clock, pokes, pauses, client: reqwest::Client::new() }
}

impl Fixture {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    pub(crate) fn post(&self, passport: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url("/graphql")).header(crate::passport::HEADER, passport)
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.handle.await.unwrap().unwrap();
    }
}
