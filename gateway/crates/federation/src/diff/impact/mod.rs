//! Which operations notice a change.
//!
//! [`Impact`] remembers what operations use of the old schema; [`Impact::affected`] answers for
//! one change. Where the answer depends on values that are not known (variables of an input
//! type), the operation counts as affected: a breaking change must not pass by ignorance.

mod operation_use;
mod rules;
mod values;

use std::collections::BTreeMap;

use apollo_compiler::executable::{ExecutableDocument, Operation};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Schema};

pub use operation_use::OperationUse;

use super::change::Change;

/// The use that a set of operations makes of a schema.
#[derive(Debug)]
pub struct Impact<'s> {
    old: &'s Schema,
    new: &'s Schema,
    operations: Vec<OperationUse>,
    by_type: BTreeMap<Name, Vec<usize>>,
    by_directive: BTreeMap<Name, Vec<usize>>,
}

impl<'s> Impact<'s> {
    pub fn new(old: &'s Schema, new: &'s Schema, operations: Vec<OperationUse>) -> Self {
        let mut by_type: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
        let mut by_directive: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
        for (index, operation) in operations.iter().enumerate() {
            for name in &operation.types {
                by_type.entry(name.clone()).or_default().push(index);
            }
            for name in operation.directives.keys() {
                by_directive.entry(name.clone()).or_default().push(index);
            }
        }
        Self { old, new, operations, by_type, by_directive }
    }

    /// Indices of the operations that would be broken by the change, or might be.
    pub fn affected(&self, change: &Change) -> Vec<usize> {
        let Some(path) = change.path.as_deref() else {
            return rules::root_change(self, change);
        };
        let path: Vec<&str> = path.split('.').collect();
        if let Some(directive) = path.first().and_then(|first| first.strip_prefix('@')) {
            let candidates = self.by_directive.get(directive).into_iter().flatten().copied();
            return candidates
                .filter(|index| {
                    let Some(uses) = self.operations[*index].directives.get(directive) else {
                        return false;
                    };
                    rules::directive_notices(self, change, directive, path.get(1).copied(), uses)
                })
                .collect();
        }
        let [type_name, rest @ ..] = path.as_slice() else { return Vec::new() };
        self.candidates(type_name)
            .into_iter()
            .filter(|index| rules::notices(self, change, type_name, rest, &self.operations[*index]))
            .collect()
    }

    /// Operations that have to do with a type, directly or through what it implements or is a
    /// member of.
    fn candidates(&self, type_name: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .with_abstract_types(type_name)
            .filter_map(|name| self.by_type.get(name))
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The type and the interfaces it implements: a selection on one of those reaches its fields.
    fn with_abstract_types<'t>(&'t self, type_name: &'t str) -> impl Iterator<Item = &'t str> {
        let interfaces = match self.old.types.get(type_name) {
            Some(ExtendedType::Object(object)) => Some(&object.implements_interfaces),
            Some(ExtendedType::Interface(interface)) => Some(&interface.implements_interfaces),
            _ => None,
        };
        std::iter::once(type_name)
            .chain(interfaces.into_iter().flatten().map(|interface| interface.name.as_str()))
    }
}

/// What one operation of a document uses.
pub fn operation_use(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Operation,
) -> OperationUse {
    OperationUse::of(schema, document, operation)
}

#[cfg(test)]
mod tests;
