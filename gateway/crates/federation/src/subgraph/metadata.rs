//! What a subgraph's directives together say about each of its fields.

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::Subgraph;
use super::field_set::{self, FieldSet};
use super::model::{Kind, TypeDef};

type Coordinate = (Name, Name);

/// Sets of `(type, field)` of one subgraph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    external: IndexSet<Coordinate>,
    /// Key fields of type extensions, marked external by federation 1's custom.
    fake_external: IndexSet<Coordinate>,
    provided: IndexSet<Coordinate>,
    used: IndexSet<Coordinate>,
    shareable: IndexSet<Coordinate>,
    /// Fields that a `@requires` or `@fromContext` somewhere in the subgraph selects.
    pub(crate) required: IndexMap<Coordinate, ()>,
}

fn has(set: &IndexSet<Coordinate>, parent: &str, field: &str) -> bool {
    set.contains(&(Name::new_unchecked(parent), Name::new_unchecked(field)))
}

impl Metadata {
    pub(crate) fn is_external(&self, parent: &str, field: &str) -> bool {
        has(&self.external, parent, field) && !has(&self.fake_external, parent, field)
    }

    pub(crate) fn is_fake_external(&self, parent: &str, field: &str) -> bool {
        has(&self.fake_external, parent, field)
    }

    /// External, and on no path provided.
    pub(crate) fn is_fully_external(&self, parent: &str, field: &str) -> bool {
        self.is_external(parent, field) && !has(&self.provided, parent, field)
    }

    pub(crate) fn is_used(&self, parent: &str, field: &str) -> bool {
        has(&self.used, parent, field)
    }

    pub(crate) fn is_shareable(&self, parent: &str, field: &str) -> bool {
        has(&self.shareable, parent, field)
    }
}

pub(crate) fn collect<State>(subgraph: &Subgraph<State>) -> Metadata {
    let mut metadata = Metadata::default();
    for def in subgraph.schema.types.values().filter(|def| def.kind.has_fields()) {
        collect_external(subgraph, def, &mut metadata);
        collect_shareable_marks(subgraph, def, &mut metadata);
        collect_keys(subgraph, def, &mut metadata);
        collect_field_sets(subgraph, def, &mut metadata);
        if def.kind == Kind::Interface {
            for implementation in subgraph.schema.implementations(&def.name) {
                for field in def.fields.keys() {
                    metadata.used.insert((implementation.clone(), field.clone()));
                }
            }
        }
    }
    collect_contexts(subgraph, &mut metadata);
    metadata
}

fn collect_external<State>(subgraph: &Subgraph<State>, def: &TypeDef, metadata: &mut Metadata) {
    let whole_type = def.kind == Kind::Object && subgraph.has(&def.directives, "external");
    for field in def.fields.values() {
        if whole_type || subgraph.has(&field.directives, "external") {
            metadata.external.insert((def.name.clone(), field.name.clone()));
        }
    }
}

fn collect_shareable_marks<State>(
    subgraph: &Subgraph<State>,
    def: &TypeDef,
    metadata: &mut Metadata,
) {
    if def.kind != Kind::Object {
        return;
    }
    for field in def.fields.values() {
        let by_type = subgraph
            .applied(&def.directives, "shareable")
            .any(|applied| applied.part == field.part);
        if by_type || subgraph.has(&field.directives, "shareable") {
            metadata.shareable.insert((def.name.clone(), field.name.clone()));
        }
    }
}

fn collect_keys<State>(subgraph: &Subgraph<State>, def: &TypeDef, metadata: &mut Metadata) {
    for key in subgraph.applied(&def.directives, "key") {
        let of_extension = key.part > 0 || subgraph.has(&def.directives, "extends");
        let Some(fields) = key.str_arg("fields") else { continue };
        for coordinate in targets(subgraph, &def.name, fields) {
            if of_extension
                && subgraph
                    .schema
                    .field(&coordinate.0, &coordinate.1)
                    .is_some_and(|field| subgraph.has(&field.directives, "external"))
            {
                metadata.fake_external.insert(coordinate.clone());
            }
            if def.kind == Kind::Object {
                metadata.shareable.insert(coordinate.clone());
            }
            metadata.used.insert(coordinate);
        }
    }
}

fn collect_field_sets<State>(subgraph: &Subgraph<State>, def: &TypeDef, metadata: &mut Metadata) {
    for field in def.fields.values() {
        for requires in subgraph.applied(&field.directives, "requires") {
            let Some(fields) = requires.str_arg("fields") else { continue };
            for coordinate in targets(subgraph, &def.name, fields) {
                metadata.required.insert(coordinate.clone(), ());
                metadata.used.insert(coordinate);
            }
        }
        for provides in subgraph.applied(&field.directives, "provides") {
            let Some(fields) = provides.str_arg("fields") else { continue };
            for coordinate in targets(subgraph, field.ty.inner_named_type(), fields) {
                let is_external = subgraph
                    .schema
                    .field(&coordinate.0, &coordinate.1)
                    .is_some_and(|field| subgraph.has(&field.directives, "external"))
                    || subgraph
                        .schema
                        .types
                        .get(&coordinate.0)
                        .is_some_and(|def| subgraph.has(&def.directives, "external"));
                if is_external {
                    metadata.provided.insert(coordinate.clone());
                }
                metadata.shareable.insert(coordinate.clone());
                metadata.used.insert(coordinate);
            }
        }
    }
}

/// The fields that a field set names, with their implementations where it names an interface's.
fn targets<State>(subgraph: &Subgraph<State>, parent: &str, fields: &str) -> Vec<Coordinate> {
    match FieldSet::parse(fields) {
        Ok(parsed) => targets_of(subgraph, parent, &parsed),
        Err(_) => Vec::new(),
    }
}

fn targets_of<State>(
    subgraph: &Subgraph<State>,
    parent: &str,
    fields: &FieldSet,
) -> Vec<Coordinate> {
    let mut found = Vec::new();
    let _ = field_set::visit(&subgraph.schema, parent, &fields.0, &mut |visit| {
        found.push((visit.parent.clone(), visit.field.name.clone()));
        if subgraph.schema.kind(visit.parent) == Some(Kind::Interface) {
            for implementation in subgraph.schema.implementations(visit.parent) {
                found.push((implementation.clone(), visit.field.name.clone()));
            }
        }
    });
    found
}

fn collect_contexts<State>(subgraph: &Subgraph<State>, metadata: &mut Metadata) {
    let mut setters: IndexMap<String, Vec<Name>> = IndexMap::new();
    for def in subgraph.schema.types.values() {
        for context in subgraph.applied(&def.directives, "context") {
            if let Some(name) = context.str_arg("name") {
                setters.entry(name.to_owned()).or_default().push(def.name.clone());
            }
        }
    }
    for def in subgraph.schema.types.values() {
        for field in def.fields.values() {
            for arg in field.args.values() {
                let Some(applied) = subgraph.first(&arg.directives, "fromContext") else {
                    continue;
                };
                let Some((name, selection)) =
                    applied.str_arg("field").and_then(split_context_selection)
                else {
                    continue;
                };
                let Ok(selection) = FieldSet::parse(selection) else { continue };
                for location in setters.get(name).into_iter().flatten() {
                    for coordinate in targets_of(subgraph, location, &selection) {
                        metadata.used.insert(coordinate);
                    }
                }
            }
        }
    }
}

/// `$name { selection }` into its two halves.
pub(crate) fn split_context_selection(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim().strip_prefix('$')?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let (name, selection) = rest.split_at(end);
    (!name.is_empty() && !selection.trim().is_empty()).then_some((name, selection))
}
