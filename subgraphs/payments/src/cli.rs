//! Command line: what every service has, `payments ledger verify`, `payments admin …` and the
//! sandbox as a process of its own.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use kit::{
    Clock, Database, Running, Settings, Timestamp, Uuid,
    id::{EmailId, PaymentAttemptId},
    service::StartError,
    settings::{Period, Secret},
};
use migrations::payments::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    admin,
    app::App,
    config::Config,
    connector::sandbox::{self, Sandbox, SandboxRules},
    graphql, ledger, report, serve,
    webhook::outgoing,
};

/// The service as the kit's command line knows it.
#[derive(Debug)]
pub struct Payments;

impl kit::cli::Program for Payments {
    const NAME: &'static str = serve::NAME;
    const PORT: u16 = 4003;
    type Config = Config;
    type Migrator = Migrator;
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
    /// Database to use, for SQLite or PostgreSQL
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
    /// Serve the sandbox processor in a process of its own
    Sandbox {
        #[arg(long, default_value = "127.0.0.1:4013")]
        listen: SocketAddr,
        /// What clients send as a bearer token
        #[arg(long, env = "SANDBOX_KEY", default_value = "sandbox-key", hide_env_values = true)]
        key: String,
        /// Where messages are sent, `http://…/webhooks/NAME`
        #[arg(long, default_value = "")]
        webhook_url: String,
        /// Signs messages
        #[arg(
            long,
            env = "SANDBOX_WEBHOOK_SECRET",
            default_value = "sandbox-webhooks",
            hide_env_values = true
        )]
        webhook_secret: String,
        /// Where people reach this process
        #[arg(long, default_value = "")]
        public_url: String,
    },
    /// What operators do by hand
    Admin {
        #[command(subcommand)]
        action: AdminAction,
    },
}

#[derive(Debug, Subcommand)]
enum LedgerAction {
    /// Recount the books; exit code 1 when something does not agree
    Verify,
}

#[derive(Debug, Subcommand)]
enum AdminAction {
    /// Queue a mail that was given up again, or all of them; `payments mail dead` lists them
    RequeueMail {
        #[arg(required_unless_present = "all")]
        id: Option<EmailId>,
        #[arg(long)]
        all: bool,
    },
    /// Show attempts whose end is not known
    Attempts,
    /// Ask the processor now what became of an attempt, or of all that are open
    RetryReconciliation {
        #[arg(required_unless_present = "all")]
        attempt: Option<PaymentAttemptId>,
        #[arg(long)]
        all: bool,
    },
    /// Compare a processor's settlement with the books; exit code 1 when they differ
    SettlementReport {
        #[arg(long)]
        connector: Option<String>,
        /// RFC 3339, included
        #[arg(long)]
        from: String,
        /// RFC 3339, excluded
        #[arg(long)]
        to: String,
        /// Show lines that match, too
        #[arg(long)]
        all: bool,
    },
    /// Add an endpoint that is told of events; prints its secret once
    AddWebhook {
        url: String,
        /// Kinds of events, such as order.paid; all when none is named
        #[arg(long = "event")]
        events: Vec<String>,
    },
    /// Show endpoints
    Webhooks,
    /// Give an endpoint a new secret; the old one signs as well for a while
    RotateWebhookSecret {
        id: Uuid,
        #[arg(long, default_value = "24h")]
        grace: String,
    },
    /// Tell an endpoint nothing any more
    DisableWebhook { id: Uuid },
}

/// Runs the program with the process's arguments.
pub fn run() -> ExitCode {
    // Also after options, as in `payments --database URL ledger verify`.
    let own = std::env::args()
        .skip(1)
        .any(|argument| matches!(argument.as_str(), "ledger" | "admin" | "sandbox"));
    if !own {
        return kit::cli::run::<Payments>();
    }
    let arguments = Arguments::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(dispatch(arguments)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            // Nowhere left to complain when standard error is closed.
            drop(writeln!(io::stderr(), "payments: {message}"));
            ExitCode::from(3)
        }
    }
}

/// Runs a command; `false` when what was checked is not as it should be.
async fn dispatch(arguments: Arguments) -> Result<bool, String> {
    let Arguments { command, database: url, config } = arguments;
    match command {
        Command::Ledger { action: LedgerAction::Verify } => {
            verify(&open(url, config).await?.1).await
        }
        Command::Admin { action } => {
            let (config, database) = open(url, config).await?;
            let public_url = config.kit.public_url.clone();
            act(&App::new(config, database, Clock::system(), &public_url), action).await
        }
        Command::Sandbox { listen, key, webhook_url, webhook_secret, public_url } => {
            let rules = SandboxRules {
                webhook_secrets: vec![Secret::from(webhook_secret.as_str())],
                tells_everything: true,
                ..SandboxRules::default()
            };
            let url = url.unwrap_or_else(|| "sqlite::memory:".to_owned());
            let ends = SandboxEnds { listen, key, webhook_url, public_url };
            serve_sandbox(&url, rules, ends).await.map(|()| true)
        }
    }
}

async fn open(url: Option<String>, file: Option<PathBuf>) -> Result<(Config, Database), String> {
    let mut config: Config =
        kit::config::load(serve::NAME, file.as_deref()).map_err(|error| error.to_string())?;
    if let Some(url) = url {
        config.kit.database.url = url;
    }
    let settings = &config.kit.database;
    let database = Database::connect(&settings.url_for(serve::NAME), settings.options())
        .await
        .map_err(|error| format!("{error}; name another one with --database"))?;
    Ok((config, database))
}

struct SandboxEnds {
    listen: SocketAddr,
    key: String,
    webhook_url: String,
    public_url: String,
}

async fn serve_sandbox(url: &str, rules: SandboxRules, ends: SandboxEnds) -> Result<(), String> {
    let SandboxEnds { listen, key, webhook_url, public_url } = ends;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let options = Config::default().kit.database.options();
    let database = Database::connect(url, options).await.map_err(|error| text(&error))?;
    database.migrate_up::<Migrator>().await.map_err(|error| text(&error))?;
    let listener = TcpListener::bind(listen).await.map_err(|error| text(&error))?;
    let address = listener.local_addr().map_err(|error| text(&error))?;
    let public_url = if public_url.is_empty() { format!("http://{address}") } else { public_url };
    print(&[format!("listening on {address}")])?;
    let server = sandbox::server::Server {
        sandbox: Sandbox::with(sandbox::NAME, database, Clock::system(), rules),
        key: Secret::from(key.as_str()),
        public_url,
        webhook_url,
        faults: sandbox::faults::Faults::default(),
    };
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    sandbox::server::serve(server, listener, shutdown).await.map_err(|error| text(&error))
}

async fn verify(database: &Database) -> Result<bool, String> {
    let drifts = ledger::verify(database).await.map_err(|error| error.to_string())?;
    if drifts.is_empty() {
        print(&["the ledger balances".to_owned()])?;
    } else {
        print(&drifts.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    }
    Ok(drifts.is_empty())
}

fn print(lines: &[String]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())
}

async fn act(app: &App, action: AdminAction) -> Result<bool, String> {
    fn text(error: impl std::fmt::Display) -> String {
        error.to_string()
    }
    match action {
        AdminAction::RequeueMail { id, all } => {
            let (ids, now): (Vec<_>, _) = (id.into_iter().collect(), app.now());
            let which = (!all).then_some(ids.as_slice());
            let requeued: Result<u64, sea_orm::DbErr> = app
                .database
                .write(|tx| Box::pin(async move { kit::mail::requeue(tx, which, now).await }))
                .await;
            let count = requeued.map_err(text)?;
            print(&[format!("{count} queued again")])?;
            return Ok(all || count > 0);
        }
        AdminAction::Attempts => {
            let attempts = admin::open_attempts(app).await.map_err(text)?;
            let line = |row: &admin::OpenAttempt| {
                let next = row.next_check_at.map_or_else(|| "held".to_owned(), |at| at.to_string());
                let admin::OpenAttempt { id, connector, operation, status, started_at, .. } = row;
                format!("{id}\t{connector}\t{operation}\t{status:?}\t{started_at}\tnext {next}")
            };
            print(&attempts.iter().map(line).collect::<Vec<_>>())?;
        }
        AdminAction::RetryReconciliation { attempt, all } => {
            let ids = match attempt {
                Some(id) if !all => vec![id],
                _ => {
                    let open = admin::open_attempts(app).await.map_err(text)?;
                    open.into_iter().map(|row| row.id).collect()
                }
            };
            for id in ids {
                let status = admin::retry_attempt(app, id).await.map_err(text)?;
                print(&[format!("{id}\t{status:?}")])?;
            }
        }
        AdminAction::SettlementReport { connector, from, to, all } => {
            return settlement(app, connector, (&from, &to), all).await;
        }
        AdminAction::AddWebhook { url, events } => {
            let (id, secret) = outgoing::add(app, &url, &events).await.map_err(text)?;
            print(&[format!("{id}\t{secret}")])?;
        }
        AdminAction::Webhooks => {
            let endpoints = outgoing::endpoints(app).await.map_err(text)?;
            let line = |row: &crate::entity::webhook_endpoint::Model| {
                format!("{}\t{}\t{}\tat {}", row.id, row.url, row.events, row.position)
            };
            print(&endpoints.iter().map(line).collect::<Vec<_>>())?;
        }
        AdminAction::RotateWebhookSecret { id, grace } => {
            let grace: Period =
                serde_json::from_value(serde_json::Value::String(grace)).map_err(text)?;
            let secret = outgoing::rotate(app, id, grace.0).await.map_err(text)?;
            print(&[secret])?;
        }
        AdminAction::DisableWebhook { id } => outgoing::disable(app, id).await.map_err(text)?,
    }
    Ok(true)
}

async fn settlement(
    app: &App,
    connector: Option<String>,
    (from, to): (&str, &str),
    all: bool,
) -> Result<bool, String> {
    let instant = |text: &str| {
        Timestamp::parse(text).ok_or_else(|| format!("`{text}` is no instant of RFC 3339"))
    };
    let connector = match connector {
        Some(name) => name,
        None => app.connectors.primary().map_err(|error| error.to_string())?.name().to_owned(),
    };
    let report = report::settlement(app, &connector, instant(from)?, instant(to)?)
        .await
        .map_err(|error| error.to_string())?;
    let mut lines: Vec<String> = report
        .lines
        .iter()
        .filter(|line| all || line.verdict() != report::Match::Matched)
        .map(ToString::to_string)
        .collect();
    let count = |verdict| report.count(verdict);
    lines.push(format!(
        "{} matched, {} missing here, {} missing there, {} different",
        count(report::Match::Matched),
        count(report::Match::MissingHere),
        count(report::Match::MissingThere),
        count(report::Match::Different)
    ));
    print(&lines)?;
    Ok(report.is_clean())
}
