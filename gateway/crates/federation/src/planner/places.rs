//! Where data stands, and under which names.
//!
//! A *place* is a position in the merged data, whichever request brings it. At a place every
//! field with one set of arguments has one *data key*: its own name for the first, a numbered one
//! for others, so that a field with different arguments, or with types that GraphQL does not let
//! share a name, never meet. Client aliases play no part.

use apollo_compiler::Name;
use indexmap::IndexMap;

use crate::query_graph::{FieldEdge, QueryGraph, TypeId, TypeSet};
use crate::supergraph::SubgraphId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlaceId(usize);

#[derive(Debug)]
pub(super) struct Places<'a> {
    graph: &'a QueryGraph,
    places: Vec<Place>,
}

#[derive(Debug, Default)]
struct Place {
    slots: Vec<Slot>,
    by_field: IndexMap<(Name, String), Vec<usize>>,
    keys: indexmap::IndexSet<String>,
}

/// One data key at a place.
#[derive(Debug)]
struct Slot {
    key: String,
    child: PlaceId,
    members: TypeSet,
    /// What the subgraphs answer here, as far as GraphQL minds.
    shapes: Vec<(SubgraphId, String)>,
}

impl<'a> Places<'a> {
    pub(super) const ROOT: PlaceId = PlaceId(0);

    pub(super) fn new(graph: &'a QueryGraph) -> Self {
        Self { graph, places: vec![Place::default()] }
    }

    /// The data key of a field on a run-time type, and the place below it.
    pub(super) fn slot(
        &mut self,
        place: PlaceId,
        name: &Name,
        arguments: &str,
        id: TypeId,
    ) -> (String, PlaceId) {
        let field = (name.clone(), arguments.to_owned());
        let same = self.places[place.0].by_field.get(&field).cloned().unwrap_or_default();
        for index in &same {
            let slot = &self.places[place.0].slots[*index];
            if slot.members.contains(id) {
                return (slot.key.clone(), slot.child);
            }
        }
        let shapes = self.shapes(name, id);
        for index in same {
            let slot = &mut self.places[place.0].slots[index];
            if agree(&slot.shapes, &shapes) {
                slot.members.insert(id);
                for shape in shapes {
                    if !slot.shapes.contains(&shape) {
                        slot.shapes.push(shape);
                    }
                }
                return (slot.key.clone(), slot.child);
            }
        }
        let child = PlaceId(self.places.len());
        self.places.push(Place::default());
        let place = &mut self.places[place.0];
        let key = free_key(&place.keys, name);
        place.keys.insert(key.clone());
        place.by_field.entry(field).or_default().push(place.slots.len());
        place.slots.push(Slot { key: key.clone(), child, members: TypeSet::one(id), shapes });
        (key, child)
    }

    fn shapes(&self, name: &Name, id: TypeId) -> Vec<(SubgraphId, String)> {
        let mut shapes = Vec::new();
        for home in self.graph.homes(id) {
            let node = self.graph.node(*home);
            if let Some(edge) = node.fields.get(name) {
                shapes.push((node.subgraph, shape(edge)));
            }
        }
        shapes
    }
}

/// What two fields under one name must have in common (spec section 5.3.2, `SameResponseShape`).
pub(super) fn shape(edge: &FieldEdge) -> String {
    let text = edge.ty.to_string();
    if edge.target.is_some() { text.replace(edge.ty.inner_named_type().as_str(), "") } else { text }
}

fn agree(a: &[(SubgraphId, String)], b: &[(SubgraphId, String)]) -> bool {
    a.iter().all(|(subgraph, shape)| b.iter().all(|(other, own)| other != subgraph || own == shape))
}

fn free_key(taken: &indexmap::IndexSet<String>, name: &Name) -> String {
    let mut key = name.to_string();
    let mut number = 2;
    while taken.contains(&key) {
        key = format!("{name}_{number}");
        number += 1;
    }
    key
}
