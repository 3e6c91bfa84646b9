//! What changed between two schemas, and whom it may break.
//!
//! [`diff`] compares what clients can see: two API schemas. The names of change types, their
//! criticality and their paths are those of GraphQL Inspector, which tools in this field know.
//! What is part of something new (the fields of a new type, the arguments of a new use of a
//! directive) is listed too, but marked as [`Change::implied`].
//!
//! This module does not read files and does not know federation: it takes any two schemas.

mod change;
mod definitions;
mod fields;
mod inputs;
mod types;
mod usages;

use apollo_compiler::Schema;

pub use change::{Change, ChangeType, Criticality};

use change::Changes;

/// All changes, sorted by path, type and message.
///
/// ```
/// use apollo_compiler::Schema;
/// use federation::diff::{Criticality, diff};
///
/// let old = Schema::parse("type Query { price: Int name: String }", "old.graphql").unwrap();
/// let new = Schema::parse("type Query { name: String! }", "new.graphql").unwrap();
/// let changes = diff(&old, &new);
/// assert_eq!(changes[0].path.as_deref(), Some("Query.name"));
/// assert_eq!(changes[0].criticality, Criticality::NonBreaking);
/// assert_eq!(changes[1].to_string(), "BREAKING FIELD_REMOVED Query.price: field `Query.price` was removed");
/// ```
pub fn diff(old: &Schema, new: &Schema) -> Vec<Change> {
    let mut changes = Changes::default();
    definitions::schema_definition(&mut changes, old, new);
    types::types(&mut changes, old, new);
    definitions::directive_definitions(&mut changes, old, new);
    changes.finish()
}

#[cfg(test)]
mod tests;
