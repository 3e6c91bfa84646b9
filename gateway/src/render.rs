//! The one place where diagnostics become text: message, place, the line itself, remedy.

use std::fmt::Write;

use federation::diagnostic::{Diagnostic, Label, Severity};

/// A document that labels may point into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'s> {
    /// The subgraph's name, as labels have it.
    pub(crate) name: &'s str,
    /// The file or URL, as people know it.
    pub(crate) origin: &'s str,
    pub(crate) text: &'s str,
}

/// All diagnostics, separated by empty lines.
pub(crate) fn render(diagnostics: &[Diagnostic], sources: &[Source<'_>]) -> String {
    let mut output = String::new();
    for diagnostic in diagnostics {
        render_one(&mut output, diagnostic, sources);
        output.push('\n');
    }
    output
}

fn render_one(output: &mut String, diagnostic: &Diagnostic, sources: &[Source<'_>]) {
    let Diagnostic { code, severity, message, labels, help } = diagnostic;
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "hint",
        Severity::Debug => "note",
    };
    push_line(output, format_args!("{severity}[{code}]: {message}"));
    for label in labels {
        render_label(output, label, sources);
    }
    if let Some(help) = help {
        push_line(output, format_args!("  = help: {help}"));
    }
}

fn render_label(output: &mut String, label: &Label, sources: &[Source<'_>]) {
    let source = sources.iter().find(|source| source.name == label.subgraph);
    let origin = source.map_or(label.subgraph.as_str(), |source| source.origin);
    push_line(
        output,
        format_args!(
            "  --> {origin}:{}:{} (subgraph `{}`)",
            label.line, label.column, label.subgraph
        ),
    );
    let line = source.and_then(|source| source.text.lines().nth(label.line.saturating_sub(1)));
    let Some(line) = line else {
        if let Some(text) = &label.text {
            push_line(output, format_args!("      {text}"));
        }
        return;
    };
    let number = label.line.to_string();
    let margin = " ".repeat(number.len());
    let shown = line.replace('\t', " ");
    let before = label.column.saturating_sub(1);
    let length = label.span.len().clamp(1, shown.chars().count().saturating_sub(before).max(1));
    push_line(output, format_args!("  {margin} |"));
    push_line(output, format_args!("  {number} | {shown}"));
    let text = label.text.as_deref().unwrap_or_default();
    let marker = format!("  {margin} | {}{} {text}", " ".repeat(before), "^".repeat(length));
    push_line(output, format_args!("{}", marker.trim_end()));
}

fn push_line(output: &mut String, line: std::fmt::Arguments<'_>) {
    output.write_fmt(line).expect("writing to a string cannot fail");
    output.push('\n');
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn snippet_points_at_the_place() {
        let diagnostic = Diagnostic {
            code: "INVALID_FIELD_SHARING".into(),
            severity: Severity::Error,
            message: "field `Product.name` is resolved by several subgraphs".into(),
            labels: vec![Label {
                subgraph: "reviews".into(),
                line: 2,
                column: 3,
                span: 17..29,
                text: Some("not shareable here".into()),
            }],
            help: Some("add @shareable to all of them".into()),
        };
        let source = Source {
            name: "reviews",
            origin: "reviews.graphql",
            text: "type Product {\n  name: String\n}\n",
        };
        expect![[r"
            error[INVALID_FIELD_SHARING]: field `Product.name` is resolved by several subgraphs
              --> reviews.graphql:2:3 (subgraph `reviews`)
                |
              2 |   name: String
                |   ^^^^^^^^^^^^ not shareable here
              = help: add @shareable to all of them

        "]]
        .assert_eq(&render(&[diagnostic], &[source]));
    }
}
