//! A query plan lowered for running: names as numbers, constant bytes written out once.
//!
//! Compiling is done once per plan and shared by every run. Nothing here depends on variables,
//! on a caller or on data.

use std::sync::Arc;

use federation::plan::{
    Composite, EntityFetch, Fetch, FlattenPath, Inclusion, Leaf, OperationKind, Output, PathStep,
    ProjectedField, ProjectedValue, Projection, QueryPlan, RepresentationField,
    RepresentationTemplate,
};
use serde_json::{Map, Value};

use crate::data::{Data, Value as DataValue};
use crate::json::{unquote, write_string};
use crate::names::{Name, Names, TypeSet};

/// A [`QueryPlan`] ready to be executed, as often as needed and by many clients at once.
#[derive(Debug)]
pub struct CompiledPlan {
    pub(crate) kind: OperationKind,
    pub(crate) fetches: Vec<Arc<FetchProgram>>,
    pub(crate) root: ObjectProgram,
    pub(crate) names: Arc<Names>,
    /// The data key and the type name `__typename`.
    pub(crate) typename: Name,
    inclusions: Vec<Inclusion>,
}

/// What the data says about an object's concrete type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeOf {
    Known(Name),
    /// A type that the plan does not mention, or no type's name at all.
    Unknown,
    /// There is no `__typename`.
    Absent,
}

/// Index into the distinct inclusions of a plan.
pub(crate) type InclusionIndex = usize;

#[derive(Debug)]
pub(crate) struct FetchProgram {
    pub(crate) subgraph: Arc<str>,
    pub(crate) kind: OperationKind,
    pub(crate) operation_name: Arc<str>,
    /// How many fetches must end before this one starts, and which wait for this one.
    pub(crate) waits_for: usize,
    pub(crate) dependents: Vec<usize>,
    pub(crate) when: InclusionIndex,
    /// `{"query":"…","operationName":"…","variables":{`
    pub(crate) head: Vec<u8>,
    pub(crate) variables: Vec<String>,
    /// Data keys of the root fields it asks for, and where they are merged.
    pub(crate) roots: Vec<Name>,
    pub(crate) at: Vec<Step>,
    pub(crate) entities: Vec<EntityProgram>,
    pub(crate) names: Arc<Names>,
}

#[derive(Debug)]
pub(crate) struct EntityProgram {
    pub(crate) key: Name,
    pub(crate) key_text: String,
    /// `"representations":`
    pub(crate) variable: Vec<u8>,
    pub(crate) paths: Vec<Vec<Step>>,
    pub(crate) templates: Vec<TemplateProgram>,
}

#[derive(Debug)]
pub(crate) enum Step {
    Key(Name),
    List,
    Types(TypeSet),
}

#[derive(Debug)]
pub(crate) struct TemplateProgram {
    pub(crate) types: TypeSet,
    /// `{"__typename":"…"`
    pub(crate) head: Vec<u8>,
    pub(crate) fields: Vec<RepresentationProgram>,
}

#[derive(Debug)]
pub(crate) struct RepresentationProgram {
    /// `"name":`
    pub(crate) head: Vec<u8>,
    pub(crate) key: Name,
    pub(crate) required: bool,
    pub(crate) types: Option<TypeSet>,
    pub(crate) fields: Vec<RepresentationProgram>,
}

#[derive(Debug)]
pub(crate) struct ObjectProgram {
    pub(crate) type_name: Name,
    pub(crate) possible: TypeSet,
    pub(crate) fields: Vec<FieldProgram>,
}

#[derive(Debug)]
pub(crate) struct FieldProgram {
    pub(crate) response_key: String,
    /// `"key":`
    pub(crate) head: Vec<u8>,
    pub(crate) coordinate: String,
    pub(crate) types: Option<TypeSet>,
    pub(crate) when: InclusionIndex,
    pub(crate) value: ValueProgram,
}

#[derive(Debug)]
pub(crate) enum ValueProgram {
    Data {
        key: Name,
        output: OutputProgram,
    },
    /// The type's name as a JSON string, if it is known beforehand.
    Typename(Option<Vec<u8>>),
    Introspection,
    Denied {
        nullable: bool,
    },
}

#[derive(Debug)]
pub(crate) struct OutputProgram {
    pub(crate) non_null: bool,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    List(Box<OutputProgram>),
    Leaf(Leaf),
    Object(ObjectProgram),
}

impl CompiledPlan {
    pub fn new(plan: &QueryPlan) -> Self {
        let QueryPlan { kind, fetches, projection } = plan;
        let mut compiler = Compiler { names: Names::default(), inclusions: Vec::new() };
        let typename = compiler.names.intern("__typename");
        let mut programs: Vec<FetchProgram> =
            fetches.iter().map(|fetch| compiler.fetch(fetch)).collect();
        for (index, fetch) in fetches.iter().enumerate() {
            for &earlier in &fetch.after {
                programs[earlier].dependents.push(index);
            }
        }
        let Projection { root_type, fields } = projection;
        let root_type = compiler.names.intern(root_type);
        let root = ObjectProgram {
            type_name: root_type,
            possible: TypeSet::new(vec![root_type]),
            fields: compiler.fields(fields),
        };
        let Compiler { names, inclusions } = compiler;
        let names = Arc::new(names);
        for program in &mut programs {
            program.names = Arc::clone(&names);
        }
        let fetches = programs.into_iter().map(Arc::new).collect();
        Self { kind: *kind, fetches, root, names, typename, inclusions }
    }

    /// The concrete type of an object, as far as the data tells.
    pub(crate) fn type_of(&self, data: &Data, object: DataValue) -> TypeOf {
        match data.field(object, self.typename) {
            None => TypeOf::Absent,
            Some(DataValue::String(text)) => {
                self.names.find(&unquote(data.text(text))).map_or(TypeOf::Unknown, TypeOf::Known)
            }
            Some(_) => TypeOf::Unknown,
        }
    }

    /// Which inclusions hold for these variables, by [`InclusionIndex`].
    pub(crate) fn inclusions(&self, variables: &Map<String, Value>) -> Vec<bool> {
        let variable = |name: &str| variables.get(name) == Some(&Value::Bool(true));
        self.inclusions.iter().map(|inclusion| inclusion.holds(variable)).collect()
    }
}

struct Compiler {
    names: Names,
    inclusions: Vec<Inclusion>,
}

impl Compiler {
    fn fetch(&mut self, fetch: &Fetch) -> FetchProgram {
        let Fetch {
            subgraph,
            after,
            when,
            kind,
            operation_name,
            document,
            variables,
            entities,
            roots,
            at,
        } = fetch;
        FetchProgram {
            subgraph: subgraph.as_str().into(),
            kind: *kind,
            operation_name: operation_name.as_str().into(),
            waits_for: after.len(),
            dependents: Vec::new(),
            when: self.inclusion(when),
            head: request_head(document, operation_name),
            variables: variables.clone(),
            roots: roots.iter().map(|root| self.names.intern(root)).collect(),
            at: self.path(at),
            entities: entities.iter().map(|entity| self.entity(entity)).collect(),
            names: Arc::default(),
        }
    }

    fn entity(&mut self, entity: &EntityFetch) -> EntityProgram {
        let EntityFetch { key, variable, paths, templates } = entity;
        EntityProgram {
            key: self.names.intern(key),
            key_text: key.clone(),
            variable: member_head(variable),
            paths: paths.iter().map(|path| self.path(path)).collect(),
            templates: templates.iter().map(|template| self.template(template)).collect(),
        }
    }

    fn path(&mut self, FlattenPath(steps): &FlattenPath) -> Vec<Step> {
        let step = |step: &PathStep| match step {
            PathStep::Key(key) => Step::Key(self.names.intern(key)),
            PathStep::List => Step::List,
            PathStep::Types(types) => Step::Types(self.types(types)),
        };
        steps.iter().map(step).collect()
    }

    fn template(&mut self, template: &RepresentationTemplate) -> TemplateProgram {
        let RepresentationTemplate { types, typename, fields } = template;
        let mut head = b"{\"__typename\":".to_vec();
        write_string(&mut head, typename);
        TemplateProgram { types: self.types(types), head, fields: self.representation(fields) }
    }

    fn representation(&mut self, fields: &[RepresentationField]) -> Vec<RepresentationProgram> {
        let field = |field: &RepresentationField| {
            let RepresentationField { name, key, required, types, fields } = field;
            RepresentationProgram {
                head: member_head(name),
                key: self.names.intern(key),
                required: *required,
                types: types.as_ref().map(|types| self.types(types)),
                fields: self.representation(fields),
            }
        };
        fields.iter().map(field).collect()
    }

    fn fields(&mut self, fields: &[ProjectedField]) -> Vec<FieldProgram> {
        let field = |field: &ProjectedField| {
            let ProjectedField { response_key, coordinate, types, when, value } = field;
            FieldProgram {
                response_key: response_key.clone(),
                head: member_head(response_key),
                coordinate: coordinate.clone(),
                types: types.as_ref().map(|types| self.types(types)),
                when: self.inclusion(when),
                value: self.value(value),
            }
        };
        fields.iter().map(field).collect()
    }

    fn value(&mut self, value: &ProjectedValue) -> ValueProgram {
        match value {
            ProjectedValue::Data { key, output } => {
                ValueProgram::Data { key: self.names.intern(key), output: self.output(output) }
            }
            ProjectedValue::Typename { constant } => {
                ValueProgram::Typename(constant.as_ref().map(|name| {
                    let mut text = Vec::new();
                    write_string(&mut text, name);
                    text
                }))
            }
            ProjectedValue::Introspection => ValueProgram::Introspection,
            ProjectedValue::Denied { nullable } => ValueProgram::Denied { nullable: *nullable },
        }
    }

    fn output(&mut self, output: &Output) -> OutputProgram {
        let shape = match output {
            Output::NonNull(inner) => {
                return OutputProgram { non_null: true, ..self.output(inner) };
            }
            Output::List(item) => Shape::List(Box::new(self.output(item))),
            Output::Leaf(leaf) => Shape::Leaf(sorted(leaf)),
            Output::Composite(composite) => Shape::Object(self.object(composite)),
        };
        OutputProgram { non_null: false, shape }
    }

    fn object(&mut self, composite: &Composite) -> ObjectProgram {
        let Composite { type_name, possible, fields } = composite;
        ObjectProgram {
            type_name: self.names.intern(type_name),
            possible: self.types(possible),
            fields: self.fields(fields),
        }
    }

    fn types(&mut self, types: &[String]) -> TypeSet {
        TypeSet::new(types.iter().map(|name| self.names.intern(name)).collect())
    }

    fn inclusion(&mut self, inclusion: &Inclusion) -> InclusionIndex {
        self.inclusions.iter().position(|known| known == inclusion).unwrap_or_else(|| {
            self.inclusions.push(inclusion.clone());
            self.inclusions.len() - 1
        })
    }
}

/// Enum values are looked up by binary search.
fn sorted(leaf: &Leaf) -> Leaf {
    let mut leaf = leaf.clone();
    if let Leaf::Enum { name: _, values } = &mut leaf {
        values.sort_unstable();
    }
    leaf
}

fn request_head(document: &str, operation_name: &str) -> Vec<u8> {
    let mut head = b"{\"query\":".to_vec();
    write_string(&mut head, document);
    head.extend_from_slice(b",\"operationName\":");
    write_string(&mut head, operation_name);
    head.extend_from_slice(b",\"variables\":{");
    head
}

fn member_head(name: &str) -> Vec<u8> {
    let mut head = Vec::with_capacity(name.len() + 3);
    write_string(&mut head, name);
    head.push(b':');
    head
}
