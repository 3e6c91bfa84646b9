//! Finding the objects that a fetch is about, and writing the representations of entities.
//!
//! An entity that cannot be found by its subgraph is never asked for: no `__typename`, a type
//! without template, a key without value, or a required field whose value nobody knows because
//! the fetch that should have brought it failed. Such a target keeps what it has.

use std::collections::HashMap;

use bytes::Bytes;

use crate::compiled::{CompiledPlan, EntityProgram, RepresentationProgram, Step, TypeOf};
use crate::data::{Data, ROOT, Value};
use crate::path::{DataStep, Trails};

/// The entities to load for one `_entities` field.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    /// Distinct, in the order in which the data has them.
    pub(crate) representations: Vec<Bytes>,
    pub(crate) targets: Vec<Target>,
    pub(crate) trails: Trails,
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
    pub(crate) places: Vec<Place>,
    pub(crate) trails: Trails,
}

/// Finds where root fields are to be merged.
pub(crate) fn roots(plan: &CompiledPlan, data: &mut Data, path: &[Step]) -> Roots {
    let mut roots = Roots::default();
    let walk =
        Walk { plan, trails: &mut roots.trails, found: &mut |_, place| roots.places.push(place) };
    walk.start(data, path);
    roots
}

/// Walks all flatten paths and writes the representations of what stands there.
pub(crate) fn collect(plan: &CompiledPlan, data: &mut Data, program: &EntityProgram) -> Entities {
    let Entities { mut representations, mut targets, mut trails } = Entities::default();
    let mut known: HashMap<Bytes, usize> = HashMap::new();
    for (path, steps) in program.paths.iter().enumerate() {
        let mut found = |data: &mut Data, place: Place| {
            let object = Value::OwnedObject(place.object);
            let Some(representation) = represent(plan, data, program, object) else {
                data.set_incomplete(place.object);
                return;
            };
            let entry = known.entry(representation.into());
            let representation = *entry.or_insert_with_key(|representation| {
                representations.push(representation.clone());
                representations.len() - 1
            });
            targets.push(Target { place, path, representation });
        };
        Walk { plan, trails: &mut trails, found: &mut found }.start(data, steps);
    }
    Entities { representations, targets, trails }
}

/// A walk along a flatten path. Objects and lists on the way become owned.
struct Walk<'a> {
    plan: &'a CompiledPlan,
    trails: &'a mut Trails,
    found: &'a mut dyn FnMut(&mut Data, Place),
}

impl Walk<'_> {
    fn start(mut self, data: &mut Data, steps: &[Step]) {
        self.walk(data, Value::OwnedObject(ROOT), steps, None);
    }

    fn walk(&mut self, data: &mut Data, value: Value, steps: &[Step], trail: Option<usize>) {
        match (steps, value) {
            ([], Value::OwnedObject(object)) => (self.found)(data, Place { object, trail }),
            ([Step::Key(key), rest @ ..], Value::OwnedObject(object)) => {
                if let Some(value @ (Value::OwnedObject(_) | Value::OwnedList(_))) =
                    data.own_field(object, *key)
                {
                    let trail = self.trails.extend(trail, DataStep::Key(*key));
                    self.walk(data, value, rest, Some(trail));
                }
            }
            ([Step::List, rest @ ..], Value::OwnedList(list)) => {
                for at in 0..data.len(value) {
                    if let Some(item @ (Value::OwnedObject(_) | Value::OwnedList(_))) =
                        data.own_item(list, at)
                    {
                        let trail = self.trails.extend(trail, DataStep::Index(at));
                        self.walk(data, item, rest, Some(trail));
                    }
                }
            }
            ([Step::Types(types), rest @ ..], Value::OwnedObject(_)) => {
                if let TypeOf::Known(name) = self.plan.type_of(data, value)
                    && types.contains(name)
                {
                    self.walk(data, value, rest, trail);
                }
            }
            // Null, or not what the path expects: nothing to find here. The projection reports
            // values of the wrong kind.
            _ => {}
        }
    }
}

fn represent(
    plan: &CompiledPlan,
    data: &Data,
    program: &EntityProgram,
    object: Value,
) -> Option<Vec<u8>> {
    let TypeOf::Known(name) = plan.type_of(data, object) else { return None };
    let template = program.templates.iter().find(|template| template.types.contains(name))?;
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&template.head);
    let writer = Writer { plan, data };
    for field in &template.fields {
        writer.field(&mut out, field, object, b",")?;
    }
    out.push(b'}');
    Some(out)
}

struct Writer<'a> {
    plan: &'a CompiledPlan,
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
        if let Some(types) = &field.types {
            match self.plan.type_of(self.data, object) {
                TypeOf::Known(name) if types.contains(name) => {}
                _ => return Some(()),
            }
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
