//! For a comment on a pull request.

use federation::diff::Criticality;

use super::{by_criticality, describe, noticed_by, push, summary};
use crate::check::{CheckReport, Finding};

/// Comments have a size limit; the first of a long list say enough.
const MAX_ROWS: usize = 100;

pub(super) fn markdown(report: &CheckReport) -> String {
    let verdict = if report.is_ok() { "passed" } else { "failed" };
    let mut text = format!("## Schema check {verdict}\n\n{}\n", summary(report));
    for error in &report.composition.errors {
        push(&mut text, format_args!("\n- **{}** {}\n", error.code, line(&error.message)));
    }
    table(&mut text, report, &report.findings);
    for contract in &report.contracts {
        push(&mut text, format_args!("\n### Contract `{}`\n", contract.name));
        for error in &contract.errors {
            push(&mut text, format_args!("\n- {}\n", line(error)));
        }
        table(&mut text, report, &contract.findings);
    }
    if let Some(operations) = &report.operations {
        for (position, (index, errors)) in operations.broken.iter().take(MAX_ROWS).enumerate() {
            if position == 0 {
                text.push_str("\n### Broken operations\n\n");
            }
            let operation = describe(&operations.operations[*index]);
            push(&mut text, format_args!("- `{operation}`: {}\n", line(&errors.join("; "))));
        }
    }
    for (position, finding) in report.lint.iter().flatten().take(MAX_ROWS).enumerate() {
        if position == 0 {
            text.push_str("\n### Lint\n\n| Rule | Place | |\n|---|---|---|\n");
        }
        push(
            &mut text,
            format_args!(
                "| `{}` | {}:{} | {} |\n",
                finding.rule,
                finding.file,
                finding.line,
                line(&finding.message)
            ),
        );
    }
    for entry in report.acceptances.unused() {
        let path = entry.path.as_deref().unwrap_or("the schema");
        push(
            &mut text,
            format_args!("\n> Acceptance of `{}` `{path}` is not used.\n", entry.change_type),
        );
    }
    for entry in report.acceptances.expired() {
        let path = entry.path.as_deref().unwrap_or("the schema");
        push(
            &mut text,
            format_args!("\n> Acceptance of `{}` `{path}` has expired.\n", entry.change_type),
        );
    }
    text
}

fn table(text: &mut String, report: &CheckReport, findings: &[Finding]) {
    let findings = by_criticality(findings);
    if findings.is_empty() {
        return;
    }
    text.push_str("\n| | Type | Path | Change |\n|---|---|---|---|\n");
    for finding in findings.iter().take(MAX_ROWS) {
        let mark = match finding.effective() {
            Criticality::Breaking => "breaking",
            Criticality::Dangerous => "dangerous",
            Criticality::NonBreaking => "safe",
        };
        let change = &finding.change;
        let path = change.path.as_deref().map(|path| format!("`{path}`")).unwrap_or_default();
        let mut message = line(&change.message);
        if let Some(reason) = finding.safe_because() {
            push(&mut message, format_args!(" ({})", line(&reason)));
        }
        let operations: Vec<String> = noticed_by(report, finding).take(5).map(describe).collect();
        if !operations.is_empty() && finding.effective() > Criticality::NonBreaking {
            push(&mut message, format_args!("; breaks {}", line(&operations.join(", "))));
        }
        let change_type = change.change_type;
        push(text, format_args!("| {mark} | `{change_type}` | {path} | {message} |\n"));
    }
    if findings.len() > MAX_ROWS {
        push(text, format_args!("\nand {} more\n", findings.len() - MAX_ROWS));
    }
}

/// One line that stays inside its cell.
fn line(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
