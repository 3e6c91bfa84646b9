//! The fetch graph before requests are put together: one step for every list of entities (or
//! set of root fields) that one subgraph is asked for at one place and time.

use std::collections::BTreeSet;

use apollo_compiler::ast::Argument;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::cost::Level;
use crate::operation::or;
use crate::plan::{ContextVariable, Inclusion, PathStep, RepresentationField};
use crate::query_graph::{NodeId, TypeId, TypeSet};
use crate::supergraph::SubgraphId;

pub(super) type StepId = usize;
pub(super) type SelectionId = usize;

#[derive(Debug)]
pub(super) struct Step {
    pub(super) subgraph: SubgraphId,
    pub(super) kind: StepKind,
    pub(super) path: Vec<PathStep>,
    pub(super) level: Level,
    pub(super) after: BTreeSet<StepId>,
    /// What is selected, by the node in which it is.
    pub(super) roots: IndexMap<NodeId, SelectionId>,
    /// How an entity of a run-time type is represented.
    pub(super) templates: IndexMap<TypeId, Template>,
    /// What the selections take from further up.
    pub(super) contexts: Vec<StepContext>,
}

/// A variable that a context gives its value, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepContext {
    pub(super) variable: ContextVariable,
    pub(super) ty: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StepKind {
    Root,
    Entities,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) typename: Name,
    pub(super) fields: Vec<RepresentationField>,
}

/// Selections on one object in one request.
#[derive(Debug)]
pub(super) struct Selections {
    pub(super) node: NodeId,
    /// Whether, and when, `__typename` is needed.
    pub(super) typename: Option<Inclusion>,
    pub(super) fields: Vec<SelectedField>,
    by_key: IndexMap<String, Vec<usize>>,
}

#[derive(Clone, Debug)]
pub(super) struct SelectedField {
    pub(super) key: String,
    pub(super) name: Name,
    pub(super) arguments: Vec<Node<Argument>>,
    pub(super) types: TypeSet,
    pub(super) when: Inclusion,
    pub(super) child: Option<SelectionId>,
}

impl Selections {
    pub(super) fn new(node: NodeId) -> Self {
        Self { node, typename: None, fields: Vec::new(), by_key: IndexMap::new() }
    }

    pub(super) fn need_typename(&mut self, when: &Inclusion) {
        self.typename = Some(match &self.typename {
            None => when.clone(),
            Some(earlier) => or(earlier, when),
        });
    }

    /// Adds a leaf; one that is there already is widened.
    pub(super) fn add_leaf(&mut self, field: SelectedField) {
        let places = self.by_key.entry(field.key.clone()).or_default();
        for place in places.iter() {
            let other = &mut self.fields[*place];
            if other.types == field.types {
                other.when = or(&other.when, &field.when);
                return;
            }
            if other.when == field.when {
                other.types = other.types.union(&field.types);
                return;
            }
        }
        places.push(self.fields.len());
        self.fields.push(field);
    }

    /// The composite field that was added under the same conditions, if any.
    pub(super) fn find_composite(
        &self,
        key: &str,
        types: &TypeSet,
        when: &Inclusion,
    ) -> Option<SelectionId> {
        let places = self.by_key.get(key)?;
        places
            .iter()
            .map(|place| &self.fields[*place])
            .find(|other| other.types == *types && other.when == *when)
            .and_then(|other| other.child)
    }

    pub(super) fn add_composite(&mut self, field: SelectedField) {
        self.by_key.entry(field.key.clone()).or_default().push(self.fields.len());
        self.fields.push(field);
    }
}

/// Both representations in one; `None` if they have different things to say under one name.
pub(super) fn merge_representations(
    a: &[RepresentationField],
    b: &[RepresentationField],
) -> Option<Vec<RepresentationField>> {
    let mut merged = a.to_vec();
    for field in b {
        let clashes = |other: &&RepresentationField| {
            other.name == field.name
                && other.key != field.key
                && match (&other.types, &field.types) {
                    (Some(a), Some(b)) => a.iter().any(|name| b.contains(name)),
                    _ => true,
                }
        };
        if merged.iter().any(|other| clashes(&other)) {
            return None;
        }
        let same = |other: &&mut RepresentationField| {
            other.name == field.name && other.key == field.key && other.types == field.types
        };
        match merged.iter_mut().find(same) {
            Some(other) => {
                other.fields = merge_representations(&other.fields, &field.fields)?;
                other.required |= field.required;
            }
            None => merged.push(field.clone()),
        }
    }
    Some(merged)
}

/// Whether two representations say something under the same names, wherever they have it from.
pub(super) fn same_names(a: &[RepresentationField], b: &[RepresentationField]) -> bool {
    let covers = |a: &[RepresentationField], b: &[RepresentationField]| {
        a.iter().all(|field| {
            let mut others = b.iter().filter(|other| other.name == field.name).peekable();
            others.peek().is_some() && others.all(|other| same_names(&field.fields, &other.fields))
        })
    };
    covers(a, b) && covers(b, a)
}
