//! Input objects: the fields that every subgraph understands.

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::arguments::INPUT_FIELD;
use super::{Merger, Sources, join, present};
use crate::subgraph::model::{Applied, InputValue, Kind, TypeDef};

impl<'a> Merger<'a> {
    pub(super) fn merge_input_objects(&mut self) {
        let inputs = self.schema.types.values().filter(|def| def.kind == Kind::InputObject);
        let is_own = |def: &&TypeDef| self.types.contains_key(def.name.as_str());
        let names: Vec<Name> = inputs.filter(is_own).map(|def| def.name.clone()).collect();
        for name in names {
            self.merge_input_object(&name);
        }
    }

    fn merge_input_object(&mut self, name: &Name) {
        let types = self.type_sources(name);
        let mut names: IndexSet<&Name> = IndexSet::new();
        for (_, def) in present(&types) {
            names.extend(def.input_fields.keys());
        }
        let had_fields = !names.is_empty();
        let mut merged = IndexMap::new();
        for field in names {
            let sources = types.parts(|def| def.input_fields.get(field));
            let coordinate = format!("{name}.{field}");
            if self.is_dropped(&coordinate, &types, &sources) {
                continue;
            }
            let mut value = self.merge_input_value(&coordinate, &sources, &INPUT_FIELD);
            value.directives.splice(0..0, self.join_input_field(&types, &sources));
            merged.insert(value.name.clone(), value);
        }
        if merged.is_empty() && had_fields {
            let message = format!("no field of `{name}` is common to all its definitions");
            let places = present(&types).map(|(index, def)| (index, &def.name));
            self.error("EMPTY_MERGED_INPUT_TYPE", message, places);
        }
        if let Some(def) = self.schema.types.get_mut(name) {
            def.input_fields = merged;
        }
    }

    /// A field that some subgraph does not know is dropped, unless that breaks another one.
    fn is_dropped(
        &mut self,
        coordinate: &str,
        types: &Sources<'a, TypeDef>,
        sources: &Sources<'a, InputValue>,
    ) -> bool {
        let missing: Vec<usize> = present(types)
            .filter(|(index, _)| sources.get(*index).is_none())
            .map(|(index, _)| index)
            .collect();
        let inaccessible = present(sources).any(|(index, field)| {
            self.inputs[index].subgraph.has(&field.directives, "inaccessible")
        });
        if missing.is_empty() || inaccessible {
            return false;
        }
        let without = self.names_of(missing);
        let required: Vec<(usize, &Name)> = present(sources)
            .filter(|(_, field)| field.is_required())
            .map(|(index, field)| (index, &field.name))
            .collect();
        if required.is_empty() {
            let message = format!("`{coordinate}` is dropped: it is missing in {without}");
            let places = present(sources).map(|(index, field)| (index, &field.name));
            self.hint("INCONSISTENT_INPUT_OBJECT_FIELD", message, places);
        } else {
            let message = format!(
                "`{coordinate}` is required in {} but missing in {without}",
                self.names_of(required.iter().map(|(index, _)| *index))
            );
            self.error("REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH", message, required);
        }
        true
    }

    fn join_input_field(
        &self,
        types: &Sources<'a, TypeDef>,
        sources: &Sources<'a, InputValue>,
    ) -> Vec<Applied> {
        let everywhere = present(types).all(|(index, _)| sources.get(index).is_some());
        let mut all = present(sources).map(|(_, field)| &field.ty);
        let first = all.next();
        let same_types = all.all(|ty| Some(ty) == first);
        if everywhere && same_types {
            return Vec::new();
        }
        present(sources)
            .map(|(index, field)| {
                let mark = join::mark("join__field", &self.graphs[index]);
                if same_types { mark } else { mark.with_str("type", &field.ty.to_string()) }
            })
            .collect()
    }
}
