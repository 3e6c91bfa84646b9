//! `concord dev`.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serve::{start_logging, stop_signal};
use super::{Failure, Output};
use crate::config::Config;
use crate::dev::{self, DevError, DevLog, DevRequest};

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// The graph [default: what the configuration says, or supergraph.yaml]
    #[arg(long, value_name = "FILE")]
    supergraph: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:4000, or what the configuration says]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Configuration (concord.yaml): its `dev` part names programs and mocks
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Make up the answers of a subgraph; may be given several times
    #[arg(long, value_name = "SUBGRAPH")]
    mock: Vec<String>,
}

pub(crate) fn dev(arguments: DevArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let DevArguments { supergraph, listen, config, mock } = arguments;
    let mut config = match config {
        Some(path) => Config::load(&path).map_err(Failure::usage)?,
        None => Config::default(),
    };
    if let Some(listen) = listen {
        config.server.listen = listen;
    }
    let file = supergraph
        .or_else(|| config.supergraph.file.clone())
        .unwrap_or_else(|| PathBuf::from("supergraph.yaml"));
    if !file.is_file() {
        return Err(Failure::input(format!(
            "{}: no such file; `concord init` writes one",
            file.display()
        )));
    }
    start_logging(&config.log)?;
    let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = DevLog::new(Box::new(std::io::stderr()), coloured);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(8 * 1024 * 1024)
        .enable_all()
        .build()
        .map_err(Failure::usage)?;
    runtime.block_on(listen_and_run(DevRequest { config, file, mocks: mock, log }, output))
}

async fn listen_and_run(request: DevRequest, output: &mut Output<'_>) -> Result<(), Failure> {
    let (address, path) = (request.config.server.listen, request.config.server.path.clone());
    let listener = TcpListener::bind(address).await.map_err(|error| Failure::Findings {
        message: format!("cannot listen on {address}: {error}; choose another with --listen"),
    })?;
    let stop = stop_signal().map_err(Failure::input)?;
    let shutdown = CancellationToken::new();
    let cancel = shutdown.clone();
    tokio::spawn(async move {
        stop.await;
        cancel.cancel();
    });
    let ready = |address: SocketAddr| {
        // A closed terminal is no reason to stop.
        let _ = writeln!(
            output.err,
            "GraphQL at http://{address}{path}, GraphiQL at http://{address}/"
        );
    };
    dev::run(request, listener, shutdown, ready).await.map_err(|error| match error {
        DevError::Build { .. } | DevError::Mock { .. } | DevError::Command { .. } => {
            Failure::usage(error)
        }
        DevError::Serve { .. } | DevError::Listen { .. } => {
            Failure::Findings { message: error.to_string() }
        }
    })
}
