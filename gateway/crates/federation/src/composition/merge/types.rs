//! Types as a whole: which there are, what they implement, who has them.

use apollo_compiler::Name;
use apollo_compiler::ast::OperationType;
use indexmap::IndexMap;

use super::directives::is_merged_type;
use super::{Merger, Sources, join, present};
use crate::subgraph::model::{Applied, Kind, ROOTS, TypeDef};

impl<'a> Merger<'a> {
    /// Creates every type empty, and checks that subgraphs agree on what it is.
    pub(super) fn add_types(&mut self) {
        let mut kinds: IndexMap<&Name, Vec<(usize, Kind)>> = IndexMap::new();
        for (index, input) in self.inputs.iter().enumerate() {
            for def in input.subgraph.schema.types.values() {
                if !is_merged_type(input, &def.name) {
                    continue;
                }
                let kind = if input.subgraph.is_interface_object(&def.name) {
                    Kind::Interface
                } else {
                    def.kind
                };
                kinds.entry(&def.name).or_default().push((index, kind));
            }
        }
        for (name, found) in kinds {
            let sources = self.type_sources(name);
            let places = || present(&sources).map(|(index, def)| (index, &def.name));
            let kind = found[0].1;
            if found.iter().any(|(_, other)| *other != kind) {
                let listed: Vec<String> = found
                    .iter()
                    .map(|(index, kind)| {
                        format!("{} in `{}`", kind.words(), self.subgraph_name(*index))
                    })
                    .collect();
                let message = format!("`{name}` is not one kind of type: {}", listed.join(", "));
                self.error("TYPE_KIND_MISMATCH", message, places());
                let same_kind: Vec<(usize, &TypeDef)> = found
                    .iter()
                    .filter(|(_, other)| *other == kind)
                    .filter_map(|(index, _)| Some((*index, sources.get(*index)?)))
                    .collect();
                self.check_has_base(name, &same_kind);
                if kind == Kind::InputObject {
                    // What some subgraph does not take as input is missing there.
                    let name = Name::new_unchecked(name.as_str());
                    self.schema.types.insert(name.clone(), TypeDef::new(name, kind));
                }
                continue;
            }
            let interface_objects = found
                .iter()
                .filter(|(index, _)| self.inputs[*index].subgraph.is_interface_object(name));
            if interface_objects.count() == found.len() {
                let message = format!(
                    "`{name}` is an @interfaceObject wherever it is defined: one subgraph must \
                     define it as an interface"
                );
                self.error("INTERFACE_OBJECT_USAGE_ERROR", message, places());
            }
            let name = Name::new_unchecked(name.as_str());
            let mut def = TypeDef::new(name.clone(), kind);
            def.defined = true;
            self.schema.types.insert(name, def);
        }
        for name in self.merged_names(|_| true) {
            let sources = self.type_sources(&name);
            self.check_has_base(&name, &present(&sources).collect::<Vec<_>>());
            self.merge_type_itself(&name);
        }
    }

    /// Names of merged types of some kind that come from subgraphs.
    pub(super) fn merged_names(&self, filter: impl Fn(Kind) -> bool) -> Vec<Name> {
        self.schema
            .types
            .values()
            .filter(|def| filter(def.kind) && def.defined)
            .map(|def| def.name.clone())
            .collect()
    }

    fn is_root(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input.subgraph.schema.is_root(name))
    }

    fn check_has_base(&mut self, name: &Name, sources: &[(usize, &TypeDef)]) {
        if self.is_root(name) || sources.iter().any(|(_, def)| def.defined) {
            return;
        }
        let message = format!("`{name}` is extended but no subgraph defines it");
        let places = sources.iter().map(|(index, def)| (*index, &def.name));
        self.error("EXTENSION_WITH_NO_BASE", message, places);
    }

    /// Description, who has the type under which keys, and applied directives.
    fn merge_type_itself(&mut self, name: &Name) {
        let sources = self.type_sources(name);
        let description = self.merge_descriptions(
            &format!("`{name}`"),
            present(&sources).map(|(_, def)| def.description.as_deref()),
        );
        let mut directives = self.join_types(&sources);
        let applied: Sources<'_, [Applied]> = sources.parts(|def| Some(def.directives.as_slice()));
        directives.extend(self.merge_applied(&format!("`{name}`"), &applied));
        directives.extend(self.join_cache_tags(&applied));
        if let Some(def) = self.schema.types.get_mut(name) {
            def.description = description;
            def.directives = directives;
        }
    }

    fn join_types(&self, sources: &Sources<'a, TypeDef>) -> Vec<Applied> {
        let mut marks = Vec::new();
        for (index, def) in present(sources) {
            let subgraph = &self.inputs[index].subgraph;
            let is_interface_object = subgraph.is_interface_object(&def.name);
            let flag = |mark: Applied, name: &str, set: bool, value: bool| {
                if set { mark.with(name, value) } else { mark }
            };
            let bare = || join::mark("join__type", &self.graphs[index]);
            let mut keys = subgraph.applied(&def.directives, "key").peekable();
            if keys.peek().is_none() || !def.kind.has_fields() {
                marks.push(flag(bare(), "isInterfaceObject", is_interface_object, true));
                continue;
            }
            for key in keys {
                let fields = key.str_arg("fields").unwrap_or_default();
                let extension = key.part > 0 || subgraph.has(&def.directives, "extends");
                let unresolvable = key.bool_arg("resolvable") == Some(false);
                let mark = bare().with_str("key", fields);
                let mark = flag(mark, "extension", extension, true);
                let mark = flag(mark, "resolvable", unresolvable, false);
                marks.push(flag(mark, "isInterfaceObject", is_interface_object, true));
            }
        }
        marks
    }

    pub(super) fn merge_implementations(&mut self) {
        for name in self.merged_names(Kind::has_fields) {
            let sources = self.type_sources(&name);
            let mut implements = indexmap::IndexSet::new();
            let mut marks = Vec::new();
            for (index, def) in present(&sources) {
                for interface in &def.implements {
                    if !self.schema.types.contains_key(interface) {
                        continue;
                    }
                    implements.insert(Name::new_unchecked(interface.as_str()));
                    marks.push(
                        join::mark("join__implements", &self.graphs[index])
                            .with_str("interface", interface),
                    );
                }
            }
            if let Some(def) = self.schema.types.get_mut(&name) {
                def.implements = implements;
                def.directives.extend(marks);
            }
        }
    }

    pub(super) fn merge_roots(&mut self) {
        for operation in ROOTS {
            let name = operation.default_type_name();
            let is_root =
                self.inputs.iter().any(|input| input.subgraph.schema.root(operation).is_some());
            if is_root && self.schema.types.contains_key(&name) {
                *self.schema.root_mut(operation) = Some(name);
            }
        }
    }

    pub(super) fn merge_interfaces_and_objects(&mut self) {
        for name in self.merged_names(|kind| kind == Kind::Interface) {
            self.merge_interface(&name);
        }
        for name in self.merged_names(|kind| kind == Kind::Object) {
            self.merge_object(&name);
        }
        let no_queries = self
            .schema
            .root(OperationType::Query)
            .and_then(|query| self.schema.types.get(query))
            .is_none_or(|query| query.fields.is_empty());
        if no_queries {
            self.schema.query = None;
            self.error(
                "NO_QUERIES",
                "no subgraph has a query field: a supergraph needs at least one",
                [],
            );
        }
    }
}
