//! The service as a program: what all services can, plus `users admin`.

use std::{io::Write as _, process::ExitCode};

use clap::{ArgMatches, FromArgMatches, Subcommand};
use kit::{Running, Settings, StartError, cli::Program};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    admin::{self, Own},
};

/// The program `users`.
#[derive(Debug)]
pub struct Users;

impl Program for Users {
    const NAME: &'static str = "users";
    const PORT: u16 = 4001;
    type Config = Config;
    type Migrator = migrations::users::Migrator;
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
        Own::augment_subcommands(command)
    }

    async fn run(config: Config, matches: &ArgMatches) -> Result<ExitCode, String> {
        let Own::Admin { command } =
            Own::from_arg_matches(matches).map_err(|error| error.to_string())?;
        let done = admin::run(config, command).await?;
        writeln!(std::io::stdout(), "{done}")
            .map_err(|error| format!("cannot write to standard output: {error}"))?;
        Ok(ExitCode::SUCCESS)
    }
}
