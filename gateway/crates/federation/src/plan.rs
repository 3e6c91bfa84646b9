//! The query plan: which requests go to which subgraph, in what order, and how the
//! client's answer is read out of what came back.
//!
//! A plan is a graph of [`Fetch`]es rather than a tree of sequences: every fetch names the
//! fetches it waits for, so that it can start as soon as *its* inputs are there. The tree that
//! people know (`Sequence`, `Parallel`, `Flatten`) is derived for printing only.
//!
//! Two names exist for every value. The *data key* is the name under which subgraphs answer and
//! under which answers are merged: chosen by the planner, unique for one field with one set of
//! arguments at one place. The *response key* is the client's alias. Only [`Projection`] knows
//! both, so client aliases can never collide with keys or required fields.
//!
//! Nothing here refers to a schema: whoever runs a plan needs the plan, the variables and a
//! transport. Type conditions are spelled out as sets of object type names.

mod measure;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use measure::PlanSize;
pub use text::to_text;

/// A compiled operation. Plans are immutable, are made once and run many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryPlan {
    pub kind: OperationKind,
    /// In topological order: a fetch only waits for fetches with a lower index.
    pub fetches: Vec<Fetch>,
    pub projection: Projection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

/// One request to one subgraph.
///
/// The answer's root fields named in `entities` are lists of entities to be merged at their
/// targets; all other root fields are merged into the root of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    pub subgraph: String,
    /// Indexes into [`QueryPlan::fetches`] that must have ended before this one starts.
    pub after: Vec<usize>,
    /// When not even one of its selections is included, the request is not sent.
    pub when: Inclusion,
    pub kind: OperationKind,
    /// `<ClientOperation>__<subgraph>__<index>`; without the first part for anonymous operations.
    pub operation_name: String,
    /// The GraphQL document to send.
    pub document: String,
    /// Client variables that the document declares, by name.
    pub variables: Vec<String>,
    pub entities: Vec<EntityFetch>,
    /// Data keys of the root fields that are no entities.
    #[serde(default)]
    pub roots: Vec<String>,
    /// Where root fields are merged: not at the root of the data if the schema leads back to the
    /// query type further down, and it is entered anew there.
    #[serde(default)]
    pub at: FlattenPath,
}

/// A list of entities that a [`Fetch`] loads by representation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityFetch {
    /// Data key of the `_entities` field in the document: `_entities`, or `_e0`, `_e1`, ...
    pub key: String,
    /// The variable that carries the representations: `representations`, or `r0`, `r1`, ...
    pub variable: String,
    /// Where in the merged data the entities stand. Several paths share one list, so that an
    /// entity reached on two ways is loaded once.
    pub paths: Vec<FlattenPath>,
    /// How to build the representation; the first template that has the object's type applies.
    /// An object of a type without a template is left out.
    pub templates: Vec<RepresentationTemplate>,
    /// Arguments whose values stand further up in the data. Entities for which they differ cannot
    /// share a request; who has any is the only list of its fetch, with one path.
    #[serde(default)]
    pub contexts: Vec<ContextVariable>,
}

/// A variable whose value is that of the nearest object above an entity that has one to give.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContextVariable {
    pub name: String,
    /// Without a value the entity is not asked for.
    pub required: bool,
    /// The nearest first.
    pub sources: Vec<ContextSource>,
}

/// An object on the way to an entity that may have the value of a [`ContextVariable`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContextSource {
    /// So many steps of the entity's path lead to the object.
    pub depth: usize,
    /// Only if the object's `__typename` is one of these.
    pub types: Option<Vec<String>>,
    /// One of these is read, the first that has the object's type; likewise below it.
    pub fields: Vec<RepresentationField>,
}

/// A way through the merged data, e.g. `products.@.reviews`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlattenPath(pub Vec<PathStep>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PathStep {
    /// Into the value of this data key.
    Key(String),
    /// Into every element of the list.
    List,
    /// Only if the object's `__typename` is one of these.
    Types(Vec<String>),
}

impl fmt::Display for FlattenPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Types(types) => write!(f, "|[{}]", types.join("|"))?,
                PathStep::Key(key) if index == 0 => f.write_str(key)?,
                PathStep::Key(key) => write!(f, ".{key}")?,
                PathStep::List => f.write_str(".@")?,
            }
        }
        Ok(())
    }
}

/// What a subgraph needs to know to find an entity and to resolve what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepresentationTemplate {
    /// Object types, as found under `__typename` in the data, that this template serves.
    pub types: Vec<String>,
    /// The `__typename` to send. Differs from the object's own type for `@interfaceObject`.
    pub typename: String,
    pub fields: Vec<RepresentationField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepresentationField {
    /// Name in the representation.
    pub name: String,
    /// Data key to read from.
    pub key: String,
    /// A key field: without a value the subgraph cannot find the entity, so it is not asked.
    /// Fields of `@requires` may be null and are then sent as null.
    pub required: bool,
    /// Restricts the field to these types of the enclosing object; none means always.
    pub types: Option<Vec<String>>,
    /// Selections below; empty for leaves.
    pub fields: Vec<RepresentationField>,
}

/// When a selection is included: an *or* of *ands* over `@skip`/`@include` variables.
/// Without any alternative it always is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inclusion(pub Vec<Vec<Condition>>);

/// Holds if the Boolean variable has this value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Condition {
    pub variable: String,
    pub value: bool,
}

impl Inclusion {
    /// Included whatever the variables say.
    pub const ALWAYS: Self = Self(Vec::new());

    /// `variable` tells the value of a Boolean variable.
    pub fn holds(&self, variable: impl Fn(&str) -> bool) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|all| {
                all.iter().all(|condition| variable(&condition.variable) == condition.value)
            })
    }
}

/// How the client's answer is read out of the merged data (spec section 6.4.4, "Value Completion").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// Name of the root type, for the root's `__typename`.
    pub root_type: String,
    /// In the order that the specification says (`CollectFields`, depth first).
    pub fields: Vec<ProjectedField>,
}

/// One key of a response object. For an abstract parent the same response key may stand several
/// times, for disjoint sets of `types`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectedField {
    pub response_key: String,
    /// `Type.field` in the API schema, for error messages.
    pub coordinate: String,
    /// Object types of the parent for which the field was selected; none means all.
    pub types: Option<Vec<String>>,
    pub when: Inclusion,
    pub value: ProjectedValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProjectedValue {
    /// Read from the parent's data.
    Data { key: String, output: Output },
    /// The concrete type of the parent object: the constant when the parent is an object type,
    /// else its `__typename` in the data.
    Typename { constant: Option<String> },
    /// `__schema` or `__type`: answered by the gateway itself, found under the response key.
    Introspection,
    /// The caller may not see this field: null plus an `UNAUTHORIZED_FIELD_OR_TYPE` error.
    Denied { nullable: bool },
}

/// The type of a projected value, spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Output {
    NonNull(Box<Output>),
    List(Box<Output>),
    Leaf(Leaf),
    Composite(Composite),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Leaf {
    Int,
    Float,
    String,
    Boolean,
    Id,
    /// The API schema's values; others (`@inaccessible` ones too) become null with an error.
    Enum {
        name: String,
        values: Vec<String>,
    },
    /// Any JSON, passed through untouched.
    CustomScalar {
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Composite {
    /// The declared type's name.
    pub type_name: String,
    /// Object types that may stand here according to the API schema. With exactly one the data
    /// need not carry a `__typename`.
    pub possible: Vec<String>,
    pub fields: Vec<ProjectedField>,
}
