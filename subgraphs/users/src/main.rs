//! `users`: the identity service.

use std::process::ExitCode;

fn main() -> ExitCode {
    kit::cli::run::<users::Users>()
}
