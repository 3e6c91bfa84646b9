//! One step of a router: follow a field, narrow a type, hop to another subgraph.

use std::collections::BTreeMap;

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::graph::{Graph, SubgraphField};
use crate::subgraph::field_set::{FieldSet, SelectedField, Selection};
use crate::subgraph::model::Kind;

/// A place to stand: a type of a subgraph, with what a `@provides` on the way made available.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) subgraph: usize,
    pub(super) ty: Name,
    /// Index of interned selections; 0 is nothing.
    pub(super) provided: usize,
}

pub(super) type Positions = IndexSet<Position>;

/// What was decided on the way here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Choices {
    pub(super) labels: BTreeMap<String, bool>,
    pub(super) contexts: std::collections::BTreeSet<String>,
}

/// Why a router stands where it stands: matters for coming back after a `@requires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    Field,
    Key,
}

pub(super) struct Moves<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    provided: Vec<Vec<Selection>>,
    provided_index: IndexMap<String, usize>,
    /// Conditions being looked at: what needs itself is not met.
    open: IndexSet<(Position, Name, String)>,
    /// Whether an open condition was met, so that a result may only hold in its context.
    cut: bool,
    reach: IndexMap<(Position, Name, Choices), Positions>,
    /// Steps taken, to stop when there are too many.
    pub(super) steps: usize,
}

/// Deeper than this, conditions of conditions are taken to be unmet.
const MAX_DEPTH: usize = 64;

impl<'g, 'a> Moves<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Self {
        Self {
            graph,
            provided: vec![Vec::new()],
            provided_index: IndexMap::from([(String::new(), 0)]),
            open: IndexSet::new(),
            cut: false,
            reach: IndexMap::new(),
            steps: 0,
        }
    }

    fn intern(&mut self, selections: Vec<Selection>) -> usize {
        let fields = FieldSet(selections);
        let key = fields.to_string();
        if let Some(index) = self.provided_index.get(&key) {
            return *index;
        }
        self.provided.push(fields.0);
        self.provided_index.insert(key, self.provided.len() - 1);
        self.provided.len() - 1
    }

    pub(super) fn at(subgraph: usize, ty: &Name) -> Position {
        Position { subgraph, ty: ty.clone(), provided: 0 }
    }

    /// Every position after following the field, directly or after hops.
    pub(super) fn follow(
        &mut self,
        from: &Positions,
        ty: &Name,
        field: &Name,
        choices: &Choices,
    ) -> Positions {
        let mut reached = Positions::new();
        let mut seen = Positions::new();
        for start in from {
            for position in self.reach(start, ty, choices) {
                let arrival = if position == *start { Arrival::Field } else { Arrival::Key };
                if arrival == Arrival::Key && !seen.insert(position.clone()) {
                    continue;
                }
                reached.extend(self.resolve(&position, ty, field, choices, arrival));
            }
        }
        reached
    }

    /// Follows the field without leaving the subgraph.
    fn resolve(
        &mut self,
        position: &Position,
        ty: &Name,
        field: &Name,
        choices: &Choices,
        arrival: Arrival,
    ) -> Option<Position> {
        self.steps += 1;
        let graph = self.graph;
        let own = graph.subgraph_type(position.subgraph, &position.ty)?;
        let definition = own.fields.get(field)?;
        let provided = self.provided_below(position, field);
        if definition.external && provided.is_none() {
            return None;
        }
        if let Some((label, wanted)) = &definition.condition
            && choices.labels.get(label) != Some(wanted)
        {
            return None;
        }
        if !definition.contexts.iter().all(|context| choices.contexts.contains(context)) {
            return None;
        }
        if let Some(requires) = &definition.requires
            && !self.meets_requires(position, ty, requires, choices, arrival)
        {
            return None;
        }
        Some(self.target(position.subgraph, definition, provided))
    }

    fn target(
        &mut self,
        subgraph: usize,
        definition: &SubgraphField,
        provided: Option<Vec<Selection>>,
    ) -> Position {
        let mut provided = provided.unwrap_or_default();
        if let Some(provides) = &definition.provides {
            provided.extend(provides.0.iter().cloned());
        }
        let provided = self.intern(provided);
        Position { subgraph, ty: definition.ty.clone(), provided }
    }

    /// What is provided below the field; `None` if the field itself is not provided.
    fn provided_below(&self, position: &Position, field: &Name) -> Option<Vec<Selection>> {
        let mut found: Option<Vec<Selection>> = None;
        let mut open: Vec<&[Selection]> = vec![&self.provided[position.provided]];
        while let Some(selections) = open.pop() {
            for selection in selections {
                match selection {
                    Selection::Field(selected) if selected.name == *field => {
                        found.get_or_insert_default().extend(selected.sub.iter().cloned());
                    }
                    Selection::Field(_) => {}
                    Selection::Inline { on, sub, directives: _ } => {
                        let applies = on.as_ref().is_none_or(|on| {
                            self.graph.schema.is_named_subtype(&position.ty, on)
                        });
                        if applies {
                            open.push(sub);
                        }
                    }
                }
            }
        }
        found
    }

    fn meets_requires(
        &mut self,
        position: &Position,
        ty: &Name,
        requires: &FieldSet,
        choices: &Choices,
        arrival: Arrival,
    ) -> bool {
        if self.is_local(position, &requires.0) {
            return true;
        }
        if !self.meets(position, ty, requires, choices) {
            return false;
        }
        // The data comes from elsewhere, so the router must be able to come back.
        arrival == Arrival::Key || self.has_local_key(position)
    }

    /// Whether the subgraph itself resolves the selections from here.
    fn is_local(&self, position: &Position, selections: &[Selection]) -> bool {
        selections.iter().all(|selection| match selection {
            Selection::Field(selected) => self.is_local_field(position, selected),
            Selection::Inline { on, sub, directives: _ } => match on {
                Some(on) => self.is_local(&Position { ty: on.clone(), ..position.clone() }, sub),
                None => self.is_local(position, sub),
            },
        })
    }

    fn is_local_field(&self, position: &Position, selected: &SelectedField) -> bool {
        if selected.name == "__typename" {
            return true;
        }
        let own = self.graph.subgraph_type(position.subgraph, &position.ty);
        let Some(field) = own.and_then(|own| own.fields.get(&selected.name)) else { return false };
        let provided = self.provided_below(position, &selected.name);
        if (field.external && provided.is_none()) || field.requires.is_some() {
            return false;
        }
        if selected.sub.is_empty() {
            return true;
        }
        let below = FieldSet(provided.unwrap_or_default()).to_string();
        let provided = self.provided_index.get(&below).copied().unwrap_or(0);
        let below =
            Position { subgraph: position.subgraph, ty: field.ty.clone(), provided };
        self.is_local(&below, &selected.sub)
    }

    fn has_local_key(&self, position: &Position) -> bool {
        let Some(own) = self.graph.subgraph_type(position.subgraph, &position.ty) else {
            return false;
        };
        let plain = Position { provided: 0, ..position.clone() };
        own.keys.iter().any(|key| key.resolvable && self.is_local(&plain, &key.fields.0))
    }

    /// Whether the selections can be had from the position, hopping as needed.
    pub(super) fn meets(
        &mut self,
        position: &Position,
        ty: &Name,
        fields: &FieldSet,
        choices: &Choices,
    ) -> bool {
        if self.is_local(position, &fields.0) {
            return true;
        }
        if self.open.len() >= MAX_DEPTH {
            self.cut = true;
            return false;
        }
        let key = (position.clone(), ty.clone(), fields.to_string());
        if !self.open.insert(key.clone()) {
            self.cut = true;
            return false;
        }
        let met = self.meets_all(&Positions::from([position.clone()]), ty, &fields.0, choices);
        self.open.shift_remove(&key);
        met
    }

    fn meets_all(
        &mut self,
        from: &Positions,
        ty: &Name,
        selections: &[Selection],
        choices: &Choices,
    ) -> bool {
        selections.iter().all(|selection| match selection {
            Selection::Inline { on, sub, directives: _ } => {
                let on = on.as_ref().unwrap_or(ty);
                self.meets_on_each(from, ty, on, sub, choices)
            }
            Selection::Field(selected) if selected.name == "__typename" => true,
            Selection::Field(selected) => {
                if self.graph.schema.kind(ty).is_some_and(Kind::is_abstract) {
                    self.meets_on_each(from, ty, ty, std::slice::from_ref(selection), choices)
                } else {
                    self.meets_field(from, ty, selected, choices)
                }
            }
        })
    }

    fn meets_field(
        &mut self,
        from: &Positions,
        ty: &Name,
        selected: &SelectedField,
        choices: &Choices,
    ) -> bool {
        let reached = self.follow(from, ty, &selected.name, choices);
        if reached.is_empty() {
            return false;
        }
        if selected.sub.is_empty() {
            return true;
        }
        let Some(field) = self.graph.schema.field(ty, &selected.name) else { return false };
        let below = field.ty.inner_named_type().clone();
        self.meets_all(&reached, &below, &selected.sub, choices)
    }

    /// Looks at each object type that a value of both types can have.
    fn meets_on_each(
        &mut self,
        from: &Positions,
        ty: &Name,
        on: &Name,
        selections: &[Selection],
        choices: &Choices,
    ) -> bool {
        let schema = self.graph.schema;
        let possible = schema.possible_types(ty);
        schema.possible_types(on).iter().filter(|object| possible.contains(*object)).all(|object| {
            match self.narrow(from, ty, object, choices) {
                Narrowed::Never => true,
                Narrowed::To(positions) => {
                    !positions.is_empty() && self.meets_all(&positions, object, selections, choices)
                }
            }
        })
    }

    /// The positions when the value turns out to be an object of the given type.
    pub(super) fn narrow(
        &mut self,
        from: &Positions,
        ty: &Name,
        object: &Name,
        choices: &Choices,
    ) -> Narrowed {
        if ty == object {
            return Narrowed::To(from.clone());
        }
        let mut narrowed = Positions::new();
        for start in from {
            let own = self.graph.subgraph_type(start.subgraph, &start.ty);
            if own.is_none_or(|own| !own.runtime_types.contains(object)) {
                // From here the value is never such an object, so nothing needs an answer.
                return Narrowed::Never;
            }
            for position in self.reach(start, ty, choices) {
                narrowed.extend(self.narrow_one(&position, object));
            }
        }
        Narrowed::To(narrowed)
    }

    fn narrow_one(&self, position: &Position, object: &Name) -> Option<Position> {
        let own = self.graph.subgraph_type(position.subgraph, &position.ty)?;
        if !own.runtime_types.contains(object) {
            return None;
        }
        if own.interface_object || position.ty == *object {
            return Some(position.clone());
        }
        let subgraph = &self.graph.subgraphs[position.subgraph];
        if subgraph.contains_key(object) {
            return Some(Position { ty: object.clone(), ..position.clone() });
        }
        // The subgraph knows the object only through an @interfaceObject.
        let stand_in = subgraph.iter().find(|(_, ty)| {
            ty.interface_object && ty.runtime_types.contains(object)
        });
        stand_in.map(|(name, _)| Position { ty: name.clone(), ..position.clone() })
    }

    /// The position and all that can be reached from it by hops.
    pub(super) fn reach(&mut self, start: &Position, ty: &Name, choices: &Choices) -> Positions {
        let key = (start.clone(), ty.clone(), choices.clone());
        if let Some(known) = self.reach.get(&key) {
            return known.clone();
        }
        let outer_cut = std::mem::replace(&mut self.cut, false);
        let mut reached = Positions::from([start.clone()]);
        // A hop may open the way for one that failed before, so go round until nothing is new.
        let mut next = 0;
        while let Some(position) = reached.get_index(next).cloned() {
            next += 1;
            for target in self.hops(&position, ty, &reached, choices) {
                reached.insert(target);
            }
        }
        if !self.cut {
            self.reach.insert(key, reached.clone());
        }
        self.cut |= outer_cut;
        reached
    }

    fn hops(
        &mut self,
        position: &Position,
        ty: &Name,
        reached: &Positions,
        choices: &Choices,
    ) -> Vec<Position> {
        let graph = self.graph;
        let mut targets = Vec::new();
        if graph.schema.query.as_ref() == Some(&position.ty) {
            for (index, subgraph) in graph.subgraphs.iter().enumerate() {
                if index != position.subgraph && subgraph.contains_key(&position.ty) {
                    targets.push(Self::at(index, &position.ty));
                }
            }
            return targets;
        }
        let Some(own) = graph.subgraph_type(position.subgraph, &position.ty) else {
            return targets;
        };
        // Its own name, and the interfaces that an @interfaceObject elsewhere may stand for.
        let mut names: Vec<(&Name, bool)> = vec![(&position.ty, false)];
        if let Some(def) = graph.schema.types.get(&position.ty) {
            names.extend(def.implements.iter().map(|interface| (interface, true)));
        }
        for (index, subgraph) in graph.subgraphs.iter().enumerate() {
            for (name, only_interface_objects) in &names {
                let Some(other) = subgraph.get(*name) else { continue };
                if (*only_interface_objects && !other.interface_object)
                    || (index == position.subgraph && (*name == &position.ty || own.interface_object))
                {
                    continue;
                }
                let mut target = Self::at(index, name);
                let is_abstract = graph.schema.kind(name) == Some(Kind::Interface);
                if is_abstract && !other.interface_object && ty != *name {
                    // An interface's key gives the interface; the object must be known there.
                    if !graph.schema.kind(ty).is_some_and(Kind::is_abstract) {
                        match self.narrow_one(&target, ty) {
                            Some(narrowed) => target = narrowed,
                            None => continue,
                        }
                    }
                }
                if reached.contains(&target) || targets.contains(&target) {
                    continue;
                }
                let met = other.keys.iter().filter(|key| key.resolvable).any(|key| {
                    self.steps += 1;
                    self.meets(position, ty, &key.fields, choices)
                });
                if met {
                    targets.push(target);
                }
            }
        }
        targets
    }
}

/// The result of narrowing an abstract type.
#[derive(Debug)]
pub(super) enum Narrowed {
    /// Some position says that it cannot happen.
    Never,
    To(Positions),
}
