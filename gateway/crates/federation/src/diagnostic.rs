//! What is wrong with a user's schema: data, never printed here.
//!
//! A diagnostic is about the *user's* input; errors of ours are ordinary error types.
//! The binary renders diagnostics with source snippets, as JSON, and so on.

mod codes;

pub use codes::{ERROR_CODES, ErrorCode};

use serde::{Deserialize, Serialize};

/// One problem (or hint) with every place that is involved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The code that users of federation know, e.g. `INVALID_FIELD_SHARING`.
    pub code: String,
    pub severity: Severity,
    /// Names the coordinate and says what is wrong.
    pub message: String,
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Info,
    Debug,
}

/// A place in a subgraph's SDL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub subgraph: String,
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// Byte range in the subgraph's SDL.
    pub span: std::ops::Range<usize>,
    pub text: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    pub(crate) fn error(code: &str, message: impl Into<String>) -> Self {
        debug_assert!(codes::is_known(code), "`{code}` is not among the documented codes");
        Self::new(Severity::Error, code, message)
    }

    pub(crate) fn label(mut self, label: impl IntoIterator<Item = Label>) -> Self {
        self.labels.extend(label);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// `[subgraph:line:column] CODE: message`, one line; the binary has richer renderings.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        for Label { subgraph, line, column, span: _, text: _ } in &self.labels {
            write!(f, " [{subgraph}:{line}:{column}]")?;
        }
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}
