//! The users service: verifies credentials, issues and revokes tokens, stores profiles.
//!
//! # Layout
//! - [`config`] → [`start`] → a served endpoint; `program` and `admin` are the command line.
//! - [`account`], [`password`], [`token`]: values that parse themselves, and pure rules.
//! - [`mod@identity`]: the operations; each is one transaction.
//! - [`graphql`], `http`, `mail`: how the outside sees them.
//! - [`entity`]: rows; [`loaders`]: batched reads.
//! - [`import`]: bulk loading of people; [`captcha`]: asking whether a person registers.
//! - `peers`: the other services' part of a person's export.
//!
//! The service knows nothing of orders, rides or reviews beyond three counts that the gateway
//! hands it for badges.

pub mod account;
mod admin;
pub mod captcha;
pub mod config;
pub mod entity;
pub mod graphql;
mod http;
pub mod identity;
pub mod import;
pub mod loaders;
mod mail;
pub mod password;
mod peers;
mod program;
pub mod token;

use std::{sync::Arc, time::Duration};

use kit::{Clock, Database, Running, Service, StartError, events::Consumer, mail::Templates};
use migrations::users::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use graphql::sdl;
pub use program::Users;

use captcha::HttpCaptcha;
use config::PeerSettings;
use identity::{Identity, acknowledgements::Acknowledgements};
use mail::MailTemplates;
use peers::Peers;

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
    following(&config, service(&config, identity)).spawn(listener, shutdown)
}

/// The operations over a migrated database.
pub async fn identity(
    config: &Config,
    database: Database,
    clock: Clock,
) -> Result<Identity, StartError> {
    let mut options = config.identity_options();
    if !config.captcha.url.is_empty() {
        let captcha = HttpCaptcha::new(&config.captcha)
            .map_err(|error| StartError::Service(error.to_string()))?;
        options.captcha = Some(Arc::new(captcha));
    }
    Identity::start(database, clock, options)
        .await
        .map_err(|error| StartError::Service(error.to_string()))
}

/// Follows the services that have to erase people too, for their word that they have.
fn following(config: &Config, service: Service) -> Service {
    let PeerSettings { credential, .. } = &config.peers;
    config.peers.services().into_iter().fold(service, |service, (name, url)| {
        let (database, clock) = (service.database().clone(), Clock::system());
        let handler = Arc::new(Acknowledgements { service: name });
        let consumer = Consumer::new(name, &url, credential.clone(), database, clock, handler);
        service.follow(&format!("{name} feed"), consumer)
    })
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
    let peers = Peers::new(config.peers.services(), config.peers.credential.clone());
    let trusted_proxies = config.kit.trusted_proxies.clone();
    let for_requests = identity.clone();
    let (keys, sweeper, eraser) = (identity.clone(), identity.clone(), identity.clone());
    service
        .graphql(graphql::schema(identity.clone(), &config.kit.limits))
        .per_request(move |request, _| request.data(loaders::loaders(for_requests.clone())))
        .routes(http::routes(identity.clone(), credentials, peers, trusted_proxies))
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
                    if let Err(error) = identity.report_overdue_erasures().await {
                        tracing::error!(error = %error, "open erasures cannot be counted");
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
