//! The command line that all services have:
//! `[serve] [--listen ADDR] [--database URL] [--config FILE]`, `migrate up|down|status`,
//! `mail dead|requeue`, `schema print`; a service adds its own commands with [`Program::extend`].

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use sea_orm_migration::MigratorTrait;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config;
use crate::database::Database;
use crate::id::EmailId;
use crate::mail::{self, DeadLetter};
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

    /// The command line with what this service can beyond the others.
    fn extend(command: clap::Command) -> clap::Command {
        command
    }

    /// Runs one of the commands that [`Program::extend`] has added.
    fn run(
        _config: Self::Config,
        matches: &ArgMatches,
    ) -> impl Future<Output = Result<ExitCode, String>> + Send {
        let name = matches.subcommand_name().unwrap_or_default().to_owned();
        async move { Err(format!("`{name}` has nothing to run")) }
    }
}

#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    global: GlobalArguments,
}

/// What stands before or after any command.
#[derive(Debug, Args)]
struct GlobalArguments {
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
    /// Look at mails that were given up, and try them again
    Mail {
        #[command(subcommand)]
        action: Mail,
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
enum Mail {
    /// List the newest dead mails
    Dead,
    /// Try dead mails again: those named, or all
    Requeue {
        /// Ids as `mail dead` lists them
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Every dead mail
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Schema {
    /// Print the subgraph's SDL
    Print,
}

/// Runs the program with the process's arguments; one line on standard error when it fails.
pub fn run<P: Program>() -> ExitCode {
    let matches = command_line::<P>().get_matches();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
        .and_then(|runtime| runtime.block_on(dispatch::<P>(&matches)));
    match done {
        Ok(code) => code,
        Err(message) => {
            // Nowhere left to complain when standard error is closed.
            drop(writeln!(io::stderr(), "{}: {message}", P::NAME));
            ExitCode::FAILURE
        }
    }
}

fn command_line<P: Program>() -> clap::Command {
    P::extend(Arguments::command().name(P::NAME).bin_name(P::NAME))
}

async fn dispatch<P: Program>(matches: &ArgMatches) -> Result<ExitCode, String> {
    let own = matches.subcommand_name().is_some_and(|name| !Command::has_subcommand(name));
    let global = GlobalArguments::from_arg_matches(matches).map_err(|error| error.to_string())?;
    let command = if own {
        None
    } else {
        Arguments::from_arg_matches(matches).map_err(|error| error.to_string())?.command
    };
    if let Some(Command::Schema { action: Schema::Print }) = command {
        return print(&P::sdl()).map(|()| ExitCode::SUCCESS);
    }
    let config = configure::<P>(global)?;
    if own {
        return P::run(config, matches).await;
    }
    match command {
        Some(Command::Migrate { direction }) => migrate::<P>(direction, config).await,
        Some(Command::Mail { action }) => mail::<P>(action, config).await,
        _ => serve::<P>(config).await,
    }
    .map(|()| ExitCode::SUCCESS)
}

fn configure<P: Program>(global: GlobalArguments) -> Result<P::Config, String> {
    let GlobalArguments { listen, database, config: file } = global;
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
    Ok(config)
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

async fn migrate<P: Program>(direction: Migrate, mut config: P::Config) -> Result<(), String> {
    let settings = P::settings(&mut config).clone();
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

async fn mail<P: Program>(action: Mail, mut config: P::Config) -> Result<(), String> {
    let settings = P::settings(&mut config).clone();
    let url = settings.database.url_for(P::NAME);
    let database = Database::connect(&url, settings.database.options())
        .await
        .map_err(|error| format!("{error}; name another one with --database"))?;
    let text = match action {
        Mail::Dead => dead_letters(&database).await?,
        Mail::Requeue { ids, all } => requeue(&database, &ids, all).await?,
    };
    database.close().await.map_err(|error| error.to_string())?;
    print(&text)
}

async fn dead_letters(database: &Database) -> Result<String, String> {
    let letters =
        mail::dead_letters(database.read(), 200).await.map_err(|error| error.to_string())?;
    let lines = letters.iter().map(|letter| {
        let DeadLetter { id, template, attempts, failure, error, since } = letter;
        format!("{id} {since} {template} {failure} after {attempts} tries: {error}\n")
    });
    Ok(if letters.is_empty() { "no dead mails\n".to_owned() } else { lines.collect() })
}

async fn requeue(database: &Database, ids: &[String], all: bool) -> Result<String, String> {
    let ids = ids
        .iter()
        .map(|id| EmailId::parse(id).ok_or_else(|| format!("`{id}` is no mail's id")))
        .collect::<Result<Vec<_>, _>>()?;
    let which = (!all).then_some(ids.as_slice());
    let now = Clock::system().now();
    let count = database
        .write(|tx| Box::pin(mail::requeue(tx, which, now)))
        .await
        .map_err(|error: sea_orm::DbErr| error.to_string())?;
    Ok(format!("{count} mails queued again\n"))
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

        fn extend(command: clap::Command) -> clap::Command {
            command.subcommand(clap::Command::new("count").about("Counts the stock"))
        }

        async fn run(config: Config, matches: &ArgMatches) -> Result<ExitCode, String> {
            let Config { kit } = config;
            assert_eq!(matches.subcommand_name(), Some("count"));
            Err(format!("nothing to count in {}", kit.database.url))
        }
    }

    fn arguments(line: &str) -> Result<ArgMatches, clap::Error> {
        let words = std::iter::once("shop").chain(line.split_whitespace());
        command_line::<Shop>().try_get_matches_from(words)
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
            "mail dead",
            "mail requeue --all",
            "mail requeue eml_1 eml_2",
            "count --database sqlite://x",
        ] {
            assert!(arguments(line).is_ok(), "{line}");
        }
        for line in
            ["dance", "migrate", "migrate sideways", "schema", "--listen", "mail", "mail requeue"]
        {
            assert!(arguments(line).is_err(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_services_own_command_is_listed_and_gets_the_configuration() {
        let help = command_line::<Shop>().render_help().to_string();
        for command in ["serve", "migrate", "schema", "count", "Counts the stock"] {
            assert!(help.contains(command), "{help}");
        }
        let line = arguments("count --database sqlite://stock").unwrap();
        let error = dispatch::<Shop>(&line).await.unwrap_err();
        assert_eq!(error, "nothing to count in sqlite://stock");
    }

    #[tokio::test]
    async fn migrate_goes_up_and_down() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("shop.sqlite").display());
        for command in ["migrate up", "migrate status", "migrate down", "migrate up"] {
            let line = format!("{command} --database {url}");
            dispatch::<Shop>(&arguments(&line).unwrap()).await.unwrap();
        }
        let unreachable = arguments("migrate up --database sqlite:///no/such/dir/x").unwrap();
        let error = dispatch::<Shop>(&unreachable).await.unwrap_err();
        assert!(error.contains("/no/such/dir") && error.contains("--database"), "{error}");
    }

    #[tokio::test]
    async fn a_port_in_use_is_one_line_that_names_the_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = format!("--listen {} --database sqlite::memory:", taken.local_addr().unwrap());
        let error = dispatch::<Shop>(&arguments(&line).unwrap()).await.unwrap_err();
        assert!(error.contains("--listen") && !error.contains('\n'), "{error}");
    }

    #[tokio::test]
    async fn a_broken_configuration_is_one_line_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.toml");
        std::fs::write(&file, "[mail]\ntransport = \"pigeon\"\n").unwrap();
        let line = format!("--config {}", file.display());
        let error = dispatch::<Shop>(&arguments(&line).unwrap()).await.unwrap_err();
        assert!(error.contains("shop.toml") && error.contains("pigeon"), "{error}");
        assert!(!error.contains('\n'), "{error}");

        std::fs::write(&file, "environment = \"production\"\n").unwrap();
        let error = dispatch::<Shop>(&arguments(&line).unwrap()).await.unwrap_err();
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
