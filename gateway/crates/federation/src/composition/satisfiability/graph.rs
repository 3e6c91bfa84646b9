//! What each subgraph can resolve, read from the merged schema's join marks.

use apollo_compiler::Name;
use apollo_compiler::ast::Value;
use indexmap::{IndexMap, IndexSet};

use crate::composition::merge::Merged;
use crate::subgraph::field_set::FieldSet;
use crate::subgraph::model::{self, Applied, Field, Kind, Schema};

#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) schema: &'a Schema,
    /// The names of subgraphs.
    pub(super) names: &'a [String],
    pub(super) subgraphs: Vec<SubgraphTypes>,
    /// The subgraphs that have a type: most types are in few of many subgraphs.
    holders: IndexMap<Name, Vec<usize>>,
    /// The same for the fields of each type.
    field_holders: IndexMap<Name, IndexMap<Name, Vec<usize>>>,
    inaccessible: Option<&'a Name>,
    /// The contexts that each type sets.
    contexts: IndexMap<Name, Vec<String>>,
}

/// The composite types of one subgraph.
pub(super) type SubgraphTypes = IndexMap<Name, SubgraphType>;

#[derive(Debug, Default)]
pub(super) struct SubgraphType {
    pub(super) interface_object: bool,
    pub(super) keys: Vec<Key>,
    pub(super) fields: IndexMap<Name, SubgraphField>,
    /// The object types that a value can have here. Of an @interfaceObject: all in the graph.
    pub(super) runtime_types: IndexSet<Name>,
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) fields: FieldSet,
    pub(super) resolvable: bool,
}

#[derive(Debug)]
pub(super) struct SubgraphField {
    /// The type without lists and nulls.
    pub(super) ty: Name,
    pub(super) external: bool,
    pub(super) requires: Option<FieldSet>,
    pub(super) provides: Option<FieldSet>,
    /// Resolved here only when the label is (or is not) chosen.
    pub(super) condition: Option<(String, bool)>,
    pub(super) contexts: Vec<String>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(merged: &'a Merged) -> Self {
        let mut graph = Self {
            schema: &merged.schema,
            names: &merged.names,
            subgraphs: merged.names.iter().map(|_| SubgraphTypes::new()).collect(),
            holders: IndexMap::new(),
            field_holders: IndexMap::new(),
            inaccessible: merged.composed.get("inaccessible"),
            contexts: IndexMap::new(),
        };
        let index_of: IndexMap<&str, usize> =
            merged.graphs.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        graph.add_types(&index_of);
        graph.add_fields(&index_of);
        graph.add_runtime_types(&index_of);
        if let Some(context) = merged.composed.get("context") {
            for def in merged.schema.types.values() {
                let names: Vec<String> = model::all_of(&def.directives, context)
                    .filter_map(|applied| applied.str_arg("name").map(ToOwned::to_owned))
                    .collect();
                if !names.is_empty() {
                    graph.contexts.insert(def.name.clone(), names);
                }
            }
        }
        graph
    }

    fn add_types(&mut self, index_of: &IndexMap<&str, usize>) {
        for def in self.schema.types.values().filter(|def| def.kind.is_composite()) {
            for mark in model::all_of(&def.directives, "join__type") {
                let Some(index) = graph_of(mark, index_of) else { continue };
                let holders = self.holders.entry(def.name.clone()).or_default();
                if holders.last() != Some(&index) && !holders.contains(&index) {
                    holders.push(index);
                }
                let ty = self.subgraphs[index].entry(def.name.clone()).or_default();
                ty.interface_object |= mark.bool_arg("isInterfaceObject") == Some(true);
                let fields = mark.str_arg("key").and_then(|key| FieldSet::parse(key).ok());
                if let Some(fields) = fields {
                    let resolvable = mark.bool_arg("resolvable") != Some(false);
                    ty.keys.push(Key { fields, resolvable });
                }
            }
        }
    }

    fn add_fields(&mut self, index_of: &IndexMap<&str, usize>) {
        for def in self.schema.types.values().filter(|def| def.kind.has_fields()) {
            for field in def.fields.values() {
                let mut marks = model::all_of(&field.directives, "join__field").peekable();
                let mut having = Vec::new();
                if marks.peek().is_none() {
                    for index in self.holders.get(&def.name).into_iter().flatten() {
                        if let Some(ty) = self.subgraphs[*index].get_mut(&def.name) {
                            ty.fields.insert(field.name.clone(), plain_field(field));
                            having.push(*index);
                        }
                    }
                }
                for mark in marks {
                    let Some(index) = graph_of(mark, index_of) else { continue };
                    if let Some(ty) = self.subgraphs[index].get_mut(&def.name) {
                        ty.fields.insert(field.name.clone(), marked_field(field, mark));
                        having.push(index);
                    }
                }
                having.sort_unstable();
                having.dedup();
                let of_type = self.field_holders.entry(def.name.clone()).or_default();
                of_type.insert(field.name.clone(), having);
            }
        }
    }

    fn add_runtime_types(&mut self, index_of: &IndexMap<&str, usize>) {
        let mut found: Vec<(usize, Name, Name)> = Vec::new();
        for def in self.schema.types.values() {
            for index in self.holders(&def.name).iter().copied() {
                let Some(ty) = self.subgraphs[index].get(&def.name) else { continue };
                if ty.interface_object {
                    for object in self.schema.implementations(&def.name) {
                        found.push((index, def.name.clone(), object.clone()));
                    }
                } else if def.kind == Kind::Object {
                    found.push((index, def.name.clone(), def.name.clone()));
                }
            }
            for mark in model::all_of(&def.directives, "join__unionMember") {
                let (Some(index), Some(member)) =
                    (graph_of(mark, index_of), mark.str_arg("member"))
                else {
                    continue;
                };
                found.push((index, def.name.clone(), Name::new_unchecked(member)));
            }
            for mark in model::all_of(&def.directives, "join__implements") {
                let (Some(index), Some(interface)) =
                    (graph_of(mark, index_of), mark.str_arg("interface"))
                else {
                    continue;
                };
                let stands_for = &self.subgraphs[index];
                if stands_for.get(&def.name).is_some_and(|ty| ty.interface_object) {
                    for object in self.schema.implementations(&def.name) {
                        found.push((index, Name::new_unchecked(interface), object.clone()));
                    }
                } else if def.kind == Kind::Object {
                    found.push((index, Name::new_unchecked(interface), def.name.clone()));
                }
            }
        }
        for (index, ty, object) in found {
            if let Some(ty) = self.subgraphs[index].get_mut(&ty) {
                ty.runtime_types.insert(object);
            }
        }
    }

    /// The subgraphs that have the type.
    pub(super) fn holders(&self, ty: &str) -> &[usize] {
        self.holders.get(ty).map_or(&[], Vec::as_slice)
    }

    /// The subgraphs in whose type the field is.
    pub(super) fn field_holders(&self, ty: &str, field: &str) -> &[usize] {
        let of_type = self.field_holders.get(ty);
        of_type.and_then(|fields| fields.get(field)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_hidden(&self, directives: &[Applied]) -> bool {
        self.inaccessible.is_some_and(|name| model::has(directives, name))
    }

    pub(super) fn is_hidden_type(&self, name: &str) -> bool {
        self.schema.types.get(name).is_some_and(|def| self.is_hidden(&def.directives))
    }

    /// The contexts set by a value of the type.
    pub(super) fn contexts_of(&self, name: &str) -> impl Iterator<Item = &String> {
        let interfaces = self.schema.types.get(name).into_iter().flat_map(|def| &def.implements);
        let unions = self.contexts.keys().filter(move |setter| {
            self.schema
                .types
                .get(*setter)
                .is_some_and(|def| def.kind == Kind::Union && def.members.contains(name))
        });
        let own = self.contexts.get(name);
        own.into_iter()
            .chain(interfaces.chain(unions).filter_map(|setter| self.contexts.get(setter)))
            .flatten()
    }

    pub(super) fn subgraph_type(&self, subgraph: usize, name: &str) -> Option<&SubgraphType> {
        self.subgraphs[subgraph].get(name)
    }

    pub(super) fn is_composite(&self, name: &str) -> bool {
        self.schema.kind(name).is_some_and(Kind::is_composite)
    }
}

fn graph_of(mark: &Applied, index_of: &IndexMap<&str, usize>) -> Option<usize> {
    let name = mark.arg("graph")?.as_enum()?;
    index_of.get(name.as_str()).copied()
}

fn plain_field(field: &Field) -> SubgraphField {
    SubgraphField {
        ty: field.ty.inner_named_type().clone(),
        external: false,
        requires: None,
        provides: None,
        condition: None,
        contexts: Vec::new(),
    }
}

fn marked_field(field: &Field, mark: &Applied) -> SubgraphField {
    let fields = |name: &str| mark.str_arg(name).and_then(|text| FieldSet::parse(text).ok());
    let label = mark.str_arg("overrideLabel");
    let used_overridden = mark.bool_arg("usedOverridden") == Some(true) && label.is_none();
    let ty = mark.str_arg("type").map_or_else(
        || field.ty.inner_named_type().clone(),
        |ty| Name::new_unchecked(ty.trim_matches(['[', ']', '!'])),
    );
    SubgraphField {
        ty,
        external: mark.bool_arg("external") == Some(true) || used_overridden,
        requires: fields("requires"),
        provides: fields("provides"),
        condition: label.map(|label| (label.to_owned(), mark.arg("override").is_some())),
        contexts: context_names(mark),
    }
}

fn context_names(mark: &Applied) -> Vec<String> {
    let Some(Value::List(arguments)) = mark.arg("contextArguments").map(|value| &**value) else {
        return Vec::new();
    };
    arguments
        .iter()
        .filter_map(|argument| {
            let fields = argument.as_object()?;
            let (_, context) = fields.iter().find(|(name, _)| name == "context")?;
            Some(context.as_str()?.to_owned())
        })
        .collect()
}
