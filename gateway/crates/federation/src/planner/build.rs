//! Follows the search's choices and writes down the steps.
//!
//! [`Builder::supply`] makes sure that the needs at a place are selected somewhere, and returns
//! the steps that bring them: whoever builds a representation from them has to wait for those.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::ast::Argument;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::PlanError;
use super::contexts::{Above, ContextVariables, Contexts};
use super::cost::{Choice, Level};
use super::needs::{Need, Needs};
use super::places::{PlaceId, Places};
use super::search::{Base, Search, Way};
use super::steps::{
    SelectedField, SelectionId, Selections, Step, StepContext, StepId, StepKind, Template,
    merge_representations, same_names,
};
use crate::operation::{Operation, and, implies, or};
use crate::plan::{Inclusion, PathStep, RepresentationField};
use crate::query_graph::{NodeId, NodeKind, TypeId, TypeSet};
use crate::supergraph::SubgraphId;

#[derive(Debug)]
pub(super) struct Builder<'s, 'a> {
    pub(super) search: &'s mut Search<'a>,
    pub(super) places: Places<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) selections: Vec<Selections>,
    /// Steps that must have ended before a root step starts: mutations run one after the other.
    pub(super) barrier: BTreeSet<StepId>,
    /// The first step of the mutation fields that run now.
    turn: StepId,
    by_place: IndexMap<(Vec<PathStep>, SubgraphId, Level, StepKind), Vec<StepId>>,
    entered: IndexMap<EntryIdentity, (Holder, Inclusion)>,
    pub(super) operation: &'s Operation,
    /// Arguments from contexts, by where and of which field they are.
    context_arguments: IndexMap<(Holder, Name), Vec<Node<Argument>>>,
    pub(super) context_variables: ContextVariables,
}

/// A place that is being planned, and the selections that reach it.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) place: PlaceId,
    pub(super) path: Vec<PathStep>,
    pub(super) bases: Vec<BaseAt>,
    /// Steps that tell which type stands here, or further up, where the path depends on it.
    pub(super) waits: BTreeSet<StepId>,
    /// Of those, the ones for the path alone.
    path_waits: BTreeSet<StepId>,
    /// What it stands in, if contexts matter.
    pub(super) above: Option<Arc<Above>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BaseAt {
    base: Base,
    pub(super) holder: Holder,
}

/// A selection in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holder {
    step: StepId,
    pub(super) selections: SelectionId,
}

impl Spot {
    pub(super) fn root() -> Self {
        Self {
            place: Places::ROOT,
            path: Vec::new(),
            bases: Vec::new(),
            waits: BTreeSet::new(),
            path_waits: BTreeSet::new(),
            above: None,
        }
    }

    fn search_bases(&self) -> Vec<Base> {
        self.bases.iter().map(|at| at.base).collect()
    }
}

pub(super) type Suppliers = BTreeSet<StepId>;

/// Entering a node for a run-time type at a place.
type EntryIdentity = (Vec<PathStep>, Vec<BaseAt>, TypeId, NodeId);

/// Where a need is selected, with the bases that it gives below.
type Holders = Vec<(Holder, Option<Base>)>;

impl<'s, 'a> Builder<'s, 'a> {
    pub(super) fn new(search: &'s mut Search<'a>, operation: &'s Operation) -> Self {
        let places = Places::new(search.graph);
        Self {
            search,
            places,
            steps: Vec::new(),
            selections: Vec::new(),
            barrier: BTreeSet::new(),
            turn: 0,
            by_place: IndexMap::new(),
            entered: IndexMap::new(),
            operation,
            context_arguments: IndexMap::new(),
            context_variables: ContextVariables::default(),
        }
    }

    /// Before a further mutation field: waits for everything that the earlier ones cause, unless
    /// the subgraph that ran the last one can go on by itself.
    pub(super) fn next_in_turn(
        &mut self,
        root: TypeId,
        needs: &Arc<Needs>,
    ) -> Result<(), PlanError> {
        let selected = self.search.select(root, &[], needs).ok_or_else(|| self.unresolvable())?;
        let graph = self.search.graph;
        let next = selected.choices.first().and_then(|(_, choice)| match choice {
            Choice::Plain(homes) => homes.first().map(|home| graph.node(*home).subgraph),
            Choice::Requires { .. } | Choice::Lookup(_) => None,
        });
        let alone = match &self.steps[self.turn..] {
            [] => true,
            [only] => next == Some(only.subgraph),
            _ => false,
        };
        if !alone {
            self.barrier = (self.turn..self.steps.len()).collect();
            self.search.root_level =
                self.steps.iter().map(|step| step.level + 1).max().unwrap_or(0);
            self.turn = self.steps.len();
        }
        Ok(())
    }

    /// Selects the needs of the given run-time types at a place.
    pub(super) fn supply(
        &mut self,
        spot: &Spot,
        needs: &Arc<Needs>,
        types: &TypeSet,
        when: &Inclusion,
    ) -> Result<Suppliers, PlanError> {
        for at in &spot.bases {
            let abstract_here = matches!(
                self.search.graph.node(at.base.node).kind,
                NodeKind::Interface | NodeKind::Union
            );
            let known = self.selections[at.holder.selections].typename.is_some();
            if (abstract_here || needs.is_abstract) && !known {
                self.selections[at.holder.selections].need_typename(&Inclusion::ALWAYS);
            }
        }
        let bases = spot.search_bases();
        let mut suppliers = Suppliers::new();
        let mut groups: IndexMap<(usize, Holders), TypeSet> = IndexMap::new();
        let mut lookups: IndexMap<NodeId, TypeSet> = IndexMap::new();
        for id in types.iter() {
            let selected =
                self.search.select(id, &bases, needs).ok_or_else(|| self.unresolvable())?;
            for (index, choice) in &selected.choices {
                if let Choice::Lookup(home) = choice {
                    lookups.entry(*home).or_default().insert(id);
                    continue;
                }
                let need = &needs.fields[*index];
                let Some(when) = and(&need.when, when) else { continue };
                let holders = self.holders(spot, id, choice, need, &when)?;
                groups.entry((*index, holders)).or_default().insert(id);
            }
        }
        for ((index, holders), group) in groups {
            suppliers.extend(self.select_group(
                spot,
                types,
                &needs.fields[index],
                holders,
                &group,
                when,
            )?);
        }
        for (home, interfaces) in lookups {
            for id in interfaces.iter() {
                suppliers.extend(self.look_up(spot, needs, id, home, when)?);
            }
        }
        Ok(suppliers)
    }

    fn unresolvable(&self) -> PlanError {
        super::unresolvable(self.search)
    }

    /// Where a need of a run-time type is selected, with the base that it gives below.
    fn holders(
        &mut self,
        spot: &Spot,
        id: TypeId,
        choice: &Choice,
        need: &Need,
        when: &Inclusion,
    ) -> Result<Holders, PlanError> {
        let mut holders = Vec::new();
        match choice {
            Choice::Plain(homes) => {
                let entries = self.search.entries(id, &spot.search_bases());
                for home in homes {
                    let holder = self.enter(spot, id, *home, when)?;
                    let provides =
                        entries.get(home).map(|entry| entry.provides).unwrap_or_default();
                    let edge = &self.search.graph.node(*home).fields[&need.name];
                    let level = self.steps[holder.step].level;
                    let below = match &need.child {
                        None => None,
                        Some(_) => self.search.base_below(*home, edge, provides, id, level),
                    };
                    holders.push((holder, below));
                }
            }
            Choice::Requires { home, key } => {
                let holder = self.enter_with_requirement(spot, id, (*home, *key), need, when)?;
                let edge = &self.search.graph.node(*home).fields[&need.name];
                let level = self.steps[holder.step].level;
                let none = super::search::ProvidesId::default();
                let below = match &need.child {
                    None => None,
                    Some(_) => self.search.base_below(*home, edge, none, id, level),
                };
                holders.push((holder, below));
            }
            // Not a way to select a field: the caller plans the real types.
            Choice::Lookup(_) => {}
        }
        Ok(holders)
    }

    /// Adds one need to its selections, for run-time types that are treated alike.
    fn select_group(
        &mut self,
        spot: &Spot,
        all: &TypeSet,
        need: &Need,
        holders: Holders,
        group: &TypeSet,
        when: &Inclusion,
    ) -> Result<Suppliers, PlanError> {
        let mut suppliers: Suppliers = holders.iter().map(|(holder, _)| holder.step).collect();
        let Some(when) = and(&need.when, when) else { return Ok(suppliers) };
        let mut by_slot: IndexMap<(String, PlaceId), TypeSet> = IndexMap::new();
        for id in group.iter() {
            let slot = self.places.slot(spot.place, &need.name, &need.argument_text, id);
            by_slot.entry(slot).or_default().insert(id);
        }
        for ((key, place), types) in by_slot {
            let field = SelectedField {
                key: key.clone(),
                name: need.name.clone(),
                arguments: need.arguments.clone(),
                types: types.clone(),
                when: when.clone(),
                child: None,
            };
            let Some(child) = &need.child else {
                for (holder, _) in &holders {
                    let field = self.with_context_arguments(*holder, field.clone());
                    self.selections[holder.selections].add_leaf(field);
                }
                continue;
            };
            let mut bases = Vec::new();
            for (holder, below) in &holders {
                let Some(base) = below else { continue };
                let field = self.with_context_arguments(*holder, field.clone());
                let selections = self.composite(*holder, &field, base.node);
                bases
                    .push(BaseAt { base: *base, holder: Holder { step: holder.step, selections } });
            }
            let depth = self.list_depth(&holders, need, &types);
            let (path, guarded) = self.path_below(spot, all, &types, &key, depth);
            let waits = if guarded { &spot.waits } else { &spot.path_waits }.clone();
            let above = self
                .search
                .field_sets
                .has_contexts()
                .then(|| Arc::new(Above { spot: spot.clone(), types: types.clone() }));
            let below = Spot { place, path, bases, path_waits: waits.clone(), waits, above };
            let child_types = self.search.types(&below.search_bases());
            suppliers.extend(self.supply(&below, child, &child_types, &Inclusion::ALWAYS)?);
        }
        Ok(suppliers)
    }

    fn with_context_arguments(&self, holder: Holder, mut field: SelectedField) -> SelectedField {
        let more = self.context_arguments.get(&(holder, field.name.clone()));
        field.arguments.extend(more.into_iter().flatten().cloned());
        field
    }

    fn composite(&mut self, holder: Holder, field: &SelectedField, node: NodeId) -> SelectionId {
        let known = self.selections[holder.selections].find_composite(
            &field.key,
            &field.types,
            &field.when,
        );
        if let Some(known) = known.filter(|known| self.selections[*known].node == node) {
            return known;
        }
        let child = self.selections.len();
        self.selections.push(Selections::new(node));
        self.selections[holder.selections]
            .add_composite(SelectedField { child: Some(child), ..field.clone() });
        child
    }

    fn list_depth(
        &self,
        holders: &[(Holder, Option<Base>)],
        need: &Need,
        types: &TypeSet,
    ) -> usize {
        let nodes = holders.iter().map(|(holder, _)| self.selections[holder.selections].node);
        let graph = self.search.graph;
        let homes = types.iter().flat_map(|id| graph.homes(id)).copied();
        let edge = nodes.chain(homes).find_map(|node| graph.node(node).fields.get(&need.name));
        let mut depth = 0;
        let mut ty = edge.map(|edge| &edge.ty);
        while let Some(outer) = ty.filter(|ty| ty.is_list()) {
            depth += 1;
            ty = Some(outer.item_type());
        }
        depth
    }

    /// The path to what is below a field, and whether it depends on the type that stands here.
    fn path_below(
        &self,
        spot: &Spot,
        all: &TypeSet,
        types: &TypeSet,
        key: &str,
        list_depth: usize,
    ) -> (Vec<PathStep>, bool) {
        let mut path = spot.path.clone();
        let everyone = all.is_subset(types) && self.real_types(spot).is_subset(types);
        let guarded = !everyone && !types.iter().any(|id| self.search.is_interface(id));
        if guarded {
            let names = types.iter().map(|id| self.search.graph.type_name(id).to_string());
            path.push(PathStep::Types(names.collect()));
        }
        path.push(PathStep::Key(key.to_owned()));
        path.extend((0..list_depth).map(|_| PathStep::List));
        (path, guarded)
    }

    /// What may stand at a place; without interfaces where real types are known.
    fn real_types(&self, spot: &Spot) -> TypeSet {
        let types = self.search.types(&spot.search_bases());
        let real: TypeSet = types.iter().filter(|id| !self.search.is_interface(*id)).collect();
        if real.is_empty() { types } else { real }
    }

    /// Plans the real types behind an interface that a subgraph has as an object.
    fn look_up(
        &mut self,
        spot: &Spot,
        needs: &Arc<Needs>,
        id: TypeId,
        home: NodeId,
        when: &Inclusion,
    ) -> Result<Suppliers, PlanError> {
        let holder = self.enter(spot, id, home, when)?;
        let level = self.steps[holder.step].level;
        let bases = Search::bases_after_lookup(&spot.search_bases(), home, level);
        let Some(base) = bases.last() else { return Ok(Suppliers::new()) };
        let mut known = spot.clone();
        known.bases.push(BaseAt { base: *base, holder });
        known.waits.insert(holder.step);
        let wanted =
            needs.fields.iter().map(|need| need.when.clone()).reduce(|all, one| or(&all, &one));
        let wanted = wanted.and_then(|wanted| and(&wanted, when)).unwrap_or_default();
        self.selections[holder.selections].need_typename(&wanted);
        let real: TypeSet = self.search.types(&bases).iter().filter(|other| *other != id).collect();
        let mut suppliers = self.supply(&known, needs, &real, when)?;
        suppliers.insert(holder.step);
        Ok(suppliers)
    }

    fn enter(
        &mut self,
        spot: &Spot,
        id: TypeId,
        home: NodeId,
        when: &Inclusion,
    ) -> Result<Holder, PlanError> {
        let entries = self.search.entries(id, &spot.search_bases());
        let entry = entries.get(&home).ok_or_else(|| self.unresolvable())?.clone();
        match entry.way {
            Way::Base(index) => Ok(spot.bases[index].holder),
            Way::Root => Ok(self.root(spot, home, entry.level)),
            Way::Key(key) => {
                let identity = (spot.path.clone(), spot.bases.clone(), id, home);
                let known = self.entered.get(&identity).cloned();
                if let Some((holder, covered)) = &known
                    && implies(when, covered)
                {
                    return Ok(*holder);
                }
                let needs = self.search.field_sets.keys(home)[key].clone();
                let suppliers = self.supply(spot, &needs, &TypeSet::one(id), when)?;
                let mut templates = IndexMap::new();
                for (other, slots) in self.in_place_of(spot, id, &needs)? {
                    let fields = self.representation(spot.place, slots, &needs, true);
                    templates.insert(other, fields);
                }
                let holder = self.entities(spot, home, templates, suppliers, Vec::new());
                let covered = known.map_or(when.clone(), |(_, covered)| or(&covered, when));
                self.entered.insert(identity, (holder, covered));
                Ok(holder)
            }
        }
    }

    fn enter_with_requirement(
        &mut self,
        spot: &Spot,
        id: TypeId,
        (home, key): (NodeId, usize),
        need: &Need,
        when: &Inclusion,
    ) -> Result<Holder, PlanError> {
        let key = self.search.field_sets.keys(home)[key].clone();
        let requires = self.search.field_sets.requires(home, &need.name).cloned();
        let mut suppliers = self.supply(spot, &key, &TypeSet::one(id), when)?;
        let key_slots = self.in_place_of(spot, id, &key)?;
        let mut required_slots = IndexMap::new();
        if let Some(requires) = &requires {
            suppliers.extend(self.supply(spot, requires, &TypeSet::one(id), when)?);
            required_slots = self.in_place_of(spot, id, requires)?;
        }
        let Contexts { variables, arguments, suppliers: more } =
            self.contexts(spot, id, home, &need.name, when)?;
        suppliers.extend(more);
        let mut templates = IndexMap::new();
        for (other, slots) in key_slots {
            let key_fields = self.representation(spot.place, slots, &key, true);
            let slots = required_slots.get(&other).copied().unwrap_or(slots);
            let required = requires.as_ref().map_or_else(Vec::new, |requires| {
                self.representation(spot.place, slots, requires, false)
            });
            let fields = merge_representations(&key_fields, &required).ok_or_else(|| {
                PlanError::ConflictingRequirement {
                    coordinate: format!("{}.{}", self.search.graph.node(home).type_name, need.name),
                }
            })?;
            templates.insert(other, fields);
        }
        let holder = self.entities(spot, home, templates, suppliers, variables);
        if !arguments.is_empty() {
            self.context_arguments.insert((holder, need.name.clone()), arguments);
        }
        Ok(holder)
    }

    /// The types that may stand where a run-time type was when it was planned, each with the type
    /// under whose data keys the needs were fetched: an interface may have been looked up
    /// meanwhile, be it for these needs or for others.
    fn in_place_of(
        &mut self,
        spot: &Spot,
        id: TypeId,
        needs: &Arc<Needs>,
    ) -> Result<IndexMap<TypeId, TypeId>, PlanError> {
        let mut types = IndexMap::from([(id, id)]);
        if self.search.is_interface(id) {
            let selected = self.search.select(id, &spot.search_bases(), needs);
            let selected = selected.ok_or_else(|| self.unresolvable())?;
            let looked_up =
                selected.choices.iter().any(|(_, choice)| matches!(choice, Choice::Lookup(_)));
            for real in self.search.graph.expand(id).iter() {
                types.insert(real, if looked_up { real } else { id });
            }
        }
        Ok(types)
    }

    fn root(&mut self, spot: &Spot, home: NodeId, level: Level) -> Holder {
        let subgraph = self.search.graph.node(home).subgraph;
        let identity = (spot.path.clone(), subgraph, level, StepKind::Root);
        let known = self.by_place.get(&identity).and_then(|steps| steps.first()).copied();
        let step = known.unwrap_or_else(|| self.add_step(identity));
        if spot.bases.is_empty() {
            self.steps[step]
                .after
                .extend(self.barrier.iter().copied().filter(|other| *other != step));
        }
        self.steps[step]
            .after
            .extend(spot.bases.iter().map(|at| at.holder.step).chain(spot.waits.iter().copied()));
        Holder { step, selections: self.step_root(step, home) }
    }

    /// The step that asks a subgraph for entities at a place, with room for these representations.
    fn entities(
        &mut self,
        spot: &Spot,
        home: NodeId,
        fields: IndexMap<TypeId, Vec<RepresentationField>>,
        suppliers: Suppliers,
        contexts: Vec<StepContext>,
    ) -> Holder {
        for at in &spot.bases {
            self.selections[at.holder.selections].need_typename(&Inclusion::ALWAYS);
        }
        let node = self.search.graph.node(home);
        let suppliers: Suppliers = suppliers.union(&spot.waits).copied().collect();
        let level = suppliers.iter().map(|step| self.steps[*step].level + 1).max().unwrap_or(1);
        let identity = (spot.path.clone(), node.subgraph, level, StepKind::Entities);
        let typename = &node.type_name;
        let templates = fields
            .into_iter()
            .map(|(id, fields)| (id, Template { typename: typename.clone(), fields }));
        let templates: IndexMap<TypeId, Template> = templates.collect();
        let known = self.by_place.get(&identity).cloned().unwrap_or_default();
        // Representations that differ stay apart: an entity that cannot be represented in one way,
        // because something required is missing, can still be asked for what needs less.
        // Types that are one type in the subgraph share what is selected: all must say the same.
        let says_as_much = |other: &Template, own: &Template| {
            other.typename != own.typename || same_names(&other.fields, &own.fields)
        };
        let fits = |step: &StepId| {
            let known = &self.steps[*step].templates;
            self.steps[*step].contexts == contexts
                && templates.iter().all(|(id, own)| {
                    known.get(id).is_none_or(|other| other == own)
                        && known.values().all(|other| says_as_much(other, own))
                })
        };
        let fitting = known.into_iter().find(fits);
        let step = fitting.unwrap_or_else(|| self.add_step(identity));
        self.steps[step].contexts = contexts;
        self.steps[step].templates.extend(templates);
        self.steps[step].after.extend(suppliers);
        Holder { step, selections: self.step_root(step, home) }
    }

    fn add_step(&mut self, identity: (Vec<PathStep>, SubgraphId, Level, StepKind)) -> StepId {
        let (path, subgraph, level, kind) = identity.clone();
        let id = self.steps.len();
        self.steps.push(Step {
            subgraph,
            kind,
            path,
            level,
            after: BTreeSet::new(),
            roots: IndexMap::new(),
            templates: IndexMap::new(),
            contexts: Vec::new(),
        });
        self.by_place.entry(identity).or_default().push(id);
        id
    }

    fn step_root(&mut self, step: StepId, home: NodeId) -> SelectionId {
        if let Some(known) = self.steps[step].roots.get(&home) {
            return *known;
        }
        let id = self.selections.len();
        self.selections.push(Selections::new(home));
        self.steps[step].roots.insert(home, id);
        id
    }

    fn representation(
        &mut self,
        place: PlaceId,
        id: TypeId,
        needs: &Arc<Needs>,
        required: bool,
    ) -> Vec<RepresentationField> {
        let mut fields = Vec::new();
        for need in &needs.fields {
            if need.is_typename() || !self.search.covers(&need.types, id) {
                continue;
            }
            let (key, below) = self.places.slot(place, &need.name, &need.argument_text, id);
            let children = need
                .child
                .as_ref()
                .map_or_else(Vec::new, |child| self.nested_representation(below, child, required));
            fields.push(RepresentationField {
                name: need.name.to_string(),
                key,
                required,
                types: None,
                fields: children,
            });
        }
        fields
    }

    fn nested_representation(
        &mut self,
        place: PlaceId,
        needs: &Arc<Needs>,
        required: bool,
    ) -> Vec<RepresentationField> {
        let mut fields = Vec::new();
        if needs.is_abstract {
            fields.push(RepresentationField {
                name: "__typename".to_owned(),
                key: "__typename".to_owned(),
                required,
                types: None,
                fields: Vec::new(),
            });
        }
        for need in needs.fields.iter().filter(|need| !need.is_typename()) {
            let mut by_slot: IndexMap<(String, PlaceId), TypeSet> = IndexMap::new();
            for id in need.types.iter() {
                let slot = self.places.slot(place, &need.name, &need.argument_text, id);
                by_slot.entry(slot).or_default().insert(id);
            }
            for ((key, below), types) in by_slot {
                let names =
                    || types.iter().map(|id| self.search.graph.type_name(id).to_string()).collect();
                let types = if types == needs.possible { None } else { Some(names()) };
                let children = need.child.as_ref().map_or_else(Vec::new, |child| {
                    self.nested_representation(below, child, required)
                });
                fields.push(RepresentationField {
                    name: need.name.to_string(),
                    key,
                    required,
                    types,
                    fields: children,
                });
            }
        }
        fields
    }
}
