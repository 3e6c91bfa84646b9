//! SARIF 2.1.0, the format code-scanning services read.

use std::collections::BTreeSet;

use federation::diff::{Change, Criticality};
use serde_json::{Value, json};

use super::by_criticality;
use crate::check::{BrokenOperation, CheckReport};

pub(super) fn sarif(report: &CheckReport) -> Value {
    let changes = by_criticality(report);
    let mut rules: BTreeSet<&str> =
        changes.iter().map(|change| change.change_type.as_str()).collect();
    let broken: Vec<&BrokenOperation> =
        report.operations.iter().flat_map(|operations| &operations.broken).collect();
    if !broken.is_empty() {
        rules.insert(BROKEN_OPERATION);
    }
    let mut results: Vec<Value> =
        changes.into_iter().map(|change| change_result(report, change)).collect();
    results.extend(broken.into_iter().map(operation_result));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "concord",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_iter().map(|rule| json!({ "id": rule })).collect::<Value>(),
            } },
            "results": results,
        }],
    })
}

const BROKEN_OPERATION: &str = "BROKEN_OPERATION";

fn change_result(report: &CheckReport, change: &Change) -> Value {
    let Change { change_type, criticality, path, message, implied: _ } = change;
    let level = match criticality {
        Criticality::Breaking => "error",
        Criticality::Dangerous => "warning",
        Criticality::NonBreaking => "note",
    };
    let mut location =
        json!({ "physicalLocation": { "artifactLocation": { "uri": report.head } } });
    if let Some(path) = path {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": path }]);
    }
    json!({
        "ruleId": change_type.as_str(),
        "level": level,
        "message": { "text": message },
        "locations": [location],
    })
}

fn operation_result(operation: &BrokenOperation) -> Value {
    let BrokenOperation { name, file, line, errors } = operation;
    json!({
        "ruleId": BROKEN_OPERATION,
        "level": "error",
        "message": { "text": format!("operation {name} breaks: {}", errors.join("; ")) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": file },
            "region": { "startLine": line },
        } }],
    })
}
