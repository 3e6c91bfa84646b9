//! SARIF 2.1.0, the format code-scanning services read.

use std::collections::BTreeMap;

use federation::diff::Criticality;
use federation::lint::Rule;
use serde_json::{Value, json};

use super::{by_criticality, describe, noticed_by, push};
use crate::check::{CheckReport, Finding};
use crate::config::LintLevel;

pub(super) fn sarif(report: &CheckReport) -> Value {
    let mut run = Run { rules: BTreeMap::new(), results: Vec::new() };
    for error in &report.composition.errors {
        let label = error.labels.first();
        let subgraph = label.and_then(|label| {
            report.composition.subgraphs.iter().find(|subgraph| subgraph.name == label.subgraph)
        });
        let file = subgraph.map_or(report.head.as_str(), |subgraph| &subgraph.origin);
        let region = label.map(|label| (label.line, label.column));
        run.add(&error.code, "error", &error.message, file, region, None);
    }
    for finding in by_criticality(&report.findings) {
        run.change(report, finding);
    }
    for contract in &report.contracts {
        for error in &contract.errors {
            run.add("CONTRACT", "error", error, &report.head, None, None);
        }
        for finding in by_criticality(&contract.findings) {
            run.change(report, finding);
        }
    }
    if let Some(operations) = &report.operations {
        for (index, errors) in &operations.broken {
            let operation = &operations.operations[*index];
            let message = format!("operation {} breaks: {}", operation.name, errors.join("; "));
            let region = Some((operation.line, 1));
            run.add("BROKEN_OPERATION", "error", &message, &operation.file, region, None);
        }
    }
    for finding in report.lint.iter().flatten() {
        let level = if finding.level == LintLevel::Error { "error" } else { "warning" };
        let coordinate = Some(finding.coordinate.as_str()).filter(|name| !name.is_empty());
        run.rules.insert(finding.rule.to_string(), Some(finding.rule));
        run.add(
            finding.rule.as_str(),
            level,
            &finding.message,
            &finding.file,
            Some((finding.line, finding.column)),
            coordinate,
        );
    }
    run.finish()
}

struct Run {
    rules: BTreeMap<String, Option<Rule>>,
    results: Vec<Value>,
}

impl Run {
    fn change(&mut self, report: &CheckReport, finding: &Finding) {
        let level = match finding.effective() {
            Criticality::Breaking => "error",
            Criticality::Dangerous => "warning",
            Criticality::NonBreaking => "note",
        };
        let mut message = finding.change.message.clone();
        let operations: Vec<String> = noticed_by(report, finding).take(5).map(describe).collect();
        if !operations.is_empty() {
            message.push_str("; breaks ");
            message.push_str(&operations.join(", "));
        }
        let (file, region) = match &finding.annotation {
            Some(place) => (place.file.as_str(), Some((place.line, place.column))),
            None => (report.head.as_str(), None),
        };
        let path = finding.change.path.as_deref();
        self.add(finding.change.change_type.as_str(), level, &message, file, region, path);
        if let (Some(reason), Some(result)) = (finding.safe_because(), self.results.last_mut()) {
            result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
        }
    }

    fn add(
        &mut self,
        rule: &str,
        level: &str,
        message: &str,
        file: &str,
        region: Option<(usize, usize)>,
        name: Option<&str>,
    ) {
        self.rules.entry(rule.to_owned()).or_insert(None);
        let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
        if let Some((line, column)) = region {
            physical["region"] = json!({ "startLine": line.max(1), "startColumn": column.max(1) });
        }
        let mut location = json!({ "physicalLocation": physical });
        if let Some(name) = name {
            location["logicalLocations"] = json!([{ "fullyQualifiedName": name }]);
        }
        self.results.push(json!({
            "ruleId": rule,
            "level": level,
            "message": { "text": message },
            "locations": [location],
        }));
    }

    fn finish(self) -> Value {
        let Self { rules, results } = self;
        let rules: Value = rules
            .into_iter()
            .map(|(id, rule)| match rule {
                Some(rule) => {
                    json!({ "id": id, "shortDescription": { "text": rule.description() } })
                }
                None => json!({ "id": id }),
            })
            .collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "concord",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                } },
                "results": results,
            }],
        })
    }
}

/// A relative reference: characters that would mean something in one are escaped.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            other => push(&mut uri, format_args!("%{other:02X}")),
        }
    }
    uri
}
