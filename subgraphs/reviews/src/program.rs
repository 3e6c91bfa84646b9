//! The reviews service as a program: what all services can, plus `reviews verify` and
//! `reviews replay`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches, Subcommand};
use kit::cli::Program;
use kit::service::StartError;
use kit::settings::Settings;
use kit::{Database, Running};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::app::{NAME, open};

/// The program `reviews`.
#[derive(Debug)]
pub struct Reviews;

/// What this service can beyond the others.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Recount everything and list what differs; exits with 1 when anything does
    Verify,
    /// Forget what the other services' feeds told; the running service reads them again
    Replay,
}

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
        crate::sdl()
    }

    async fn start(
        config: Config,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Running, StartError> {
        crate::start(config, listener, shutdown).await
    }

    fn extend(command: clap::Command) -> clap::Command {
        Command::augment_subcommands(command)
    }

    async fn run(config: Config, matches: &ArgMatches) -> Result<ExitCode, String> {
        let command = Command::from_arg_matches(matches).map_err(|error| error.to_string())?;
        let database = open(&config).await.map_err(|error| error.to_string())?;
        let (text, code) = match command {
            Command::Verify => verify(&database).await?,
            Command::Replay => replay(&database).await?,
        };
        database.close().await.map_err(|error| error.to_string())?;
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|error| format!("cannot write to standard output: {error}"))?;
        Ok(code)
    }
}

async fn verify(database: &Database) -> Result<(String, ExitCode), String> {
    let drift = crate::verify(database).await.map_err(|error| error.to_string())?;
    if drift.is_empty() {
        return Ok(("all counters equal their recount\n".to_owned(), ExitCode::SUCCESS));
    }
    let mut lines: Vec<String> = drift.iter().map(ToString::to_string).collect();
    lines.push(format!("{} counters differ\n", drift.len()));
    Ok((lines.join("\n"), ExitCode::FAILURE))
}

async fn replay(database: &Database) -> Result<(String, ExitCode), String> {
    crate::replay(database).await.map_err(|error| error.to_string())?;
    let text = "projections emptied; the service reads both feeds from the start\n";
    Ok((text.to_owned(), ExitCode::SUCCESS))
}
