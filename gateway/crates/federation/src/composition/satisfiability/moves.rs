//! One step of a router: follow a field, narrow a type, hop to another subgraph.

use std::collections::BTreeMap;
use std::rc::Rc;

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

/// Subgraphs that a condition's search must not hop to: to hop into a subgraph, nothing from
/// that subgraph itself may be needed.
pub(super) type Excluded = std::collections::BTreeSet<usize>;

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
    pub(super) open: IndexSet<(Position, Name, String, Excluded)>,
    /// Whether an open condition was met, so that a result may only hold in its context.
    /// Positions whose hops are being looked at.
    pub(super) open_reach: IndexSet<(Position, Name)>,
    pub(super) cut: bool,
    pub(super) known_reach: IndexMap<(Position, Name, Choices, Excluded), Rc<Positions>>,
    pub(super) known_query_reach: Option<Rc<Positions>>,
    pub(super) known_targets: IndexMap<Name, Rc<[(usize, Name)]>>,
    resolvers: IndexMap<(Name, Name), Rc<[Position]>>,
    /// Steps taken, to stop when there are too many.
    pub(super) steps: usize,
}

/// From this many places on it pays to look first which of them have a field.
const MANY: usize = 16;

/// Deeper than this, conditions of conditions are taken to be unmet.
pub(super) const MAX_DEPTH: usize = 64;

impl<'g, 'a> Moves<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Self {
        Self {
            graph,
            provided: vec![Vec::new()],
            provided_index: IndexMap::from([(String::new(), 0)]),
            open: IndexSet::new(),
            open_reach: IndexSet::new(),
            cut: false,
            known_reach: IndexMap::new(),
            known_query_reach: None,
            known_targets: IndexMap::new(),
            resolvers: IndexMap::new(),
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
        excluded: &Excluded,
    ) -> Positions {
        let mut followed = Positions::new();
        let mut open: Vec<Position> = self.resolvers(ty, field).to_vec();
        let here: Vec<&Position> = if from.len() > MANY {
            // Most of many subgraphs do not have the field at all.
            from.iter().filter(|start| start.provided != 0 || open.contains(start)).collect()
        } else {
            from.iter().collect()
        };
        for start in here {
            followed.extend(self.resolve(start, ty, field, choices, Arrival::Field));
        }
        for start in from {
            if open.is_empty() {
                break;
            }
            let reach = self.reach(start, ty, choices, excluded);
            // Where a field leads does not depend on the way a key brought us to it.
            let found: Vec<Position>;
            (found, open) = open
                .into_iter()
                .partition(|position| position != start && reach.contains(position));
            for position in found {
                followed.extend(self.resolve(&position, ty, field, choices, Arrival::Key));
            }
        }
        followed
    }

    /// The same among positions that are known to be reached.
    pub(super) fn follow_within(
        &mut self,
        start: &Position,
        reached: &Positions,
        ty: &Name,
        field: &Name,
        choices: &Choices,
    ) -> Positions {
        let mut followed = Positions::new();
        followed.extend(self.resolve(start, ty, field, choices, Arrival::Field));
        for position in self.resolvers(ty, field).iter() {
            if position != start && reached.contains(position) {
                followed.extend(self.resolve(position, ty, field, choices, Arrival::Key));
            }
        }
        followed
    }

    /// The positions, as keys lead to them, whose subgraph has the field of the supergraph's type.
    fn resolvers(&mut self, ty: &Name, field: &Name) -> Rc<[Position]> {
        let key = (ty.clone(), field.clone());
        if let Some(known) = self.resolvers.get(&key) {
            return Rc::clone(known);
        }
        let graph = self.graph;
        let mut found: Vec<Position> =
            graph.field_holders(ty, field).iter().map(|index| Self::at(*index, ty)).collect();
        let interfaces = graph.schema.types.get(ty).map(|def| &def.implements);
        for interface in interfaces.into_iter().flatten() {
            for index in graph.field_holders(interface, field) {
                let own = graph.subgraph_type(*index, interface);
                if own.is_some_and(|own| own.interface_object) {
                    found.push(Self::at(*index, interface));
                }
            }
        }
        found.sort_by_key(|position| position.subgraph);
        let found: Rc<[Position]> = found.into();
        self.resolvers.insert(key, Rc::clone(&found));
        found
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
                        let applies = on
                            .as_ref()
                            .is_none_or(|on| self.graph.schema.is_named_subtype(&position.ty, on));
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
        if !self.meets(position, ty, requires, choices, &Excluded::new()) {
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
        let below = Position { subgraph: position.subgraph, ty: field.ty.clone(), provided };
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
        excluded: &Excluded,
    ) -> bool {
        if self.is_local(position, &fields.0) {
            return true;
        }
        if self.open.len() >= MAX_DEPTH {
            self.cut = true;
            return false;
        }
        let key = (position.clone(), ty.clone(), fields.to_string(), excluded.clone());
        if !self.open.insert(key.clone()) {
            self.cut = true;
            return false;
        }
        let from = Positions::from([position.clone()]);
        let met = self.meets_all(&from, ty, &fields.0, choices, excluded);
        self.open.shift_remove(&key);
        met
    }

    pub(super) fn meets_all(
        &mut self,
        from: &Positions,
        ty: &Name,
        selections: &[Selection],
        choices: &Choices,
        excluded: &Excluded,
    ) -> bool {
        selections.iter().all(|selection| match selection {
            Selection::Inline { on, sub, directives: _ } => {
                let on = on.as_ref().unwrap_or(ty);
                self.meets_on_each(from, (ty, on), sub, choices, excluded)
            }
            Selection::Field(selected) if selected.name == "__typename" => true,
            Selection::Field(selected) => {
                if self.graph.schema.kind(ty).is_some_and(Kind::is_abstract) {
                    let alone = std::slice::from_ref(selection);
                    self.meets_on_each(from, (ty, ty), alone, choices, excluded)
                } else {
                    self.meets_field(from, ty, selected, choices, excluded)
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
        excluded: &Excluded,
    ) -> bool {
        let reached = self.follow(from, ty, &selected.name, choices, excluded);
        if reached.is_empty() {
            return false;
        }
        if selected.sub.is_empty() {
            return true;
        }
        let Some(field) = self.graph.schema.field(ty, &selected.name) else { return false };
        let below = field.ty.inner_named_type().clone();
        self.meets_all(&reached, &below, &selected.sub, choices, excluded)
    }

    /// Looks at each object type that a value of both types can have.
    fn meets_on_each(
        &mut self,
        from: &Positions,
        (ty, on): (&Name, &Name),
        selections: &[Selection],
        choices: &Choices,
        excluded: &Excluded,
    ) -> bool {
        let schema = self.graph.schema;
        let possible = schema.possible_types(ty);
        schema.possible_types(on).iter().filter(|object| possible.contains(*object)).all(|object| {
            match self.narrow(from, ty, object, choices, excluded) {
                Narrowed::Never => true,
                Narrowed::To(positions) => {
                    !positions.is_empty()
                        && self.meets_all(&positions, object, selections, choices, excluded)
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
        excluded: &Excluded,
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
            for position in self.reach(start, ty, choices, excluded).iter() {
                narrowed.extend(self.narrow_one(position, object));
            }
        }
        Narrowed::To(narrowed)
    }

    pub(super) fn narrow_one(&self, position: &Position, object: &Name) -> Option<Position> {
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
        let stand_in = subgraph
            .iter()
            .find(|(_, ty)| ty.interface_object && ty.runtime_types.contains(object));
        stand_in.map(|(name, _)| Position { ty: name.clone(), ..position.clone() })
    }
}

/// The result of narrowing an abstract type.
#[derive(Debug)]
pub(super) enum Narrowed {
    /// Some position says that it cannot happen.
    Never,
    To(Positions),
}
