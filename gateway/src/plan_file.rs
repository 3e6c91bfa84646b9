//! Plans made ahead of time: written by `concord plan compile`, loaded at start.
//!
//! One line says who made the file, then each operation has one: its text, its name, what it
//! touches of the schema (as a fingerprint) and its plan.

use std::path::{Path, PathBuf};

use federation::operation::Document;
use federation::plan::QueryPlan;
use federation::planner::{Fingerprint, Planner};
use serde::{Deserialize, Serialize};

use crate::config::LimitsConfig;
use crate::schema::ServedSchema;

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: String,
}

impl Head {
    fn own() -> Self {
        Self { format: "concord-plans".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    document: String,
    name: Option<String>,
    fingerprint: Fingerprint,
    plan: QueryPlan,
}

/// Why a file of plans is not used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: not made by `concord plan compile`", path.display())]
    Foreign { path: PathBuf },
    #[error("{}: made by version {version}, this is {}: compile the plans again", path.display(), env!("CARGO_PKG_VERSION"))]
    Version { path: PathBuf, version: String },
    #[error("{}:{line}: {source}", path.display())]
    Line { path: PathBuf, line: usize, source: serde_json::Error },
    #[error("{}: operation `{operation}` was planned for another schema: compile the plans again", path.display())]
    Schema { path: PathBuf, operation: String },
}

/// The text of a file of plans.
pub(crate) fn text<'p>(
    planner: &Planner,
    plans: impl Iterator<Item = (&'p str, Option<&'p str>, &'p QueryPlan)>,
) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Head::own())?;
    text.push('\n');
    for (document, name, plan) in plans {
        // What has a plan has been parsed before.
        let Ok(parsed) = Document::parse(document) else { continue };
        let line = Line {
            document: document.to_owned(),
            name: name.map(str::to_owned),
            fingerprint: planner.fingerprint(&parsed),
            plan: plan.clone(),
        };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    Ok(text)
}

/// Takes the plans of a file into a schema's cache. All of them fit, or none is used.
pub(crate) fn load(
    path: &Path,
    schema: &ServedSchema,
    limits: &LimitsConfig,
) -> Result<usize, PlanFileError> {
    let in_path = || path.to_owned();
    let text = std::fs::read_to_string(path)
        .map_err(|source| PlanFileError::Read { path: in_path(), source })?;
    let mut lines = text.lines();
    let head: Option<Head> = lines.next().and_then(|line| serde_json::from_str(line).ok());
    let head = head
        .filter(|head| head.format == Head::own().format)
        .ok_or_else(|| PlanFileError::Foreign { path: in_path() })?;
    if head.version != Head::own().version {
        return Err(PlanFileError::Version { path: in_path(), version: head.version });
    }
    let mut read = Vec::new();
    for (index, line) in lines.enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|source| PlanFileError::Line {
            path: in_path(),
            line: index + 2,
            source,
        })?;
        read.push(line);
    }
    let count = read.len();
    for Line { document, name, fingerprint, plan } in read {
        let differs = || PlanFileError::Schema {
            path: in_path(),
            operation: name.clone().unwrap_or_else(|| document.clone()),
        };
        let fits = Document::parse(&document)
            .is_ok_and(|parsed| schema.planner.fingerprint(&parsed) == fingerprint);
        if !fits || schema.adopt(limits, &document, name.as_deref(), &plan).is_err() {
            return Err(differs());
        }
    }
    Ok(count)
}
