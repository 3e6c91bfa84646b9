//! A client's operation: parsed, validated against the API schema, and normalised.
//!
//! [`Document::parse`] gives syntax errors, [`Document::validate`] validation errors and
//! [`ValidDocument::operation`] the chosen operation in normal form (see [`selection`]): what the
//! planner plans and the projection follows. Between parsing and validation the caller may look
//! at [`Facts`] and refuse the document before it costs anything.
//!
//! This module must not know about subgraphs.

mod document;
mod facts;
mod inclusion;
mod normalize;
pub mod selection;
mod variables;

pub use document::{Document, OperationError, SourceError, ValidDocument};
pub use facts::Facts;
pub(crate) use inclusion::{and, implies, or};
pub use selection::{Field, Operation, SelectionSet, VariableDefinition};
pub use variables::{VariableError, coerce_variables};
