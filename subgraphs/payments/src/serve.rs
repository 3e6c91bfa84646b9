//! Putting the parts together: database, schema, routes, background work.

use std::{sync::Arc, time::Duration};

use kit::{Clock, Database, Running, Service, mail::HttpRecipients, service::StartError};
use migrations::payments::Migrator;
use sea_orm::DbErr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    config::Config,
    connector::sandbox::{AuthenticationPage, routes as sandbox_routes},
    graphql, internal,
    mail::Letters,
    operation::{attempt, reconcile::reconcile, sweep::sweep},
    vault,
};

/// The service's name: audience of passports, prefix of environment variables.
pub const NAME: &str = "payments";

/// Opens and migrates the database and serves on `listener`.
pub async fn start(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    config.check().map_err(|error| StartError::Service(error.to_string()))?;
    let settings = &config.kit.database;
    let database = Database::connect(&settings.url_for(NAME), settings.options()).await?;
    database.migrate_up::<Migrator>().await?;
    let public_url = if config.kit.public_url.is_empty() {
        format!("http://localhost:{}", listener.local_addr()?.port())
    } else {
        config.kit.public_url.clone()
    };
    let app = App::new(config, database, Clock::system(), &public_url);
    service(&app).spawn(listener, shutdown)
}

/// The service around an [`App`].
pub fn service(app: &App) -> Service {
    let settings = app.config.kit.clone();
    let service = Service::new(NAME, settings, app.database.clone(), app.clock.clone());
    let credentials = service.credentials();
    let requests = app.clone();
    let page = AuthenticationPage { sandbox: app.sandbox.clone(), notify: notify(app) };
    let (reconciler, sweeper) = (app.clone(), app.clone());
    let recipients =
        HttpRecipients::new(&app.config.users_url, app.config.users_credential.clone());
    service
        .graphql(graphql::schema(app))
        .per_request(move |request, caller| graphql::prepare(&requests, request, caller))
        .routes(vault::routes(app.clone()))
        .routes(internal::routes(app.clone(), credentials))
        .routes(sandbox_routes(page))
        .mail(Arc::new(Letters))
        .recipients(Arc::new(recipients))
        .task("reconciler", move |shutdown| {
            every(reconciler.config.processing.poll.0, shutdown, move || {
                let app = reconciler.clone();
                async move { report("reconciler", reconcile(&app).await) }
            })
        })
        .task("sweeper", move |shutdown| {
            every(sweeper.config.processing.poll.0, shutdown, move || {
                let app = sweeper.clone();
                async move { report("sweeper", sweep(&app).await) }
            })
        })
}

fn report(task: &'static str, round: Result<usize, DbErr>) {
    match round {
        Ok(0) => {}
        Ok(count) => tracing::info!(task, count, "round done"),
        Err(error) => tracing::warn!(task, %error, "the database cannot be read"),
    }
}

/// The sandbox tells us when a cardholder has answered, as a webhook would.
fn notify(app: &App) -> crate::connector::sandbox::Notify {
    let app = app.clone();
    Arc::new(move |id| {
        let app = app.clone();
        Box::pin(async move {
            if let Err(error) = attempt::check(&app, id).await {
                tracing::warn!(attempt = %id, %error, "an authentication could not be booked");
            }
        })
    })
}

async fn every<F: Future<Output = ()>>(
    pause: Duration,
    shutdown: CancellationToken,
    work: impl Fn() -> F,
) {
    loop {
        work().await;
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
