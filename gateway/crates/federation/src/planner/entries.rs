//! Which nodes can be entered at a place, and in which wave: a fixpoint, since a key may have to be
//! collected from nodes that must be entered first.

use std::rc::Rc;

use super::cost::{Cost, Level};
use super::search::{Base, Entries, Entry, ProvidesId, Search, Way};
use crate::query_graph::{NodeId, NodeKind, TypeId};

impl Search<'_> {
    /// The nodes in which fields of a run-time type can be had at a place.
    pub(super) fn entries(&mut self, id: TypeId, bases: &[Base]) -> Rc<Entries> {
        let identity = (id, bases.to_vec(), self.root_level);
        if let Some(known) = self.entered.get(&identity) {
            return known.clone();
        }
        let mut entries = Entries::default();
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

    /// The wave that has to pass before anything else is fetched here: while a real type is being
    /// looked up, nobody can say who is to be asked.
    pub(super) fn floor(&self, bases: &[Base]) -> Level {
        let looked_up = bases.len() > 1
            && bases
                .iter()
                .any(|base| self.graph.node(base.node).kind == NodeKind::InterfaceObject)
            && bases.iter().any(|base| self.graph.node(base.node).kind == NodeKind::Interface);
        if looked_up { bases.iter().map(|base| base.level).max().unwrap_or_default() } else { 0 }
    }
}
