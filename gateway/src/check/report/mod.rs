//! A check's result as text, JSON, Markdown, GitHub annotations, SARIF and `JUnit`.

mod ci;
mod json;
mod markdown;
mod sarif;
mod text;

use std::fmt::Write;

use federation::diff::Criticality;

use super::operations::{ClientOperation, OperationsReport};
use super::{CheckReport, Finding, Place};

pub(crate) use json::lint_json;
pub(crate) use text::{Style, lint_text};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
    Markdown,
    Github,
    Sarif,
    Junit,
}

pub(crate) fn print_report(report: &CheckReport, format: ReportFormat, style: Style) -> String {
    match format {
        ReportFormat::Text => text::text(report, style),
        ReportFormat::Json => pretty(&json::as_json(report)),
        ReportFormat::Markdown => markdown::markdown(report),
        ReportFormat::Github => ci::github(report),
        ReportFormat::Sarif => pretty(&sarif::sarif(report)),
        ReportFormat::Junit => ci::junit(report),
    }
}

pub(crate) fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON can always be written")
}

/// What people need to see, most serious first; within one level as the diff has sorted them.
fn by_criticality(findings: &[Finding]) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> =
        findings.iter().filter(|finding| !finding.change.implied).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.effective()));
    findings
}

fn summary(report: &CheckReport) -> String {
    if !report.composition.errors.is_empty() {
        return format!("does not compose: {} errors", report.composition.errors.len());
    }
    let count = |criticality| report.count(criticality);
    let mut summary = format!(
        "{} breaking, {} dangerous, {} safe changes",
        count(Criticality::Breaking),
        count(Criticality::Dangerous),
        count(Criticality::NonBreaking)
    );
    if let Some(OperationsReport { operations, broken, .. }) = &report.operations {
        push(
            &mut summary,
            format_args!("; {} of {} operations broken", broken.len(), operations.len()),
        );
    }
    for contract in report.contracts.iter().filter(|contract| report.contract_fails(contract)) {
        push(&mut summary, format_args!("; contract `{}` breaks", contract.name));
    }
    if let Some(lint) = &report.lint {
        let errors = lint.iter().filter(|finding| finding.is_error()).count();
        push(
            &mut summary,
            format_args!("; lint: {errors} errors, {} warnings", lint.len() - errors),
        );
    }
    summary
}

/// Who notices a change: operations by name, and how often their clients have sent them.
fn noticed_by<'r>(
    report: &'r CheckReport,
    finding: &'r Finding,
) -> impl Iterator<Item = &'r ClientOperation> {
    report.operations.iter().flat_map(|operations| {
        finding.noticed_by.iter().map(|index| &operations.operations[*index])
    })
}

/// `Name (file:line)`, with counts by client if they are known.
fn describe(operation: &ClientOperation) -> String {
    let ClientOperation { name, file, line, clients, document: _ } = operation;
    if clients.is_empty() {
        return format!("{name} ({file}:{line})");
    }
    let mut text = format!("{name} ({} requests:", operation.count());
    for (index, client) in clients.iter().enumerate() {
        let separator = if index == 0 { " " } else { ", " };
        let client_name = if client.name.is_empty() { "unnamed clients" } else { &client.name };
        let version = if client.version.is_empty() { "" } else { "@" };
        push(
            &mut text,
            format_args!("{separator}{client_name}{version}{} {}", client.version, client.count),
        );
    }
    text.push(')');
    text
}

/// A snippet as compilers print it.
fn snippet(text: &mut String, place: &Place, label: &str) {
    let Place { file, line, column, length, text: source } = place;
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let source = source.replace('\t', " ");
    let before = " ".repeat(column.saturating_sub(1));
    let marker = format!("  {margin} | {before}{} {label}", "^".repeat(*length));
    push(text, format_args!("  {margin}--> {file}:{line}:{column}\n"));
    push(text, format_args!("  {number} | {source}\n{}\n", marker.trim_end()));
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("writing to a string cannot fail");
}
