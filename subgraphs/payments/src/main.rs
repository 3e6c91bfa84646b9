//! The payments service as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    payments::cli::run()
}
