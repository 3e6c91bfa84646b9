//! What GraphiQL shows above everything else while a graph is developed.

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Banner {
    pub(crate) ok: bool,
    pub(crate) text: String,
    /// What composition remarks about the schema that is served.
    pub(crate) hints: String,
    /// Counts schemas; another number tells the page to ask for the schema again.
    pub(crate) schema: u64,
}

impl Banner {
    pub(super) fn fine(hints: String) -> Self {
        Self { ok: true, text: String::new(), hints, schema: 1 }
    }
}
