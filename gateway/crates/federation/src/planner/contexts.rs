//! Arguments that a subgraph takes from a context: the nearest object above that sets it is found,
//! what is selected there is fetched like anything else, and the entity's request waits for it.
//!
//! The value becomes a variable. Objects that set a context may stand at several places above an
//! entity, by type: the plan names them all, the nearest first.

use std::sync::Arc;

use apollo_compiler::ast::{Argument, Value};
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::PlanError;
use super::build::{Builder, Spot, Suppliers};
use super::needs::{ContextNeed, Needs};
use super::places::PlaceId;
use super::steps::StepContext;
use crate::operation::Operation;
use crate::plan::{ContextSource, ContextVariable, Inclusion, RepresentationField};
use crate::query_graph::{NodeId, TypeId, TypeSet};

/// What a place stands in.
#[derive(Debug)]
pub(super) struct Above {
    pub(super) spot: Spot,
    /// The types through which the way leads on.
    pub(super) types: TypeSet,
}

/// What a field takes from contexts at one place.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    pub(super) variables: Vec<StepContext>,
    pub(super) arguments: Vec<Node<Argument>>,
    pub(super) suppliers: Suppliers,
}

/// Names of variables, and the fields whose contexts are being looked for.
#[derive(Debug, Default)]
pub(super) struct ContextVariables {
    names: IndexMap<(String, Vec<ContextSource>), String>,
    underway: Vec<(PlaceId, Name)>,
}

impl ContextVariables {
    fn name(&mut self, operation: &Operation, ty: &str, sources: &[ContextSource]) -> String {
        let identity = (ty.to_owned(), sources.to_vec());
        if let Some(known) = self.names.get(&identity) {
            return known.clone();
        }
        let mut name = format!("c{}", self.names.len());
        while operation.variables.iter().any(|variable| variable.name == name.as_str()) {
            name.insert(0, '_');
        }
        self.names.insert(identity, name.clone());
        name
    }
}

impl Builder<'_, '_> {
    pub(super) fn contexts(
        &mut self,
        spot: &Spot,
        id: TypeId,
        home: NodeId,
        field: &Name,
        when: &Inclusion,
    ) -> Result<Contexts, PlanError> {
        let mut found = Contexts::default();
        let wanted = self.search.field_sets.contexts(home, field).to_vec();
        if wanted.is_empty() {
            return Ok(found);
        }
        let missing = || PlanError::NoContext {
            coordinate: format!("{}.{field}", self.search.graph.node(home).type_name),
        };
        let missing = missing();
        let identity = (spot.place, field.clone());
        if self.context_variables.underway.contains(&identity) {
            return Err(missing);
        }
        self.context_variables.underway.push(identity);
        for need in wanted {
            let sources = self.sources(spot, id, &need, when, &mut found.suppliers)?;
            if sources.is_empty() {
                return Err(missing);
            }
            let name = self.context_variables.name(self.operation, &need.ty, &sources);
            let value = Value::Variable(Name::new_unchecked(&name));
            let argument = Argument { name: need.argument.clone(), value: Node::new(value) };
            found.arguments.push(Node::new(argument));
            let required = need.ty.ends_with('!');
            let variable =
                StepContext { variable: ContextVariable { name, required, sources }, ty: need.ty };
            if !found.variables.contains(&variable) {
                found.variables.push(variable);
            }
        }
        self.context_variables.underway.pop();
        Ok(found)
    }

    /// The objects that may have the value, the nearest first, up to one that surely has it.
    fn sources(
        &mut self,
        spot: &Spot,
        id: TypeId,
        need: &ContextNeed,
        when: &Inclusion,
        suppliers: &mut Suppliers,
    ) -> Result<Vec<ContextSource>, PlanError> {
        let mut sources = Vec::new();
        let mut above = spot.above.as_ref();
        while let Some(at) = above {
            let Above { spot: place, types } = &**at;
            if let Some(source) = self.source(place, types, need, when, suppliers)? {
                let surely = source.types.is_none();
                sources.push(source);
                if surely {
                    return Ok(sources);
                }
            }
            above = place.above.as_ref();
        }
        // An object may set a context for its own fields if nothing around it does.
        sources.extend(self.source(spot, &TypeSet::one(id), need, when, suppliers)?);
        Ok(sources)
    }

    fn source(
        &mut self,
        spot: &Spot,
        types: &TypeSet,
        need: &ContextNeed,
        when: &Inclusion,
        suppliers: &mut Suppliers,
    ) -> Result<Option<ContextSource>, PlanError> {
        let setters = types.intersection(&need.needs.possible);
        if setters.is_empty() {
            return Ok(None);
        }
        let only_some = setters != *types;
        if only_some {
            for at in &spot.bases {
                self.selections[at.holder.selections].need_typename(&Inclusion::ALWAYS);
            }
        }
        suppliers.extend(self.supply(spot, &need.needs, &setters, when)?);
        suppliers.extend(&spot.waits);
        let fields = self.context_fields(spot.place, &need.needs, &setters);
        let names = || setters.iter().map(|id| self.search.graph.type_name(id).to_string());
        let types = only_some.then(|| names().collect());
        Ok(Some(ContextSource { depth: spot.path.len(), types, fields }))
    }

    /// Where to read the value, on objects of these types.
    fn context_fields(
        &mut self,
        place: PlaceId,
        needs: &Arc<Needs>,
        all: &TypeSet,
    ) -> Vec<RepresentationField> {
        let mut fields = Vec::new();
        for need in needs.fields.iter().filter(|need| !need.is_typename()) {
            let mut by_slot: IndexMap<(String, PlaceId), TypeSet> = IndexMap::new();
            for id in all.iter().filter(|id| self.search.covers(&need.types, *id)) {
                let slot = self.places.slot(place, &need.name, &need.argument_text, id);
                by_slot.entry(slot).or_default().insert(id);
            }
            for ((key, below), types) in by_slot {
                let names = types.iter().map(|id| self.search.graph.type_name(id).to_string());
                let types = (types != *all).then(|| names.collect());
                let children = need.child.as_ref().map_or_else(Vec::new, |child| {
                    self.context_fields(below, child, &child.possible)
                });
                fields.push(RepresentationField {
                    name: need.name.to_string(),
                    key,
                    required: false,
                    types,
                    fields: children,
                });
            }
        }
        fields
    }
}
