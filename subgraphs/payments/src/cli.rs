//! Command line: what every service has, and `payments ledger verify`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use kit::{Database, Running, Settings, service::StartError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, graphql, ledger, serve};

/// The service as the kit's command line knows it.
#[derive(Debug)]
pub struct Payments;

impl kit::cli::Program for Payments {
    const NAME: &'static str = serve::NAME;
    const PORT: u16 = 4003;
    type Config = Config;
    type Migrator = migrations::payments::Migrator;
    type StartError = StartError;

    fn settings(config: &mut Config) -> &mut Settings {
        &mut config.kit
    }

    fn sdl() -> String {
        graphql::sdl()
    }

    async fn start(
        config: Config,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Running, StartError> {
        serve::start(config, listener, shutdown).await
    }
}

#[derive(Debug, Parser)]
#[command(name = "payments", bin_name = "payments")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Database to read, for SQLite or PostgreSQL
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work with the ledger
    Ledger {
        #[command(subcommand)]
        action: LedgerAction,
    },
}

#[derive(Debug, Subcommand)]
enum LedgerAction {
    /// Recount the books; exit code 1 when something does not agree
    Verify,
}

/// Runs the program with the process's arguments.
pub fn run() -> ExitCode {
    // Also after options, as in `payments --database URL ledger verify`.
    let own = std::env::args().skip(1).any(|argument| argument == "ledger");
    if !own {
        return kit::cli::run::<Payments>();
    }
    let Arguments { command: Command::Ledger { action: LedgerAction::Verify }, database, config } =
        Arguments::parse();
    let verified = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(verify(database, config)));
    match verified {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            // Nowhere left to complain when standard error is closed.
            drop(writeln!(io::stderr(), "payments: {message}"));
            ExitCode::from(3)
        }
    }
}

async fn verify(url: Option<String>, file: Option<PathBuf>) -> Result<bool, String> {
    let mut config: Config =
        kit::config::load(serve::NAME, file.as_deref()).map_err(|error| error.to_string())?;
    if let Some(url) = url {
        config.kit.database.url = url;
    }
    let settings = &config.kit.database;
    let database = Database::connect(&settings.url_for(serve::NAME), settings.options())
        .await
        .map_err(|error| format!("{error}; name another one with --database"))?;
    let drifts = ledger::verify(&database).await.map_err(|error| error.to_string())?;
    let mut out = io::stdout().lock();
    let written = if drifts.is_empty() {
        writeln!(out, "the ledger balances")
    } else {
        drifts.iter().try_for_each(|drift| writeln!(out, "{drift}"))
    };
    written.map_err(|error| error.to_string())?;
    Ok(drifts.is_empty())
}
