//! The same comparison for each contract: what a variant of the graph, cut by `@tag`, shows.

use apollo_compiler::Schema;
use federation::contract::{self, Filter};
use federation::diff::diff_with;

use super::acceptances::Acceptances;
use super::judge::Judge;
use super::load::Side;
use super::places::Places;
use super::{CheckError, CheckRequest, Finding};
use crate::config::ContractConfig;

#[derive(Debug)]
pub(crate) struct ContractReport {
    pub(crate) name: String,
    /// Why the new schema cannot be cut so.
    pub(crate) errors: Vec<String>,
    pub(crate) findings: Vec<Finding>,
}

pub(super) fn check(
    base: &Side,
    head: &Side,
    request: &CheckRequest,
    acceptances: &mut Acceptances,
) -> Result<Vec<ContractReport>, CheckError> {
    if request.contracts.is_empty() {
        return Ok(Vec::new());
    }
    let (old_places, new_places) = (Places::of(&base.texts), Places::of(&head.texts));
    let mut reports = Vec::new();
    for (name, config) in &request.contracts {
        let old = cut(name, base, config)?;
        let new = cut(name, head, config)?;
        let report = match (old, new) {
            (_, Err(errors)) => ContractReport { name: name.clone(), errors, findings: Vec::new() },
            // There was no such contract; whatever it shows now is new.
            (Err(_), Ok(_)) => {
                ContractReport { name: name.clone(), errors: Vec::new(), findings: Vec::new() }
            }
            (Ok(old), Ok(new)) => {
                let judge =
                    Judge { old: &old_places, new: &new_places, impact: None, operations: None };
                let changes = diff_with(&old, &new, &request.modifiers);
                let findings = judge.judge(changes, acceptances);
                ContractReport { name: name.clone(), errors: Vec::new(), findings }
            }
        };
        reports.push(report);
    }
    Ok(reports)
}

fn cut(
    name: &str,
    side: &Side,
    config: &ContractConfig,
) -> Result<Result<Schema, Vec<String>>, CheckError> {
    let Some(supergraph) = &side.supergraph else {
        return Err(CheckError::ContractNeedsSupergraph {
            contract: name.to_owned(),
            origin: side.origin.clone(),
        });
    };
    let ContractConfig { include, exclude, hide_unreachable } = config.clone();
    let filter = Filter { include, exclude, hide_unreachable };
    Ok(contract::api_schema(supergraph, &filter))
}
