//! The reviews service as a program: what all services can, and `reviews verify`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
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

/// Recount everything and list what differs; exits with 1 when anything does
#[derive(Debug, Parser)]
#[command(name = "reviews verify")]
struct Verify {
    /// Database to use: sqlite://FILE or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next();
    if arguments.next().is_some_and(|command| command == "verify") {
        let verify = Verify::parse_from(program.into_iter().chain(arguments));
        return match run_verify(verify) {
            Ok(code) => code,
            Err(error) => {
                // Nowhere left to complain when standard error is closed.
                drop(writeln!(std::io::stderr(), "reviews: {error:#}"));
                ExitCode::from(2)
            }
        };
    }
    kit::cli::run::<Reviews>()
}

#[tokio::main]
async fn run_verify(verify: Verify) -> anyhow::Result<ExitCode> {
    let Verify { database, config: file } = verify;
    let mut config: Config = config::load(NAME, file.as_deref())?;
    if let Some(url) = database {
        config.kit.database.url = url;
    }
    let database = open(&config).await?;
    let drift = reviews::verify(&database).await?;
    let mut out = std::io::stdout().lock();
    for counter in &drift {
        writeln!(out, "{counter}")?;
    }
    if drift.is_empty() {
        writeln!(out, "all counters equal their recount")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{} counters differ", drift.len())?;
    Ok(ExitCode::FAILURE)
}
