//! The users service: verifies credentials, issues and revokes tokens, stores profiles.
//!
//! # Layout
//! - [`config`] → [`start`] → a served endpoint; `program` and [`admin`] are the command line.
//! - [`account`], [`password`], [`token`]: values that parse themselves, and pure rules.
//! - [`mod@identity`]: the operations; each is one transaction.
//! - [`graphql`], `http`, `mail`: how the outside sees them.
//! - [`entity`]: rows; [`loaders`]: batched reads.
//! - [`import`]: bulk loading of people.
//!
//! The service knows nothing of orders, rides or reviews beyond three counts that the gateway
//! hands it for badges.

pub mod account;
pub mod admin;
pub mod config;
pub mod entity;
pub mod graphql;
mod http;
pub mod identity;
pub mod import;
pub mod loaders;
mod mail;
pub mod password;
mod program;
pub mod token;

use std::{sync::Arc, time::Duration};

use kit::{Clock, Database, Running, Service, StartError, mail::Templates};
use migrations::users::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use graphql::sdl;
pub use program::Users;

use identity::Identity;
use mail::MailTemplates;

const KEYS_EVERY: Duration = Duration::from_mins(1);
const ERASE_EVERY: Duration = Duration::from_mins(1);
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Connects, migrates, and serves until `shutdown`.
pub async fn start(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    config.check().map_err(|error| StartError::Service(error.to_string()))?;
    let settings = &config.kit.database;
    let database = Database::connect(&settings.url_for("users"), settings.options()).await?;
    database.migrate_up::<Migrator>().await?;
    let identity = identity(&config, database.clone(), Clock::system()).await?;
    service(&config, identity).spawn(listener, shutdown)
}

/// The operations over a migrated database.
pub async fn identity(
    config: &Config,
    database: Database,
    clock: Clock,
) -> Result<Identity, StartError> {
    Identity::start(database, clock, config.identity_options())
        .await
        .map_err(|error| StartError::Service(error.to_string()))
}

/// The service, not yet served.
pub fn service(config: &Config, identity: Identity) -> Service {
    let templates = templates(config, &identity);
    let service = Service::new(
        "users",
        config.kit.clone(),
        identity.database.clone(),
        identity.clock.clone(),
    );
    let credentials = service.credentials();
    let (keys, sweeper, eraser) = (identity.clone(), identity.clone(), identity.clone());
    service
        .graphql(graphql::schema(identity.clone(), &config.kit.limits))
        .routes(http::routes(identity.clone(), credentials))
        .mail(templates)
        .ready("signing keys", move || {
            let identity = identity.clone();
            async move {
                let active = identity.signing_keys().active().await;
                active.map(drop).map_err(|error| error.to_string())
            }
        })
        .task("signing keys", move |shutdown| {
            every(KEYS_EVERY, shutdown, move || {
                let identity = keys.clone();
                async move {
                    if let Err(error) = identity.signing_keys().advance().await {
                        tracing::error!(error = %error, "signing keys were not advanced");
                    }
                }
            })
        })
        .task("erasure", move |shutdown| {
            every(ERASE_EVERY, shutdown, move || {
                let identity = eraser.clone();
                async move {
                    if let Err(error) = identity.erase_due().await {
                        tracing::error!(error = %error, "people due for erasure were not erased");
                    }
                }
            })
        })
        .task("sweeper", move |shutdown| {
            every(SWEEP_EVERY, shutdown, move || {
                let identity = sweeper.clone();
                async move {
                    if let Err(error) = identity.sweep().await {
                        tracing::error!(error = %error, "old rows were not removed");
                    }
                }
            })
        })
}

/// The texts of this service's mails.
pub fn templates(config: &Config, identity: &Identity) -> Arc<dyn Templates> {
    Arc::new(MailTemplates::new(
        identity.keys.one_time.clone(),
        &config.identity.links,
        &config.issuer(),
    ))
}

/// Repeats `work` until `shutdown`.
async fn every<F: Future<Output = ()> + Send>(
    period: Duration,
    shutdown: CancellationToken,
    work: impl Fn() -> F + Send,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(period) => work().await,
        }
    }
}
