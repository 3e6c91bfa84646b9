//! Enums: what is sent in must be understood everywhere, what comes out may come from anywhere.

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::{Merger, join, present};
use crate::subgraph::model::{Applied, EnumValue, Kind};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    input: bool,
    output: bool,
}

impl Merger<'_> {
    pub(super) fn merge_enums(&mut self) {
        let usages = self.usages();
        for name in self.merged_names(|kind| kind == Kind::Enum) {
            self.merge_enum(&name, usages.get(&name).copied().unwrap_or_default());
        }
    }

    /// Where the merged schema uses each type.
    fn usages(&self) -> IndexMap<Name, Usage> {
        let mut usages: IndexMap<Name, Usage> = IndexMap::new();
        for def in self.schema.types.values().filter(|def| def.defined) {
            for field in def.fields.values() {
                usages.entry(field.ty.inner_named_type().clone()).or_default().output = true;
                for arg in field.args.values() {
                    usages.entry(arg.ty.inner_named_type().clone()).or_default().input = true;
                }
            }
            for field in def.input_fields.values() {
                usages.entry(field.ty.inner_named_type().clone()).or_default().input = true;
            }
        }
        for def in self.schema.directive_definitions.values() {
            for arg in def.args.values() {
                usages.entry(arg.ty.inner_named_type().clone()).or_default().input = true;
            }
        }
        usages
    }

    fn merge_enum(&mut self, name: &Name, usage: Usage) {
        let sources = self.type_sources(name);
        if usage == Usage::default() {
            let message = format!("the enum `{name}` is used nowhere; all its values are kept");
            self.hint("UNUSED_ENUM_TYPE", message, []);
        }
        let usage = Usage { output: usage.output || !usage.input, ..usage };
        let mut names: IndexSet<Name> = IndexSet::new();
        for (_, def) in present(&sources) {
            names.extend(def.values.keys().map(|value| Name::new_unchecked(value)));
        }
        let mut values = IndexMap::new();
        for value in names {
            let coordinate = format!("{name}.{value}");
            let value_sources = sources.parts(|def| def.values.get(&value));
            let missing: Vec<usize> = present(&sources)
                .filter(|(_, def)| !def.values.contains_key(&value))
                .map(|(index, _)| index)
                .collect();
            let inaccessible = present(&value_sources).any(|(index, value)| {
                self.inputs[index].subgraph.has(&value.directives, "inaccessible")
            });
            if !missing.is_empty() && !inaccessible {
                let without = self.names_of(missing.iter().copied());
                let places: Vec<(usize, &Name)> =
                    present(&value_sources).map(|(index, value)| (index, &value.name)).collect();
                if usage.input && usage.output {
                    let message = format!(
                        "`{coordinate}` is missing in {without}: `{name}` is used for input and \
                         output, so its values must be the same everywhere"
                    );
                    self.error("ENUM_VALUE_MISMATCH", message, places);
                } else if usage.input {
                    let message = format!("`{coordinate}` is dropped: it is missing in {without}");
                    self.hint("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", message, places);
                    continue;
                } else if usage.output {
                    let message = format!("`{coordinate}` is kept, but missing in {without}");
                    self.hint("INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", message, places);
                }
            }
            let description = self.merge_descriptions(
                &format!("`{coordinate}`"),
                present(&value_sources).map(|(_, value)| value.description.as_deref()),
            );
            let mut directives: Vec<Applied> = present(&value_sources)
                .map(|(index, _)| join::mark("join__enumValue", &self.graphs[index]))
                .collect();
            let applied = value_sources.parts(|value| Some(value.directives.as_slice()));
            directives.extend(self.merge_applied(&format!("`{coordinate}`"), &applied));
            values.insert(value.clone(), EnumValue { name: value, description, directives });
        }
        if values.is_empty() {
            let message = format!("no value of the enum `{name}` is common to all its definitions");
            let places = present(&sources).map(|(index, def)| (index, &def.name));
            self.error("EMPTY_MERGED_ENUM_TYPE", message, places);
        }
        if let Some(def) = self.schema.types.get_mut(name) {
            def.values = values;
        }
    }
}
