//! The reviews service as a program: what all services can, plus
//! `reviews verify` and `reviews replay`.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kit::cli::Program;
use kit::service::StartError;
use kit::settings::Settings;
use kit::{Running, config};
use reviews::Config;
use reviews::app::{NAME, open};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct Reviews;

impl Program for Reviews {
    const NAME: &'static str = NAME;
    const PORT: u16 = 4002;
    type Config = Config;
    type Migrator = migrations::reviews::Migrator;
    type StartError = StartError;

    fn settings(config: &mut Config) -> &mut Settings {
        &mut config.kit
    }

    fn sdl() -> String {
        reviews::sdl()
    }

    async fn start(
        config: Config,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Running, StartError> {
        reviews::start(config, listener, shutdown).await
    }
}

/// What this service can beyond the others.
#[derive(Debug, Parser)]
#[command(name = "reviews")]
struct Own {
    #[command(subcommand)]
    command: Command,
    /// Database to use: `sqlite://FILE` or `postgres://…`
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Recount everything and list what differs; exits with 1 when anything does
    Verify,
    /// Forget what the other services' feeds told; the running service reads them again
    Replay,
}

fn main() -> ExitCode {
    let own = |argument: &OsString| argument == "verify" || argument == "replay";
    if !std::env::args_os().skip(1).any(|argument| own(&argument)) {
        return kit::cli::run::<Reviews>();
    }
    match run(Own::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nowhere left to complain when standard error is closed.
            drop(writeln!(std::io::stderr(), "reviews: {error:#}"));
            ExitCode::from(2)
        }
    }
}

#[tokio::main]
async fn run(own: Own) -> anyhow::Result<ExitCode> {
    let Own { command, database, config: file } = own;
    let mut config: Config = config::load(NAME, file.as_deref())?;
    if let Some(url) = database {
        config.kit.database.url = url;
    }
    let database = open(&config).await?;
    let mut out = std::io::stdout().lock();
    let code = match command {
        Command::Verify => {
            let drift = reviews::verify(&database).await?;
            for counter in &drift {
                writeln!(out, "{counter}")?;
            }
            if drift.is_empty() {
                writeln!(out, "all counters equal their recount")?;
                ExitCode::SUCCESS
            } else {
                writeln!(out, "{} counters differ", drift.len())?;
                ExitCode::FAILURE
            }
        }
        Command::Replay => {
            reviews::replay(&database).await?;
            writeln!(out, "projections emptied; the service reads both feeds from the start")?;
            ExitCode::SUCCESS
        }
    };
    database.close().await?;
    Ok(code)
}
