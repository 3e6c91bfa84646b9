//! The supergraph: what the composed schema says about every subgraph.
//!
//! Read from SDL in the join specification's vocabulary (v0.1 to v0.5) into plain tables: which
//! subgraph has which type, key, field, member and value, and under what conditions. Two schemas
//! are derived: the API schema that clients see, and each subgraph's own schema.
//!
//! This module must not know how queries are planned.

mod api_schema;
mod authorization;
mod parse;
pub(crate) mod reach;
mod read;
mod subgraph_schema;

use std::collections::BTreeSet;

use apollo_compiler::ast::Type;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};
use indexmap::IndexMap;

pub use authorization::Authorization;

/// A composed graph, as read from its SDL. Trusted to be satisfiable: composition has checked it.
#[derive(Debug)]
pub struct Supergraph {
    /// In the order of the `join__Graph` enum.
    pub subgraphs: Vec<SubgraphEntry>,
    /// Composite types, enums, scalars and input objects of the merged schema, without those of
    /// the specifications.
    pub types: IndexMap<Name, SupergraphType>,
    schema: Valid<Schema>,
    api_schema: Valid<Schema>,
    authorization: IndexMap<String, Authorization>,
}

/// A subgraph's number: its place in [`Supergraph::subgraphs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubgraphId(pub u16);

impl SubgraphId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[derive(Clone, Debug)]
pub struct SubgraphEntry {
    /// The name that its owner gave it.
    pub name: String,
    /// The value of the `join__Graph` enum.
    pub graph: Name,
    pub url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    InputObject,
}

/// A type of the merged schema and what each subgraph has of it.
#[derive(Clone, Debug)]
pub struct SupergraphType {
    pub name: Name,
    pub kind: TypeKind,
    /// The subgraphs that have the type, each once.
    pub joins: Vec<TypeJoin>,
    /// Fields of objects, interfaces and input objects.
    pub fields: IndexMap<Name, SupergraphField>,
    /// Interfaces, with the subgraphs in which they are implemented.
    pub implements: IndexMap<Name, Vec<SubgraphId>>,
    /// Members of a union, with the subgraphs in which they are members.
    pub members: IndexMap<Name, Vec<SubgraphId>>,
    /// Values of an enum, with the subgraphs that have them.
    pub values: IndexMap<Name, Vec<SubgraphId>>,
    /// Contexts that objects of the type set for what is below them.
    pub contexts: Vec<String>,
}

impl SupergraphType {
    pub fn join(&self, subgraph: SubgraphId) -> Option<&TypeJoin> {
        self.joins.iter().find(|join| join.subgraph == subgraph)
    }
}

/// What one subgraph says about a type.
#[derive(Clone, Debug)]
pub struct TypeJoin {
    pub subgraph: SubgraphId,
    pub keys: Vec<Key>,
    pub extension: bool,
    /// The subgraph has the interface as an object type (`@interfaceObject`).
    pub interface_object: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The field set's text.
    pub fields: String,
    pub resolvable: bool,
}

#[derive(Clone, Debug)]
pub struct SupergraphField {
    pub name: Name,
    /// The merged type.
    pub ty: Type,
    /// The subgraphs that have the field in their own schema, each once. Empty for a field that
    /// an object has from an `@interfaceObject` only.
    pub joins: Vec<FieldJoin>,
}

impl SupergraphField {
    pub(crate) fn override_labels(&self) -> impl Iterator<Item = &str> {
        self.joins.iter().filter_map(|join| join.override_label.as_deref())
    }
}

/// What one subgraph says about a field.
#[derive(Clone, Debug)]
pub struct FieldJoin {
    pub subgraph: SubgraphId,
    /// The type that the field has in this subgraph.
    pub ty: Type,
    pub requires: Option<String>,
    pub provides: Option<String>,
    pub external: bool,
    /// The subgraph's name as written in `@override(from:)`.
    pub override_from: Option<String>,
    /// Overridden by another subgraph, but kept because keys or requirements here name it.
    pub used_overridden: bool,
    /// The label of a progressive override; stands on both sides.
    pub override_label: Option<String>,
    pub context_arguments: Vec<ContextArgument>,
}

impl FieldJoin {
    /// Whether the subgraph resolves the field, given the override labels that are on.
    pub fn resolves(&self, label_is_on: impl Fn(&str) -> bool) -> bool {
        if self.external {
            return false;
        }
        match &self.override_label {
            None => !self.used_overridden,
            // The overriding side has the field while the label is on, the other side otherwise.
            Some(label) => label_is_on(label) == self.override_from.is_some(),
        }
    }
}

/// An argument whose value comes from a `@context` further up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextArgument {
    pub name: String,
    pub ty: String,
    pub context: String,
    pub selection: String,
}

/// Why a document is not a supergraph.
#[derive(Debug, thiserror::Error)]
pub enum SupergraphError {
    #[error("not a valid GraphQL schema: {message}")]
    InvalidSchema { message: String },
    #[error("not a supergraph: there is no enum `join__Graph` that names the subgraphs")]
    NoGraphs,
    #[error("it cannot be served without `{url}`, which is not supported here")]
    UnsupportedFeature { url: String },
    #[error("`{coordinate}`: {reason}")]
    InvalidJoin { coordinate: String, reason: String },
    #[error("no valid API schema remains: {message}")]
    InvalidApiSchema { message: String },
    #[error("no valid schema of subgraph `{subgraph}` can be rebuilt: {message}")]
    InvalidSubgraphSchema { subgraph: String, message: String },
}

impl SupergraphError {
    /// The code that users of federation know.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedFeature { .. } => "UNSUPPORTED_LINKED_FEATURE",
            Self::InvalidSchema { .. }
            | Self::NoGraphs
            | Self::InvalidJoin { .. }
            | Self::InvalidApiSchema { .. }
            | Self::InvalidSubgraphSchema { .. } => "INVALID_FEDERATION_SUPERGRAPH",
        }
    }
}

impl Supergraph {
    /// Reads supergraph SDL.
    ///
    /// ```
    /// let supergraph = federation::supergraph::Supergraph::parse(r#"
    ///     schema @link(url: "https://specs.apollo.dev/link/v1.0")
    ///            @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
    ///     directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
    ///     directive @join__graph(name: String!, url: String!) on ENUM_VALUE
    ///     directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT
    ///     scalar link__Import
    ///     enum link__Purpose { SECURITY EXECUTION }
    ///     enum join__Graph { A @join__graph(name: "a", url: "http://a") }
    ///     type Query @join__type(graph: A) { hello: String }
    /// "#)?;
    /// assert_eq!(supergraph.subgraphs[0].name, "a");
    /// # Ok::<(), federation::supergraph::SupergraphError>(())
    /// ```
    pub fn parse(sdl: &str) -> Result<Self, SupergraphError> {
        let schema = parse::parse(sdl)?;
        let subgraphs = read::read_subgraphs(&schema)?;
        if let Some(url) = api_schema::unsupported_feature(&schema) {
            return Err(SupergraphError::UnsupportedFeature { url });
        }
        let specifications = api_schema::Specifications::of(&schema);
        let types = read::read_types(&schema, &subgraphs, &specifications)?;
        let authorization = authorization::read_authorization(&schema, &specifications);
        let api_schema = api_schema::api_schema(&schema, &specifications)?;
        Ok(Self { subgraphs, types, schema, api_schema, authorization })
    }

    /// The merged schema with all `join__` elements, as it was read.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// What clients see.
    pub fn api_schema(&self) -> &Valid<Schema> {
        &self.api_schema
    }

    /// The schema of one subgraph, rebuilt from the join information, with `_entities` and
    /// `_service`: good for checking the documents that are sent there.
    pub fn subgraph_schema(&self, subgraph: SubgraphId) -> Result<Valid<Schema>, SupergraphError> {
        subgraph_schema::subgraph_schema(self, subgraph)
    }

    pub fn subgraph(&self, subgraph: SubgraphId) -> &SubgraphEntry {
        &self.subgraphs[subgraph.index()]
    }

    pub fn subgraph_by_name(&self, name: &str) -> Option<SubgraphId> {
        self.subgraph_ids().find(|id| self.subgraph(*id).name == name)
    }

    pub fn subgraph_ids(&self) -> impl Iterator<Item = SubgraphId> + use<> {
        (0..u16::try_from(self.subgraphs.len()).unwrap_or(u16::MAX)).map(SubgraphId)
    }

    /// `@authenticated`, `@requiresScopes` and `@policy` of a coordinate, `Type` or `Type.field`.
    pub fn authorization(&self, coordinate: &str) -> Option<&Authorization> {
        self.authorization.get(coordinate)
    }

    /// The labels of all progressive overrides.
    pub fn override_labels(&self) -> BTreeSet<&str> {
        let fields = self.types.values().flat_map(|ty| ty.fields.values());
        fields.flat_map(SupergraphField::override_labels).collect()
    }

    /// All coordinates with a requirement, in the schema's order.
    pub fn authorizations(&self) -> impl Iterator<Item = (&str, &Authorization)> {
        self.authorization
            .iter()
            .map(|(coordinate, authorization)| (coordinate.as_str(), authorization))
    }
}
