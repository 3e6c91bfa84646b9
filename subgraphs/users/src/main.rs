//! `users`: the identity service.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("admin") {
        return users::admin::run(arguments);
    }
    kit::cli::run::<users::Users>()
}
