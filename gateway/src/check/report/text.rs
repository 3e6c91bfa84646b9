//! For people at a terminal.

use federation::diff::Criticality;

use super::{by_criticality, describe, noticed_by, push, snippet, summary};
use crate::check::operations::OperationsReport;
use crate::check::{CheckReport, Finding, Place};
use crate::composing::sources;
use crate::config::LintLevel;
use crate::lint::LintFinding;
use crate::render::render;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Colour,
}

impl Style {
    fn paint(self, colour: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{colour}m{text}\x1b[0m"),
        }
    }
}

const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const GREEN: &str = "32";
const DIM: &str = "2";
const BOLD: &str = "1";

/// Operations and snippets beyond this are counted, not listed.
const MAX_LISTED: usize = 10;

pub(super) fn text(report: &CheckReport, style: Style) -> String {
    let mut text = String::new();
    composition(&mut text, report);
    for finding in by_criticality(&report.findings) {
        change(&mut text, report, finding, style);
    }
    if report.only_supergraph_changed {
        text.push_str("The API schema is the same; only the supergraph changed.\n");
    }
    operations(&mut text, report, style);
    for contract in &report.contracts {
        for error in &contract.errors {
            let mark = style.paint(RED, "CONTRACT    ");
            push(&mut text, format_args!("{mark} {}: {error}\n", contract.name));
        }
        for finding in by_criticality(&contract.findings) {
            if finding.effective() > Criticality::NonBreaking {
                push(&mut text, format_args!("contract {}: ", contract.name));
                change(&mut text, report, finding, style);
            }
        }
    }
    text.push_str(&lint_text(report.lint.as_deref().unwrap_or_default(), style));
    acceptances(&mut text, report, style);
    let verdict =
        if report.is_ok() { style.paint(GREEN, "passed") } else { style.paint(RED, "failed") };
    push(&mut text, format_args!("{verdict}: {}\n", summary(report)));
    text
}

fn composition(text: &mut String, report: &CheckReport) {
    let composition = &report.composition;
    if composition.errors.is_empty() {
        return;
    }
    push(text, format_args!("{} does not compose\n\n", report.head));
    text.push_str(&render(&composition.errors, &sources(&composition.subgraphs)));
}

fn change(text: &mut String, report: &CheckReport, finding: &Finding, style: Style) {
    let (criticality, colour) = match finding.effective() {
        Criticality::Breaking => ("BREAKING", RED),
        Criticality::Dangerous => ("DANGEROUS", YELLOW),
        Criticality::NonBreaking => ("NON_BREAKING", GREEN),
    };
    let mark = style.paint(colour, &format!("{criticality:<12}"));
    let change_type = style.paint(BOLD, &format!("{:<34}", finding.change.change_type.as_str()));
    push(text, format_args!("{mark} {change_type} {}\n", finding.change.message));
    if let Some(reason) = finding.safe_because() {
        push(text, format_args!("             {}\n", style.paint(DIM, &reason)));
        return;
    }
    if finding.effective() == Criticality::NonBreaking {
        return;
    }
    if let Some(place) = &finding.place {
        snippet(text, place, "");
    }
    let mut noticed = noticed_by(report, finding);
    for operation in noticed.by_ref().take(MAX_LISTED) {
        push(text, format_args!("    breaks {}\n", describe(operation)));
    }
    let more = noticed.count();
    if more > 0 {
        push(text, format_args!("    and {more} more operations\n"));
    }
}

fn operations(text: &mut String, report: &CheckReport, style: Style) {
    let Some(OperationsReport { operations, below_threshold, broken, invalid_before, .. }) =
        &report.operations
    else {
        return;
    };
    for (index, errors) in broken {
        let operation = &operations[*index];
        let mark = style.paint(RED, "BROKEN      ");
        let accepted =
            if report.is_accepted_break(*index) { " (its changes are accepted)" } else { "" };
        push(
            text,
            format_args!(
                "{mark} {}:{} {}{accepted}\n",
                operation.file, operation.line, operation.name
            ),
        );
        for error in errors {
            push(text, format_args!("               {error}\n"));
        }
    }
    for (index, _) in invalid_before {
        let operation = &operations[*index];
        let place = format_args!("{}:{} {}", operation.file, operation.line, operation.name);
        push(text, format_args!("WARNING      {place} is not valid for {} either\n", report.base));
    }
    if *below_threshold > 0 {
        push(text, format_args!("{below_threshold} operations are too rare to count\n"));
    }
}

/// Findings of style with their lines.
pub(crate) fn lint_text(findings: &[LintFinding], style: Style) -> String {
    let mut text = String::new();
    for finding in findings {
        let (level, colour) = match finding.level {
            LintLevel::Error => ("error", RED),
            LintLevel::Warning | LintLevel::Off => ("warning", YELLOW),
        };
        let mark = style.paint(colour, &format!("{level}[{}]", finding.rule));
        push(&mut text, format_args!("{mark}: {}\n", finding.message));
        let place = Place {
            file: finding.file.clone(),
            line: finding.line,
            column: finding.column,
            length: finding.length,
            text: finding.text.clone(),
        };
        snippet(&mut text, &place, "");
    }
    text
}

fn acceptances(text: &mut String, report: &CheckReport, style: Style) {
    let mark = style.paint(YELLOW, "WARNING     ");
    for entry in report.acceptances.unused() {
        let path = entry.path.as_deref().unwrap_or("the schema");
        push(
            text,
            format_args!(
                "{mark} acceptance of {} {path} is not used; remove it\n",
                entry.change_type
            ),
        );
    }
    for entry in report.acceptances.expired() {
        let path = entry.path.as_deref().unwrap_or("the schema");
        push(
            text,
            format_args!(
                "{mark} acceptance of {} {path} has expired on {}; renew or remove it\n",
                entry.change_type, entry.expires
            ),
        );
    }
}
