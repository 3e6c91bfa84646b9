//! The normal form of an operation.
//!
//! Fragments are gone: each field says for which run-time types it is meant. For one run-time
//! type, fields with the same response key are already merged (`CollectFields`); so a response key
//! may stand several times in a [`SelectionSet`], for disjoint sets of types. Constant `@skip`
//! and `@include` are folded; those with variables are kept as [`Inclusion`]s.

use std::sync::Arc;

use apollo_compiler::ast::{Argument, Type, Value};
use apollo_compiler::{Name, Node};

use crate::plan::{Inclusion, OperationKind};
use crate::query_graph::TypeSet;

#[derive(Clone, Debug)]
pub struct Operation {
    pub name: Option<String>,
    pub kind: OperationKind,
    pub root_type: Name,
    pub variables: Vec<VariableDefinition>,
    pub selections: Arc<SelectionSet>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableDefinition {
    pub name: Name,
    pub ty: Type,
    pub default: Option<Node<Value>>,
}

#[derive(Debug)]
pub struct SelectionSet {
    /// Unique in the operation; equal selection sets share one.
    pub id: u32,
    /// The composite type that the selections stand on.
    pub type_name: Name,
    /// The run-time types that the API schema allows here.
    pub possible: TypeSet,
    /// By first appearance.
    pub fields: Vec<Field>,
    /// Fields in all, those below included: selection sets that are shared count each time.
    pub size: usize,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub response_key: Name,
    pub name: Name,
    /// Sorted by name.
    pub arguments: Vec<Node<Argument>>,
    pub types: TypeSet,
    pub when: Inclusion,
    /// Where the field stands among its siblings. More than one place when a variable decides
    /// which of several occurrences comes first.
    pub places: Vec<(u32, Inclusion)>,
    /// The type that the API schema gives the field on `types`.
    pub ty: Type,
    /// `None` for leaves.
    pub selections: Option<Arc<SelectionSet>>,
}

impl Field {
    pub fn is_typename(&self) -> bool {
        self.name == "__typename"
    }

    /// `__schema` or `__type`.
    pub fn is_introspection(&self) -> bool {
        self.name.starts_with("__") && !self.is_typename()
    }
}
