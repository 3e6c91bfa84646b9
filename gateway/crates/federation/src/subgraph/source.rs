//! A subgraph's SDL text, and how a place in it becomes a label of a diagnostic.

use apollo_compiler::Name;
use apollo_compiler::parser::SourceSpan;

use crate::diagnostic::{Diagnostic, Label};

/// The text of one subgraph with the offsets at which its lines start.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) subgraph: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub(crate) fn new(subgraph: &str, text: &str) -> Self {
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { subgraph: subgraph.to_owned(), text: text.to_owned(), line_starts }
    }

    /// An error of this subgraph; the message is prefixed with the subgraph's name.
    pub(crate) fn error(&self, code: &str, message: impl AsRef<str>) -> Diagnostic {
        Diagnostic::error(code, format!("[{}] {}", self.subgraph, message.as_ref()))
    }

    pub(crate) fn at(&self, name: &Name) -> Option<Label> {
        name.location().map(|span| self.at_span(span))
    }

    pub(crate) fn at_span(&self, span: SourceSpan) -> Label {
        self.at_offsets(span.offset(), span.end_offset())
    }

    pub(crate) fn at_offsets(&self, start: usize, end: usize) -> Label {
        let start = self.floor_char_boundary(start);
        let end = self.floor_char_boundary(end).max(start);
        let line = self.line_starts.partition_point(|line_start| *line_start <= start).max(1);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column =
            self.text.get(line_start..start).map_or(0, |before| before.chars().count()) + 1;
        Label { subgraph: self.subgraph.clone(), line, column, span: start..end, text: None }
    }

    fn floor_char_boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}
