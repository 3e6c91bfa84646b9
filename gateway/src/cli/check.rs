//! `concord check`.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Output, deliver};
use crate::check::{self, CheckError, CheckRequest, ReportFormat, print_report};
use crate::outbound::HttpClient;

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The schema as it was: a file, or a git revision
    #[arg(long, value_name = "FILE|REV")]
    base: String,
    /// The schema as it would be: API schema, supergraph or supergraph.yaml
    #[arg(long, value_name = "FILE")]
    head: PathBuf,
    /// Documents of clients; those that would break are named
    #[arg(long, value_name = "GLOB")]
    operations: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn check(
    arguments: CheckArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let CheckArguments { base, head, operations, format, output: file } = arguments;
    let request = CheckRequest { base, head, operations };
    let report = check::run(&HttpClient::new(), &request).await.map_err(|error| match error {
        CheckError::HeadComposition { .. } => Failure::Findings { message: error.to_string() },
        CheckError::Glob { .. } => Failure::usage(error),
        CheckError::Load { .. }
        | CheckError::InvalidSchema { .. }
        | CheckError::BaseComposition { .. }
        | CheckError::NoSuchBase { .. }
        | CheckError::NoOperations { .. }
        | CheckError::Operations { .. } => Failure::input(error),
    })?;
    deliver(output, file.as_deref(), &print_report(&report, format))?;
    if report.is_ok() { Ok(()) } else { Err(Failure::Findings { message: String::new() }) }
}
