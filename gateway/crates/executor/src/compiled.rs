//! A query plan lowered for running: names as numbers, constant bytes written out once.
//!
//! Compiling is done once per plan and shared by every run. Nothing here depends on variables,
//! on a caller or on data.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use federation::plan::{
    Composite, ContextSource, ContextVariable, EntityFetch, Fetch, FlattenPath, Inclusion, Leaf,
    OperationKind, Output, PathStep, ProjectedField, ProjectedValue, Projection, QueryPlan,
    RepresentationField, RepresentationTemplate,
};
use serde_json::{Map, Value};

use crate::company::CompanyProgram;
use crate::json::write_string;
use crate::memory::{Documents, Source};
use crate::names::{Name, Names, TypeSet};
use crate::selection::Selections;
use crate::shape::{PlaceIndex, Places, ROOT_PLACE, ShapeIndex, ShapeMaker, Shapes};

/// A [`QueryPlan`] ready to be executed, as often as needed and by many clients at once.
#[derive(Debug)]
pub struct CompiledPlan {
    pub(crate) kind: OperationKind,
    pub(crate) fetches: Vec<Arc<FetchProgram>>,
    pub(crate) root: ObjectProgram,
    pub(crate) names: Arc<Names>,
    /// How many [`ObjectProgram`]s there are.
    pub(crate) object_programs: usize,
    inclusions: Vec<Inclusion>,
    /// Bytes of the latest answer: a guess at the next one's.
    latest_size: AtomicUsize,
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
    /// The document without its operation's name: equal for loads that one request can serve.
    pub(crate) load_key: Box<str>,
    /// Which of the operation's selections it has, if other fetches of the operation have it too.
    pub(crate) moment: Option<usize>,
    pub(crate) variables: Vec<String>,
    /// How to ask it for several client requests at once; worked out when somebody wants to.
    company: OnceLock<Option<CompanyProgram>>,
    /// Data keys of the root fields it asks for, and where they are merged.
    pub(crate) roots: Vec<Name>,
    pub(crate) at: Vec<Step>,
    pub(crate) entities: Vec<EntityProgram>,
    pub(crate) names: Arc<Names>,
    pub(crate) shapes: Arc<Shapes>,
    /// A later fetch may do without what this one brought.
    pub(crate) is_source: bool,
    /// Of the answer's `data`.
    pub(crate) shape: ShapeIndex,
}

impl FetchProgram {
    /// How to ask it for several client requests at once. None if that cannot be.
    pub(crate) fn company(&self) -> Option<&CompanyProgram> {
        let can_be = self.entities.is_empty() && !self.variables.is_empty();
        let company = || can_be.then(|| CompanyProgram::new(&self.load_key)).flatten();
        self.company.get_or_init(company).as_ref()
    }
}

#[derive(Debug)]
pub(crate) struct EntityProgram {
    pub(crate) key: Name,
    pub(crate) key_text: String,
    /// `"representations":`
    pub(crate) variable: Vec<u8>,
    pub(crate) paths: Vec<Vec<Step>>,
    pub(crate) templates: Vec<TemplateProgram>,
    /// Variables whose values stand further up in the data.
    pub(crate) contexts: Vec<ContextProgram>,
    /// Earlier answers that may have it all.
    pub(crate) sources: Vec<Source>,
}

#[derive(Debug)]
pub(crate) struct ContextProgram {
    /// `"name":`
    pub(crate) head: Vec<u8>,
    pub(crate) required: bool,
    /// The nearest first.
    pub(crate) sources: Vec<ContextSourceProgram>,
}

#[derive(Debug)]
pub(crate) struct ContextSourceProgram {
    /// So many steps of the path lead to the object that has the value.
    pub(crate) depth: usize,
    pub(crate) types: Option<TypeSet>,
    pub(crate) fields: Vec<RepresentationProgram>,
}

#[derive(Debug)]
pub(crate) enum Step {
    Key {
        key: Name,
        /// Where the value stands, and whether that depends on the type of the object above.
        place: PlaceIndex,
        typed: bool,
    },
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
    /// Counts all of them.
    pub(crate) number: u32,
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
        let mut compiler = Compiler::default();
        let Projection { root_type, fields } = projection;
        let root = compiler.root(root_type, fields);
        for fetch in fetches {
            compiler.note_types(fetch);
        }
        let mut programs: Vec<FetchProgram> =
            fetches.iter().map(|fetch| compiler.fetch(fetch)).collect();
        for (index, fetch) in fetches.iter().enumerate() {
            for &earlier in &fetch.after {
                programs[earlier].dependents.push(index);
            }
        }
        let Compiler { mut names, inclusions, places, object_programs } = compiler;
        let documents = Documents::of(fetches);
        link_sources(&mut programs, fetches, &documents, &mut names);
        let names = Arc::new(names);
        let shapes = shape_answers(&mut programs, fetches, &documents, &places, &names);
        for program in &mut programs {
            program.names = Arc::clone(&names);
            program.shapes = Arc::clone(&shapes);
        }
        arrange_moments(&mut programs);
        let fetches = programs.into_iter().map(Arc::new).collect();
        Self {
            kind: *kind,
            fetches,
            root,
            names,
            object_programs,
            inclusions,
            latest_size: AtomicUsize::new(0),
        }
    }

    /// How much room an answer may need, if its data has this many bytes.
    pub(crate) fn expected_size(&self, data: usize) -> usize {
        match self.latest_size.load(Ordering::Relaxed) {
            0 => data,
            // With some room, but not for the largest answer there ever was.
            latest => (latest + latest / 8).min(data.saturating_mul(32)),
        }
    }

    pub(crate) fn note_size(&self, size: usize) {
        self.latest_size.store(size, Ordering::Relaxed);
    }

    /// Which inclusions hold for these variables, by [`InclusionIndex`].
    pub(crate) fn inclusions(&self, variables: &Map<String, Value>) -> Vec<bool> {
        let variable = |name: &str| variables.get(name) == Some(&Value::Bool(true));
        self.inclusions.iter().map(|inclusion| inclusion.holds(variable)).collect()
    }
}

/// Finds out what later fetches may do without.
fn link_sources(
    programs: &mut [FetchProgram],
    fetches: &[Fetch],
    documents: &Documents,
    names: &mut Names,
) {
    for (at, fetch) in fetches.iter().enumerate() {
        for (list, entity) in fetch.entities.iter().enumerate() {
            let sources = documents.sources(fetches, at, entity, names);
            for source in &sources {
                programs[source.fetch].is_source = true;
            }
            programs[at].entities[list].sources = sources;
        }
    }
}

/// Finds fetches of one selection, which can go out together.
fn arrange_moments(programs: &mut [FetchProgram]) {
    let of = |program: &FetchProgram, other: &FetchProgram| {
        program.roots.is_empty()
            && !program.entities.is_empty()
            && program.entities.iter().all(|list| list.contexts.is_empty())
            && program.subgraph == other.subgraph
            && program.load_key == other.load_key
    };
    for at in 0..programs.len() {
        let (earlier, rest) = programs.split_at_mut(at);
        let Some((program, later)) = rest.split_first_mut() else { return };
        let known = earlier.iter().position(|other| of(program, other));
        program.moment =
            known.or_else(|| later.iter().any(|other| of(program, other)).then_some(at));
    }
}

/// Works out the shape of every answer, once all places are known. Lists that ask the same of one
/// subgraph are read alike: what one has brought may stand in for the other.
fn shape_answers(
    programs: &mut [FetchProgram],
    fetches: &[Fetch],
    documents: &Documents,
    places: &Places,
    names: &Names,
) -> Arc<Shapes> {
    let mut lists: Vec<(&str, Option<&Selections>, Vec<PlaceIndex>)> = Vec::new();
    for (at, fetch) in fetches.iter().enumerate() {
        for (list, entity) in fetch.entities.iter().enumerate() {
            let ends = programs[at].entities[list].paths.iter().map(|path| end_of(path));
            lists.push((&fetch.subgraph, documents.of_list(at, entity), ends.collect()));
        }
    }
    let places_of = |list: usize| -> Vec<PlaceIndex> {
        let (subgraph, selections, own) = &lists[list];
        if selections.is_none() {
            return own.clone();
        }
        let alike =
            lists.iter().filter(|(other, asked, _)| other == subgraph && asked == selections);
        alike.flat_map(|(_, _, places)| places.iter().copied()).collect()
    };
    let mut maker = ShapeMaker::new(places, names);
    let mut first_list = 0;
    for program in programs {
        let at = end_of(&program.at);
        let mut members = Vec::new();
        for root in &program.roots {
            let place = places.find(at, *root);
            members.push((*root, maker.at(place.into_iter().collect())));
        }
        for (list, entity) in program.entities.iter().enumerate() {
            members.push((entity.key, maker.at(places_of(first_list + list))));
        }
        first_list += program.entities.len();
        program.shape = maker.of(members);
    }
    Arc::new(maker.shapes)
}

/// The place that a path leads to.
fn end_of(path: &[Step]) -> PlaceIndex {
    let place = |step: &Step| match step {
        Step::Key { key: _, place, typed: _ } => Some(*place),
        Step::List | Step::Types(_) => None,
    };
    path.iter().rev().find_map(place).unwrap_or(ROOT_PLACE)
}

#[derive(Default)]
struct Compiler {
    names: Names,
    inclusions: Vec<Inclusion>,
    places: Places,
    object_programs: usize,
}

impl Compiler {
    fn root(&mut self, root_type: &str, fields: &[ProjectedField]) -> ObjectProgram {
        let type_name = self.names.intern(root_type);
        let possible = TypeSet::new(vec![type_name]);
        let fields = self.fields(fields, ROOT_PLACE);
        ObjectProgram { number: self.next_number(), type_name, possible, fields }
    }

    fn next_number(&mut self) -> u32 {
        self.object_programs += 1;
        u32::try_from(self.object_programs).expect("a plan has fewer than 2^32 selections")
    }

    /// Marks the places where paths and representations depend on an object's type, before any
    /// path is lowered.
    fn note_types(&mut self, fetch: &Fetch) {
        let at = self.follow(&fetch.at.0);
        for root in &fetch.roots {
            let root = self.names.intern(root);
            self.places.child(at, root);
        }
        for entity in &fetch.entities {
            for path in &entity.paths {
                let place = self.follow(&path.0);
                for template in &entity.templates {
                    self.note_representation(&template.fields, place);
                }
                for source in entity.contexts.iter().flat_map(|context| &context.sources) {
                    let above = self.follow(&path.0[..source.depth.min(path.0.len())]);
                    self.note_representation(&source.fields, above);
                }
            }
        }
    }

    fn note_representation(&mut self, fields: &[RepresentationField], place: PlaceIndex) {
        self.places.child(place, Name::TYPENAME);
        for field in fields {
            let key = self.names.intern(&field.key);
            let child = self.places.child(place, key);
            if field.types.is_some() {
                self.places.set_typed(place);
            }
            if !field.fields.is_empty() {
                self.note_representation(&field.fields, child);
            }
        }
    }

    /// The place at the end of a path.
    fn follow(&mut self, steps: &[PathStep]) -> PlaceIndex {
        let mut place = ROOT_PLACE;
        for step in steps {
            match step {
                PathStep::Key(key) => {
                    let key = self.names.intern(key);
                    place = self.places.child(place, key);
                    self.places.child(place, Name::TYPENAME);
                }
                PathStep::List => {}
                PathStep::Types(_) => self.places.set_typed(place),
            }
        }
        place
    }

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
            load_key: document.replacen(operation_name.as_str(), "", 1).into(),
            moment: None,
            variables: variables.clone(),
            company: OnceLock::new(),
            roots: roots.iter().map(|root| self.names.intern(root)).collect(),
            at: self.path(at),
            entities: entities.iter().map(|entity| self.entity(entity)).collect(),
            names: Arc::default(),
            shapes: Arc::default(),
            is_source: false,
            shape: Shapes::NOTHING,
        }
    }

    fn entity(&mut self, entity: &EntityFetch) -> EntityProgram {
        let EntityFetch { key, variable, paths, templates, contexts } = entity;
        EntityProgram {
            key: self.names.intern(key),
            key_text: key.clone(),
            variable: member_head(variable),
            paths: paths.iter().map(|path| self.path(path)).collect(),
            templates: templates.iter().map(|template| self.template(template)).collect(),
            contexts: contexts.iter().map(|context| self.context(context)).collect(),
            sources: Vec::new(),
        }
    }

    fn context(&mut self, context: &ContextVariable) -> ContextProgram {
        let ContextVariable { name, required, sources } = context;
        let source = |source: &ContextSource| {
            let ContextSource { depth, types, fields } = source;
            ContextSourceProgram {
                depth: *depth,
                types: types.as_ref().map(|types| self.types(types)),
                fields: self.representation(fields),
            }
        };
        ContextProgram {
            head: member_head(name),
            required: *required,
            sources: sources.iter().map(source).collect(),
        }
    }

    fn path(&mut self, FlattenPath(steps): &FlattenPath) -> Vec<Step> {
        let mut at = ROOT_PLACE;
        let step = |step: &PathStep| match step {
            PathStep::Key(key) => {
                let key = self.names.intern(key);
                let typed = self.places.is_typed(at);
                at = self.places.child(at, key);
                Step::Key { key, place: at, typed }
            }
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

    fn fields(&mut self, fields: &[ProjectedField], place: PlaceIndex) -> Vec<FieldProgram> {
        self.places.child(place, Name::TYPENAME);
        if fields.iter().any(|field| field.types.is_some()) {
            self.places.set_typed(place);
        }
        let field = |field: &ProjectedField| {
            let ProjectedField { response_key, coordinate, types, when, value } = field;
            FieldProgram {
                response_key: response_key.clone(),
                head: member_head(response_key),
                coordinate: coordinate.clone(),
                types: types.as_ref().map(|types| self.types(types)),
                when: self.inclusion(when),
                value: self.value(value, place),
            }
        };
        fields.iter().map(field).collect()
    }

    fn value(&mut self, value: &ProjectedValue, parent: PlaceIndex) -> ValueProgram {
        match value {
            ProjectedValue::Data { key, output } => {
                let key = self.names.intern(key);
                let place = self.places.child(parent, key);
                ValueProgram::Data { key, output: self.output(output, place) }
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

    fn output(&mut self, output: &Output, place: PlaceIndex) -> OutputProgram {
        let shape = match output {
            Output::NonNull(inner) => {
                return OutputProgram { non_null: true, ..self.output(inner, place) };
            }
            Output::List(item) => Shape::List(Box::new(self.output(item, place))),
            Output::Leaf(leaf) => Shape::Leaf(sorted(leaf)),
            Output::Composite(composite) => Shape::Object(self.object(composite, place)),
        };
        OutputProgram { non_null: false, shape }
    }

    fn object(&mut self, composite: &Composite, place: PlaceIndex) -> ObjectProgram {
        let Composite { type_name, possible, fields } = composite;
        ObjectProgram {
            type_name: self.names.intern(type_name),
            possible: self.types(possible),
            fields: self.fields(fields, place),
            number: self.next_number(),
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
