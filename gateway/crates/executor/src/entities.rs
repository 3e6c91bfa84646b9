//! Finding the objects that a fetch is about, and writing the representations of entities.
//!
//! An entity that cannot be found by its subgraph is never asked for: no `__typename`, a type
//! without template, a key without value, or a required field whose value nobody knows because
//! the fetch that should have brought it failed. Such a target keeps what it has.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use crate::compiled::{EntityProgram, RepresentationProgram, Step};
use crate::contexts;
use crate::data::{Data, ROOT, Standing, Value};
use crate::document::TypeOf;
use crate::names::TypeSet;
use crate::path::{DataStep, Trails};
use crate::remember::Remembered;

/// The entities to load for one `_entities` field.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    /// Distinct, in the order in which the data has them.
    pub(crate) representations: Vec<Bytes>,
    /// For every representation the variables that its context gives, without braces; empty if
    /// there are none.
    pub(crate) contexts: Vec<Bytes>,
    /// Objects that stand at several places are there once, unless it is [`Entities::traced`].
    pub(crate) targets: Vec<Target>,
    pub(crate) trails: Trails,
    /// The last walk that found targets.
    pub(crate) walk: u32,
}

/// An owned object of the data that an entity is to be merged into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    /// Index of the flatten path on which it was found.
    pub(crate) path: usize,
    /// Index into the representations.
    pub(crate) representation: usize,
}

/// An owned object of the data, and the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) object: u32,
    pub(crate) trail: Option<usize>,
}

/// Where the root fields of a fetch are to be merged; usually the root itself.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    /// Each object once, unless it is [`Roots::traced`].
    pub(crate) places: Vec<Place>,
    pub(crate) trails: Trails,
    walk: u32,
}

impl Roots {
    /// Finds where root fields are to be merged.
    pub(crate) fn find(data: &mut Data, path: &[Step]) -> Self {
        let walk = data.begin_walk();
        let mut places = Vec::new();
        let mut found = |_: &mut Data, object: u32| places.push(Place { object, trail: None });
        Walk { walk, found: &mut found }.start(data, path);
        Self { places, trails: Trails::default(), walk }
    }

    /// The objects to merge into.
    pub(crate) fn objects(&self, data: &Data) -> Vec<u32> {
        let descendants = |place: &Place| data.descendants(place.object, self.walk);
        self.places.iter().flat_map(descendants).collect()
    }

    /// The same with all the ways that lead to the places.
    pub(crate) fn traced(&self, data: &Data, path: &[Step]) -> Self {
        let Self { places: known, trails: _, walk } = self;
        let (mut places, mut trails) = (Vec::new(), Trails::default());
        let mut found = |object: u32, trail: Option<usize>| {
            let ancestor = data.ancestor(object, *walk);
            if known.iter().any(|place| place.object == ancestor) {
                places.push(Place { object, trail });
            }
        };
        Tracing { data, trails: &mut trails, found: &mut found }.start(path);
        Self { places, trails, walk: *walk }
    }
}

impl Entities {
    /// Walks all flatten paths and writes the representations of what stands there.
    pub(crate) fn collect(data: &mut Data, program: &EntityProgram) -> Self {
        if !program.contexts.is_empty() {
            return contexts::collect(data, program);
        }
        let mut text: Vec<u8> = Vec::new();
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut targets = Vec::new();
        let mut walk = 0;
        for (path, steps) in program.paths.iter().enumerate() {
            let mut found = |data: &mut Data, object: u32| {
                let start = text.len();
                if represent(data, program, Value::OwnedObject(object), &mut text).is_none() {
                    text.truncate(start);
                    data.set_incomplete(object);
                    return;
                }
                let known_as = known.get(&text[start..]).copied();
                if known_as.is_some() {
                    text.truncate(start);
                } else {
                    known.insert(text[start..].to_vec(), spans.len());
                    spans.push(start..text.len());
                }
                let representation = known_as.unwrap_or(spans.len() - 1);
                let place = Place { object, trail: None };
                targets.push(Target { place, path, representation });
            };
            walk = data.begin_walk();
            Walk { walk, found: &mut found }.start(data, steps);
        }
        let text = Bytes::from(text);
        let representations = spans.into_iter().map(|span| text.slice(span)).collect();
        Self { representations, contexts: Vec::new(), targets, trails: Trails::default(), walk }
    }

    /// Takes out what need not be asked for: merges it into its targets instead.
    pub(crate) fn take_recalled(
        &mut self,
        data: &mut Data,
        recalled: &HashMap<usize, Remembered<'_>>,
    ) {
        if recalled.is_empty() {
            return;
        }
        self.targets.retain(|target| {
            let Some(Remembered { stored, fields }) = recalled.get(&target.representation) else {
                return true;
            };
            for (name, source) in *fields {
                data.merge_as(target.place.object, *name, stored.document, stored.object, *source);
            }
            false
        });
        // What is left moves together.
        let mut left = 0;
        let numbers: Vec<usize> = (0..self.representations.len())
            .map(|at| {
                let number = left;
                left += usize::from(!recalled.contains_key(&at));
                number
            })
            .collect();
        for target in &mut self.targets {
            target.representation = numbers[target.representation];
        }
        let mut at = 0;
        self.representations.retain(|_| {
            at += 1;
            !recalled.contains_key(&(at - 1))
        });
    }

    /// The objects that a target stands for by now.
    pub(crate) fn objects(&self, data: &Data, target: &Target) -> Vec<u32> {
        data.descendants(target.place.object, self.walk)
    }

    /// The same with all the ways that lead to the targets.
    pub(crate) fn traced(&self, data: &Data, program: &EntityProgram) -> Self {
        let Self { representations, contexts, targets: known, trails: _, walk } = self;
        let key = |target: &Target| (target.place.object, target.path);
        let known: HashMap<(u32, usize), usize> =
            known.iter().map(|target| (key(target), target.representation)).collect();
        let (mut targets, mut trails) = (Vec::new(), Trails::default());
        for (path, steps) in program.paths.iter().enumerate() {
            let mut found = |object: u32, trail: Option<usize>| {
                let ancestor = data.ancestor(object, *walk);
                if let Some(&representation) = known.get(&(ancestor, path)) {
                    targets.push(Target { place: Place { object, trail }, path, representation });
                }
            };
            Tracing { data, trails: &mut trails, found: &mut found }.start(steps);
        }
        let (representations, contexts) = (representations.clone(), contexts.clone());
        Self { representations, contexts, targets, trails, walk: *walk }
    }
}

/// A walk along a flatten path. Objects and lists on the way become owned; what can be reached on
/// several ways is visited once.
struct Walk<'a> {
    walk: u32,
    found: &'a mut dyn FnMut(&mut Data, u32),
}

impl Walk<'_> {
    fn start(mut self, data: &mut Data, steps: &[Step]) {
        self.walk(data, Value::OwnedObject(ROOT), steps, Standing::default());
    }

    fn walk(&mut self, data: &mut Data, value: Value, steps: &[Step], standing: Standing) {
        match (steps, value) {
            ([], Value::OwnedObject(object)) => (self.found)(data, object),
            ([Step::Key { key, place, typed }, rest @ ..], Value::OwnedObject(object)) => {
                let standing = data.below(object, standing, *place, *typed);
                if let Some(value @ (Value::OwnedObject(_) | Value::OwnedList(_))) =
                    data.own_field(object, *key, standing)
                    && data.is_new(value, self.walk)
                {
                    self.walk(data, value, rest, standing);
                }
            }
            ([Step::List, rest @ ..], Value::OwnedList(list)) => {
                for at in 0..data.len(value) {
                    if let Some(item @ (Value::OwnedObject(_) | Value::OwnedList(_))) =
                        data.own_item(list, at, standing)
                        && data.is_new(item, self.walk)
                    {
                        self.walk(data, item, rest, standing);
                    }
                }
            }
            ([Step::Types(types), rest @ ..], Value::OwnedObject(_))
                if is_one_of(data, value, types) =>
            {
                self.walk(data, value, rest, standing);
            }
            // Null, or not what the path expects: nothing to find here. The projection reports
            // values of the wrong kind.
            _ => {}
        }
    }
}

/// The same walk again, along every way, after something went wrong: errors name places.
struct Tracing<'a> {
    data: &'a Data,
    trails: &'a mut Trails,
    found: &'a mut dyn FnMut(u32, Option<usize>),
}

impl Tracing<'_> {
    fn start(mut self, steps: &[Step]) {
        self.trace(Value::OwnedObject(ROOT), steps, None);
    }

    fn trace(&mut self, value: Value, steps: &[Step], trail: Option<usize>) {
        match (steps, value) {
            ([], Value::OwnedObject(object)) => (self.found)(object, trail),
            ([Step::Key { key, .. }, rest @ ..], Value::OwnedObject(_)) => {
                if let Some(value) = self.data.field(value, *key) {
                    let trail = self.trails.extend(trail, DataStep::Key(*key));
                    self.trace(value, rest, Some(trail));
                }
            }
            ([Step::List, rest @ ..], Value::OwnedList(_)) => {
                for at in 0..self.data.len(value) {
                    let trail = self.trails.extend(trail, DataStep::Index(at));
                    self.trace(self.data.item(value, at), rest, Some(trail));
                }
            }
            ([Step::Types(types), rest @ ..], Value::OwnedObject(_))
                if is_one_of(self.data, value, types) =>
            {
                self.trace(value, rest, trail);
            }
            _ => {}
        }
    }
}

pub(crate) fn is_one_of(data: &Data, value: Value, types: &TypeSet) -> bool {
    matches!(data.type_of(value), TypeOf::Known(name) if types.contains(name))
}

/// Appends the representation of an object, if it has one.
pub(crate) fn represent(
    data: &Data,
    program: &EntityProgram,
    object: Value,
    out: &mut Vec<u8>,
) -> Option<()> {
    let TypeOf::Known(name) = data.type_of(object) else { return None };
    let template = program.templates.iter().find(|template| template.types.contains(name))?;
    out.extend_from_slice(&template.head);
    let writer = Writer { data };
    for field in &template.fields {
        writer.field(out, field, object, b",")?;
    }
    out.push(b'}');
    Some(())
}

struct Writer<'a> {
    data: &'a Data,
}

impl Writer<'_> {
    /// Writes a member, if the object is of a type that has it. None: the entity must be left out.
    fn field(
        &self,
        out: &mut Vec<u8>,
        field: &RepresentationProgram,
        object: Value,
        separator: &[u8],
    ) -> Option<()> {
        if field.types.as_ref().is_some_and(|types| !is_one_of(self.data, object, types)) {
            return Some(());
        }
        let value = self.data.field(object, field.key)?;
        out.extend_from_slice(separator);
        out.extend_from_slice(&field.head);
        if value == Value::Null && field.required {
            return None;
        }
        if field.fields.is_empty() {
            out.extend_from_slice(self.data.json(value)?);
            return Some(());
        }
        self.selection(out, &field.fields, value)
    }

    fn selection(
        &self,
        out: &mut Vec<u8>,
        fields: &[RepresentationProgram],
        value: Value,
    ) -> Option<()> {
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::List(_) | Value::OwnedList(_) => {
                out.push(b'[');
                for at in 0..self.data.len(value) {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.selection(out, fields, self.data.item(value, at))?;
                }
                out.push(b']');
            }
            Value::Object(_) | Value::OwnedObject(_) => {
                out.push(b'{');
                let start = out.len();
                for field in fields {
                    let separator: &[u8] = if out.len() == start { b"" } else { b"," };
                    self.field(out, field, value, separator)?;
                }
                out.push(b'}');
            }
            Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Conflict => {
                return None;
            }
        }
        Some(())
    }
}
