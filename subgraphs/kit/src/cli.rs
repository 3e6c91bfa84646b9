//! The command line that all services have:
//! `[serve] [--listen ADDR] [--database URL] [--config FILE]`, `migrate up|down|status`,
//! `schema print`.

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use sea_orm_migration::MigratorTrait;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::database::Database;
use crate::service::Running;
use crate::settings::Settings;
use crate::telemetry;

/// What makes a service a program.
pub trait Program {
    const NAME: &'static str;
    /// Where it listens unless told otherwise.
    const PORT: u16;
    type Config: DeserializeOwned + Send;
    type Migrator: MigratorTrait;
    type StartError: std::error::Error + Send + Sync + 'static;

    fn settings(config: &mut Self::Config) -> &mut Settings;

    fn sdl() -> String;

    fn start(
        config: Self::Config,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> impl Future<Output = Result<Running, Self::StartError>> + Send;
}

#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Address to listen on
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<String>,
    /// Database to use, for SQLite or PostgreSQL
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database and serve (the default)
    Serve,
    /// Change or show the database's schema
    Migrate {
        #[command(subcommand)]
        direction: Migrate,
    },
    /// Work with the GraphQL schema
    Schema {
        #[command(subcommand)]
        action: Schema,
    },
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Apply what is pending
    Up,
    /// Take back the last migration
    Down,
    /// List all migrations
    Status,
}

#[derive(Debug, Subcommand)]
enum Schema {
    /// Print the subgraph's SDL
    Print,
}

/// Runs the program with the process's arguments; one line on standard error when it fails.
pub fn run<P: Program>() -> ExitCode {
    let matches = Arguments::command().name(P::NAME).bin_name(P::NAME).get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
        .and_then(|runtime| runtime.block_on(dispatch::<P>(arguments)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nowhere left to complain when standard error is closed.
            drop(writeln!(io::stderr(), "{}: {message}", P::NAME));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch<P: Program>(arguments: Arguments) -> Result<(), String> {
    let Arguments { command, listen, database, config: file } = arguments;
    if let Some(Command::Schema { action: Schema::Print }) = command {
        return print(&P::sdl());
    }
    let mut config: P::Config =
        config::load(P::NAME, file.as_deref()).map_err(|error| error.to_string())?;
    let settings = P::settings(&mut config);
    if let Some(url) = database {
        settings.database.url = url;
    }
    if let Some(address) = listen {
        settings.listen = address;
    }
    if settings.listen.is_empty() {
        settings.listen = format!("127.0.0.1:{}", P::PORT);
    }
    if let Some(Command::Migrate { direction }) = command {
        let settings = settings.clone();
        return migrate::<P>(direction, &settings).await;
    }
    serve::<P>(config).await
}

async fn serve<P: Program>(mut config: P::Config) -> Result<(), String> {
    let settings = P::settings(&mut config).clone();
    settings.check().map_err(|error| error.to_string())?;
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; choose another address with --listen",
            settings.listen
        )
    })?;
    telemetry::init_logs(&settings.log).map_err(|error| error.to_string())?;
    let shutdown = CancellationToken::new();
    let running =
        P::start(config, listener, shutdown.clone()).await.map_err(|error| error.to_string())?;
    tracing::info!(service = P::NAME, address = %running.address, "serving");
    let mut handle = running.handle;
    let ended = tokio::select! {
        ended = &mut handle => ended,
        () = stop_signal() => {
            tracing::info!(service = P::NAME, "stopping");
            shutdown.cancel();
            handle.await
        }
    };
    match ended {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(error) => Err(format!("stopped unexpectedly: {error}")),
    }
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the process ends by the signal itself.
    if interrupt.await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn migrate<P: Program>(direction: Migrate, settings: &Settings) -> Result<(), String> {
    let url = settings.database.url_for(P::NAME);
    let database = Database::connect(&url, settings.database.options())
        .await
        .map_err(|error| format!("{error}; name another one with --database"))?;
    let migrated = match direction {
        Migrate::Up => database.migrate_up::<P::Migrator>().await,
        Migrate::Down => database.migrate_down::<P::Migrator>(1).await,
        Migrate::Status => Ok(()),
    };
    migrated.map_err(|error| error.to_string())?;
    let status =
        database.migration_status::<P::Migrator>().await.map_err(|error| error.to_string())?;
    let lines = status.iter().map(|(name, applied)| {
        format!("{} {name}\n", if *applied { "applied" } else { "pending" })
    });
    print(&lines.collect::<String>())?;
    database.close().await.map_err(|error| error.to_string())
}

fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
        .map_err(|error| format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::Deserialize;

    use super::*;
    use crate::clock::Clock;
    use crate::fixture::{self, Migrator};
    use crate::service::{Service, StartError};

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        kit: Settings,
    }

    struct Shop;

    impl Program for Shop {
        const NAME: &'static str = "shop";
        const PORT: u16 = 4999;
        type Config = Config;
        type Migrator = Migrator;
        type StartError = StartError;

        fn settings(config: &mut Config) -> &mut Settings {
            &mut config.kit
        }

        fn sdl() -> String {
            crate::graphql::sdl(&fixture::schema(
                &Settings::default(),
                &Arc::default(),
                &Arc::default(),
            ))
        }

        async fn start(
            config: Config,
            listener: TcpListener,
            shutdown: CancellationToken,
        ) -> Result<Running, StartError> {
            let Config { kit } = config;
            let url = kit.database.url_for(Self::NAME);
            let database = Database::connect(&url, kit.database.options()).await?;
            database.migrate_up::<Migrator>().await?;
            Service::new(Self::NAME, kit, database, Clock::system()).spawn(listener, shutdown)
        }
    }

    fn arguments(line: &str) -> Result<Arguments, clap::Error> {
        let words = std::iter::once("shop").chain(line.split_whitespace());
        Arguments::try_parse_from(words)
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in [
            "",
            "serve",
            "--listen 127.0.0.1:0 --database sqlite://x",
            "serve --listen 127.0.0.1:0 --database sqlite://x --config c.toml",
            "--database sqlite://x migrate up",
            "migrate down",
            "migrate status --database sqlite://x",
            "schema print",
        ] {
            assert!(arguments(line).is_ok(), "{line}");
        }
        for line in ["dance", "migrate", "migrate sideways", "schema", "--listen"] {
            assert!(arguments(line).is_err(), "{line}");
        }
    }

    #[tokio::test]
    async fn migrate_goes_up_and_down() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("shop.sqlite").display());
        for command in ["migrate up", "migrate status", "migrate down", "migrate up"] {
            let line = format!("{command} --database {url}");
            dispatch::<Shop>(arguments(&line).unwrap()).await.unwrap();
        }
        let unreachable = arguments("migrate up --database sqlite:///no/such/dir/x").unwrap();
        let error = dispatch::<Shop>(unreachable).await.unwrap_err();
        assert!(error.contains("/no/such/dir") && error.contains("--database"), "{error}");
    }

    #[tokio::test]
    async fn a_port_in_use_is_one_line_that_names_the_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = format!("--listen {} --database sqlite::memory:", taken.local_addr().unwrap());
        let error = dispatch::<Shop>(arguments(&line).unwrap()).await.unwrap_err();
        assert!(error.contains("--listen") && !error.contains('\n'), "{error}");
    }

    #[tokio::test]
    async fn a_broken_configuration_is_one_line_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.toml");
        std::fs::write(&file, "[mail]\ntransport = \"pigeon\"\n").unwrap();
        let line = format!("--config {}", file.display());
        let error = dispatch::<Shop>(arguments(&line).unwrap()).await.unwrap_err();
        assert!(error.contains("shop.toml") && error.contains("pigeon"), "{error}");
        assert!(!error.contains('\n'), "{error}");

        std::fs::write(&file, "environment = \"production\"\n").unwrap();
        let error = dispatch::<Shop>(arguments(&line).unwrap()).await.unwrap_err();
        assert!(error.contains("mail.transport"), "{error}");
    }

    #[test]
    fn the_printed_schema_is_a_subgraph_with_shareable_value_types() {
        let sdl = Shop::sdl();
        assert_eq!(sdl, Shop::sdl());
        assert!(sdl.contains("federation/v2.5"), "{sdl}");
        assert!(sdl.contains("type InvalidInputError implements UserError @shareable"), "{sdl}");
        assert!(sdl.contains("interface UserError {"), "{sdl}");
    }
}
