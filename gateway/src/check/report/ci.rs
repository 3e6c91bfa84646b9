//! What CI systems read: GitHub's workflow commands and `JUnit` XML.

use federation::diff::{Change, Criticality};

use super::{by_criticality, push, summary};
use crate::check::CheckReport;

/// One annotation per change that may break somebody, and a notice with the sums.
pub(super) fn github(report: &CheckReport) -> String {
    let mut text = String::new();
    for Change { change_type, criticality, path, message, implied: _ } in by_criticality(report) {
        let level = match criticality {
            Criticality::Breaking => "error",
            Criticality::Dangerous => "warning",
            Criticality::NonBreaking => continue,
        };
        let path = path.as_deref().unwrap_or("schema");
        let title = property(&format!("{change_type} {path}"));
        push(
            &mut text,
            format_args!(
                "::{level} file={},title={title}::{}\n",
                property(&report.head),
                data(message)
            ),
        );
    }
    for operation in report.operations.iter().flat_map(|operations| &operations.broken) {
        let (file, line) = (property(&operation.file), operation.line);
        let message =
            data(&format!("operation {} breaks: {}", operation.name, operation.errors.join("; ")));
        push(
            &mut text,
            format_args!("::error file={file},line={line},title=BROKEN_OPERATION::{message}\n"),
        );
    }
    push(&mut text, format_args!("::notice title=Schema check::{}\n", data(&summary(report))));
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// One test case per change and per broken operation; one that passes when there are none.
pub(super) fn junit(report: &CheckReport) -> String {
    let mut cases = String::new();
    let (mut tests, mut failures) = (0, 0);
    for Change { change_type, criticality, path, message, implied: _ } in by_criticality(report) {
        tests += 1;
        let name = xml(&format!("{change_type} {}", path.as_deref().unwrap_or("schema")));
        if *criticality == Criticality::Breaking {
            failures += 1;
            let failure = format!("<failure type=\"{change_type}\" message=\"{}\"/>", xml(message));
            push(
                &mut cases,
                format_args!(
                    "    <testcase classname=\"diff\" name=\"{name}\">{failure}</testcase>\n"
                ),
            );
        } else {
            push(&mut cases, format_args!("    <testcase classname=\"diff\" name=\"{name}\"/>\n"));
        }
    }
    for operation in report.operations.iter().flat_map(|operations| &operations.broken) {
        tests += 1;
        failures += 1;
        let name = xml(&format!("{} ({}:{})", operation.name, operation.file, operation.line));
        let failure = format!(
            "<failure type=\"BROKEN_OPERATION\" message=\"{}\"/>",
            xml(&operation.errors.join("; "))
        );
        push(
            &mut cases,
            format_args!(
                "    <testcase classname=\"operations\" name=\"{name}\">{failure}</testcase>\n"
            ),
        );
    }
    if tests == 0 {
        tests = 1;
        cases.push_str("    <testcase classname=\"diff\" name=\"no changes\"/>\n");
    }
    let suite = format!("name=\"concord check\" tests=\"{tests}\" failures=\"{failures}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" failures=\"{failures}\">\n  \
         <testsuite {suite}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
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
