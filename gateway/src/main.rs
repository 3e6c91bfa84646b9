//! The `concord` binary: arguments in, exit code out. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use gateway::cli::{Arguments, Output};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    gateway::cli::run(arguments, &mut Output::standard())
}
