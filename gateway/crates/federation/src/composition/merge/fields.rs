//! Fields of objects and interfaces.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use indexmap::{IndexMap, IndexSet};

use super::overrides::Overrides;
use super::{Merger, Sources, present};
use crate::subgraph::model::{Applied, Field, TypeDef};

impl<'a> Merger<'a> {
    pub(super) fn merge_object(&mut self, name: &Name) {
        let types = self.type_sources(name);
        let is_entity = self.hint_inconsistent_entity(name, &types);
        let is_root = self.schema.is_root(name);
        let is_subscription = self.schema.subscription.as_ref() == Some(name);
        let mut fields = IndexMap::new();
        for field_name in field_names(&types) {
            let sources = Self::field_sources(&types, field_name);
            if !is_entity && !is_root {
                let code = "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD";
                self.hint_inconsistent_value_type(code, name, field_name, &types);
            }
            let overrides = self.check_overrides(name, field_name, &types, &sources);
            if is_subscription {
                self.check_subscription_field(name, &sources);
            }
            if let Some(field) = self.merge_field(name, field_name, &types, &sources, &overrides) {
                fields.insert(field.name.clone(), field);
            }
            self.check_sharing(name, field_name, &sources, &overrides);
        }
        self.set_fields(name, fields);
    }

    pub(super) fn merge_interface(&mut self, name: &Name) {
        let types = self.type_sources(name);
        let has_key = self.check_interface_keys(name, &types);
        self.check_interface_objects(name, &types);
        let mut fields = IndexMap::new();
        for field_name in field_names(&types) {
            let sources = Self::field_sources(&types, field_name);
            if !has_key {
                let code = "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD";
                self.hint_inconsistent_value_type(code, name, field_name, &types);
            }
            let overrides = self.check_overrides(name, field_name, &types, &sources);
            if let Some(field) = self.merge_field(name, field_name, &types, &sources, &overrides) {
                fields.insert(field.name.clone(), field);
            }
        }
        self.set_fields(name, fields);
    }

    /// A type that has only federation's own fields is no part of the supergraph.
    fn set_fields(&mut self, name: &Name, fields: IndexMap<Name, Field>) {
        if fields.is_empty() {
            self.schema.types.shift_remove(name);
            for operation in crate::subgraph::model::ROOTS {
                if self.schema.root(operation) == Some(name) {
                    *self.schema.root_mut(operation) = None;
                }
            }
        } else if let Some(def) = self.schema.types.get_mut(name) {
            def.fields = fields;
        }
    }

    fn hint_inconsistent_entity(&mut self, name: &Name, types: &Sources<'a, TypeDef>) -> bool {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for (index, def) in present(types) {
            if self.inputs[index].subgraph.has(&def.directives, "key") {
                with.push(index);
            } else {
                without.push(index);
            }
        }
        if self.schema.query.as_ref() == Some(name) {
            // Every subgraph has a query type, if only to be asked for entities.
            without.extend((0..self.inputs.len()).filter(|index| types.get(*index).is_none()));
        }
        if !with.is_empty() && !without.is_empty() {
            let message = format!(
                "`{name}` is an entity in {}, but has no @key in {}",
                self.names_of(with.iter().copied()),
                self.names_of(without)
            );
            self.hint("INCONSISTENT_ENTITY", message, []);
        }
        !with.is_empty()
    }

    fn hint_inconsistent_value_type(
        &mut self,
        code: &str,
        name: &Name,
        field: &Name,
        types: &Sources<'a, TypeDef>,
    ) {
        let missing: Vec<usize> = present(types)
            .filter(|(index, def)| {
                let metadata = &self.inputs[*index].metadata;
                !def.fields.contains_key(field)
                    && !def.fields.keys().all(|field| metadata.is_external(&def.name, field))
            })
            .map(|(index, _)| index)
            .collect();
        if !missing.is_empty() {
            let message = format!(
                "`{name}.{field}` is not in every definition of `{name}`: it is missing in {}",
                self.names_of(missing)
            );
            self.hint(code, message, []);
        }
    }

    fn merge_field(
        &mut self,
        parent: &Name,
        name: &Name,
        types: &Sources<'a, TypeDef>,
        sources: &Sources<'a, Field>,
        overrides: &Overrides,
    ) -> Option<Field> {
        let coordinate = format!("{parent}.{name}");
        if self.is_external_everywhere(parent, name, sources) {
            let message = format!("`{coordinate}` is @external wherever it appears");
            let places = present(sources).map(|(index, field)| (index, &field.name));
            self.error("EXTERNAL_MISSING_ON_BASE", message, places);
            return None;
        }
        let resolving = self.without_external(parent, sources);
        let description = self.merge_descriptions(
            &format!("`{coordinate}`"),
            present(&resolving).map(|(_, field)| field.description.as_deref()),
        );
        let args = self.merge_arguments(&coordinate, &resolving);
        let (ty, mut same_types) = self.merge_output_type(&coordinate, &resolving)?;
        let merged = Field {
            name: Name::new_unchecked(name),
            description,
            args,
            ty,
            directives: Vec::new(),
            part: 0,
        };
        if present(&resolving).count() < present(sources).count() {
            self.check_externals(parent, &merged, sources, same_types);
            same_types &= present(sources).all(|(_, field)| field.ty == merged.ty);
        }
        let mut directives = self.join_field(parent, types, sources, overrides, same_types);
        let applied: Sources<'_, [Applied]> =
            resolving.parts(|field| Some(field.directives.as_slice()));
        directives.extend(self.merge_applied(&format!("`{coordinate}`"), &applied));
        directives.extend(self.join_cache_tags(&applied));
        Some(Field { directives, ..merged })
    }

    /// The type that covers what every subgraph answers: the widest. And whether all are equal.
    fn merge_output_type(
        &mut self,
        coordinate: &str,
        sources: &Sources<'a, Field>,
    ) -> Option<(Type, bool)> {
        let mut merged: Option<&Type> = None;
        let (mut different, mut incompatible) = (false, false);
        for (_, field) in present(sources) {
            match merged {
                None => merged = Some(&field.ty),
                Some(ty) if *ty == field.ty => {}
                Some(ty) => {
                    different = true;
                    if self.schema.is_subtype(ty, &field.ty) {
                        merged = Some(&field.ty);
                    } else if !self.schema.is_subtype(&field.ty, ty) {
                        incompatible = true;
                    }
                }
            }
        }
        if different {
            let listed = self.types_listed(present(sources).map(|(i, field)| (i, &field.ty)));
            let places: Vec<(usize, &Name)> =
                present(sources).map(|(index, field)| (index, &field.name)).collect();
            if incompatible {
                let message = format!("the types of `{coordinate}` are incompatible: {listed}");
                self.error("FIELD_TYPE_MISMATCH", message, places);
            } else {
                let message = format!("the types of `{coordinate}` differ: {listed}");
                self.hint("INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE", message, places);
            }
        }
        merged.map(|ty| (ty.clone(), !different))
    }
}

fn field_names<'a>(types: &Sources<'a, TypeDef>) -> IndexSet<&'a Name> {
    present(types).flat_map(|(_, def)| def.fields.keys()).collect()
}
