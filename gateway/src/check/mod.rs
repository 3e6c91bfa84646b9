//! `concord check`: what changed between two schemas, and which operations notice.
//!
//! Loading and printing live here; the comparison itself is `federation::diff`.

mod git;
mod load;
mod operations;
mod report;

use std::path::PathBuf;

use federation::diff::{Change, Criticality, diff};

pub(crate) use load::CheckError;
pub(crate) use operations::{BrokenOperation, OperationsReport};
pub(crate) use report::{ReportFormat, print_report};

use crate::outbound::HttpClient;

/// What to compare.
#[derive(Clone, Debug)]
pub(crate) struct CheckRequest {
    /// A file, or a git revision in which the head's file is looked up.
    pub(crate) base: String,
    pub(crate) head: PathBuf,
    pub(crate) operations: Vec<String>,
}

/// The result of a check.
#[derive(Debug)]
pub(crate) struct CheckReport {
    pub(crate) base: String,
    pub(crate) head: String,
    pub(crate) changes: Vec<Change>,
    /// The API schema is the same, but the supergraph is not.
    pub(crate) only_supergraph_changed: bool,
    pub(crate) operations: Option<OperationsReport>,
}

impl CheckReport {
    /// Nothing breaks.
    pub(crate) fn is_ok(&self) -> bool {
        self.count(Criticality::Breaking) == 0
            && self.operations.as_ref().is_none_or(|operations| operations.broken.is_empty())
    }

    pub(crate) fn count(&self, criticality: Criticality) -> usize {
        self.changes
            .iter()
            .filter(|change| change.criticality == criticality && !change.implied)
            .count()
    }
}

pub(crate) async fn run(
    client: &HttpClient,
    request: &CheckRequest,
) -> Result<CheckReport, CheckError> {
    let head = load::load_head(client, &request.head).await?;
    let base = load::load_base(client, &request.base, &request.head).await?;
    let changes = diff(&base.api_schema, &head.api_schema);
    let operations = match request.operations.as_slice() {
        [] => None,
        globs => Some(operations::check_operations(&base.api_schema, &head.api_schema, globs)?),
    };
    Ok(CheckReport {
        only_supergraph_changed: changes.is_empty() && base.supergraph_sdl != head.supergraph_sdl,
        base: base.origin,
        head: head.origin,
        changes,
        operations,
    })
}
