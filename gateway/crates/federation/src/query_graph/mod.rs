//! Which subgraph can reach which field from where.
//!
//! A node is a composite type in one subgraph. Field edges lead from node to node inside the
//! subgraph; a key of a node lets a request enter it from any place where the key's fields can
//! be had. An interface that a subgraph has as an object (`@interfaceObject`) is a node of its
//! own kind, and a home for every object that implements the interface elsewhere.
//!
//! *Run-time types* are what can stand under `__typename` in data: object types, and interfaces
//! that some subgraph has as objects and answers with their own name.
//!
//! This module must not know about operations or plans.

mod build;
mod field_set;
mod type_set;

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use indexmap::{IndexMap, IndexSet};

pub use field_set::{FieldSet, FieldSetField};
pub use type_set::{TypeId, TypeSet};

use crate::supergraph::{FieldJoin, SubgraphId, Supergraph, SupergraphError};

#[derive(Debug)]
pub struct QueryGraph {
    pub nodes: Vec<QueryNode>,
    nodes_by_name: IndexMap<(SubgraphId, Name), NodeId>,
    runtime_types: IndexSet<Name>,
    /// By [`TypeId`].
    homes: Vec<Vec<NodeId>>,
    /// By name of a composite type: the object types that may stand for it in the merged schema.
    possible: IndexMap<Name, TypeSet>,
    /// Those that are in the API schema.
    visible: TypeSet,
}

/// A node's number: its place in [`QueryGraph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    Object,
    Interface,
    Union,
    InterfaceObject,
}

/// A composite type in one subgraph.
#[derive(Debug)]
pub struct QueryNode {
    pub subgraph: SubgraphId,
    pub type_name: Name,
    pub kind: NodeKind,
    /// The run-time types that the subgraph may answer with here.
    pub possible: TypeSet,
    /// Every field that the subgraph has, resolvable or not.
    pub fields: IndexMap<Name, FieldEdge>,
    /// Resolvable keys only.
    pub keys: Vec<FieldSet>,
}

/// A field of a composite type in one subgraph.
#[derive(Debug)]
pub struct FieldEdge {
    pub name: Name,
    /// As the subgraph declares it.
    pub ty: Type,
    /// `None` for leaves.
    pub target: Option<NodeId>,
    pub requires: Option<FieldSet>,
    pub provides: Option<FieldSet>,
    pub contexts: Vec<ContextEdge>,
    pub join: FieldJoin,
}

/// An argument whose value stands further up, at the nearest object that sets its context.
#[derive(Debug)]
pub struct ContextEdge {
    pub argument: Name,
    /// The argument's type, as the subgraph declares it.
    pub ty: String,
    /// Run-time types that set the context.
    pub setters: TypeSet,
    /// What to select there: one of these fields, by type.
    pub fields: Vec<FieldSetField>,
}

impl QueryGraph {
    pub fn build(supergraph: &Supergraph) -> Result<Self, SupergraphError> {
        build::build(supergraph)
    }

    pub fn node(&self, id: NodeId) -> &QueryNode {
        &self.nodes[id.0 as usize]
    }

    /// The node of a type in a subgraph.
    pub fn find(&self, subgraph: SubgraphId, type_name: &Name) -> Option<NodeId> {
        self.nodes_by_name.get(&(subgraph, type_name.clone())).copied()
    }

    /// All nodes of a type, in the order of the subgraphs.
    pub fn nodes_of<'a>(&'a self, type_name: &'a Name) -> impl Iterator<Item = NodeId> + 'a {
        self.nodes_by_name.iter().filter(move |((_, name), _)| name == type_name).map(|(_, id)| *id)
    }

    /// The nodes in which fields of a run-time type may be found: its own, and those of
    /// `@interfaceObject`s of its interfaces. For an interface as run-time type, also the nodes
    /// that can tell which object it really is.
    pub fn homes(&self, id: TypeId) -> &[NodeId] {
        &self.homes[id.0 as usize]
    }

    pub fn type_id(&self, name: &str) -> Option<TypeId> {
        let index = self.runtime_types.get_index_of(name)?;
        u32::try_from(index).ok().map(TypeId)
    }

    pub fn type_name(&self, id: TypeId) -> &Name {
        &self.runtime_types[id.0 as usize]
    }

    /// The object types that may stand for a composite type in the merged schema.
    pub fn possible(&self, type_name: &str) -> Option<&TypeSet> {
        self.possible.get(type_name)
    }

    /// The object types that may stand for a composite type in the API schema.
    pub fn visible(&self, type_name: &str) -> TypeSet {
        self.possible
            .get(type_name)
            .map_or_else(TypeSet::default, |possible| possible.intersection(&self.visible))
    }

    /// What a run-time type may turn out to be: itself, or the interface's implementations.
    pub fn expand(&self, id: TypeId) -> TypeSet {
        self.possible.get(self.type_name(id)).cloned().unwrap_or_default()
    }
}
