//! Interfaces with keys, and `@interfaceObject`s that add fields to all their implementations.

use apollo_compiler::Name;
use indexmap::IndexSet;

use super::overrides::Overrides;
use super::{Merger, Sources, present};
use crate::subgraph::model::{Applied, Field, Kind, TypeDef};

impl<'a> Merger<'a> {
    /// The @interfaceObjects that stand for the object and have the field, in subgraphs that do
    /// not have the field on the object itself.
    pub(super) fn abstracting_interface_objects(
        &self,
        object: &str,
        field: &str,
        sources: &Sources<'a, Field>,
    ) -> Vec<(usize, Name)> {
        let Some(def) = self.schema.types.get(object) else { return Vec::new() };
        if def.kind != Kind::Object {
            return Vec::new();
        }
        let mut found = Vec::new();
        for interface in &def.implements {
            for index in self.interface_objects.get(interface.as_str()).into_iter().flatten() {
                let schema = &self.inputs[*index].subgraph.schema;
                if sources.get(*index).is_none() && schema.field(interface, field).is_some() {
                    found.push((*index, interface.clone()));
                }
            }
        }
        found.sort();
        found
    }

    /// A resolvable key of an interface promises that the subgraph knows every implementation.
    pub(super) fn check_interface_keys(
        &mut self,
        name: &Name,
        types: &Sources<'a, TypeDef>,
    ) -> bool {
        let all: IndexSet<Name> = self.schema.implementations(name).cloned().collect();
        let mut has_key = false;
        for (index, def) in present(types) {
            let subgraph = &self.inputs[index].subgraph;
            if def.kind != Kind::Interface {
                has_key |= subgraph.has(&def.directives, "key");
                continue;
            }
            let mut keys = subgraph.applied(&def.directives, "key").peekable();
            has_key |= keys.peek().is_some();
            if !keys.any(|key| key.bool_arg("resolvable").unwrap_or(true)) {
                continue;
            }
            // An @interfaceObject that implements it stands for its own implementations.
            let mut own: IndexSet<Name> = subgraph.schema.implementations(name).cloned().collect();
            for below in own.clone() {
                own.extend(self.schema.implementations(&below).cloned());
            }
            let missing: Vec<String> =
                all.difference(&own).map(|missing| format!("`{missing}`")).collect();
            if !missing.is_empty() {
                let message = format!(
                    "[{}] `{name}` has a resolvable key, so all its implementations must be \
                     defined here: {} are missing",
                    self.subgraph_name(index),
                    missing.join(", ")
                );
                let code = "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE";
                self.error(code, message, [(index, &def.name)]);
            }
        }
        has_key
    }

    pub(super) fn check_interface_objects(&mut self, name: &Name, types: &Sources<'a, TypeDef>) {
        let all: Vec<Name> = self.schema.implementations(name).cloned().collect();
        for (index, def) in present(types) {
            let subgraph = &self.inputs[index].subgraph;
            if !subgraph.is_interface_object(name) {
                continue;
            }
            let defined: Vec<String> = all
                .iter()
                .filter(|object| subgraph.schema.types.contains_key(*object))
                .map(|object| format!("`{object}`"))
                .collect();
            if !defined.is_empty() {
                let message = format!(
                    "[{}] `{name}` is an @interfaceObject, so its implementations cannot be \
                     defined here too: {}",
                    self.subgraph_name(index),
                    defined.join(", ")
                );
                self.error("INTERFACE_OBJECT_USAGE_ERROR", message, [(index, &def.name)]);
            }
        }
    }

    /// Fields that only @interfaceObjects provide appear on every implementation.
    pub(super) fn add_interface_object_fields(&mut self) {
        for interface in self.merged_names(|kind| kind == Kind::Interface) {
            let provided: Vec<Name> = self
                .inputs
                .iter()
                .filter(|input| input.subgraph.is_interface_object(&interface))
                .filter_map(|input| input.subgraph.schema.types.get(&interface))
                .flat_map(|def| def.fields.keys().cloned())
                .collect();
            let Some(def) = self.schema.types.get(&interface) else { continue };
            let fields: Vec<Field> = def
                .fields
                .values()
                .filter(|field| provided.contains(&field.name))
                .cloned()
                .collect();
            let objects: Vec<Name> = self.schema.implementations(&interface).cloned().collect();
            for object in objects {
                for field in &fields {
                    if self.schema.field(&object, &field.name).is_some() {
                        continue;
                    }
                    // Several @interfaceObjects may stand for the object and have the field.
                    let (sources, overrides) = (Sources::none(), Overrides::default());
                    self.check_sharing(&object, &field.name, &sources, &overrides);
                    let Some(def) = self.schema.types.get_mut(&object) else { continue };
                    let mut copy = field.clone();
                    copy.directives.retain(|applied| {
                        applied.name != "join__field" && applied.name != "join__directive"
                    });
                    copy.directives.insert(0, Applied::new("join__field"));
                    def.fields.insert(copy.name.clone(), copy);
                }
            }
        }
    }
}
