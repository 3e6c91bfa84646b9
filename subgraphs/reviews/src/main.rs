//! `reviews`: the reviews service.

use std::process::ExitCode;

fn main() -> ExitCode {
    kit::cli::run::<reviews::Reviews>()
}
