//! Finds the cheapest way to every field.
//!
//! Data stands at *places*; a place is reached by one or more [`Base`]s (a selection inside a
//! request). For one run-time type at a place:
//!
//! 1. `entries` finds which nodes can be entered by key, and in which wave: a fixpoint,
//!    since keys may have to be collected from nodes that must be entered first.
//! 2. [`Search::select`] lists for every need the nodes that resolve it, with what they cost,
//!    including everything below, and chooses so that depth, then the united requests, are least.
//! 3. [`Search::evaluate`] does that for all run-time types of a place.
//!
//! Costs depend only on the needs and the bases, so they are remembered: work grows with the
//! number of selections times subgraphs, not with the number of ways through them.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use apollo_compiler::{Name, name};

use super::cost::{Choice, Cost, Level};
use super::hash::FastMap;
use super::needs::{FieldSets, Needs};
use crate::query_graph::{NodeId, NodeKind, QueryGraph, TypeId, TypeSet};
use crate::supergraph::{SubgraphId, Supergraph};

/// How many selections may be looked at inside each other.
const DEPTH_LIMIT: usize = 400;

/// A selection that reaches a place: in which node, from which wave on, and what is provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Base {
    pub(super) node: NodeId,
    pub(super) level: Level,
    pub(super) provides: ProvidesId,
}

/// Number of a list of field sets that are provided here; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ProvidesId(pub(super) u32);

/// How a node is entered at a place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) way: Way,
    pub(super) level: Level,
    pub(super) cost: Cost,
    pub(super) provides: ProvidesId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is there already; index into the bases.
    Base(usize),
    /// By the key with this index.
    Key(usize),
    /// Root types need no key.
    Root,
}

/// A run-time type, its bases, the wave of root fields, and the needs' id.
type SelectionIdentity = (TypeId, Vec<Base>, Level, u32);

pub(super) type Entries = FastMap<NodeId, Entry>;

/// The choices for one run-time type, one for each applying need (index into the needs' fields).
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) choices: Vec<(usize, Choice)>,
    pub(super) cost: Cost,
}

/// A field that nobody can resolve from where we are.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) type_name: Name,
    pub(super) field: Name,
    pub(super) from: Vec<SubgraphId>,
    depth: usize,
}

#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) graph: &'a QueryGraph,
    pub(super) field_sets: &'a FieldSets,
    pub(super) labels: &'a BTreeSet<String>,
    pub(super) query_type: Option<TypeId>,
    /// The wave in which root fields are fetched.
    pub(super) root_level: Level,
    /// Requests that other parts of the operation make anyway.
    pub(super) paid: BTreeSet<(Level, SubgraphId)>,
    pub(super) failure: Option<Failure>,
    /// Steps of the search that may still be made, and that may be made in all.
    pub(super) fuel: u64,
    pub(super) limit: u64,
    pub(super) supergraph: &'a Supergraph,
    pub(super) provided: Vec<Vec<Arc<Needs>>>,
    evaluated: FastMap<(Vec<Base>, u32), Option<Rc<Cost>>>,
    selected: FastMap<SelectionIdentity, Option<Rc<Selected>>>,
    pub(super) entered: FastMap<(TypeId, Vec<Base>, Level), Rc<Entries>>,
    /// Requirements that are being looked for, innermost last.
    pub(super) underway: Vec<(TypeId, Vec<Base>, u32)>,
    /// A circle was cut while computing: a failure may be due to that.
    pub(super) cut: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        supergraph: &'a Supergraph,
        graph: &'a QueryGraph,
        field_sets: &'a FieldSets,
        labels: &'a BTreeSet<String>,
        fuel: u64,
    ) -> Self {
        let query_type = supergraph.schema().schema_definition.query.as_ref();
        Self {
            supergraph,
            graph,
            field_sets,
            labels,
            query_type: query_type.and_then(|name| graph.type_id(&name.name)),
            limit: fuel,
            root_level: 0,
            paid: BTreeSet::new(),
            failure: None,
            fuel,
            provided: vec![Vec::new()],
            evaluated: FastMap::default(),
            selected: FastMap::default(),
            entered: FastMap::default(),
            underway: Vec::new(),
            cut: false,
        }
    }

    /// Starts over with what is known about requests that are made anyway.
    pub(super) fn restart(&mut self, paid: BTreeSet<(Level, SubgraphId)>) {
        self.paid = paid;
        self.root_level = 0;
        self.evaluated.clear();
        self.selected.clear();
        self.entered.clear();
    }

    /// The run-time types that may stand where these bases meet.
    pub(super) fn types(&self, bases: &[Base]) -> TypeSet {
        bases.iter().fold(TypeSet::default(), |types, base| {
            types.union(&self.graph.node(base.node).possible)
        })
    }

    /// The needs that apply to a run-time type, by index. An interface as run-time type has those
    /// that every implementation has; `false` says that others remain.
    pub(super) fn applying(&self, id: TypeId, needs: &Needs) -> (Vec<usize>, bool) {
        if !self.is_interface(id) {
            let applies = |index: &usize| {
                needs.fields[*index].types.contains(id) && !needs.fields[*index].is_typename()
            };
            return ((0..needs.fields.len()).filter(applies).collect(), true);
        }
        let all = self.graph.visible(self.graph.type_name(id));
        let mut common = Vec::new();
        let mut complete = true;
        for (index, need) in needs.fields.iter().enumerate() {
            if all.is_subset(&need.types) && !need.is_typename() {
                common.push(index);
            } else if need.types.intersects(&all) {
                complete = false;
            }
        }
        (common, complete)
    }

    /// Whether the run-time type is an interface that a subgraph answers with its own name.
    pub(super) fn is_interface(&self, id: TypeId) -> bool {
        !self.graph.expand(id).contains(id)
    }

    /// The node that holds a run-time type in a base's subgraph.
    pub(super) fn home(&self, base: &Base, id: TypeId) -> Option<NodeId> {
        let node = self.graph.node(base.node);
        let behind = self.graph.possible(&node.type_name);
        if node.kind == NodeKind::InterfaceObject && behind.is_some_and(|types| types.contains(id))
        {
            return Some(base.node);
        }
        if !node.possible.contains(id) {
            return None;
        }
        self.graph.find(node.subgraph, self.graph.type_name(id))
    }

    /// The cheapest way to all needs at a place; `None` if there is none.
    pub(super) fn evaluate(&mut self, bases: &[Base], needs: &Arc<Needs>) -> Option<Rc<Cost>> {
        let identity = (bases.to_vec(), needs.id);
        if let Some(known) = self.evaluated.get(&identity) {
            return known.clone();
        }
        let cut_before = std::mem::replace(&mut self.cut, false);
        let level = bases.iter().map(|base| base.level).min().unwrap_or(self.root_level);
        let mut total = Some(Cost::ready_at(level));
        for id in self.types(bases).iter() {
            let Some(selected) = self.select(id, bases, needs) else {
                total = None;
                break;
            };
            if let Some(total) = &mut total {
                total.add(&selected.cost);
            }
        }
        let total = total.map(Rc::new);
        if total.is_some() || !self.cut {
            self.evaluated.insert(identity, total.clone());
        }
        self.cut |= cut_before;
        total
    }

    /// How each need that applies to the run-time type is met.
    pub(super) fn select(
        &mut self,
        id: TypeId,
        bases: &[Base],
        needs: &Arc<Needs>,
    ) -> Option<Rc<Selected>> {
        let identity = (id, bases.to_vec(), self.root_level, needs.id);
        if let Some(known) = self.selected.get(&identity) {
            return known.clone();
        }
        let place = (id, bases.to_vec(), needs.id);
        if self.underway.contains(&place) || self.fuel == 0 || self.underway.len() > DEPTH_LIMIT {
            self.cut = true;
            return None;
        }
        self.underway.push(place);
        let cut_before = std::mem::replace(&mut self.cut, false);
        let mut selected = self.at_hand(id, bases, needs);
        if selected.is_none() {
            let entries = self.entries(id, bases);
            selected = self.choose(id, bases, &entries, needs);
        }
        let selected = selected.map(Rc::new);
        self.underway.pop();
        if selected.is_some() || !self.cut {
            self.selected.insert(identity, selected.clone());
        }
        self.cut |= cut_before;
        selected
    }

    /// Everything without any further request: the most frequent case, and the cheapest to find.
    fn at_hand(&mut self, id: TypeId, bases: &[Base], needs: &Arc<Needs>) -> Option<Selected> {
        let (applying, complete) = self.applying(id, needs);
        let [base] = bases else { return None };
        if !complete {
            return None;
        }
        let home = self.home(base, id)?;
        let mut choices = Vec::with_capacity(applying.len());
        for index in applying {
            let need = &needs.fields[index];
            let edge = self.graph.node(home).fields.get(&need.name)?;
            if !self.resolves_plainly(home, edge, base.provides, id, need) {
                return None;
            }
            if let Some(child) = &need.child {
                let below = self.base_below(home, edge, base.provides, id, base.level)?;
                if !self.evaluate(&[below], child)?.requests.is_empty() {
                    return None;
                }
            }
            choices.push((index, Choice::Plain(vec![home])));
        }
        Some(Selected { choices, cost: Cost::ready_at(base.level) })
    }

    pub(super) fn choose(
        &mut self,
        id: TypeId,
        bases: &[Base],
        entries: &Entries,
        needs: &Arc<Needs>,
    ) -> Option<Selected> {
        self.fuel = self.fuel.saturating_sub(1);
        let (applying, mut complete) = self.applying(id, needs);
        let mut options: Vec<(usize, Vec<(Choice, Cost)>)> = Vec::new();
        for index in applying {
            let candidates = self.candidates(id, bases, entries, &needs.fields[index]);
            if candidates.is_empty() {
                if self.is_interface(id) {
                    complete = false;
                    continue;
                }
                self.fail(id, bases, &needs.fields[index].name);
                return None;
            }
            options.push((index, candidates));
        }
        if !complete {
            // Once the real type is known, everything is planned for that.
            let lookups = self.lookups(id, bases, entries, needs);
            if lookups.is_empty() {
                self.fail(id, bases, &name!("__typename"));
                return None;
            }
            options = vec![(needs.fields.len(), lookups)];
        }
        let level = bases.iter().map(|base| base.level).min().unwrap_or(self.root_level);
        Some(self.combine(level, options))
    }

    /// Greedy, needs without a choice first; then once more for each, knowing the others.
    fn combine(&self, level: Level, mut options: Vec<(usize, Vec<(Choice, Cost)>)>) -> Selected {
        options.sort_by_key(|(index, candidates)| (candidates.len() > 1, *index));
        let mut chosen: Vec<usize> = vec![0; options.len()];
        let mut total = Cost::ready_at(level);
        let cheapest = |total: &Cost, candidates: &[(Choice, Cost)]| {
            let rank = |place: &usize| total.clone().and(&candidates[*place].1).rank(&self.paid);
            (0..candidates.len()).min_by_key(rank).unwrap_or(0)
        };
        for (place, (_, candidates)) in options.iter().enumerate() {
            if candidates.len() > 1 {
                chosen[place] = cheapest(&total, candidates);
            }
            total.add(&candidates[chosen[place]].1);
        }
        let open: Vec<usize> =
            (0..options.len()).filter(|place| options[*place].1.len() > 1).collect();
        if open.len() > 1 && open.len() <= 32 {
            let mut fixed = Cost::ready_at(level);
            for (_, candidates) in &options {
                if candidates.len() == 1 {
                    fixed.add(&candidates[0].1);
                }
            }
            for place in &open {
                let others = open
                    .iter()
                    .filter(|other| *other != place)
                    .fold(fixed.clone(), |cost, other| {
                        cost.and(&options[*other].1[chosen[*other]].1)
                    });
                chosen[*place] = cheapest(&others, &options[*place].1);
            }
            total = open
                .iter()
                .fold(fixed, |cost, place| cost.and(&options[*place].1[chosen[*place]].1));
        }
        let mut choices: Vec<(usize, Choice)> = options
            .into_iter()
            .zip(chosen)
            .map(|((index, mut candidates), chosen)| (index, candidates.swap_remove(chosen).0))
            .collect();
        choices.sort_by_key(|(index, _)| *index);
        Selected { choices, cost: total }
    }

    fn fail(&mut self, id: TypeId, bases: &[Base], field: &Name) {
        let depth = self.underway.len();
        if self.failure.as_ref().is_none_or(|failure| failure.depth < depth) {
            self.failure = Some(Failure {
                type_name: self.graph.type_name(id).clone(),
                field: field.clone(),
                from: bases.iter().map(|base| self.graph.node(base.node).subgraph).collect(),
                depth,
            });
        }
    }
}
