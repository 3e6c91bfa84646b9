//! The projection: the operation's selections with the data keys that planning chose.

use apollo_compiler::ast::Type;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Schema};
use indexmap::IndexMap;

use super::needs::{Denial, argument_text};
use super::places::{PlaceId, Places};
use crate::operation::{Field, Operation, SelectionSet, or};
use crate::plan::{Composite, Inclusion, Leaf, Output, ProjectedField, ProjectedValue, Projection};
use crate::query_graph::{QueryGraph, TypeSet};

pub(super) struct Projecting<'p, 'a> {
    pub(super) api_schema: &'a Schema,
    pub(super) graph: &'a QueryGraph,
    pub(super) places: &'p mut Places<'a>,
    pub(super) denial: Denial<'a>,
}

impl Projecting<'_, '_> {
    pub(super) fn projection(&mut self, operation: &Operation) -> Projection {
        Projection {
            root_type: operation.root_type.to_string(),
            fields: self.fields(Places::ROOT, &operation.selections),
        }
    }

    fn fields(&mut self, place: PlaceId, set: &SelectionSet) -> Vec<ProjectedField> {
        let mut order: Vec<(u32, usize, Inclusion)> = Vec::new();
        for (index, field) in set.fields.iter().enumerate() {
            order.extend(field.places.iter().map(|(at, when)| (*at, index, when.clone())));
        }
        order.sort_by_key(|(at, index, _)| (*at, *index));
        let mut merged: Vec<(usize, Inclusion)> = Vec::new();
        for (_, index, when) in order {
            match merged.last_mut() {
                Some((last, earlier)) if *last == index => *earlier = or(earlier, &when),
                _ => merged.push((index, when)),
            }
        }
        let mut known: IndexMap<usize, Vec<ProjectedField>> = IndexMap::new();
        let mut projected = Vec::new();
        for (index, when) in merged {
            if !known.contains_key(&index) {
                let fields = self.field(place, set, &set.fields[index]);
                known.insert(index, fields);
            }
            let fields = known[&index].iter().cloned();
            projected.extend(fields.map(|field| ProjectedField { when: when.clone(), ..field }));
        }
        projected
    }

    /// One entry, or several where types differ in data key or in what the caller may see.
    fn field(&mut self, place: PlaceId, set: &SelectionSet, field: &Field) -> Vec<ProjectedField> {
        let denied = self.denial.of(&set.type_name, field);
        let mut entries: Vec<(TypeSet, ProjectedValue)> = Vec::new();
        if field.is_typename() {
            let constant =
                set.possible.len() == 1 && self.api_schema.get_object(&set.type_name).is_some();
            let constant = constant.then(|| set.type_name.to_string());
            entries.push((field.types.clone(), ProjectedValue::Typename { constant }));
        } else if field.is_introspection() {
            entries.push((field.types.clone(), ProjectedValue::Introspection));
        } else {
            let mut slots: IndexMap<(String, PlaceId), TypeSet> = IndexMap::new();
            let arguments = argument_text(&field.arguments);
            for id in field.types.difference(&denied).iter() {
                let slot = self.places.slot(place, &field.name, &arguments, id);
                slots.entry(slot).or_default().insert(id);
            }
            for ((key, below), types) in slots {
                let output = self.output(below, &field.ty, field.selections.as_deref());
                entries.push((types, ProjectedValue::Data { key, output }));
            }
        }
        if !denied.is_empty() {
            entries.push((denied, ProjectedValue::Denied { nullable: !field.ty.is_non_null() }));
        }
        entries
            .into_iter()
            .map(|(types, value)| ProjectedField {
                response_key: field.response_key.to_string(),
                coordinate: self.coordinate(set, field, &types),
                types: (types != set.possible).then(|| self.names(&types)),
                when: Inclusion::ALWAYS,
                value,
            })
            .collect()
    }

    fn coordinate(&self, set: &SelectionSet, field: &Field, types: &TypeSet) -> String {
        let declared = self.api_schema.type_field(&set.type_name, &field.name).is_ok();
        let own = types.first().filter(|_| !declared).map(|id| self.graph.type_name(id));
        format!("{}.{}", own.unwrap_or(&set.type_name), field.name)
    }

    fn names(&self, types: &TypeSet) -> Vec<String> {
        types.iter().map(|id| self.graph.type_name(id).to_string()).collect()
    }

    fn output(&mut self, place: PlaceId, ty: &Type, selections: Option<&SelectionSet>) -> Output {
        match ty {
            Type::NonNullNamed(name) => {
                Output::NonNull(Box::new(self.named(place, name, selections)))
            }
            Type::Named(name) => self.named(place, name, selections),
            Type::List(item) => Output::List(Box::new(self.output(place, item, selections))),
            Type::NonNullList(item) => Output::NonNull(Box::new(Output::List(Box::new(
                self.output(place, item, selections),
            )))),
        }
    }

    fn named(&mut self, place: PlaceId, name: &Name, selections: Option<&SelectionSet>) -> Output {
        if let Some(selections) = selections {
            let mut possible = self.names(&selections.possible);
            // A subgraph that has the interface as an object answers with the interface's name.
            if self.graph.type_id(name).is_some_and(|own| !selections.possible.contains(own)) {
                possible.push(name.to_string());
            }
            let fields = self.fields(place, selections);
            return Output::Composite(Composite { type_name: name.to_string(), possible, fields });
        }
        Output::Leaf(match (name.as_str(), self.api_schema.types.get(name)) {
            ("Int", _) => Leaf::Int,
            ("Float", _) => Leaf::Float,
            ("String", _) => Leaf::String,
            ("Boolean", _) => Leaf::Boolean,
            ("ID", _) => Leaf::Id,
            (_, Some(ExtendedType::Enum(definition))) => Leaf::Enum {
                name: name.to_string(),
                values: definition.values.keys().map(ToString::to_string).collect(),
            },
            _ => Leaf::CustomScalar { name: name.to_string() },
        })
    }
}
