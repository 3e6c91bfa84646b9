//! What CI systems read: GitHub's workflow commands and `JUnit` XML.

use federation::diff::Criticality;

use super::{by_criticality, describe, noticed_by, push, summary};
use crate::check::{CheckReport, Finding, Place};
use crate::config::LintLevel;

/// One annotation per change that may break somebody, and a notice with the sums.
pub(super) fn github(report: &CheckReport) -> String {
    let mut text = String::new();
    for error in &report.composition.errors {
        let label = error.labels.first();
        let subgraph = label.and_then(|label| {
            report.composition.subgraphs.iter().find(|subgraph| subgraph.name == label.subgraph)
        });
        let file = subgraph.map_or(report.head.as_str(), |subgraph| &subgraph.origin);
        let line = label.map_or(1, |label| label.line);
        annotate(&mut text, "error", file, Some(line), &error.code, &error.message);
    }
    let contracts = report.contracts.iter().flat_map(|contract| &contract.findings);
    for finding in by_criticality(&report.findings).into_iter().chain(contracts) {
        let level = match finding.effective() {
            Criticality::Breaking => "error",
            Criticality::Dangerous => "warning",
            Criticality::NonBreaking => continue,
        };
        let path = finding.change.path.as_deref().unwrap_or("schema");
        let title = format!("{} {path}", finding.change.change_type);
        let (file, line) = match &finding.annotation {
            Some(Place { file, line, .. }) => (file.as_str(), Some(*line)),
            None => (report.head.as_str(), None),
        };
        annotate(&mut text, level, file, line, &title, &message(report, finding));
    }
    for contract in &report.contracts {
        for error in &contract.errors {
            let title = format!("CONTRACT {}", contract.name);
            annotate(&mut text, "error", &report.head, None, &title, error);
        }
    }
    if let Some(operations) = &report.operations {
        for (index, errors) in &operations.broken {
            let operation = &operations.operations[*index];
            let message = format!("operation {} breaks: {}", operation.name, errors.join("; "));
            let line = Some(operation.line);
            annotate(&mut text, "error", &operation.file, line, "BROKEN_OPERATION", &message);
        }
    }
    for finding in report.lint.iter().flatten() {
        let level = if finding.level == LintLevel::Error { "error" } else { "warning" };
        let title = finding.rule.as_str();
        annotate(&mut text, level, &finding.file, Some(finding.line), title, &finding.message);
    }
    push(&mut text, format_args!("::notice title=Schema check::{}\n", data(&summary(report))));
    text
}

fn message(report: &CheckReport, finding: &Finding) -> String {
    let mut message = finding.change.message.clone();
    let operations: Vec<String> = noticed_by(report, finding).take(5).map(describe).collect();
    if !operations.is_empty() {
        push(&mut message, format_args!("; breaks {}", operations.join(", ")));
    }
    message
}

fn annotate(
    text: &mut String,
    level: &str,
    file: &str,
    line: Option<usize>,
    title: &str,
    message: &str,
) {
    let line = line.map(|line| format!(",line={line}")).unwrap_or_default();
    let (file, title, message) = (property(file), property(title), data(message));
    push(text, format_args!("::{level} file={file}{line},title={title}::{message}\n"));
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// One test case per finding; one that passes when there are none.
pub(super) fn junit(report: &CheckReport) -> String {
    let mut cases = Cases::default();
    for error in &report.composition.errors {
        cases.add("composition", &error.code, Some((&error.code, &error.message)));
    }
    for finding in by_criticality(&report.findings) {
        cases.change("diff", report, finding);
    }
    for contract in &report.contracts {
        let class = format!("contract.{}", contract.name);
        for error in &contract.errors {
            cases.add(&class, error, Some(("CONTRACT", error)));
        }
        for finding in by_criticality(&contract.findings) {
            cases.change(&class, report, finding);
        }
    }
    if let Some(operations) = &report.operations {
        for (index, errors) in &operations.broken {
            let operation = &operations.operations[*index];
            let name = format!("{} ({}:{})", operation.name, operation.file, operation.line);
            cases.add("operations", &name, Some(("BROKEN_OPERATION", &errors.join("; "))));
        }
    }
    for finding in report.lint.iter().flatten() {
        let name = format!("{} {}:{}", finding.rule, finding.file, finding.line);
        let failure =
            finding.is_error().then_some((finding.rule.as_str(), finding.message.as_str()));
        cases.add("lint", &name, failure);
    }
    if cases.tests == 0 {
        cases.add("diff", "no changes", None);
    }
    let Cases { text, tests, failures } = cases;
    let suite = format!("name=\"concord check\" tests=\"{tests}\" failures=\"{failures}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" failures=\"{failures}\">\n  \
         <testsuite {suite}>\n{text}  </testsuite>\n</testsuites>\n"
    )
}

#[derive(Default)]
struct Cases {
    text: String,
    tests: usize,
    failures: usize,
}

impl Cases {
    fn change(&mut self, class: &str, report: &CheckReport, finding: &Finding) {
        let change = &finding.change;
        let change_type = change.change_type.as_str();
        let name = format!("{change_type} {}", change.path.as_deref().unwrap_or("schema"));
        let message = message(report, finding);
        let breaking = finding.effective() == Criticality::Breaking;
        self.add(class, &name, breaking.then_some((change_type, message.as_str())));
    }

    fn add(&mut self, class: &str, name: &str, failure: Option<(&str, &str)>) {
        self.tests += 1;
        let (class, name) = (xml(class), xml(name));
        let head = format!("    <testcase classname=\"{class}\" name=\"{name}\"");
        match failure {
            Some((kind, message)) => {
                self.failures += 1;
                let (kind, message) = (xml(kind), xml(message));
                push(
                    &mut self.text,
                    format_args!(
                        "{head}><failure type=\"{kind}\" message=\"{message}\"/></testcase>\n"
                    ),
                );
            }
            None => push(&mut self.text, format_args!("{head}/>\n")),
        }
    }
}

fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            control if control.is_control() => {}
            plain => escaped.push(plain),
        }
    }
    escaped
}
