//! Hops from subgraph to subgraph: by key for entities, freely for the query root.

use std::rc::Rc;

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::moves::{Choices, Excluded, MAX_DEPTH, Moves, Position, Positions};
use crate::subgraph::field_set::{FieldSet, Selection};
use crate::subgraph::model::Kind;

/// Positions that are reached, and by which key.
type Reached<'g> = IndexMap<Position, Option<&'g FieldSet>>;

impl<'g> Moves<'g, '_> {
    /// The position and all that can be reached from it by hops.
    pub(super) fn reach(
        &mut self,
        start: &Position,
        ty: &Name,
        choices: &Choices,
        excluded: &Excluded,
    ) -> Rc<Positions> {
        if self.graph.schema.query.as_ref() == Some(&start.ty) {
            return self.query_reach(&start.ty);
        }
        let key = (start.clone(), ty.clone(), choices.clone(), excluded.clone());
        if let Some(known) = self.known_reach.get(&key) {
            return Rc::clone(known);
        }
        let opened = (start.clone(), ty.clone());
        if self.open_reach.len() >= MAX_DEPTH || !self.open_reach.insert(opened.clone()) {
            self.cut = true;
            return Rc::new(Positions::from([start.clone()]));
        }
        let outer_cut = std::mem::replace(&mut self.cut, false);
        let mut reached = Reached::from([(start.clone(), None)]);
        // A hop may open the way for one that failed before, so go round until nothing is new.
        while self.hop_once(start, ty, &mut reached, choices, excluded) {}
        self.open_reach.shift_remove(&opened);
        let reached: Rc<Positions> = Rc::new(reached.into_keys().collect());
        // With nothing open around it, nothing was cut but what is truly circular.
        if !self.cut || (self.open_reach.is_empty() && self.open.is_empty()) {
            self.known_reach.insert(key, Rc::clone(&reached));
        }
        self.cut |= outer_cut;
        reached
    }

    fn query_reach(&mut self, query: &Name) -> Rc<Positions> {
        if let Some(known) = &self.known_query_reach {
            return Rc::clone(known);
        }
        let everywhere: Positions = (0..self.graph.subgraphs.len())
            .filter(|index| self.graph.subgraphs[*index].contains_key(query))
            .map(|index| Self::at(index, query))
            .collect();
        let everywhere = Rc::new(everywhere);
        self.known_query_reach = Some(Rc::clone(&everywhere));
        everywhere
    }

    /// The subgraphs' types whose keys may lead to them from a type of this name: itself, and
    /// the interfaces of it that an @interfaceObject stands for.
    fn targets(&mut self, name: &Name) -> Rc<[(usize, Name)]> {
        if let Some(known) = self.known_targets.get(name) {
            return Rc::clone(known);
        }
        let graph = self.graph;
        let interfaces = graph.schema.types.get(name).map(|def| &def.implements);
        let mut targets = Vec::new();
        let has_key = |index: usize, name: &Name| {
            let own = graph.subgraph_type(index, name);
            own.filter(|own| own.keys.iter().any(|key| key.resolvable))
        };
        for index in graph.holders(name).iter().copied() {
            if has_key(index, name).is_some() {
                targets.push((index, name.clone()));
            }
        }
        for interface in interfaces.into_iter().flatten() {
            for index in graph.holders(interface).iter().copied() {
                if has_key(index, interface).is_some_and(|own| own.interface_object) {
                    targets.push((index, interface.clone()));
                }
            }
        }
        targets.sort_by_key(|(index, _)| *index);
        let targets: Rc<[(usize, Name)]> = targets.into();
        self.known_targets.insert(name.clone(), Rc::clone(&targets));
        targets
    }

    /// Adds every subgraph whose key can be had from what is reached; whether there was any.
    fn hop_once(
        &mut self,
        start: &Position,
        ty: &Name,
        reached: &mut Reached<'g>,
        choices: &Choices,
        excluded: &Excluded,
    ) -> bool {
        let before = reached.len();
        let names: IndexSet<Name> = reached.keys().map(|position| position.ty.clone()).collect();
        for name in names {
            for (index, name) in self.targets(&name).iter() {
                if excluded.contains(index) {
                    continue;
                }
                let Some(target) = self.hop_target(*index, name, ty) else { continue };
                let stands_here = reached.keys().any(|position| {
                    position.subgraph == *index
                        && (position.ty == target.ty || self.is_interface_object(position))
                });
                if stands_here || reached.contains_key(&target) {
                    continue;
                }
                let Some(other) = self.graph.subgraph_type(*index, name) else { continue };
                // To get into a subgraph, nothing below may be needed from that subgraph.
                let mut beyond = excluded.clone();
                beyond.insert(*index);
                let met = other.keys.iter().filter(|key| key.resolvable).find(|key| {
                    self.steps += 1;
                    // What was reached by a key adds nothing to that same key elsewhere.
                    let usable: Positions = reached
                        .iter()
                        .filter(|(_, via)| **via != Some(&key.fields))
                        .map(|(position, _)| position.clone())
                        .collect();
                    self.has_key_fields(start, &usable, ty, &key.fields.0, choices, &beyond)
                });
                if let Some(key) = met {
                    reached.insert(target, Some(&key.fields));
                }
            }
        }
        reached.len() > before
    }

    fn is_interface_object(&self, position: &Position) -> bool {
        self.graph
            .subgraph_type(position.subgraph, &position.ty)
            .is_some_and(|own| own.interface_object)
    }

    /// Where a key leads: an interface's key gives the interface, so the object must be known.
    fn hop_target(&self, index: usize, name: &Name, ty: &Name) -> Option<Position> {
        let target = Self::at(index, name);
        let gives_interface = !self.is_interface_object(&target)
            && self.graph.schema.kind(name) == Some(Kind::Interface)
            && !self.graph.schema.kind(ty).is_some_and(Kind::is_abstract);
        if gives_interface { self.narrow_one(&target, ty) } else { Some(target) }
    }

    /// Whether what is reached has the key's fields, without further hops for those themselves.
    fn has_key_fields(
        &mut self,
        start: &Position,
        reached: &Positions,
        ty: &Name,
        selections: &[Selection],
        choices: &Choices,
        excluded: &Excluded,
    ) -> bool {
        if self.graph.schema.kind(ty).is_some_and(Kind::is_abstract) {
            return self.has_key_fields_of_each(start, reached, ty, selections, choices, excluded);
        }
        selections.iter().all(|selection| match selection {
            Selection::Inline { on, sub, directives: _ } => {
                let applies =
                    on.as_ref().is_none_or(|on| self.graph.schema.is_named_subtype(ty, on));
                !applies || self.has_key_fields(start, reached, ty, sub, choices, excluded)
            }
            Selection::Field(selected) if selected.name == "__typename" => true,
            Selection::Field(selected) => {
                let below = self.follow_within(start, reached, ty, &selected.name, choices);
                let Some(field) = self.graph.schema.field(ty, &selected.name) else { return false };
                let ty = field.ty.inner_named_type().clone();
                !below.is_empty()
                    && (selected.sub.is_empty()
                        || self.meets_all(&below, &ty, &selected.sub, choices, excluded))
            }
        })
    }

    fn has_key_fields_of_each(
        &mut self,
        start: &Position,
        reached: &Positions,
        ty: &Name,
        selections: &[Selection],
        choices: &Choices,
        excluded: &Excluded,
    ) -> bool {
        let graph = self.graph;
        let Some(own) = graph.subgraph_type(start.subgraph, &start.ty) else { return false };
        graph.schema.possible_types(ty).iter().all(|object| {
            if !own.runtime_types.contains(object) {
                return true;
            }
            let narrowed: Positions =
                reached.iter().filter_map(|position| self.narrow_one(position, object)).collect();
            let Some(start) = self.narrow_one(start, object) else { return false };
            self.has_key_fields(&start, &narrowed, object, selections, choices, excluded)
        })
    }
}
