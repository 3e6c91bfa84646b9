//! Prints selections as GraphQL for one subgraph.
//!
//! A field that all types share is selected on the interface itself where the subgraph has it
//! there in the same form; otherwise once for each type. Conditions become `@include` and `@skip`.

use std::collections::BTreeSet;

use apollo_compiler::ast::Value;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::places::shape;
use super::steps::{SelectedField, SelectionId, Selections};
use crate::plan::{Condition, Inclusion};
use crate::query_graph::{NodeId, NodeKind, QueryGraph, TypeId, TypeSet};
use crate::supergraph::Supergraph;

#[derive(Debug)]
pub(super) struct Printer<'a> {
    pub(super) supergraph: &'a Supergraph,
    pub(super) graph: &'a QueryGraph,
    pub(super) selections: &'a [Selections],
    /// Client variables in what has been printed.
    pub(super) variables: BTreeSet<String>,
    /// A condition that the whole request has, so that it need not be repeated.
    pub(super) given: Inclusion,
}

impl Printer<'_> {
    /// `{...}` of an object.
    pub(super) fn selection_set(&mut self, id: SelectionId) -> String {
        format!("{{{}}}", self.body(id))
    }

    fn body(&mut self, id: SelectionId) -> String {
        let selections = &self.selections[id];
        let mut parts: Vec<String> = Vec::new();
        if selections.typename.is_some() {
            parts.push("__typename".to_owned());
        }
        let mut by_type: IndexMap<TypeId, Vec<String>> = IndexMap::new();
        for field in &selections.fields {
            let text = self.field(field);
            if self.is_shared(selections.node, field) {
                if !parts.contains(&text) {
                    parts.push(text);
                }
                continue;
            }
            for id in field.types.intersection(&self.graph.node(selections.node).possible).iter() {
                let texts = by_type.entry(id).or_default();
                if !texts.contains(&text) {
                    texts.push(text.clone());
                }
            }
        }
        parts.extend(self.fragments(by_type));
        if parts.is_empty() {
            parts.push("__typename".to_owned());
        }
        parts.join(" ")
    }

    /// Selections by type, those with equal selections next to each other.
    fn fragments(&self, by_type: IndexMap<TypeId, Vec<String>>) -> Vec<String> {
        let mut alike: IndexMap<Vec<String>, TypeSet> = IndexMap::new();
        for (id, texts) in by_type {
            alike.entry(texts).or_default().insert(id);
        }
        let mut fragments = Vec::new();
        for (texts, types) in alike {
            let text = texts.join(" ");
            for id in types.iter() {
                fragments.push(format!("...on {}{{{text}}}", self.graph.type_name(id)));
            }
        }
        fragments
    }

    /// Whether the field can stand outside of fragments.
    fn is_shared(&self, id: NodeId, field: &SelectedField) -> bool {
        let node = self.graph.node(id);
        match node.kind {
            NodeKind::Object | NodeKind::InterfaceObject => true,
            NodeKind::Union => false,
            NodeKind::Interface => {
                let Some(edge) = node.fields.get(&field.name) else { return false };
                let own = shape(edge);
                node.possible.is_subset(&field.types)
                    && self.takes_arguments(&node.type_name, field)
                    && node.possible.iter().all(|id| {
                        let other = self.graph.find(node.subgraph, self.graph.type_name(id));
                        let other =
                            other.and_then(|other| self.graph.node(other).fields.get(&field.name));
                        other
                            .is_some_and(|other| shape(other) == own && edge.target == other.target)
                    })
            }
        }
    }

    fn takes_arguments(&self, type_name: &Name, field: &SelectedField) -> bool {
        field.arguments.is_empty()
            || self.supergraph.schema().type_field(type_name, &field.name).is_ok_and(|definition| {
                field
                    .arguments
                    .iter()
                    .all(|argument| definition.argument_by_name(&argument.name).is_some())
            })
    }

    fn field(&mut self, field: &SelectedField) -> String {
        let mut text = String::new();
        if field.key != field.name.as_str() {
            text.push_str(&field.key);
            text.push(':');
        }
        text.push_str(&field.name);
        let arguments = super::needs::argument_text(&field.arguments);
        for argument in &field.arguments {
            self.variables_of(&argument.value);
        }
        text.push_str(&arguments);
        let child = field.child.map(|child| self.selection_set(child)).unwrap_or_default();
        if field.when.0.is_empty() || field.when == self.given {
            return text + &child;
        }
        let variables = field.when.0.iter().flatten().map(|condition| condition.variable.clone());
        self.variables.extend(variables);
        let alternatives = field.when.0.iter().map(|all| conditional(&text, &child, all));
        alternatives.collect::<Vec<String>>().join(" ")
    }

    fn variables_of(&mut self, value: &Node<Value>) {
        match &**value {
            Value::Variable(name) => {
                self.variables.insert(name.to_string());
            }
            Value::List(items) => items.iter().for_each(|item| self.variables_of(item)),
            Value::Object(fields) => fields.iter().for_each(|(_, field)| self.variables_of(field)),
            Value::Null
            | Value::Enum(_)
            | Value::String(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::Boolean(_) => {}
        }
    }
}

/// A selection under all of these conditions. A field takes one `@include` and one `@skip`; more
/// go on fragments around it.
fn conditional(head: &str, child: &str, all: &[Condition]) -> String {
    let mut own = String::new();
    let mut seen = [false, false];
    let mut around = Vec::new();
    for condition in all {
        if std::mem::replace(&mut seen[usize::from(condition.value)], true) {
            around.push(directive(condition));
        } else {
            own.push_str(&directive(condition));
        }
    }
    let mut text = format!("{head}{own}{child}");
    for directive in around {
        text = format!("...{directive}{{{text}}}");
    }
    text
}

fn directive(condition: &Condition) -> String {
    let name = if condition.value { "include" } else { "skip" };
    format!("@{name}(if:${})", condition.variable)
}
