//! `concord dev`: the local loop. Composes, serves, watches; starts subgraphs' own programs and
//! makes up the answers of those that are not there.
//!
//! A schema that does not compose is shown, in the log and in GraphiQL's banner, and the last
//! good one stays. Nothing here is meant for production.

mod banner;
mod commands;
mod log;
mod mock;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use banner::Banner;
pub(crate) use log::DevLog;
pub(crate) use mock::MockError;

use crate::app::{App, BuildError, ServeError};
use crate::config::{Config, MockConfig, SubgraphConfig};
use crate::outbound::HttpClient;
use commands::Commands;
use mock::Mocks;
use watch::Watcher;

#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    #[error(transparent)]
    Build { source: Box<BuildError> },
    #[error(transparent)]
    Serve { source: ServeError },
    #[error(transparent)]
    Mock { source: MockError },
    #[error("cannot listen: {source}")]
    Listen { source: std::io::Error },
    #[error("`dev.commands.{name}`: `{run}` could not be started: {source}")]
    Command { name: String, run: String, source: std::io::Error },
}

/// What to develop.
#[derive(Debug)]
pub(crate) struct DevRequest {
    pub(crate) config: Config,
    /// The supergraph.yaml.
    pub(crate) file: PathBuf,
    /// Mocked in addition to those of the configuration.
    pub(crate) mocks: Vec<String>,
    pub(crate) log: DevLog,
}

/// Runs until `shutdown`. `ready` is told where GraphQL is answered.
pub(crate) async fn run(
    request: DevRequest,
    listener: TcpListener,
    shutdown: CancellationToken,
    ready: impl FnOnce(std::net::SocketAddr),
) -> Result<(), DevError> {
    let DevRequest { mut config, file, mocks, log } = request;
    let commands = Commands::start(&config.dev.commands, &log)?;
    let mut mocked: BTreeMap<String, MockConfig> = config.dev.mocks.clone();
    for name in mocks {
        mocked.entry(name).or_default();
    }
    let client = HttpClient::new();
    let mocks = Mocks::start(&mocked, &client).await.map_err(|source| DevError::Mock { source })?;
    for (name, url) in mocks.urls() {
        let entry: &mut SubgraphConfig = config.subgraphs.named.entry(name).or_default();
        entry.url = Some(url);
    }
    let mut watcher = Watcher::new(file, &config, mocks, client, log.clone());
    let (first, banner) = tokio::select! {
        first = watcher.first() => first,
        () = shutdown.cancelled() => return Ok(()),
    };
    config.supergraph.file = None;
    config.supergraph.sdl = Some(first);
    let app =
        App::build(config).await.map_err(|source| DevError::Build { source: Box::new(source) })?;
    let address = listener.local_addr().map_err(|source| DevError::Listen { source })?;
    let gateway = app.gateway();
    gateway.banner.store(Some(Arc::new(banner)));
    ready(address);
    let watching = tokio::spawn(watcher.run(gateway));
    let served = app.serve(listener, shutdown).await;
    watching.abort();
    drop(commands);
    served.map_err(|source| DevError::Serve { source })
}
