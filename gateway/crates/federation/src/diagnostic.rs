//! What is wrong with a user's schema: data, never printed here.
//!
//! A diagnostic is about the *user's* input; errors of ours are ordinary error types.
//! The binary renders diagnostics with source snippets, as JSON, and so on.

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
