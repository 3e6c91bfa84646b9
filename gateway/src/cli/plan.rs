//! `concord plan`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use federation::operation::{Operation, OperationError, SourceError};
use federation::plan::QueryPlan;
use federation::planner::verify::verify;
use federation::planner::{PlanError, PlanOptions, Planner};
use federation::supergraph::Supergraph;

use super::plan_compile::{CompileArguments, compile_plans};
use super::plan_diff::{DiffArguments, diff_plans};
use super::plan_text::{explain, mermaid};
use super::{Failure, Output, print};
use crate::composing::{ComposeError, supergraph_sdl};
use crate::outbound::HttpClient;
use crate::source;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct PlanArguments {
    #[command(subcommand)]
    command: Option<PlanCommand>,
    /// A GraphQL document, or `-` for standard input
    #[arg(value_name = "OPERATION.graphql", required = true)]
    document: Option<PathBuf>,
    /// Supergraph SDL or supergraph.yaml
    #[arg(long, value_name = "FILE", required = true)]
    supergraph: Option<PathBuf>,
    /// Which operation, if the document has several
    #[arg(long = "operation", value_name = "NAME")]
    name: Option<String>,
    /// A label of progressive overrides that is on; may be repeated
    #[arg(long = "override-label", value_name = "LABEL")]
    labels: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: PlanFormat,
    /// Say for every request what it fetches and what it waits for
    #[arg(long)]
    explain: bool,
    /// Check the plan independently of the planner
    #[arg(long)]
    verify: bool,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    /// List the operations whose plans differ between two supergraphs
    Diff(DiffArguments),
    /// Make plans ahead, to be loaded by `concord serve --plans`
    Compile(CompileArguments),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PlanFormat {
    Text,
    Json,
    Mermaid,
}

pub(crate) async fn plan(arguments: PlanArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let PlanArguments { command, document, supergraph, name, labels, format, explain, verify } =
        arguments;
    match (command, document, supergraph) {
        (Some(PlanCommand::Diff(arguments)), _, _) => diff_plans(arguments, output).await,
        (Some(PlanCommand::Compile(arguments)), _, _) => compile_plans(arguments, output).await,
        (None, Some(document), Some(supergraph)) => {
            let planner = load_planner(&supergraph).await?;
            let text = read_operation(&document)?;
            let options = PlanOptions {
                override_labels: labels.into_iter().collect(),
                ..PlanOptions::default()
            };
            let planned = make_plan(&planner, &text, name.as_deref(), options)
                .map_err(|error| refuse(&document, &error))?;
            show(&planner, &planned, format, explain, verify, output)
        }
        (None, _, _) => Err(Failure::usage("an operation and --supergraph are needed")),
    }
}

struct Planned {
    operation: Operation,
    options: PlanOptions,
    plan: QueryPlan,
}

fn show(
    planner: &Planner,
    planned: &Planned,
    format: PlanFormat,
    with_reasons: bool,
    verified: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Planned { operation, options, plan } = planned;
    let mut shown = match format {
        PlanFormat::Text => plan.to_string(),
        PlanFormat::Json => serde_json::to_string_pretty(plan).map_err(Failure::input)?,
        PlanFormat::Mermaid => mermaid(plan),
    };
    if with_reasons {
        shown.push('\n');
        shown.push_str(&explain(planner, plan));
    }
    print(output, &shown)?;
    if !verified {
        return Ok(());
    }
    let violations = verify(planner, operation, options, plan);
    if violations.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        violations.iter().map(|violation| format!("error: {violation}")).collect();
    Err(Failure::Findings { message: lines.join("\n") })
}

pub(super) async fn load_planner(supergraph: &Path) -> Result<Planner, Failure> {
    let sdl =
        supergraph_sdl(&HttpClient::new(), supergraph).await.map_err(|error| match error {
            ComposeError::Load { source } => Failure::input(source),
            ComposeError::Composition { rendered, .. } => Failure::Findings { message: rendered },
        })?;
    let in_file = |error: &dyn std::fmt::Display| {
        Failure::input(format!("{}: {error}", supergraph.display()))
    };
    let supergraph = Supergraph::parse(&sdl).map_err(|error| in_file(&error))?;
    Planner::new(Arc::new(supergraph)).map_err(|error| in_file(&error))
}

fn read_operation(path: &Path) -> Result<String, Failure> {
    if path.as_os_str() != "-" {
        return source::read(path).map_err(Failure::input);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(Failure::input)?;
    Ok(text)
}

#[derive(Debug, thiserror::Error)]
pub(super) enum PlanFailure {
    #[error("{0}")]
    Operation(OperationError),
    #[error("{0}")]
    Planner(PlanError),
}

fn make_plan(
    planner: &Planner,
    text: &str,
    name: Option<&str>,
    options: PlanOptions,
) -> Result<Planned, PlanFailure> {
    let operation = planner.operation(text, name).map_err(PlanFailure::Operation)?;
    let plan = planner.plan(&operation, &options).map_err(PlanFailure::Planner)?;
    Ok(Planned { operation, options, plan })
}

/// The plan of one operation of a document.
pub(super) fn plan_of(
    planner: &Planner,
    text: &str,
    name: Option<&str>,
) -> Result<QueryPlan, PlanFailure> {
    make_plan(planner, text, name, PlanOptions::default()).map(|planned| planned.plan)
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
