//! What data would look like: for every run-time type at a place, the data keys and what is
//! behind them.

use std::collections::{BTreeMap, BTreeSet};

/// An object at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// By run-time type: a type without fields may stand here, too.
    pub(super) by_type: BTreeMap<String, BTreeMap<String, FieldShape>>,
    /// Fetches that tell the `__typename`.
    pub(super) typename: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct FieldShape {
    pub(super) name: String,
    pub(super) arguments: String,
    /// Fetches that bring it.
    pub(super) by: BTreeSet<usize>,
    /// Levels of lists around it.
    pub(super) lists: usize,
    pub(super) child: Option<Shape>,
}

impl Shape {
    pub(super) fn merge(&mut self, other: Self) {
        self.typename.extend(other.typename);
        for (name, fields) in other.by_type {
            let own = self.by_type.entry(name).or_default();
            for (key, field) in fields {
                match own.get_mut(&key) {
                    None => {
                        own.insert(key, field);
                    }
                    Some(known) => known.merge(field),
                }
            }
        }
    }
}

impl FieldShape {
    fn merge(&mut self, other: Self) {
        self.by.extend(other.by);
        match (&mut self.child, other.child) {
            (Some(own), Some(child)) => own.merge(child),
            (own @ None, child) => *own = child,
            (Some(_), None) => {}
        }
    }
}
