//! `concord plan diff`: which operations' plans a change of the supergraph makes longer, for CI.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use federation::plan::{PlanSize, QueryPlan};
use serde::Serialize;

use super::plan::{load_planner, plan_of};
use super::plan_operations::find_operations;
use super::{Failure, Output, print};

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The supergraph as it is (SDL or supergraph.yaml)
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The supergraph as it will be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Documents, or folders of documents
    #[arg(value_name = "OPERATIONS", required = true)]
    operations: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    format: DiffFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DiffFormat {
    Text,
    Json,
}

/// How a plan has changed. Depth counts before requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Longer,
    Shorter,
    /// As long, but other requests.
    Different,
    /// No plan any more.
    Broken,
    /// No plan before.
    Mended,
}

#[derive(Debug, Serialize)]
struct Difference {
    operation: String,
    change: Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Size {
    depth: usize,
    requests: usize,
}

impl From<PlanSize> for Size {
    fn from(PlanSize { depth, requests }: PlanSize) -> Self {
        Self { depth, requests }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    compared: usize,
    differences: Vec<Difference>,
}

/// Exit code 1 if a plan got longer or was lost.
pub(super) async fn diff_plans(
    arguments: DiffArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (old, new) = (load_planner(&arguments.old).await?, load_planner(&arguments.new).await?);
    let operations = find_operations(&arguments.operations)?;
    let mut differences = Vec::new();
    for operation in &operations {
        let plan = |planner| {
            plan_of(planner, &operation.document, operation.name.as_deref())
                .map_err(|error| error.to_string())
        };
        differences.extend(compare(operation.to_string(), plan(&old), plan(&new)));
    }
    let bad =
        |difference: &Difference| matches!(difference.change, Change::Longer | Change::Broken);
    let ok = !differences.iter().any(bad);
    let report = Report { ok, compared: operations.len(), differences };
    let text = match arguments.format {
        DiffFormat::Text => describe(&report),
        DiffFormat::Json => serde_json::to_string_pretty(&report).map_err(Failure::input)?,
    };
    print(output, &text)?;
    if ok { Ok(()) } else { Err(Failure::Findings { message: String::new() }) }
}

fn compare(
    operation: String,
    old: Result<QueryPlan, String>,
    new: Result<QueryPlan, String>,
) -> Option<Difference> {
    let size = |plan: &QueryPlan| Size::from(plan.size());
    let (old_size, new_size) = (old.as_ref().ok().map(size), new.as_ref().ok().map(size));
    let (change, error) = match (old, new) {
        // Neither has one: not this change's business.
        (Err(_), Err(_)) => return None,
        (Err(_), Ok(_)) => (Change::Mended, None),
        (Ok(_), Err(error)) => (Change::Broken, Some(error)),
        (Ok(old), Ok(new)) if old == new => return None,
        (Ok(old), Ok(new)) => match new.size().cmp(&old.size()) {
            std::cmp::Ordering::Greater => (Change::Longer, None),
            std::cmp::Ordering::Less => (Change::Shorter, None),
            std::cmp::Ordering::Equal => (Change::Different, None),
        },
    };
    Some(Difference { operation, change, old: old_size, new: new_size, error })
}

fn describe(report: &Report) -> String {
    let mut text = String::new();
    for Difference { operation, change, old, new, error } in &report.differences {
        let what = match change {
            Change::Longer => "longer",
            Change::Shorter => "shorter",
            Change::Different => "different",
            Change::Broken => "broken",
            Change::Mended => "mended",
        };
        let size = |size: &Option<Size>| match size {
            Some(Size { depth, requests }) => format!("{requests} requests in {depth} waves"),
            None => "no plan".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{what:<9} {operation}: {} -> {}", size(old), size(new));
        if let Some(error) = error {
            let _ = writeln!(text, "          {error}");
        }
    }
    let _ = writeln!(
        text,
        "{} operations compared, {} plans differ",
        report.compared,
        report.differences.len()
    );
    text
}
