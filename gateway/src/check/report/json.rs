//! For programs. Fields may be added; what is there keeps its name and meaning.

use federation::diagnostic::Diagnostic;
use federation::diff::Criticality;
use serde_json::{Value, json};

use super::noticed_by;
use crate::check::operations::{ClientOperation, OperationsReport};
use crate::check::{CheckReport, Finding, Place, Verdict};
use crate::lint::LintFinding;

pub(super) fn as_json(report: &CheckReport) -> Value {
    let mut value = json!({
        "version": 1,
        "ok": report.is_ok(),
        "base": report.base,
        "head": report.head,
        "composition": composition(report),
        "supergraphChangedOnly": report.only_supergraph_changed,
        "changes": changes(report, &report.findings),
    });
    if let Some(operations) = &report.operations {
        let OperationsReport { operations, below_threshold, broken, invalid_before, .. } =
            operations;
        let with_errors = |(index, errors): &(usize, Vec<String>)| {
            let mut value = operation_json(&operations[*index]);
            value["errors"] = json!(errors);
            value
        };
        value["operations"] = json!({
            "checked": operations.len(),
            "belowThreshold": below_threshold,
            "broken": broken.iter().map(with_errors).collect::<Value>(),
            "invalidBefore": invalid_before.iter().map(with_errors).collect::<Value>(),
        });
        value["brokenOperations"] =
            broken.iter().map(|(index, _)| operations[*index].name.clone()).collect();
    }
    value["contracts"] = report
        .contracts
        .iter()
        .map(|contract| {
            json!({
                "name": contract.name,
                "ok": !report.contract_fails(contract),
                "errors": contract.errors,
                "changes": changes(report, &contract.findings),
            })
        })
        .collect();
    if let Some(lint) = &report.lint {
        value["lint"] = lint.iter().map(lint_json).collect();
    }
    value["acceptances"] = json!({
        "unused": report.acceptances.unused().collect::<Vec<_>>(),
        "expired": report.acceptances.expired().collect::<Vec<_>>(),
    });
    value
}

fn composition(report: &CheckReport) -> Value {
    let composition = &report.composition;
    let status = match (composition.composed, composition.errors.is_empty()) {
        (false, _) => "skipped",
        (true, true) => "passed",
        (true, false) => "failed",
    };
    let diagnostic = |diagnostic: &Diagnostic| {
        let locations: Value = diagnostic
            .labels
            .iter()
            .map(|label| {
                json!({ "subgraph": label.subgraph, "line": label.line, "column": label.column })
            })
            .collect();
        json!({
            "code": diagnostic.code,
            "message": diagnostic.message,
            "locations": locations,
            "help": diagnostic.help,
        })
    };
    json!({
        "status": status,
        "errors": composition.errors.iter().map(diagnostic).collect::<Value>(),
        "hints": composition.hints.iter().map(diagnostic).collect::<Value>(),
    })
}

fn changes(report: &CheckReport, findings: &[Finding]) -> Value {
    findings.iter().map(|finding| change(report, finding)).collect()
}

fn change(report: &CheckReport, finding: &Finding) -> Value {
    let mut value = json!(finding.change);
    if finding.change.implied {
        return value;
    }
    value["verdict"] = json!(match finding.effective() {
        Criticality::Breaking => "BREAKING",
        Criticality::Dangerous => "DANGEROUS",
        Criticality::NonBreaking => "SAFE",
    });
    if let Some(Place { file, line, column, .. }) = &finding.annotation {
        value["location"] = json!({ "file": file, "line": line, "column": column });
    }
    if let Some(reason) = finding.safe_because() {
        value["safeBecause"] = json!(reason);
    }
    if let Verdict::Accepted(acceptance) = &finding.verdict {
        value["accepted"] = json!(acceptance);
    }
    if report.operations.is_some() && finding.change.criticality > Criticality::NonBreaking {
        value["operations"] = noticed_by(report, finding).map(operation_json).collect();
    }
    value
}

fn operation_json(operation: &ClientOperation) -> Value {
    let ClientOperation { name, file, line, clients, document: _ } = operation;
    let mut value = json!({ "name": name, "file": file, "line": line });
    if !clients.is_empty() {
        value["requests"] = json!(operation.count());
        value["clients"] = json!(clients);
    }
    value
}

pub(crate) fn lint_json(finding: &LintFinding) -> Value {
    json!({
        "rule": finding.rule,
        "level": finding.level,
        "coordinate": finding.coordinate,
        "message": finding.message,
        "location": { "file": finding.file, "line": finding.line, "column": finding.column },
        "fixable": !finding.fix.is_empty(),
    })
}
