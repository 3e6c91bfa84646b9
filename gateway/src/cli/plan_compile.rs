//! `concord plan compile`.

use std::path::PathBuf;

use clap::Args;
use federation::plan::QueryPlan;

use super::plan::{load_planner, plan_of};
use super::plan_operations::{FoundOperation, find_operations};
use super::{Failure, Output, deliver};
use crate::plan_file;

#[derive(Debug, Args)]
pub(crate) struct CompileArguments {
    /// Documents, or folders of documents
    #[arg(value_name = "OPERATIONS", required = true)]
    operations: Vec<PathBuf>,
    /// Supergraph SDL or supergraph.yaml
    #[arg(long, value_name = "FILE")]
    supergraph: PathBuf,
    /// Where the plans go [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn compile_plans(
    arguments: CompileArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let planner = load_planner(&arguments.supergraph).await?;
    let operations = find_operations(&arguments.operations)?;
    let mut plans: Vec<(&FoundOperation, QueryPlan)> = Vec::new();
    let mut refused = Vec::new();
    for operation in &operations {
        match plan_of(&planner, &operation.document, operation.name.as_deref()) {
            Ok(plan) => plans.push((operation, plan)),
            Err(error) => refused.push(format!("error: {operation}: {error}")),
        }
    }
    if !refused.is_empty() {
        return Err(Failure::Findings { message: refused.join("\n") });
    }
    let lines = plans
        .iter()
        .map(|(operation, plan)| (operation.document.as_str(), operation.name.as_deref(), plan));
    let text = plan_file::text(&planner, lines).map_err(Failure::input)?;
    deliver(output, arguments.output.as_deref(), &text)
}
