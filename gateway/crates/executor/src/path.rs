//! Paths through the data, and their translation into the paths that clients know.
//!
//! Subgraphs and plans speak in data keys, clients in response keys. One data path can have
//! several client paths (the same field under two aliases) or end early (a field that only the
//! plan asked for).

use crate::compiled::{
    CompiledPlan, FieldProgram, ObjectProgram, OutputProgram, Shape, ValueProgram,
};
use crate::data::{Data, ROOT, Value};
use crate::document::TypeOf;
use crate::error::PathSegment;
use crate::names::Name;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataStep {
    Key(Name),
    Index(usize),
}

/// Many paths that share their beginnings, e.g. those of all targets of a fetch.
#[derive(Debug, Default)]
pub(crate) struct Trails {
    nodes: Vec<(Option<usize>, DataStep)>,
}

impl Trails {
    /// Extends a path (none is the root) by one step.
    pub(crate) fn extend(&mut self, trail: Option<usize>, step: DataStep) -> usize {
        self.nodes.push((trail, step));
        self.nodes.len() - 1
    }

    pub(crate) fn steps(&self, mut trail: Option<usize>) -> Vec<DataStep> {
        let mut steps = Vec::new();
        while let Some((parent, step)) = trail.and_then(|at| self.nodes.get(at)) {
            steps.push(*step);
            trail = *parent;
        }
        steps.reverse();
        steps
    }
}

/// The longest beginning that all paths have in common.
pub(crate) fn common_beginning(
    paths: impl Iterator<Item = Vec<DataStep>>,
) -> Option<Vec<DataStep>> {
    paths.reduce(|mut common, path| {
        let shared = common.iter().zip(&path).take_while(|(a, b)| a == b).count();
        common.truncate(shared);
        common
    })
}

/// One way of reading a data path.
struct Reading<'a> {
    at: At<'a>,
    value: Option<Value>,
    path: Vec<PathSegment>,
}

#[derive(Clone, Copy)]
enum At<'a> {
    Object(&'a ObjectProgram),
    Output(&'a OutputProgram),
}

/// Where the client sees a data path: all places that show it, or else the places that come
/// nearest to it. A place that shows only the beginning is among them if there is nothing left to
/// show: what failed has taken it along. `lost` is the length from which on all is known to be lost.
pub(crate) fn client_paths(
    plan: &CompiledPlan,
    included: &[bool],
    data: &Data,
    steps: &[DataStep],
    lost: Option<usize>,
) -> Vec<Vec<PathSegment>> {
    let root = Value::OwnedObject(ROOT);
    let mut readings =
        vec![Reading { at: At::Object(&plan.root), value: Some(root), path: Vec::new() }];
    let mut paths: Vec<Vec<PathSegment>> = Vec::new();
    for (length, step) in steps.iter().enumerate() {
        let is_lost = lost.is_some_and(|lost| lost <= length);
        let mut next: Vec<Reading<'_>> = Vec::new();
        for reading in &readings {
            let further = advance(included, data, reading, *step);
            let has_nothing = matches!(reading.value, None | Some(Value::Null));
            if further.is_empty() && (is_lost || has_nothing) {
                paths.push(reading.path.clone());
            }
            next.extend(further);
        }
        if next.is_empty() {
            break;
        }
        readings = next;
    }
    if paths.is_empty() || readings.iter().any(|reading| reading.path.len() == steps.len()) {
        paths.extend(readings.into_iter().map(|reading| reading.path));
    }
    paths.sort();
    paths.dedup();
    paths
}

fn advance<'a>(
    included: &[bool],
    data: &Data,
    reading: &Reading<'a>,
    step: DataStep,
) -> Vec<Reading<'a>> {
    let extended = |segment: PathSegment| {
        let mut path = reading.path.clone();
        path.push(segment);
        path
    };
    match (step, reading.at) {
        (
            DataStep::Index(at),
            At::Output(OutputProgram { shape: Shape::List(item), non_null: _ }),
        ) => {
            let value = reading.value.map(|value| data.item(value, at));
            vec![Reading { at: At::Output(item), value, path: extended(PathSegment::Index(at)) }]
        }
        (
            DataStep::Key(key),
            At::Object(object)
            | At::Output(OutputProgram { shape: Shape::Object(object), non_null: _ }),
        ) => {
            let concrete = concrete_type(data, object, reading.value);
            let shown = object
                .fields
                .iter()
                .filter(|field| included[field.when] && applies(field, concrete));
            shown
                .filter_map(|field| match &field.value {
                    ValueProgram::Data { key: field_key, output } if *field_key == key => {
                        Some(Reading {
                            at: At::Output(output),
                            value: reading.value.and_then(|value| data.field(value, key)),
                            path: extended(PathSegment::Key(field.response_key.clone())),
                        })
                    }
                    _ => None,
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn concrete_type(data: &Data, object: &ObjectProgram, value: Option<Value>) -> Option<Name> {
    match value.map(|value| data.type_of(value)) {
        // An `@interfaceObject` whose real type was never asked for.
        Some(TypeOf::Known(name)) if name != object.type_name => Some(name),
        Some(TypeOf::Known(_) | TypeOf::Unknown | TypeOf::Absent) | None => {
            object.possible.single()
        }
    }
}

/// Where the data does not tell the type (it is what failed), every field may be meant.
fn applies(field: &FieldProgram, concrete: Option<Name>) -> bool {
    match (&field.types, concrete) {
        (Some(types), Some(concrete)) => types.contains(concrete),
        (None, _) | (_, None) => true,
    }
}
