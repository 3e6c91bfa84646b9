//! A check's result as text, JSON, Markdown, GitHub annotations, SARIF and `JUnit`.

mod ci;
mod sarif;

use std::fmt::Write;

use federation::diff::{Change, Criticality};
use serde_json::{Value, json};

use super::{CheckReport, OperationsReport};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
    Markdown,
    Github,
    Sarif,
    Junit,
}

pub(crate) fn print_report(report: &CheckReport, format: ReportFormat) -> String {
    match format {
        ReportFormat::Text => text(report),
        ReportFormat::Json => pretty(&as_json(report)),
        ReportFormat::Markdown => markdown(report),
        ReportFormat::Github => ci::github(report),
        ReportFormat::Sarif => pretty(&sarif::sarif(report)),
        ReportFormat::Junit => ci::junit(report),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON can always be written")
}

/// What people need to see, most serious first; within one level as the diff has sorted them.
fn by_criticality(report: &CheckReport) -> Vec<&Change> {
    let mut changes: Vec<&Change> =
        report.changes.iter().filter(|change| !change.implied).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.criticality));
    changes
}

fn summary(report: &CheckReport) -> String {
    let count = |criticality| report.count(criticality);
    let mut summary = format!(
        "{} breaking, {} dangerous, {} safe changes",
        count(Criticality::Breaking),
        count(Criticality::Dangerous),
        count(Criticality::NonBreaking)
    );
    if let Some(OperationsReport { checked, broken, .. }) = &report.operations {
        push(&mut summary, format_args!("; {} of {checked} operations broken", broken.len()));
    }
    summary
}

fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    for change in by_criticality(report) {
        let Change { change_type, criticality, path: _, message, implied: _ } = change;
        push(&mut text, format_args!("{criticality:<12} {change_type:<34} {message}\n"));
    }
    if report.only_supergraph_changed {
        text.push_str("The API schema is the same; only the supergraph changed.\n");
    }
    if let Some(operations) = &report.operations {
        for operation in &operations.broken {
            push(
                &mut text,
                format_args!(
                    "BROKEN       {}:{} {}\n",
                    operation.file, operation.line, operation.name
                ),
            );
            for error in &operation.errors {
                push(&mut text, format_args!("               {error}\n"));
            }
        }
        for operation in &operations.invalid_before {
            let place = format_args!("{}:{} {}", operation.file, operation.line, operation.name);
            push(
                &mut text,
                format_args!("WARNING      {place} is not valid for {} either\n", report.base),
            );
        }
    }
    let verdict = if report.is_ok() { "passed" } else { "failed" };
    push(&mut text, format_args!("{verdict}: {}\n", summary(report)));
    text
}

fn as_json(report: &CheckReport) -> Value {
    let mut value = json!({
        "ok": report.is_ok(),
        "base": report.base,
        "head": report.head,
        "supergraphChangedOnly": report.only_supergraph_changed,
        "changes": report.changes,
    });
    if let Some(OperationsReport { checked, broken, invalid_before }) = &report.operations {
        value["operations"] =
            json!({ "checked": checked, "broken": broken, "invalidBefore": invalid_before });
        value["brokenOperations"] = broken.iter().map(|operation| operation.name.clone()).collect();
    }
    value
}

fn markdown(report: &CheckReport) -> String {
    let verdict = if report.is_ok() { "passed" } else { "failed" };
    let mut text = format!("## Schema check {verdict}\n\n{}\n", summary(report));
    if !report.changes.is_empty() {
        text.push_str("\n| | Type | Path | Change |\n|---|---|---|---|\n");
    }
    for Change { change_type, criticality, path, message, implied: _ } in by_criticality(report) {
        let mark = match criticality {
            Criticality::Breaking => "breaking",
            Criticality::Dangerous => "dangerous",
            Criticality::NonBreaking => "safe",
        };
        let path = path.as_deref().map(|path| format!("`{path}`")).unwrap_or_default();
        let message = message.replace('|', "\\|").replace('\n', " ");
        push(&mut text, format_args!("| {mark} | `{change_type}` | {path} | {message} |\n"));
    }
    let broken = report.operations.iter().flat_map(|operations| &operations.broken);
    for (index, operation) in broken.enumerate() {
        if index == 0 {
            text.push_str("\n### Broken operations\n\n");
        }
        let errors = operation.errors.join("; ").replace('\n', " ");
        push(
            &mut text,
            format_args!(
                "- `{}` ({}:{}): {errors}\n",
                operation.name, operation.file, operation.line
            ),
        );
    }
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("writing to a string cannot fail");
}
