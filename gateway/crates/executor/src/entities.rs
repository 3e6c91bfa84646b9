//! Finding the entities that a fetch is about, and writing their representations.
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
    pub(crate) object: u32,
    pub(crate) trail: Option<usize>,
    /// Index of the flatten path on which it was found.
    pub(crate) path: usize,
    /// Index into the representations.
    pub(crate) representation: usize,
}

/// Walks all flatten paths. Objects on the way become owned.
pub(crate) fn collect(plan: &CompiledPlan, data: &mut Data, program: &EntityProgram) -> Entities {
    let mut search =
        Search { plan, program, entities: Entities::default(), known: HashMap::new(), path: 0 };
    for (path, steps) in program.paths.iter().enumerate() {
        search.path = path;
        search.walk(data, Value::OwnedObject(ROOT), steps, None);
    }
    search.entities
}

struct Search<'a> {
    plan: &'a CompiledPlan,
    program: &'a EntityProgram,
    entities: Entities,
    known: HashMap<Bytes, usize>,
    path: usize,
}

impl Search<'_> {
    fn walk(&mut self, data: &mut Data, value: Value, steps: &[Step], trail: Option<usize>) {
        match (steps, value) {
            ([], Value::OwnedObject(object)) => self.found(data, object, trail),
            ([Step::Key(key), rest @ ..], Value::OwnedObject(object)) => {
                if let Some(value @ (Value::OwnedObject(_) | Value::OwnedList(_))) =
                    data.own_field(object, *key)
                {
                    let trail = self.entities.trails.extend(trail, DataStep::Key(*key));
                    self.walk(data, value, rest, Some(trail));
                }
            }
            ([Step::List, rest @ ..], Value::OwnedList(list)) => {
                for at in 0..data.len(value) {
                    if let Some(item @ (Value::OwnedObject(_) | Value::OwnedList(_))) =
                        data.own_item(list, at)
                    {
                        let trail = self.entities.trails.extend(trail, DataStep::Index(at));
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

    fn found(&mut self, data: &Data, object: u32, trail: Option<usize>) {
        let Some(representation) =
            represent(self.plan, data, self.program, Value::OwnedObject(object))
        else {
            return;
        };
        let representations = &mut self.entities.representations;
        let representation =
            *self.known.entry(representation.into()).or_insert_with_key(|representation| {
                representations.push(representation.clone());
                representations.len() - 1
            });
        self.entities.targets.push(Target { object, trail, path: self.path, representation });
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
