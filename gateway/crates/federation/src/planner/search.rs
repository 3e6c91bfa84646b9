//! Finds the cheapest way to every field.
//!
//! Data stands at *places*; a place is reached by one or more [`Base`]s (a selection inside a
//! request). For one run-time type at a place:
//!
//! 1. [`Search::entries`] finds which nodes can be entered by key, and in which wave: a fixpoint,
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
use indexmap::IndexMap;

use super::cost::{Choice, Cost, Level};
use super::needs::{FieldSets, Need, Needs};
use crate::query_graph::{FieldEdge, NodeId, NodeKind, QueryGraph, TypeId, TypeSet};
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
pub(super) struct ProvidesId(u32);

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

pub(super) type Entries = IndexMap<NodeId, Entry>;

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
    provided: Vec<Vec<Arc<Needs>>>,
    evaluated: IndexMap<(Vec<Base>, u32), Option<Rc<Cost>>>,
    selected: IndexMap<(TypeId, Vec<Base>, Level, u32), Option<Rc<Selected>>>,
    entered: IndexMap<(TypeId, Vec<Base>, Level), Rc<Entries>>,
    /// Requirements that are being looked for, innermost last.
    underway: Vec<(TypeId, Vec<Base>, u32)>,
    /// A circle was cut while computing: a failure may be due to that.
    cut: bool,
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
            evaluated: IndexMap::new(),
            selected: IndexMap::new(),
            entered: IndexMap::new(),
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
        let selected = match self.at_hand(id, bases, needs) {
            Some(selected) => Some(Rc::new(selected)),
            None => {
                let entries = self.entries(id, bases);
                self.choose(id, bases, &entries, needs).map(Rc::new)
            }
        };
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

    /// The nodes in which fields of a run-time type can be had at a place.
    pub(super) fn entries(&mut self, id: TypeId, bases: &[Base]) -> Rc<Entries> {
        let identity = (id, bases.to_vec(), self.root_level);
        if let Some(known) = self.entered.get(&identity) {
            return known.clone();
        }
        let mut entries = Entries::new();
        for (index, base) in bases.iter().enumerate() {
            let Some(home) = self.home(base, id) else { continue };
            let entry = Entry {
                way: Way::Base(index),
                level: base.level,
                cost: Cost::ready_at(base.level),
                provides: base.provides,
            };
            match entries.get(&home) {
                Some(other) if other.level <= entry.level => {}
                _ => {
                    entries.insert(home, entry);
                }
            }
        }
        let homes = self.graph.homes(id).to_vec();
        if Some(id) == self.query_type || bases.is_empty() {
            let level = bases.iter().map(|base| base.level + 1).min().unwrap_or(self.root_level);
            for home in homes {
                let mut cost = Cost::ready_at(level);
                cost.request(level, self.graph.node(home).subgraph);
                let entry = Entry { way: Way::Root, level, cost, provides: ProvidesId::default() };
                entries.entry(home).or_insert(entry);
            }
        } else {
            while self.improve(id, bases, &homes, &mut entries) {}
        }
        let entries = Rc::new(entries);
        if !self.cut {
            self.entered.insert(identity, entries.clone());
        }
        entries
    }

    /// One round of the fixpoint; whether anything got better.
    fn improve(
        &mut self,
        id: TypeId,
        bases: &[Base],
        homes: &[NodeId],
        entries: &mut Entries,
    ) -> bool {
        let mut improved = false;
        for home in homes {
            if entries.get(home).is_some_and(|entry| matches!(entry.way, Way::Base(_))) {
                continue;
            }
            for (index, key) in self.field_sets.keys(*home).iter().enumerate() {
                let Some(selected) = self.choose(id, bases, entries, key) else { continue };
                let mut cost = selected.cost;
                let level = cost.ready.max(self.floor(bases)) + 1;
                cost.request(level, self.graph.node(*home).subgraph);
                cost.fields += key.size();
                let better = entries
                    .get(home)
                    .is_none_or(|entry| cost.rank(&self.paid) < entry.cost.rank(&self.paid));
                if better {
                    let entry = Entry {
                        way: Way::Key(index),
                        level,
                        cost,
                        provides: ProvidesId::default(),
                    };
                    entries.insert(*home, entry);
                    improved = true;
                }
            }
        }
        improved
    }

    fn choose(
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

    /// Every way to meet a need, with its cost.
    fn candidates(
        &mut self,
        id: TypeId,
        bases: &[Base],
        entries: &Entries,
        need: &Need,
    ) -> Vec<(Choice, Cost)> {
        let mut found: Vec<(Choice, Cost)> = Vec::new();
        let mut plain: Vec<(NodeId, Base)> = Vec::new();
        // A mutation must happen once.
        let once = bases.is_empty() && Some(id) != self.query_type;
        let mut has_list = false;
        for (home, entry) in entries {
            let node = self.graph.node(*home);
            if node.kind == NodeKind::Interface {
                continue;
            }
            let Some(edge) = node.fields.get(&need.name) else { continue };
            has_list |= edge.ty.is_list();
            if self.resolves_plainly(*home, edge, entry.provides, id, need) {
                let cost = match &need.child {
                    None => Some(entry.cost.clone()),
                    Some(child) => {
                        let Some(base) =
                            self.base_below(*home, edge, entry.provides, id, entry.level)
                        else {
                            continue;
                        };
                        plain.push((*home, base));
                        self.evaluate(&[base], child).map(|below| entry.cost.clone().and(&below))
                    }
                };
                if let Some(cost) = cost {
                    if cost.requests.is_empty() && matches!(entry.way, Way::Base(_)) {
                        // Nothing is cheaper than what is there already.
                        return vec![(Choice::Plain(vec![*home]), cost)];
                    }
                    found.push((Choice::Plain(vec![*home]), cost));
                }
            } else if edge.join.resolves(|label| self.labels.contains(label))
                && let Some(requires) = self.field_sets.requires(*home, &need.name)
            {
                found.extend(self.with_requirement(
                    id,
                    bases,
                    entries,
                    (*home, edge),
                    requires,
                    need,
                ));
            }
        }
        let deeper = |cost: &Cost| plain.iter().any(|(_, base)| base.level < cost.ready);
        let worth_it =
            found.is_empty() || (!has_list && found.iter().all(|(_, cost)| deeper(cost)));
        if plain.len() > 1 && worth_it && !once {
            found.extend(self.split(entries, plain, need));
        }
        found
    }

    /// No requirement stands in the way: the subgraph resolves the field, or it is provided here.
    fn resolves_plainly(
        &self,
        home: NodeId,
        edge: &FieldEdge,
        provides: ProvidesId,
        id: TypeId,
        need: &Need,
    ) -> bool {
        let resolves = edge.join.resolves(|label| self.labels.contains(label))
            && self.field_sets.requires(home, &need.name).is_none();
        resolves || self.provided_below(provides, id, &need.name).next().is_some()
    }

    fn provided_below<'s>(
        &'s self,
        provides: ProvidesId,
        id: TypeId,
        name: &'s Name,
    ) -> impl Iterator<Item = &'s Need> + 's {
        let sets = &self.provided[provides.0 as usize];
        let fields = sets.iter().flat_map(|set| &set.fields);
        fields.filter(move |field| field.name == *name && self.covers(&field.types, id))
    }

    /// Whether a field that is meant for `types` is meant for the run-time type.
    pub(super) fn covers(&self, types: &TypeSet, id: TypeId) -> bool {
        types.contains(id)
            || (self.is_interface(id)
                && self.graph.visible(self.graph.type_name(id)).is_subset(types))
    }

    /// The base that selecting a composite field gives.
    pub(super) fn base_below(
        &mut self,
        home: NodeId,
        edge: &FieldEdge,
        provides: ProvidesId,
        id: TypeId,
        level: Level,
    ) -> Option<Base> {
        let node = edge.target?;
        let inherited =
            self.provided_below(provides, id, &edge.name).filter_map(|field| field.child.clone());
        let own = self.field_sets.provides(home, &edge.name).cloned();
        let sets: Vec<Arc<Needs>> = inherited.chain(own).collect();
        Some(Base { node, level, provides: self.intern(sets) })
    }

    fn intern(&mut self, sets: Vec<Arc<Needs>>) -> ProvidesId {
        let same = |other: &Vec<Arc<Needs>>| {
            other.len() == sets.len() && other.iter().zip(&sets).all(|(a, b)| a.id == b.id)
        };
        let index = self.provided.iter().position(same).unwrap_or_else(|| {
            self.provided.push(sets);
            self.provided.len() - 1
        });
        ProvidesId(u32::try_from(index).unwrap_or_default())
    }

    fn with_requirement(
        &mut self,
        id: TypeId,
        bases: &[Base],
        entries: &Entries,
        (home, edge): (NodeId, &FieldEdge),
        requires: &Arc<Needs>,
        need: &Need,
    ) -> Option<(Choice, Cost)> {
        let place = (id, bases.to_vec(), requires.id);
        if self.underway.contains(&place) {
            self.cut = true;
            return None;
        }
        self.underway.push(place);
        let required = self.choose(id, bases, entries, requires);
        self.underway.pop();
        let required = required?.cost;
        let mut best: Option<(usize, Cost)> = None;
        for (index, key) in self.field_sets.keys(home).iter().enumerate() {
            let Some(selected) = self.choose(id, bases, entries, key) else { continue };
            let mut cost = selected.cost.and(&required);
            let level = cost.ready.max(self.floor(bases)) + 1;
            cost.request(level, self.graph.node(home).subgraph);
            cost.fields += key.size() + requires.size();
            if best.as_ref().is_none_or(|(_, other)| cost.rank(&self.paid) < other.rank(&self.paid))
            {
                best = Some((index, cost));
            }
        }
        let (key, mut cost) = best?;
        if let Some(child) = &need.child {
            let base = self.base_below(home, edge, ProvidesId::default(), id, cost.ready)?;
            cost.add(&*self.evaluate(&[base], child)?);
        }
        Some((Choice::Requires { home, key }, cost))
    }

    /// Several subgraphs at once, each with a part of what is below; as few as do.
    fn split(
        &mut self,
        entries: &Entries,
        mut plain: Vec<(NodeId, Base)>,
        need: &Need,
    ) -> Option<(Choice, Cost)> {
        let child = need.child.as_ref()?;
        let bases =
            |plain: &[(NodeId, Base)]| plain.iter().map(|(_, base)| *base).collect::<Vec<Base>>();
        let mut below = self.evaluate(&bases(&plain), child)?;
        // The dearest first.
        plain.sort_by_key(|(home, _)| entries[home].cost.rank(&self.paid));
        let mut place = plain.len();
        while place > 0 && plain.len() > 1 {
            place -= 1;
            let mut fewer = plain.clone();
            fewer.remove(place);
            if let Some(cost) = self.evaluate(&bases(&fewer), child)
                && cost.ready <= below.ready
            {
                plain = fewer;
                below = cost;
            }
        }
        let entered =
            plain.iter().fold(Cost::default(), |cost, (home, _)| cost.and(&entries[home].cost));
        let homes: Vec<NodeId> = plain.iter().map(|(home, _)| *home).collect();
        Some((Choice::Plain(homes), entered.and(&below)))
    }

    /// Nodes that can tell which object an interface really is, with the cost of everything that
    /// could not be had without knowing.
    fn lookups(
        &mut self,
        id: TypeId,
        bases: &[Base],
        entries: &Entries,
        needs: &Arc<Needs>,
    ) -> Vec<(Choice, Cost)> {
        let interfaces: Vec<NodeId> = entries
            .keys()
            .copied()
            .filter(|home| self.graph.node(*home).kind == NodeKind::Interface)
            .collect();
        let mut found = Vec::new();
        for home in interfaces {
            let entry = &entries[&home];
            let known = self.bases_after_lookup(bases, home, entry.level);
            if let Some(below) = self.evaluate_real(id, &known, needs) {
                found.push((Choice::Lookup(home), entry.cost.clone().and(&below)));
            }
        }
        found
    }

    pub(super) fn bases_after_lookup(
        &self,
        bases: &[Base],
        home: NodeId,
        level: Level,
    ) -> Vec<Base> {
        let mut known: Vec<Base> = bases.to_vec();
        known.push(Base { node: home, level, provides: ProvidesId::default() });
        known
    }

    /// Like `evaluate`, for the real types behind an interface only.
    fn evaluate_real(
        &mut self,
        interface: TypeId,
        bases: &[Base],
        needs: &Arc<Needs>,
    ) -> Option<Cost> {
        let mut total = Cost::default();
        for id in self.types(bases).iter().filter(|id| *id != interface).collect::<Vec<TypeId>>() {
            total.add(&self.select(id, bases, needs)?.cost);
        }
        Some(total)
    }

    /// The wave that has to pass before anything else is fetched here: while a real type is being
    /// looked up, nobody can say who is to be asked.
    fn floor(&self, bases: &[Base]) -> Level {
        let looked_up = bases.len() > 1
            && bases
                .iter()
                .any(|base| self.graph.node(base.node).kind == NodeKind::InterfaceObject)
            && bases.iter().any(|base| self.graph.node(base.node).kind == NodeKind::Interface);
        if looked_up { bases.iter().map(|base| base.level).max().unwrap_or_default() } else { 0 }
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
