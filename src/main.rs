//! `marketplace`: options -> stack -> table -> wait for Ctrl-C -> stop.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use marketplace::{Options, Stack, StackError, banner};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "marketplace: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&options.log).map_err(|error| {
        anyhow::anyhow!("--log {:?} is not a filter: {error}. Try --log info", options.log)
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let mut stack = Stack::start(options, &mut |line| {
        let _ = writeln!(io::stderr(), "{line}");
    })
    .await?;
    write!(io::stdout(), "{}", banner::render(&stack))?;
    io::stdout().flush()?;
    let ended = tokio::select! {
        () = asked_to_stop() => None,
        error = stack.failed() => Some(error),
    };
    let _ = writeln!(io::stderr(), "\nStopping ...");
    stack.stop().await?;
    match ended {
        None => Ok(()),
        Some(error) => Err(StackError::into(error)),
    }
}

/// Ctrl-C, or SIGTERM from whoever started us.
async fn asked_to_stop() {
    let interrupt = async { tokio::signal::ctrl_c().await.expect("signals can be listened to") };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
        tokio::select! { () = interrupt => {}, _ = terminate.recv() => {} }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
