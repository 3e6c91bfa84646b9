//! `concord serve`.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::mpsc;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{Failure, Output};
use crate::app::{App, BuildError};
use crate::config::{Config, LogConfig, LogFormat};
use crate::workers::STACK_BYTES;

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Supergraph SDL, or a supergraph.yaml that is composed first
    #[arg(long, value_name = "FILE")]
    supergraph: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:4000, or what the configuration says]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Configuration (concord.yaml)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Worker threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
    /// Plans made ahead by `concord plan compile`; they must fit the schema
    #[arg(long, value_name = "FILE")]
    plans: Option<PathBuf>,
    /// Check every new plan independently of the planner
    #[arg(long)]
    verify: bool,
}

pub(crate) fn serve(arguments: ServeArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let ServeArguments { supergraph, listen, config, workers, plans, verify } = arguments;
    let mut config = match config {
        Some(path) => Config::load(&path).map_err(Failure::usage)?,
        None => Config::default(),
    };
    if let Some(file) = supergraph {
        config.supergraph.file = Some(file);
        config.supergraph.sdl = None;
    }
    if let Some(listen) = listen {
        config.server.listen = listen;
    }
    if plans.is_some() {
        config.plan_cache.compiled = plans;
    }
    config.plan_cache.verify |= verify;
    start_logging(&config.log)?;
    let workers = match workers {
        Some(workers) => workers.into(),
        None => std::thread::available_parallelism().map_or(1, NonZero::get),
    };
    let (tell, told) = mpsc::channel();
    // The first worker runs on a thread with a stack like those of the others.
    let serving = move || -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::usage)?;
        runtime.block_on(listen_and_serve(config, workers, tell))
    };
    let first = std::thread::Builder::new()
        .name("worker-0".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(serving)
        .map_err(Failure::usage)?;
    for line in told {
        writeln!(output.err, "{line}").map_err(Failure::input)?;
    }
    first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn listen_and_serve(
    config: Config,
    workers: usize,
    tell: mpsc::Sender<String>,
) -> Result<(), Failure> {
    let (address, path) = (config.server.listen, config.server.path.clone());
    let graphiql = config.server.graphiql;
    let app = App::build(config).await.map_err(refuse)?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let remedy = if error.kind() == std::io::ErrorKind::AddrInUse {
            "; choose another with --listen"
        } else {
            ""
        };
        Failure::Findings { message: format!("cannot listen on {address}: {error}{remedy}") }
    })?;
    let address = listener.local_addr().map_err(Failure::input)?;
    let stop = stop_signal().map_err(Failure::input)?;
    let shutdown = CancellationToken::new();
    let cancel = shutdown.clone();
    tokio::spawn(async move {
        stop.await;
        cancel.cancel();
    });
    let page = if graphiql { format!(", GraphiQL at http://{address}/") } else { String::new() };
    // Whoever listened may have gone away.
    let _ = tell.send(format!("GraphQL at http://{address}{path}{page}"));
    drop(tell);
    app.serve_with(listener, workers, shutdown)
        .await
        .map_err(|error| Failure::Findings { message: error.to_string() })
}

fn refuse(error: BuildError) -> Failure {
    let message = error.to_string();
    match error {
        BuildError::Composition { .. } | BuildError::Schema { .. } | BuildError::Plans { .. } => {
            Failure::Findings { message }
        }
        BuildError::Load { .. } => Failure::Input { message },
        BuildError::NoSupergraph => Failure::Usage {
            message: "no supergraph: pass --supergraph FILE, or set `supergraph.file` in the configuration".to_owned(),
        },
        BuildError::Authentication { .. }
        | BuildError::Passport { .. }
        | BuildError::TrustedProxy { .. }
        | BuildError::Router { .. }
        | BuildError::Usage { .. } => Failure::Usage { message },
    }
}

/// Ctrl-C, or SIGTERM from an orchestrator. They are watched from here on, so that none is missed
/// between the announcement and the first request.
#[cfg(unix)]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// To standard error; `RUST_LOG` says what, else the configuration.
pub(super) fn start_logging(config: &LogConfig) -> Result<(), Failure> {
    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) => EnvFilter::try_new(&config.filter)
            .map_err(|error| Failure::usage(format!("`log.filter`: {error}")))?,
    };
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Fails only if a logger has been installed already, which then does the job.
    let _ = match config.format {
        LogFormat::Text => logger.try_init(),
        LogFormat::Json => logger.json().try_init(),
    };
    Ok(())
}
