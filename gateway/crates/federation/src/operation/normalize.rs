//! `CollectFields` for all run-time types at once (spec section 6.3.2).
//!
//! Selection sets that consist of the same parts under the same conditions are made once. The
//! number of fields is bounded, so that a document whose fragments multiply gives an error and
//! not a long wait.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::ast::{OperationType, Type, Value};
use apollo_compiler::executable::{self, DirectiveList, ExecutableDocument, Selection};
use apollo_compiler::{Name, Schema};
use indexmap::IndexMap;

use super::document::OperationError;
use super::inclusion::{Conjunction, conjoin, disjoin, except};
use super::selection::{Field, Operation, SelectionSet, VariableDefinition};
use crate::plan::{Condition, Inclusion, OperationKind};
use crate::query_graph::{QueryGraph, TypeSet};

/// Fields in normal form that one operation may have.
pub(super) const FIELD_LIMIT: usize = 100_000;

pub(super) fn normalize(
    document: &ExecutableDocument,
    operation: &executable::Operation,
    graph: &QueryGraph,
    api_schema: &Schema,
) -> Result<Operation, OperationError> {
    let mut normalizer =
        Normalizer { document, graph, api_schema, known: IndexMap::new(), next_id: 0, fields: 0 };
    let root_type = operation.object_type().clone();
    let selections =
        normalizer.selection_set(&root_type, vec![(&operation.selection_set, Vec::new())])?;
    Ok(Operation {
        name: operation.name.as_ref().map(ToString::to_string),
        kind: match operation.operation_type {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        },
        root_type,
        variables: operation
            .variables
            .iter()
            .map(|variable| VariableDefinition {
                name: variable.name.clone(),
                ty: Type::clone(&variable.ty),
                default: variable.default_value.clone(),
            })
            .collect(),
        selections,
    })
}

/// Parts by address.
type PartsIdentity = Vec<(usize, Conjunction)>;

/// Selection sets that are merged into one, each with its own condition.
type Parts<'a> = Vec<(&'a executable::SelectionSet, Conjunction)>;

struct Normalizer<'a> {
    document: &'a ExecutableDocument,
    graph: &'a QueryGraph,
    api_schema: &'a Schema,
    known: IndexMap<(Name, PartsIdentity), Arc<SelectionSet>>,
    next_id: u32,
    fields: usize,
}

/// A field as it stands in the document.
#[derive(Clone)]
struct Occurrence<'a> {
    field: &'a executable::Field,
    types: TypeSet,
    when: Conjunction,
    place: u32,
}

impl<'a> Normalizer<'a> {
    fn selection_set(
        &mut self,
        type_name: &Name,
        parts: Parts<'a>,
    ) -> Result<Arc<SelectionSet>, OperationError> {
        let identity = parts
            .iter()
            .map(|(part, when)| (std::ptr::from_ref(*part) as usize, when.clone()))
            .collect();
        let identity = (type_name.clone(), identity);
        if let Some(known) = self.known.get(&identity) {
            return Ok(known.clone());
        }
        let possible = self.graph.visible(type_name);
        let mut collected = Collected::default();
        for (part, when) in &parts {
            self.collect(part, &possible, when, &mut collected)?;
        }
        let mut fields = Vec::new();
        for (response_key, occurrences) in collected.by_key {
            for (types, ty, members) in self.split(occurrences) {
                fields.push(self.field(&response_key, types, ty, members)?);
            }
        }
        fields.sort_by_key(|field| field.places.first().map_or(0, |(place, _)| *place));
        let below = |field: &Field| field.selections.as_ref().map_or(0, |child| child.size);
        let size = fields
            .iter()
            .fold(0_usize, |size, field| size.saturating_add(1).saturating_add(below(field)));
        if size > FIELD_LIMIT {
            return Err(OperationError::TooManyFields { limit: FIELD_LIMIT });
        }
        let id = self.next_id;
        self.next_id += 1;
        let set =
            Arc::new(SelectionSet { id, type_name: type_name.clone(), possible, fields, size });
        self.known.insert(identity, set.clone());
        Ok(set)
    }

    fn collect(
        &mut self,
        selections: &'a executable::SelectionSet,
        types: &TypeSet,
        when: &Conjunction,
        collected: &mut Collected<'a>,
    ) -> Result<(), OperationError> {
        for selection in &selections.selections {
            let Some(own) = condition(selection.directives()) else { continue };
            let Some(when) = conjoin(when, &own) else { continue };
            match selection {
                Selection::Field(field) => {
                    self.fields += 1;
                    if self.fields > FIELD_LIMIT {
                        return Err(OperationError::TooManyFields { limit: FIELD_LIMIT });
                    }
                    let place = collected.next_place;
                    collected.next_place += 1;
                    let occurrence = Occurrence { field, types: types.clone(), when, place };
                    collected
                        .by_key
                        .entry(field.response_key().clone())
                        .or_default()
                        .push(occurrence);
                }
                Selection::InlineFragment(fragment) => {
                    let types = self.narrow(types, fragment.type_condition.as_ref());
                    if !types.is_empty() {
                        self.collect(&fragment.selection_set, &types, &when, collected)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = spread.fragment_def(self.document) else { continue };
                    let types = self.narrow(types, Some(fragment.type_condition()));
                    let visit = (spread.fragment_name.clone(), types.clone(), when.clone());
                    if !types.is_empty() && collected.visited.insert(visit) {
                        self.collect(&fragment.selection_set, &types, &when, collected)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn narrow(&self, types: &TypeSet, condition: Option<&Name>) -> TypeSet {
        match condition {
            None => types.clone(),
            Some(condition) => types.intersection(&self.graph.visible(condition)),
        }
    }

    /// Run-time types for which the same occurrences apply, and the field has the same type, stay
    /// together.
    fn split(&self, occurrences: Vec<Occurrence<'a>>) -> Vec<(TypeSet, Type, Vec<Occurrence<'a>>)> {
        let mut classes: IndexMap<(Vec<usize>, &Type), TypeSet> = IndexMap::new();
        let all = occurrences
            .iter()
            .fold(TypeSet::default(), |all, occurrence| all.union(&occurrence.types));
        for id in all.iter() {
            let applying: Vec<usize> = (0..occurrences.len())
                .filter(|index| occurrences[*index].types.contains(id))
                .collect();
            let Some(first) = applying.first() else { continue };
            let field = occurrences[*first].field;
            let own = self.api_schema.type_field(self.graph.type_name(id), &field.name);
            let ty = own.map_or(&field.definition.ty, |definition| &definition.ty);
            classes.entry((applying, ty)).or_default().insert(id);
        }
        let members =
            |indexes: &[usize]| indexes.iter().map(|index| occurrences[*index].clone()).collect();
        classes
            .iter()
            .map(|((indexes, ty), types)| (types.clone(), (*ty).clone(), members(indexes)))
            .collect()
    }

    fn field(
        &mut self,
        response_key: &Name,
        types: TypeSet,
        ty: Type,
        occurrences: Vec<Occurrence<'a>>,
    ) -> Result<Field, OperationError> {
        let first = occurrences[0].field;
        let same = occurrences.iter().all(|occurrence| occurrence.when == occurrences[0].when);
        let selections = if first.selection_set.selections.is_empty() {
            None
        } else {
            // Below a field that is included or not as a whole, its condition says nothing.
            let when = |occurrence: &Occurrence<'a>| {
                if same { Vec::new() } else { occurrence.when.clone() }
            };
            let parts = occurrences
                .iter()
                .map(|occurrence| (&occurrence.field.selection_set, when(occurrence)));
            Some(self.selection_set(ty.inner_named_type(), parts.collect())?)
        };
        let mut arguments = first.arguments.clone();
        arguments.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Field {
            response_key: response_key.clone(),
            name: first.name.clone(),
            arguments,
            types,
            when: disjoin(occurrences.iter().map(|occurrence| occurrence.when.clone())),
            places: places(&occurrences),
            ty,
            selections,
        })
    }
}

#[derive(Default)]
struct Collected<'a> {
    by_key: IndexMap<Name, Vec<Occurrence<'a>>>,
    /// Spreading a fragment again under the same conditions adds nothing.
    visited: BTreeSet<(Name, TypeSet, Conjunction)>,
    next_place: u32,
}

/// The conditions of `@skip` and `@include`; `None` if they can never hold.
fn condition(directives: &DirectiveList) -> Option<Conjunction> {
    let mut all = Vec::new();
    for directive in &directives.0 {
        let wanted = match directive.name.as_str() {
            "include" => true,
            "skip" => false,
            _ => continue,
        };
        match directive.specified_argument_by_name("if").map(|value| &**value) {
            Some(Value::Boolean(value)) if *value == wanted => {}
            Some(Value::Boolean(_)) => return None,
            Some(Value::Variable(variable)) => {
                all =
                    conjoin(&all, &[Condition { variable: variable.to_string(), value: wanted }])?;
            }
            _ => {}
        }
    }
    Some(all)
}

/// At which places the field may come first, and when.
fn places(occurrences: &[Occurrence<'_>]) -> Vec<(u32, Inclusion)> {
    let mut places = Vec::new();
    let mut earlier: Vec<Conjunction> = Vec::new();
    for occurrence in occurrences {
        match except(&occurrence.when, &earlier) {
            Some(alternatives) if alternatives.is_empty() => {}
            Some(alternatives) => places.push((occurrence.place, disjoin(alternatives))),
            None => {
                // Too intricate: keep the first place for every case.
                let all = disjoin(occurrences.iter().map(|occurrence| occurrence.when.clone()));
                return vec![(occurrences[0].place, all)];
            }
        }
        earlier.push(occurrence.when.clone());
        if occurrence.when.is_empty() {
            break;
        }
    }
    places
}
