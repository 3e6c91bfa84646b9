//! Arguments, and the types and defaults of everything that goes in.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::{Name, Node};
use indexmap::{IndexMap, IndexSet};

use super::{Merger, Sources, present};
use crate::subgraph::graphql::values::equal;
use crate::subgraph::model::{Field, InputValue};

/// The codes that distinguish arguments from input fields.
pub(super) struct InputCodes {
    pub(super) type_mismatch: &'static str,
    pub(super) compatible_type: &'static str,
    pub(super) default_mismatch: &'static str,
}

pub(super) const ARGUMENT: InputCodes = InputCodes {
    type_mismatch: "FIELD_ARGUMENT_TYPE_MISMATCH",
    compatible_type: "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE",
    default_mismatch: "FIELD_ARGUMENT_DEFAULT_MISMATCH",
};

pub(super) const INPUT_FIELD: InputCodes = InputCodes {
    type_mismatch: "FIELD_TYPE_MISMATCH",
    compatible_type: "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
    default_mismatch: "INPUT_FIELD_DEFAULT_MISMATCH",
};

impl<'a> Merger<'a> {
    /// Merges the arguments of a field over the subgraphs that resolve it.
    pub(super) fn merge_arguments(
        &mut self,
        coordinate: &str,
        fields: &Sources<'a, Field>,
    ) -> IndexMap<Name, InputValue> {
        let mut names: IndexSet<&Name> = IndexSet::new();
        for (_, field) in present(fields) {
            names.extend(field.args.keys());
        }
        let mut merged = IndexMap::new();
        for name in names {
            let sources = fields.parts(|field| field.args.get(name));
            let place = format!("{coordinate}({name}:)");
            if self.is_contextual(&place, &sources) {
                continue;
            }
            let missing: Vec<usize> = present(fields)
                .filter(|(_, field)| !field.args.contains_key(name))
                .map(|(index, _)| index)
                .collect();
            if !missing.is_empty() {
                let required: Vec<(usize, &Name)> = present(&sources)
                    .filter(|(_, arg)| arg.is_required())
                    .map(|(index, arg)| (index, &arg.name))
                    .collect();
                let without = self.names_of(missing.iter().copied());
                if required.is_empty() {
                    let message = format!("`{place}` is dropped: it is missing in {without}");
                    let places = present(&sources).map(|(index, arg)| (index, &arg.name));
                    self.hint("INCONSISTENT_ARGUMENT_PRESENCE", message, places);
                } else {
                    let message = format!(
                        "`{place}` is required in {} but missing in {without}",
                        self.names_of(required.iter().map(|(index, _)| *index))
                    );
                    self.error("REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH", message, required);
                }
                continue;
            }
            let arg = self.merge_input_value(&place, &sources, &ARGUMENT);
            merged.insert(arg.name.clone(), arg);
        }
        merged
    }

    /// Arguments that come from a context are filled by the router, so clients do not see them.
    fn is_contextual(&mut self, place: &str, sources: &Sources<'a, InputValue>) -> bool {
        let contextual = |index: usize, arg: &InputValue| {
            self.inputs[index].subgraph.has(&arg.directives, "fromContext")
        };
        if !present(sources).any(|(index, arg)| contextual(index, arg)) {
            return false;
        }
        let code = "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS";
        let others: Vec<(usize, &InputValue)> =
            present(sources).filter(|(index, arg)| !contextual(*index, arg)).collect();
        let required: Vec<(usize, &Name)> = others
            .iter()
            .filter(|(_, arg)| arg.is_required())
            .map(|(index, arg)| (*index, &arg.name))
            .collect();
        if !required.is_empty() {
            let message = format!(
                "`{place}` comes from a context in some subgraphs, but is required of clients in {}",
                self.names_of(required.iter().map(|(index, _)| *index))
            );
            self.error(code, message, required);
        } else if !others.is_empty() {
            let message = format!(
                "`{place}` is dropped: it comes from a context in some subgraphs, though not in {}",
                self.names_of(others.iter().map(|(index, _)| *index))
            );
            self.hint(code, message, others.iter().map(|(index, arg)| (*index, &arg.name)));
        }
        true
    }

    pub(super) fn merge_input_value(
        &mut self,
        place: &str,
        sources: &Sources<'a, InputValue>,
        codes: &InputCodes,
    ) -> InputValue {
        let name = present(sources)
            .next()
            .map_or_else(|| Name::new_static_unchecked("_"), |(_, source)| source.name.clone());
        let description = self.merge_descriptions(
            &format!("`{place}`"),
            present(sources).map(|(_, source)| source.description.as_deref()),
        );
        let ty = self.merge_input_type(place, sources, codes);
        let default = self.merge_default(place, sources, codes);
        let applied = sources.parts(|source| Some(source.directives.as_slice()));
        let directives = self.merge_applied(&format!("`{place}`"), &applied);
        InputValue { name: Name::new_unchecked(&name), description, ty, default, directives }
    }

    /// The type that every subgraph understands: the narrowest.
    pub(super) fn merge_input_type(
        &mut self,
        place: &str,
        sources: &Sources<'a, InputValue>,
        codes: &InputCodes,
    ) -> Type {
        let mut merged: Option<&Type> = None;
        let mut different = false;
        let mut incompatible = false;
        for (_, source) in present(sources) {
            match merged {
                None => merged = Some(&source.ty),
                Some(ty) if *ty == source.ty => {}
                Some(ty) => {
                    different = true;
                    if self.schema.is_subtype(&source.ty, ty) {
                        merged = Some(&source.ty);
                    } else if !self.schema.is_subtype(ty, &source.ty) {
                        incompatible = true;
                    }
                }
            }
        }
        if different {
            let listed = self.types_listed(present(sources).map(|(i, source)| (i, &source.ty)));
            let places: Vec<(usize, &Name)> =
                present(sources).map(|(index, source)| (index, &source.name)).collect();
            if incompatible {
                let message = format!("the types of `{place}` are incompatible: {listed}");
                self.error(codes.type_mismatch, message, places);
            } else {
                let message = format!("the types of `{place}` differ: {listed}");
                self.hint(codes.compatible_type, message, places);
            }
        }
        merged.cloned().unwrap_or(Type::Named(Name::new_static_unchecked("String")))
    }

    pub(super) fn types_listed<'t>(
        &self,
        types: impl Iterator<Item = (usize, &'t Type)>,
    ) -> String {
        let listed: Vec<String> =
            types.map(|(index, ty)| format!("`{ty}` in `{}`", self.subgraph_name(index))).collect();
        listed.join(", ")
    }

    /// A default counts only if every subgraph has the same.
    fn merge_default(
        &mut self,
        place: &str,
        sources: &Sources<'a, InputValue>,
        codes: &InputCodes,
    ) -> Option<Node<Value>> {
        let first = present(sources).find_map(|(_, source)| source.default.as_ref())?;
        let places = || present(sources).map(|(index, source)| (index, &source.name));
        let differs = |source: &InputValue| {
            source.default.as_ref().is_some_and(|default| !equal(default, first))
        };
        if present(sources).any(|(_, source)| differs(source)) {
            let message = format!("`{place}` has different default values");
            self.error(codes.default_mismatch, message, places());
            return None;
        }
        if present(sources).any(|(_, source)| source.default.is_none()) {
            let message = format!("the default value of `{place}` is dropped: some have none");
            self.hint("INCONSISTENT_DEFAULT_VALUE_PRESENCE", message, places());
            return None;
        }
        Some(first.clone())
    }
}
