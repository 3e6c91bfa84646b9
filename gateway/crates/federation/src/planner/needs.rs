//! What has to be fetched on an object, stripped of what only matters to the client.
//!
//! The operation and the field sets of `@key`, `@requires` and `@provides` come in the same form,
//! so that planning a requirement is planning a selection.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::ast::Argument;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use crate::operation::{Field, SelectionSet};
use crate::plan::Inclusion;
use crate::query_graph::{
    ContextEdge, FieldSet, FieldSetField, NodeId, QueryGraph, TypeId, TypeSet,
};

#[derive(Debug)]
pub(super) struct Needs {
    /// Unique in one planning run.
    pub(super) id: u32,
    /// The types that the merged schema allows for the object.
    pub(super) possible: TypeSet,
    /// The object is declared as an interface or a union.
    pub(super) is_abstract: bool,
    pub(super) fields: Vec<Need>,
}

#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) name: Name,
    pub(super) arguments: Vec<Node<Argument>>,
    /// The arguments as text: equal for equal arguments.
    pub(super) argument_text: String,
    pub(super) types: TypeSet,
    pub(super) when: Inclusion,
    pub(super) child: Option<Arc<Needs>>,
}

impl Need {
    pub(super) fn is_typename(&self) -> bool {
        self.name == "__typename"
    }
}

impl Needs {
    /// Leaves, for comparing keys by size.
    pub(super) fn size(&self) -> usize {
        self.fields.iter().map(|need| need.child.as_ref().map_or(1, |child| child.size())).sum()
    }
}

fn is_abstract(graph: &QueryGraph, parent: &Name, possible: &TypeSet) -> bool {
    !graph.type_id(parent).is_some_and(|own| possible.contains(own))
}

pub(super) fn argument_text(arguments: &[Node<Argument>]) -> String {
    if arguments.is_empty() {
        return String::new();
    }
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| format!("{}:{}", argument.name, argument.value.serialize().no_indent()))
        .collect();
    format!("({})", arguments.join(","))
}

/// The field sets of a query graph.
#[derive(Debug, Default)]
pub(super) struct FieldSets {
    /// Resolvable keys by node.
    keys: Vec<Vec<Arc<Needs>>>,
    requires: IndexMap<(NodeId, Name), Arc<Needs>>,
    provides: IndexMap<(NodeId, Name), Arc<Needs>>,
    contexts: IndexMap<(NodeId, Name), Vec<ContextNeed>>,
    next_id: u32,
}

/// An argument whose value stands further up.
#[derive(Clone, Debug)]
pub(super) struct ContextNeed {
    pub(super) argument: Name,
    pub(super) ty: String,
    /// What to have of the nearest object that sets the context; these may.
    pub(super) needs: Arc<Needs>,
}

impl FieldSets {
    pub(super) fn of(graph: &QueryGraph) -> Self {
        let mut sets = Self::default();
        for (id, node) in (0..).map(NodeId).zip(&graph.nodes) {
            let keys =
                node.keys.iter().map(|key| sets.convert(graph, &node.type_name, key)).collect();
            sets.keys.push(keys);
            for edge in node.fields.values() {
                if let Some(requires) = &edge.requires {
                    let needs = sets.convert(graph, &node.type_name, requires);
                    sets.requires.insert((id, edge.name.clone()), needs);
                }
                if let Some(provides) = &edge.provides {
                    let needs = sets.convert(graph, edge.ty.inner_named_type(), provides);
                    sets.provides.insert((id, edge.name.clone()), needs);
                }
                if !edge.contexts.is_empty() {
                    let needs = edge.contexts.iter().map(|context| sets.context(graph, context));
                    let needs = needs.collect();
                    sets.contexts.insert((id, edge.name.clone()), needs);
                }
            }
        }
        sets
    }

    pub(super) fn keys(&self, node: NodeId) -> &[Arc<Needs>] {
        &self.keys[node.0 as usize]
    }

    pub(super) fn requires(&self, node: NodeId, field: &Name) -> Option<&Arc<Needs>> {
        self.requires.get(&(node, field.clone()))
    }

    pub(super) fn provides(&self, node: NodeId, field: &Name) -> Option<&Arc<Needs>> {
        self.provides.get(&(node, field.clone()))
    }

    /// Arguments of a field that come from contexts.
    pub(super) fn contexts(&self, node: NodeId, field: &Name) -> &[ContextNeed] {
        self.contexts.get(&(node, field.clone())).map_or(&[], Vec::as_slice)
    }

    pub(super) fn has_contexts(&self) -> bool {
        !self.contexts.is_empty()
    }

    fn context(&mut self, graph: &QueryGraph, context: &ContextEdge) -> ContextNeed {
        let ContextEdge { argument, ty, setters, fields } = context;
        let fields = fields.iter().map(|field| self.convert_field(graph, field)).collect();
        let is_abstract = setters.len() > 1;
        let needs = Needs { id: self.next_id, possible: setters.clone(), is_abstract, fields };
        self.next_id += 1;
        ContextNeed { argument: argument.clone(), ty: ty.clone(), needs: Arc::new(needs) }
    }

    /// The first id that no field set has.
    pub(super) fn next_id(&self) -> u32 {
        self.next_id
    }

    fn convert(&mut self, graph: &QueryGraph, parent: &Name, set: &FieldSet) -> Arc<Needs> {
        self.convert_fields(graph, parent, &set.fields)
    }

    fn convert_fields(
        &mut self,
        graph: &QueryGraph,
        parent: &Name,
        fields: &[FieldSetField],
    ) -> Arc<Needs> {
        let fields = fields.iter().map(|field| self.convert_field(graph, field)).collect();
        let id = self.next_id;
        self.next_id += 1;
        let possible = graph.possible(parent).cloned().unwrap_or_default();
        Arc::new(Needs { id, is_abstract: is_abstract(graph, parent, &possible), possible, fields })
    }
}

impl FieldSets {
    fn convert_field(&mut self, graph: &QueryGraph, field: &FieldSetField) -> Need {
        Need {
            name: field.name.clone(),
            arguments: field.arguments.clone(),
            argument_text: argument_text(&field.arguments),
            types: field.types.clone(),
            when: Inclusion::ALWAYS,
            child: (!field.fields.is_empty())
                .then(|| self.convert_fields(graph, &field.type_name, &field.fields)),
        }
    }
}

/// What makes two selections one need: field, arguments, types and condition.
type NeedIdentity = (Name, String, TypeSet, Inclusion);

/// Fields that the caller may not see.
#[derive(Debug)]
pub(super) struct Denial<'a> {
    pub(super) graph: &'a QueryGraph,
    /// Coordinates, `Type` or `Type.field`.
    pub(super) denied: &'a BTreeSet<String>,
}

impl Denial<'_> {
    /// The types among the field's for which it may not be seen.
    pub(super) fn of(&self, parent: &str, field: &Field) -> TypeSet {
        if self.denied.is_empty() || field.name.starts_with("__") {
            return TypeSet::default();
        }
        let named = field.ty.inner_named_type().as_str();
        if self.denied.contains(named) || self.denied.contains(&format!("{parent}.{}", field.name))
        {
            return field.types.clone();
        }
        let denied = |id: &TypeId| {
            let own = self.graph.type_name(*id);
            self.denied.contains(own.as_str())
                || self.denied.contains(&format!("{own}.{}", field.name))
        };
        field.types.iter().filter(denied).collect()
    }
}

/// Turns an operation's selections into needs: without what the gateway answers itself, and
/// without what the caller may not see.
#[derive(Debug)]
pub(super) struct NeedsOfOperation<'a> {
    pub(super) denial: Denial<'a>,
    pub(super) known: IndexMap<Vec<u32>, Arc<Needs>>,
    pub(super) next_id: u32,
}

impl NeedsOfOperation<'_> {
    /// One set of needs for selection sets that stand on the same object.
    pub(super) fn convert(&mut self, sets: &[&Arc<SelectionSet>]) -> Arc<Needs> {
        let mut identity: Vec<u32> = sets.iter().map(|set| set.id).collect();
        identity.dedup();
        if let Some(known) = self.known.get(&identity) {
            return known.clone();
        }
        // Aliases are the client's business: the same field with the same arguments is one need.
        let mut merged: IndexMap<NeedIdentity, (&Field, Vec<&Arc<SelectionSet>>)> = IndexMap::new();
        for set in sets {
            for field in set.fields.iter().filter(|field| !field.is_introspection()) {
                let types = field.types.difference(&self.denial.of(&set.type_name, field));
                if types.is_empty() {
                    continue;
                }
                let identity = (
                    field.name.clone(),
                    argument_text(&field.arguments),
                    types,
                    field.when.clone(),
                );
                let (_, children) = merged.entry(identity).or_insert((field, Vec::new()));
                children.extend(&field.selections);
            }
        }
        let fields = merged
            .into_iter()
            .map(|((name, argument_text, types, when), (field, children))| Need {
                name,
                arguments: field.arguments.clone(),
                argument_text,
                types,
                when,
                child: (!children.is_empty()).then(|| self.convert(&children)),
            })
            .collect();
        let id = self.next_id;
        self.next_id += 1;
        let parent = sets.first().map(|set| &set.type_name);
        let possible = parent
            .and_then(|parent| self.denial.graph.possible(parent))
            .cloned()
            .unwrap_or_default();
        let is_abstract =
            parent.is_some_and(|parent| is_abstract(self.denial.graph, parent, &possible));
        let needs = Arc::new(Needs { id, possible, is_abstract, fields });
        self.known.insert(identity, needs.clone());
        needs
    }
}
