//! Putting the service together: database, core, schema, jobs, feeds.

use std::sync::Arc;

use kit::events::Consumer;
use kit::mail::HttpRecipients;
use kit::service::StartError;
use kit::{Clock, Database, Running, Service};
use migrations::reviews::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Peers};
use crate::core::Core;
use crate::export;
use crate::graphql::{loaders, schema};
use crate::jobs;
use crate::mails::ReviewMails;
use crate::projection::{PaymentsProjection, UsersProjection};
use crate::purchases::{HttpPurchaseCheck, NoPurchaseCheck, PurchaseCheck};
use crate::structured_data;

/// The service's name everywhere.
pub const NAME: &str = "reviews";

/// Connects, migrates, and serves until `shutdown`.
pub async fn start(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let database = open(&config).await?;
    let clock = Clock::system();
    let core = core(&config, database, clock)?;
    core.refresh_prior().await.map_err(|error| StartError::Service(error.to_string()))?;
    let service = with_feeds(with_jobs(service(&config, &core), &core), &config.peers, &core);
    service.spawn(listener, shutdown)
}

/// The configured database with all migrations.
pub async fn open(config: &Config) -> Result<Database, StartError> {
    let settings = &config.kit.database;
    let database = Database::connect(&settings.url_for(NAME), settings.options()).await?;
    database.migrate_up::<Migrator>().await?;
    Ok(database)
}

fn core(config: &Config, database: Database, clock: Clock) -> Result<Core, StartError> {
    let Config { kit, peers, rules } = config;
    let purchases: Arc<dyn PurchaseCheck> = if peers.payments_url.is_empty() {
        Arc::new(NoPurchaseCheck)
    } else {
        let budget = peers.purchase_check_budget.0;
        let check = HttpPurchaseCheck::new(&peers.payments_url, peers.credential.clone(), budget)
            .map_err(|error| StartError::Service(error.to_string()))?;
        Arc::new(check)
    };
    Ok(Core::new(database, clock, kit.cursor_key(), rules.clone(), purchases))
}

/// The service without jobs and feeds, as tests use it.
pub fn service(config: &Config, core: &Core) -> Service {
    let settings = config.kit.clone();
    let schema = schema(Some(core.clone()), &settings.limits);
    let for_requests = core.clone();
    let service = Service::new(NAME, settings, core.database.clone(), core.clock.clone());
    let credentials = service.credentials();
    service
        .graphql(schema)
        .per_request(move |request, caller| {
            request.data(loaders(for_requests.clone(), caller.user_id()))
        })
        .routes(structured_data::routes(core.clone()))
        .routes(export::routes(core.clone(), credentials))
        .mail(Arc::new(ReviewMails))
}

fn with_jobs(service: Service, core: &Core) -> Service {
    let (late, hourly, nightly) = (core.clone(), core.clone(), core.clone());
    service
        .task("late verification", move |stop| jobs::late_verification(late, stop))
        .task("housekeeping", move |stop| jobs::housekeeping(hourly, stop))
        .task("nightly recount", move |stop| jobs::nightly_recount(nightly, stop))
}

fn with_feeds(mut service: Service, peers: &Peers, core: &Core) -> Service {
    let consumer = |source: &str, url: &str, handler| {
        let (database, clock) = (core.database.clone(), core.clock.clone());
        Consumer::new(source, url, peers.credential.clone(), database, clock, handler)
    };
    if !peers.users_url.is_empty() {
        let users = consumer("users", &peers.users_url, Arc::new(UsersProjection));
        service = service
            .follow("users feed", users)
            .recipients(Arc::new(HttpRecipients::new(&peers.users_url, peers.credential.clone())));
    }
    if !peers.payments_url.is_empty() {
        let payments = consumer("payments", &peers.payments_url, Arc::new(PaymentsProjection));
        service = service.follow("payments feed", payments);
    }
    service
}

/// The subgraph's SDL.
pub fn sdl() -> String {
    kit::graphql::sdl(&schema(None, &kit::settings::LimitSettings::default()))
}
