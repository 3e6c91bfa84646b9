//! Plays the fetches in order and notes what each would bring.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::Name;
use apollo_compiler::ast::Value;
use apollo_compiler::executable::{
    DirectiveList, ExecutableDocument, Field, Selection, SelectionSet,
};

use super::super::needs::argument_text;
use super::super::{PlanOptions, Planner};
use super::shape::{FieldShape, Shape};
use super::{FetchDocument, Given, SubgraphSchema, Violation, holds};
use crate::plan::{
    ContextSource, ContextVariable, EntityFetch, Fetch, PathStep, RepresentationField,
    RepresentationTemplate,
};
use crate::query_graph::{FieldSetField, NodeKind, TypeSet};
use crate::supergraph::SubgraphId;

pub(super) struct Replay<'a> {
    planner: &'a Planner,
    options: &'a PlanOptions,
    pub(super) root: Shape,
    pub(super) violations: Vec<Violation>,
    /// For every fetch, all that have ended before it starts.
    before: Vec<BTreeSet<usize>>,
    given: &'a Given,
}

/// One request as it is being read.
struct Reading<'a> {
    fetch: usize,
    subgraph: SubgraphId,
    schema: &'a SubgraphSchema,
    document: &'a ExecutableDocument,
    /// Variables that come from contexts.
    contexts: Vec<&'a ContextVariable>,
}

impl Reading<'_> {
    fn possible(&self, name: &Name) -> BTreeSet<Name> {
        self.schema.possible.get(name).cloned().unwrap_or_default()
    }
}

impl<'a> Replay<'a> {
    pub(super) fn new(planner: &'a Planner, options: &'a PlanOptions, given: &'a Given) -> Self {
        Self {
            planner,
            options,
            given,
            root: Shape::default(),
            violations: Vec::new(),
            before: Vec::new(),
        }
    }

    pub(super) fn fetch(
        &mut self,
        index: usize,
        fetch: &Fetch,
        document: &FetchDocument,
        schema: &SubgraphSchema,
    ) {
        let FetchDocument { subgraph, document } = document;
        let mut before = BTreeSet::new();
        for other in &fetch.after {
            if *other >= index {
                self.fail(index, format!("waits for fetch {other}, which is not before it"));
                continue;
            }
            before.insert(*other);
            before.extend(self.before[*other].iter().copied());
        }
        self.before.push(before);
        if !holds(&fetch.when, self.given) {
            return;
        }
        let Some(operation) = document.operations.iter().next() else {
            return self.fail(index, "has no operation".to_owned());
        };
        let declared: Vec<&Name> =
            operation.variables.iter().map(|variable| &variable.name).collect();
        for variable in &fetch.variables {
            if !declared.iter().any(|name| *name == variable.as_str()) {
                self.fail(
                    index,
                    format!("passes variable `{variable}` that the document does not declare"),
                );
            }
        }
        let contexts = fetch.entities.iter().flat_map(|entity| &entity.contexts).collect();
        let reading = Reading { fetch: index, subgraph: *subgraph, schema, document, contexts };
        let root_type = operation.object_type();
        let mut roots = Shape::default();
        let root_fields = operation.selection_set.root_fields(document);
        for field in root_fields {
            if !self.included(&field.directives) {
                continue;
            }
            let key = field.response_key();
            if let Some(entity) = fetch.entities.iter().find(|entity| entity.key == key.as_str()) {
                self.entities(&reading, entity, &field.selection_set);
                continue;
            }
            let shape = self.field(&reading, root_type, root_type, field, &[]);
            let mut one = Shape::default();
            let fields = one.by_type.entry(root_type.to_string()).or_default();
            fields.insert(key.to_string(), shape);
            roots.merge(one);
        }
        if roots.by_type.is_empty() {
            return;
        }
        if fetch.at.0.is_empty() {
            self.root.merge(roots);
        } else {
            let mut root = std::mem::take(&mut self.root);
            let found = at_path(self.planner, &mut root, &fetch.at.0, &mut |target, _| {
                target.merge(roots.clone());
            });
            self.root = root;
            if found == 0 && self.given.is_empty() {
                self.fail(index, format!("nothing stands at `{}`", fetch.at));
            }
        }
    }

    /// Whether a selection in a document is included.
    fn included(&self, directives: &DirectiveList) -> bool {
        directives.iter().all(|directive| {
            let value = match directive.specified_argument_by_name("if").map(|value| &**value) {
                Some(Value::Boolean(value)) => *value,
                Some(Value::Variable(name)) => {
                    self.given.get(name.as_str()).copied().unwrap_or_default()
                }
                _ => return true,
            };
            value == (directive.name == "include")
        })
    }

    fn fail(&mut self, fetch: usize, reason: String) {
        self.violations.push(Violation::Fetch { fetch, reason });
    }

    fn entities(&mut self, reading: &Reading<'_>, entity: &EntityFetch, selections: &SelectionSet) {
        let answers: Vec<(RepresentationTemplate, Shape)> = entity
            .templates
            .iter()
            .map(|template| (template.clone(), self.entity_answer(reading, template, selections)))
            .collect();
        for path in &entity.paths {
            let mut root = std::mem::take(&mut self.root);
            let mut problems = Vec::new();
            let before = self.before[reading.fetch].clone();
            let planner = self.planner;
            let found = at_path(planner, &mut root, &path.0, &mut |target, only| {
                for (template, answer) in &answers {
                    merge_entity(planner, target, only, template, answer, &before, &mut problems);
                }
            });
            for source in entity.contexts.iter().flat_map(|context| &context.sources) {
                let steps = &path.0[..source.depth.min(path.0.len())];
                let next = path.0.get(source.depth).and_then(|step| match step {
                    PathStep::Types(types) => Some(types.as_slice()),
                    PathStep::Key(_) | PathStep::List => None,
                });
                let above = at_path(planner, &mut root, steps, &mut |target, only| {
                    let only = next.or(only);
                    context_value(planner, target, only, source, &before, &mut problems);
                });
                if above == 0 {
                    problems.push("a context stands nowhere".to_owned());
                }
            }
            self.root = root;
            if found == 0 {
                problems.push("nothing stands there".to_owned());
            }
            if self.given.is_empty() {
                for problem in problems {
                    self.fail(reading.fetch, format!("`{path}`: {problem}"));
                }
            }
        }
    }

    /// What the subgraph answers to a representation.
    fn entity_answer(
        &mut self,
        reading: &Reading<'_>,
        template: &RepresentationTemplate,
        selections: &SelectionSet,
    ) -> Shape {
        let Ok(typename) = Name::new(&template.typename) else { return Shape::default() };
        self.check_key(reading, template, &typename);
        let mut answer = Shape::default();
        let types = reading.possible(&typename);
        for name in &types {
            answer.by_type.entry(name.to_string()).or_default();
        }
        self.selections(reading, selections, &types, &[], &mut answer, Some(template));
        answer
    }

    fn check_key(
        &mut self,
        reading: &Reading<'_>,
        template: &RepresentationTemplate,
        typename: &Name,
    ) {
        let graph = self.planner.query_graph();
        let node = graph.find(reading.subgraph, typename).map(|id| graph.node(id));
        let keys = node.map(|node| node.keys.as_slice()).unwrap_or_default();
        if !keys.iter().any(|key| has_fields(&template.fields, &key.fields)) {
            let keys: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
            let reason = format!(
                "a representation of `{typename}` has none of the keys [{}]",
                keys.join("], [")
            );
            self.fail(reading.fetch, reason);
        }
    }

    fn selections(
        &mut self,
        reading: &Reading<'_>,
        selections: &SelectionSet,
        types: &BTreeSet<Name>,
        provided: &[FieldSetField],
        shape: &mut Shape,
        template: Option<&RepresentationTemplate>,
    ) {
        for selection in &selections.selections {
            if !self.included(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) if field.name == "__typename" => {
                    if field.alias.is_none() {
                        shape.typename.insert(reading.fetch);
                    }
                }
                Selection::Field(field) => {
                    for name in types {
                        let found = self.field(reading, name, &selections.ty, field, provided);
                        self.check_requirement(reading, name, field, template);
                        let mut merged = Shape::default();
                        let fields = merged.by_type.entry(name.to_string()).or_default();
                        fields.insert(field.response_key().to_string(), found);
                        shape.merge(merged);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let narrowed = match &fragment.type_condition {
                        None => types.clone(),
                        Some(condition) => {
                            types.intersection(&reading.possible(condition)).cloned().collect()
                        }
                    };
                    self.selections(
                        reading,
                        &fragment.selection_set,
                        &narrowed,
                        provided,
                        shape,
                        template,
                    );
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = spread.fragment_def(reading.document) {
                        let condition = reading.possible(fragment.type_condition());
                        let narrowed = types.intersection(&condition).cloned().collect();
                        self.selections(
                            reading,
                            &fragment.selection_set,
                            &narrowed,
                            provided,
                            shape,
                            template,
                        );
                    }
                }
            }
        }
    }

    /// What a field brings for one run-time type, which must be able to resolve it.
    fn field(
        &mut self,
        reading: &Reading<'_>,
        runtime: &Name,
        declared: &Name,
        field: &Field,
        provided: &[FieldSetField],
    ) -> FieldShape {
        let graph = self.planner.query_graph();
        let edge = graph
            .find(reading.subgraph, runtime)
            .and_then(|id| graph.node(id).fields.get(&field.name));
        let id = graph.type_id(runtime);
        let mine = |other: &&FieldSetField| {
            let all = || graph.possible(runtime).cloned().unwrap_or_else(TypeSet::default);
            other.name == field.name
                && (id.is_some_and(|id| other.types.contains(id)) || all().is_subset(&other.types))
        };
        let below: Vec<FieldSetField> = provided.iter().filter(mine).cloned().collect();
        let labels = &self.options.override_labels;
        let resolves = edge.is_some_and(|edge| edge.join.resolves(|label| labels.contains(label)));
        if !resolves && below.is_empty() {
            let reason = format!("`{runtime}.{}` is not resolved by this subgraph", field.name);
            self.fail(reading.fetch, reason);
        }
        let mut child_provided: Vec<FieldSetField> =
            below.into_iter().flat_map(|field| field.fields).collect();
        if let Some(provides) = edge.and_then(|edge| edge.provides.as_ref()) {
            child_provided.extend(provides.fields.iter().cloned());
        }
        let own = reading
            .schema
            .schema
            .type_field(runtime, &field.name)
            .or(reading.schema.schema.type_field(declared, &field.name));
        let ty = own.map_or(&field.definition.ty, |definition| &definition.ty);
        let mut lists = 0;
        let mut inner = ty;
        while inner.is_list() {
            lists += 1;
            inner = inner.item_type();
        }
        let child = (!field.selection_set.selections.is_empty()).then(|| {
            let types = reading.possible(ty.inner_named_type());
            let mut shape = Shape::default();
            for name in &types {
                shape.by_type.entry(name.to_string()).or_default();
            }
            self.selections(
                reading,
                &field.selection_set,
                &types,
                &child_provided,
                &mut shape,
                None,
            );
            shape
        });
        let mut arguments = field.arguments.clone();
        arguments.sort_by(|a, b| a.name.cmp(&b.name));
        for context in edge.iter().flat_map(|edge| &edge.join.context_arguments) {
            arguments.retain(|argument| argument.name != context.name.as_str());
            let value = field.argument_by_name(&context.name).ok().map(|value| &**value);
            let given = matches!(value, Some(Value::Variable(name)) if reading.contexts.iter().any(|variable| variable.name == name.as_str()));
            if !given {
                let name = &context.name;
                let reason = format!("`{runtime}.{}` lacks `{name}` from a context", field.name);
                self.fail(reading.fetch, reason);
            }
        }
        FieldShape {
            name: field.name.to_string(),
            arguments: argument_text(&arguments),
            by: BTreeSet::from([reading.fetch]),
            lists,
            child,
        }
    }

    fn check_requirement(
        &mut self,
        reading: &Reading<'_>,
        runtime: &Name,
        field: &Field,
        template: Option<&RepresentationTemplate>,
    ) {
        let graph = self.planner.query_graph();
        let edge = graph
            .find(reading.subgraph, runtime)
            .and_then(|id| graph.node(id).fields.get(&field.name));
        let Some(requires) = edge.and_then(|edge| edge.requires.as_ref()) else { return };
        let satisfied =
            template.is_some_and(|template| has_fields(&template.fields, &requires.fields));
        if !satisfied {
            let reason =
                format!("`{runtime}.{}` is selected without `{}`", field.name, requires.text);
            self.fail(reading.fetch, reason);
        }
    }
}

fn has_fields(representation: &[RepresentationField], wanted: &[FieldSetField]) -> bool {
    wanted.iter().all(|field| {
        let mut named =
            representation.iter().filter(|own| field.name == own.name.as_str()).peekable();
        named.peek().is_some() && named.all(|own| has_fields(&own.fields, &field.fields))
    })
}

type Visit<'v> = &'v mut dyn FnMut(&mut Shape, Option<&[String]>);

/// Visits what stands at a path, with the types that the path's last steps leave.
fn at_path(planner: &Planner, shape: &mut Shape, path: &[PathStep], visit: Visit<'_>) -> usize {
    at_path_of(planner, shape, path, None, visit)
}

fn at_path_of(
    planner: &Planner,
    shape: &mut Shape,
    path: &[PathStep],
    only: Option<&[String]>,
    visit: Visit<'_>,
) -> usize {
    match path.split_first() {
        None => {
            visit(shape, only);
            1
        }
        Some((PathStep::Types(types), rest)) => {
            at_path_of(planner, shape, rest, Some(types), visit)
        }
        Some((PathStep::List, rest)) => at_path_of(planner, shape, rest, only, visit),
        Some((PathStep::Key(key), rest)) => {
            let lists = rest.iter().take_while(|step| **step == PathStep::List).count();
            let mut found = 0;
            for (name, fields) in &mut shape.by_type {
                let allowed =
                    only.is_none_or(|only| only.iter().any(|only| may_be(planner, name, only)));
                if let Some(field) =
                    fields.get_mut(key).filter(|field| allowed && field.lists == lists)
                    && let Some(child) = &mut field.child
                {
                    found += at_path_of(planner, child, rest, None, visit);
                }
            }
            found
        }
    }
}

/// Whether what was brought under a name may turn out to be the other type.
fn may_be(planner: &Planner, name: &str, other: &str) -> bool {
    let graph = planner.query_graph();
    name == other
        || graph
            .possible(name)
            .zip(graph.type_id(other))
            .is_some_and(|(types, id)| types.contains(id))
}

/// Whether an object has a context's value when it is needed.
fn context_value(
    planner: &Planner,
    target: &Shape,
    only: Option<&[String]>,
    source: &ContextSource,
    before: &BTreeSet<usize>,
    problems: &mut Vec<String>,
) {
    let applies = |types: Option<&[String]>, name: &String| {
        types.is_none_or(|types| types.iter().any(|other| other == name))
    };
    for name in target.by_type.keys() {
        if !applies(only, name) || !applies(source.types.as_deref(), name) {
            continue;
        }
        let here = source.fields.iter().filter(|field| applies(field.types.as_deref(), name));
        let here: Vec<RepresentationField> = here.cloned().collect();
        if here.is_empty() {
            problems.push(format!("`{name}` gives a context no value"));
        }
        missing(&fields_of(planner, target, name), &here, before, name, problems);
    }
}

fn merge_entity(
    planner: &Planner,
    target: &mut Shape,
    only: Option<&[String]>,
    template: &RepresentationTemplate,
    answer: &Shape,
    before: &BTreeSet<usize>,
    problems: &mut Vec<String>,
) {
    if target.typename.is_disjoint(before) {
        problems.push("the `__typename` is not known yet".to_owned());
    }
    let graph = planner.query_graph();
    let here: Vec<String> = target.by_type.keys().cloned().collect();
    for name in here.iter().filter(|name| template.types.contains(name)) {
        if only.is_some_and(|only| !only.contains(name)) {
            continue;
        }
        // What was an interface is known by its real type once that has been looked up.
        let is_real = |other: &String| {
            other != name
                && may_be(planner, name, other)
                && target.by_type[other].values().any(|field| !field.by.is_disjoint(before))
        };
        if here.iter().any(is_real) {
            continue;
        }
        if answer.by_type.values().all(BTreeMap::is_empty) && answer.typename.is_empty() {
            continue;
        }
        let fields = fields_of(planner, target, name);
        let mut lacking = Vec::new();
        missing(&fields, &template.fields, before, name, &mut lacking);
        if !lacking.is_empty() {
            // An entity that cannot be represented is left out. Under conditions that may be
            // right: whether it is missed shows when the answer is read.
            problems.extend(lacking);
            continue;
        }
        // An interface that is looked up turns into its implementations; else the object stays
        // what it is, whatever name it was asked for by.
        let is_lookup = graph.nodes.iter().any(|node| {
            node.kind == NodeKind::Interface && node.type_name == template.typename.as_str()
        }) && answer.by_type.keys().any(|other| *other != template.typename);
        let mut merged = Shape::default();
        if is_lookup {
            merged = answer.clone();
        } else {
            let fields = answer.by_type.values().next().cloned().unwrap_or_default();
            merged.by_type.insert(name.clone(), fields);
        }
        target.merge(merged);
    }
}

/// The fields of a run-time type, with those that its interfaces brought before it was known.
pub(super) fn fields_of(
    planner: &Planner,
    shape: &Shape,
    name: &str,
) -> BTreeMap<String, FieldShape> {
    let mut all = Shape::default();
    for (other, fields) in &shape.by_type {
        if may_be(planner, other, name) {
            let by_type = BTreeMap::from([(name.to_owned(), fields.clone())]);
            all.merge(Shape { by_type, typename: BTreeSet::new() });
        }
    }
    all.by_type.remove(name).unwrap_or_default()
}

fn missing(
    fields: &BTreeMap<String, FieldShape>,
    wanted: &[RepresentationField],
    before: &BTreeSet<usize>,
    place: &str,
    problems: &mut Vec<String>,
) {
    for want in wanted {
        if want.key == "__typename" {
            continue;
        }
        match fields.get(&want.key) {
            None => {
                problems.push(format!("`{place}` has no `{}` for its representation", want.key));
            }
            Some(field) => {
                if field.name != want.name {
                    problems.push(format!(
                        "`{}` of `{place}` is `{}`, not `{}`",
                        want.key, field.name, want.name
                    ));
                }
                if field.by.is_disjoint(before) {
                    problems.push(format!("`{}` of `{place}` is not waited for", want.key));
                }
                for (name, below) in field.child.iter().flat_map(|child| &child.by_type) {
                    let here = want.fields.iter().filter(|field| {
                        field.types.as_ref().is_none_or(|types| types.contains(name))
                    });
                    let here: Vec<RepresentationField> = here.cloned().collect();
                    missing(below, &here, before, &format!("{place}.{}", want.key), problems);
                }
            }
        }
    }
}
