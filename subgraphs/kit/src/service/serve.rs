//! Running a service until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use sea_orm::DbErr;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::endpoint::Endpoint;
use super::{Service, router};
use crate::clock::Clock;
use crate::database::{Database, DatabaseError};
use crate::idempotency;
use crate::mail::Worker;
use crate::passport::Verifier;
use crate::settings::SettingsError;

/// Why a service stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("{source}")]
    Settings { source: SettingsError },
    #[error("cannot serve: {source}")]
    Http { source: io::Error },
}

/// Why a service could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("cannot use the listener: {0}")]
    Listener(#[from] io::Error),
    /// Something of the service's own.
    #[error("{0}")]
    Service(String),
}

/// A service that is being served.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub database: Database,
    /// Ends after the shutdown token was cancelled and everything in flight is done.
    pub handle: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Where it listens, as a base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Service {
    /// Serves in a task of its own.
    pub fn spawn(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Running, StartError> {
        self.settings.check()?;
        let address = listener.local_addr()?;
        let database = self.database.clone();
        let handle = tokio::spawn(self.serve(listener, shutdown));
        Ok(Running { address, database, handle })
    }

    /// Serves until `shutdown`: then stops accepting, finishes what is running, lets the
    /// background tasks give back their leases and closes the database.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        self.settings.check().map_err(|source| ServeError::Settings { source })?;
        let endpoint = Arc::new(Endpoint {
            graphql: self.graphql.clone(),
            verifier: Verifier::new(&self.settings.passport, self.name, self.clock.clone()),
            credentials: self.credentials(),
            limits: self.settings.limits.clone(),
            metrics: self.metrics.clone(),
            shutdown: shutdown.clone(),
        });
        let router = router::build(&self, endpoint);
        let background = CancellationToken::new();
        let mut tasks = self.start_tasks(&background)?;
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(error = %error, "TCP_NODELAY not set");
            }
        });
        let server =
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
                .with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let grace = self.settings.limits.shutdown.0;
        let outcome = tokio::select! {
            outcome = server => outcome,
            () = async {
                shutdown.cancelled().await;
                tokio::time::sleep(grace).await;
            } => {
                tracing::warn!(service = self.name, "requests still running were cut off");
                Ok(())
            }
        };
        background.cancel();
        let finished = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!(service = self.name, "background tasks still running were cut off");
        }
        tasks.shutdown().await;
        if let Err(error) = self.database.close().await {
            tracing::warn!(error = %error, "the database was not closed cleanly");
        }
        outcome.map_err(|source| ServeError::Http { source })
    }

    fn start_tasks(&mut self, shutdown: &CancellationToken) -> Result<JoinSet<()>, ServeError> {
        let mut tasks = JoinSet::new();
        if let Some(templates) = self.templates.take() {
            let worker = Worker::new(&self.settings.mail, &self.database, &self.clock, templates)
                .map_err(|source| ServeError::Settings { source })?
                .with_recipients(self.recipients.take());
            for _ in 0..self.settings.mail.workers.max(1) {
                tasks.spawn(self.metrics.scope(worker.twin().run(shutdown.clone())));
            }
        }
        for (name, task) in self.tasks.drain(..) {
            let work = task(shutdown.clone());
            let stopping = shutdown.clone();
            let service = self.name;
            tasks.spawn(self.metrics.scope(async move {
                work.await;
                if !stopping.is_cancelled() {
                    tracing::error!(service, task = name, "a background task ended by itself");
                }
            }));
        }
        let housekeeping =
            housekeeping(self.database.clone(), self.clock.clone(), shutdown.clone());
        tasks.spawn(self.metrics.scope(housekeeping));
        Ok(tasks)
    }
}

const HOUSEKEEPING: Duration = Duration::from_mins(10);

/// Clears away what has expired.
async fn housekeeping(database: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
        let now = clock.now();
        let swept: Result<u64, DbErr> =
            database.write(|tx| Box::pin(idempotency::sweep(tx, now))).await;
        if let Err(error) = swept {
            tracing::warn!(error = %error, "expired idempotency keys not cleared away");
        }
    }
}
