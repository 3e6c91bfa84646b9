//! The command line. Exit codes: 0 fine, 1 findings (does not compose, breaks clients), 2 usage
//! or configuration, 3 input that could not be loaded.

mod check;
mod compose;
mod compose_watch;
mod config;
mod contract;
mod dev;
mod init;
mod lint;
mod plan;
mod plan_compile;
mod plan_diff;
mod plan_operations;
mod plan_text;
mod serve;
mod subgraph;

use std::fmt::Debug;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Federated GraphQL: compose subgraphs, check changes, explain plans, serve the graph.
#[derive(Debug, Parser)]
#[command(name = "concord", version, about, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a supergraph (composed first, if the file is a supergraph.yaml)
    Serve(serve::ServeArguments),
    /// Compose subgraphs to a supergraph
    Compose(compose::ComposeArguments),
    /// Cut a supergraph down to what some clients may see, by @tag
    Contract(contract::ContractArguments),
    /// Show which subgraph requests an operation needs
    Plan(plan::PlanArguments),
    /// Compare two schemas and report what would break clients
    Check(Box<check::CheckArguments>),
    /// Look for violations of style, and for shapes that hurt in a federated graph
    Lint(lint::LintArguments),
    /// Develop a graph: watch, compose, serve, start subgraphs, make up missing ones
    Dev(dev::DevArguments),
    /// Start a new graph in an empty folder
    Init(init::InitArguments),
    /// Describe or check concord.yaml
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Work with a single subgraph
    #[command(subcommand)]
    Subgraph(subgraph::SubgraphCommand),
}

/// Where output goes; tests put buffers here.
pub struct Output<'o> {
    pub out: Box<dyn Write + 'o>,
    pub err: Box<dyn Write + 'o>,
}

impl Debug for Output<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Output").finish_non_exhaustive()
    }
}

impl Output<'static> {
    pub fn standard() -> Self {
        Self { out: Box::new(std::io::stdout()), err: Box::new(std::io::stderr()) }
    }
}

/// How a command ended, unless all was fine.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked about is not in order.
    Findings {
        message: String,
    },
    Usage {
        message: String,
    },
    Input {
        message: String,
    },
}

impl Failure {
    pub(crate) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage { message: error.to_string() }
    }

    pub(crate) fn input(error: impl std::fmt::Display) -> Self {
        Self::Input { message: error.to_string() }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Findings { .. } => 1,
            Self::Usage { .. } => 2,
            Self::Input { .. } => 3,
        }
    }

    fn message(&self) -> &str {
        let (Self::Findings { message } | Self::Usage { message } | Self::Input { message }) = self;
        message
    }
}

/// Runs a command to its end.
pub fn run(arguments: Arguments, output: &mut Output<'_>) -> ExitCode {
    let result = match arguments.command {
        Command::Serve(arguments) => serve::serve(arguments, output),
        Command::Compose(arguments) => block_on(compose::run(arguments, output)),
        Command::Contract(arguments) => block_on(contract::run(arguments, output)),
        Command::Plan(arguments) => block_on(plan::plan(arguments, output)),
        Command::Check(arguments) => block_on(check::check(*arguments, output)),
        Command::Lint(arguments) => block_on(lint::lint(arguments, output)),
        Command::Dev(arguments) => dev::dev(arguments, output),
        Command::Init(arguments) => init::init(arguments, output),
        Command::Config(command) => config::run(command, output),
        Command::Subgraph(command) => block_on(subgraph::run(command, output)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let message = failure.message().trim_end();
            if !message.is_empty() {
                let prefix = if message.starts_with("error") { "" } else { "error: " };
                // A closed pipe leaves nobody to tell; the exit code remains.
                let _ = writeln!(output.err, "{prefix}{message}");
            }
            ExitCode::from(failure.code())
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::usage)?;
    runtime.block_on(work)
}

/// Writes to standard output. A reader that has gone away is no failure.
pub(crate) fn print(output: &mut Output<'_>, text: &str) -> Result<(), Failure> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(output.out, "{text}{end}").and_then(|()| output.out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::input(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// To a file, or to standard output.
pub(crate) fn deliver(
    output: &mut Output<'_>,
    file: Option<&std::path::Path>,
    text: &str,
) -> Result<(), Failure> {
    match file {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::input(format!("{}: {error}", path.display()))),
        None => print(output, text),
    }
}
