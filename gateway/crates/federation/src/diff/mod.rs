//! What changed between two schemas, and whom it may break.
//!
//! [`diff`] compares what clients can see: two API schemas. The names of change types, their
//! criticality and their paths are those of GraphQL Inspector, which tools in this field know.
//! What is part of something new (the fields of a new type, the arguments of a new use of a
//! directive) is listed too, but marked as [`Change::implied`].
//!
//! This module does not read files and does not know federation: it takes any two schemas.

mod change;
mod changes;
mod default_value;
mod definitions;
mod fields;
mod impact;
mod inputs;
mod modifiers;
mod types;
mod usages;

use apollo_compiler::Schema;

pub use change::{Change, ChangeType, Criticality};
pub use impact::{Impact, OperationUse, operation_use};
pub use modifiers::Modifier;

use changes::Changes;

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
    diff_with(old, new, &[])
}

/// The same, with the judgement changed by `modifiers`, one after the other.
pub fn diff_with(old: &Schema, new: &Schema, modifiers: &[Modifier]) -> Vec<Change> {
    let mut changes = Changes::between(old, new);
    definitions::directive_definitions(&mut changes);
    definitions::root_types(&mut changes);
    types::types(&mut changes);
    definitions::schema_directives(&mut changes);
    let mut found = changes.finish();
    for modifier in modifiers {
        found = modifier.apply(found, old, new);
    }
    found.sort_by(|a, b| {
        (&a.path, a.change_type, &a.message).cmp(&(&b.path, b.change_type, &b.message))
    });
    found
}

#[cfg(test)]
mod tests;
