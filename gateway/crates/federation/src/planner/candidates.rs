//! All ways to meet one need, each with what it costs.

use std::sync::Arc;

use apollo_compiler::Name;

use super::cost::{Choice, Cost, Level};
use super::needs::{Need, Needs};
use super::search::{Base, Entries, ProvidesId, Search, Way};
use crate::query_graph::{FieldEdge, NodeId, NodeKind, TypeId, TypeSet};

impl Search<'_> {
    /// Every way to meet a need, with its cost.
    pub(super) fn candidates(
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
            } else if edge.join.resolves(|label| self.labels.contains(label)) {
                // A value from a context comes like a requirement; that it may have to be waited
                // for only shows when the plan is written down.
                let requires = self.field_sets.requires(*home, &need.name);
                let found_with =
                    self.with_requirement(id, bases, entries, (*home, edge), requires, need);
                found.extend(found_with);
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
    pub(super) fn resolves_plainly(
        &self,
        home: NodeId,
        edge: &FieldEdge,
        provides: ProvidesId,
        id: TypeId,
        need: &Need,
    ) -> bool {
        let resolves = edge.join.resolves(|label| self.labels.contains(label))
            && self.field_sets.requires(home, &need.name).is_none()
            && edge.contexts.is_empty();
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
        requires: Option<&Arc<Needs>>,
        need: &Need,
    ) -> Option<(Choice, Cost)> {
        let required = match requires {
            Some(requires) => self.required(id, bases, entries, requires)?,
            None => Cost::default(),
        };
        let mut best: Option<(usize, Cost)> = None;
        for (index, key) in self.field_sets.keys(home).iter().enumerate() {
            let Some(selected) = self.choose(id, bases, entries, key) else { continue };
            let mut cost = selected.cost.and(&required);
            let level = cost.ready.max(self.floor(bases)) + 1;
            cost.request(level, self.graph.node(home).subgraph);
            cost.fields += key.size() + requires.map_or(0, |requires| requires.size());
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

    fn required(
        &mut self,
        id: TypeId,
        bases: &[Base],
        entries: &Entries,
        requires: &Arc<Needs>,
    ) -> Option<Cost> {
        let place = (id, bases.to_vec(), requires.id);
        if self.underway.contains(&place) {
            self.cut = true;
            return None;
        }
        self.underway.push(place);
        let required = self.choose(id, bases, entries, requires);
        self.underway.pop();
        Some(required?.cost)
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
    pub(super) fn lookups(
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
            let known = Self::bases_after_lookup(bases, home, entry.level);
            if let Some(below) = self.evaluate_real(id, &known, needs) {
                found.push((Choice::Lookup(home), entry.cost.clone().and(&below)));
            }
        }
        found
    }

    pub(super) fn bases_after_lookup(bases: &[Base], home: NodeId, level: Level) -> Vec<Base> {
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
}
