//! `concord plan`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use federation::operation::{OperationError, SourceError};
use federation::plan::QueryPlan;
use federation::planner::{PlanOptions, Planner};
use federation::supergraph::Supergraph;

use super::plan_text::{explain, mermaid};
use super::{Failure, Output, print};
use crate::composing::{ComposeError, supergraph_sdl};
use crate::outbound::HttpClient;
use crate::source;

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// A GraphQL document, or `-` for standard input
    #[arg(value_name = "OPERATION.graphql")]
    document: PathBuf,
    /// Supergraph SDL or supergraph.yaml
    #[arg(long, value_name = "FILE")]
    supergraph: PathBuf,
    /// Which operation, if the document has several
    #[arg(long = "operation", value_name = "NAME")]
    name: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: PlanFormat,
    /// Say for every request what it fetches and what it waits for
    #[arg(long)]
    explain: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PlanFormat {
    Text,
    Json,
    Mermaid,
}

pub(crate) async fn plan(arguments: PlanArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let PlanArguments { document, supergraph, name, format, explain: with_reasons } = arguments;
    let sdl =
        supergraph_sdl(&HttpClient::new(), &supergraph).await.map_err(|error| match error {
            ComposeError::Load { source } => Failure::input(source),
            ComposeError::Composition { rendered, .. } => Failure::Findings { message: rendered },
        })?;
    let supergraph = Supergraph::parse(&sdl).map_err(Failure::input)?;
    let text = read_operation(&document)?;
    let plan =
        make_plan(supergraph, &text, name.as_deref()).map_err(|error| refuse(&document, &error))?;
    let mut shown = match format {
        PlanFormat::Text => plan.to_string(),
        PlanFormat::Json => serde_json::to_string_pretty(&plan).map_err(Failure::input)?,
        PlanFormat::Mermaid => mermaid(&plan),
    };
    if with_reasons {
        shown.push('\n');
        shown.push_str(&explain(&plan));
    }
    print(output, &shown)
}

fn read_operation(path: &Path) -> Result<String, Failure> {
    if path.as_os_str() != "-" {
        return source::read(path).map_err(Failure::input);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(Failure::input)?;
    Ok(text)
}

enum PlanFailure {
    Operation(OperationError),
    Planner(String),
}

fn make_plan(
    supergraph: Supergraph,
    text: &str,
    name: Option<&str>,
) -> Result<QueryPlan, PlanFailure> {
    let supergraph = Arc::new(supergraph);
    let planner = Planner::new(supergraph.clone())
        .map_err(|error| PlanFailure::Planner(error.to_string()))?;
    let operation = planner.operation(text, name).map_err(PlanFailure::Operation)?;
    planner
        .plan(&operation, &PlanOptions::default())
        .map_err(|error| PlanFailure::Planner(error.to_string()))
}

fn refuse(path: &Path, failure: &PlanFailure) -> Failure {
    let message = match failure {
        PlanFailure::Operation(
            OperationError::Syntax(errors) | OperationError::Validation(errors),
        ) => {
            let line = |error: &SourceError| match error.locations.first() {
                Some((line, column)) => {
                    format!("error: {}:{line}:{column}: {}\n", path.display(), error.message)
                }
                None => format!("error: {}: {}\n", path.display(), error.message),
            };
            errors.iter().map(line).collect()
        }
        PlanFailure::Operation(other) => format!("{}: {other}", path.display()),
        PlanFailure::Planner(message) => format!("{}: {message}", path.display()),
    };
    Failure::Findings { message }
}
