//! Putting the parts together: database, schema, routes, background work.

use std::{sync::Arc, time::Duration};

use kit::{
    Clock, Database, Running, Service, events::Consumer, mail::HttpRecipients, service::StartError,
};
use migrations::payments::Migrator;
use sea_orm::DbErr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    config::Config,
    connector::Connector,
    connector::sandbox::{AuthenticationPage, routes as sandbox_routes},
    graphql, internal,
    mail::Letters,
    operation::{
        attempt,
        erase::{UsersFollower, drop_addresses, forget_cards},
        reconcile::reconcile,
        sweep::sweep,
    },
    vault,
    webhook::{incoming, outgoing},
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
    let (reconciler, sweeper, messenger) = (app.clone(), app.clone(), app.clone());
    let client = reqwest::Client::new();
    let recipients =
        HttpRecipients::new(&app.config.users_url, app.config.users_credential.clone());
    let users = Consumer::new(
        "users",
        &app.config.users_url,
        app.config.users_credential.clone(),
        app.database.clone(),
        app.clock.clone(),
        Arc::new(UsersFollower { app: app.clone() }),
    );
    service
        .follow("users feed", users)
        .graphql(graphql::schema(app))
        .per_request(move |request, caller| graphql::prepare(&requests, request, caller))
        .routes(vault::routes(app.clone()))
        .routes(internal::routes(app.clone(), credentials))
        .routes(incoming::routes(app.clone()))
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
                async move {
                    report("sweeper", sweep(&app).await);
                    report("forgotten cards", forget_cards(&app).await);
                    report("dropped addresses", drop_addresses(&app).await.map(|_| 0));
                }
            })
        })
        .task("messages", move |shutdown| {
            every(MESSAGES, shutdown, move || {
                let (app, client) = (messenger.clone(), client.clone());
                async move {
                    report("sandbox messages", sandbox_messages(&app).await);
                    report("messages in", incoming::work(&app).await);
                    report("messages out", outgoing::deliver(&app, &client).await);
                }
            })
        })
}

/// How often messages are looked for, in and out.
const MESSAGES: Duration = Duration::from_secs(1);

/// The sandbox inside this process sends its messages the short way, signed as over HTTP.
async fn sandbox_messages(app: &App) -> Result<usize, DbErr> {
    let events = app.sandbox.due_events().await?;
    for event in &events {
        let name = app.sandbox.name();
        let taken = incoming::accept(app, name, Some(&event.signature), &event.body).await;
        if let Err(error) = &taken {
            tracing::warn!(%error, "a message of the sandbox was not accepted");
        }
        app.sandbox.note_delivery(event.id, taken.is_ok()).await?;
    }
    Ok(events.len())
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
