//! Entities whose requests take arguments from further up in the data.
//!
//! One object may stand below several others that give it different values. So everything below
//! the first object that may give one is taken apart before it is looked at: from then on each of
//! those objects has its own, and a target stands in one context only.

use std::collections::HashMap;

use bytes::Bytes;

use crate::compiled::{ContextProgram, ContextSourceProgram, EntityProgram};
use crate::compiled::{RepresentationProgram, Step};
use crate::data::{Data, ROOT, Standing, Value};
use crate::entities::{Entities, Place, Target, is_one_of, represent};

/// Like [`Entities::collect`], with the variables for each representation.
pub(crate) fn collect(data: &mut Data, program: &EntityProgram) -> Entities {
    let sources = program.contexts.iter().flat_map(|context| &context.sources);
    let from = sources.map(|source| source.depth).min().unwrap_or_default();
    let mut found = Found { program, entities: Entities::default(), known: HashMap::new() };
    for (path, steps) in program.paths.iter().enumerate() {
        let walk = data.begin_walk();
        let root = Value::OwnedObject(ROOT);
        Separation { data, walk, from }.walk(root, steps, 0, Standing::default());
        let walk = data.begin_walk();
        let mut way = Vec::with_capacity(steps.len() + 1);
        found.walk(data, (path, walk), root, steps, &mut way);
        found.entities.walk = walk;
    }
    found.entities
}

/// Makes a path writable; what stands `from` so many steps on, for each owner apart.
struct Separation<'a> {
    data: &'a mut Data,
    walk: u32,
    from: usize,
}

impl Separation<'_> {
    fn walk(&mut self, value: Value, steps: &[Step], at: usize, standing: Standing) {
        let Some((step, rest)) = steps.split_first() else { return };
        let apart = at >= self.from;
        match (step, value) {
            (Step::Key { key, place, typed }, Value::OwnedObject(object)) => {
                let standing = self.data.below(object, standing, *place, *typed);
                let below = if apart {
                    self.data.take_field(object, *key)
                } else {
                    self.data.own_field(object, *key, standing)
                };
                self.go_on(below, rest, at, standing);
            }
            (Step::List, Value::OwnedList(list)) => {
                for item in 0..self.data.len(value) {
                    let below = if apart {
                        self.data.take_item(list, item)
                    } else {
                        self.data.own_item(list, item, standing)
                    };
                    self.go_on(below, rest, at, standing);
                }
            }
            (Step::Types(types), Value::OwnedObject(_)) if is_one_of(self.data, value, types) => {
                self.walk(value, rest, at + 1, standing);
            }
            _ => {}
        }
    }

    fn go_on(&mut self, below: Option<Value>, rest: &[Step], at: usize, standing: Standing) {
        if let Some(value @ (Value::OwnedObject(_) | Value::OwnedList(_))) = below
            && self.data.is_new(value, self.walk)
        {
            self.walk(value, rest, at + 1, standing);
        }
    }
}

struct Found<'p> {
    program: &'p EntityProgram,
    entities: Entities,
    /// By the values of the contexts and the representation.
    known: HashMap<(Vec<u8>, Vec<u8>), usize>,
}

impl Found<'_> {
    /// `way`: what stands before each step.
    fn walk(
        &mut self,
        data: &mut Data,
        (path, walk): (usize, u32),
        value: Value,
        steps: &[Step],
        way: &mut Vec<Value>,
    ) {
        if !matches!(value, Value::OwnedObject(_) | Value::OwnedList(_)) {
            return;
        }
        way.push(value);
        match (steps, value) {
            ([], Value::OwnedObject(object)) => self.target(data, path, object, way),
            ([Step::Key { key, .. }, rest @ ..], Value::OwnedObject(_)) => {
                let below = data.field(value, *key);
                if let Some(below) = below.filter(|below| data.is_new(*below, walk)) {
                    self.walk(data, (path, walk), below, rest, way);
                }
            }
            ([Step::List, rest @ ..], Value::OwnedList(_)) => {
                for at in 0..data.len(value) {
                    let item = data.item(value, at);
                    if data.is_new(item, walk) {
                        self.walk(data, (path, walk), item, rest, way);
                    }
                }
            }
            ([Step::Types(types), rest @ ..], Value::OwnedObject(_))
                if is_one_of(data, value, types) =>
            {
                self.walk(data, (path, walk), value, rest, way);
            }
            _ => {}
        }
        way.pop();
    }

    fn target(&mut self, data: &mut Data, path: usize, object: u32, way: &[Value]) {
        let (mut context, mut text) = (Vec::new(), Vec::new());
        let complete = variables(data, &self.program.contexts, way, &mut context)
            .and_then(|()| represent(data, self.program, Value::OwnedObject(object), &mut text));
        if complete.is_none() {
            data.set_incomplete(object);
            return;
        }
        let entities = &mut self.entities;
        let identity = (context, text);
        let representation = self.known.get(&identity).copied().unwrap_or_else(|| {
            entities.contexts.push(Bytes::from(identity.0.clone()));
            entities.representations.push(Bytes::from(identity.1.clone()));
            entities.representations.len() - 1
        });
        self.known.entry(identity).or_insert(representation);
        let place = Place { object, trail: None };
        entities.targets.push(Target { place, path, representation });
    }
}

/// Writes the members of `variables`. None: one that must have a value has none.
fn variables(
    data: &Data,
    contexts: &[ContextProgram],
    way: &[Value],
    out: &mut Vec<u8>,
) -> Option<()> {
    for ContextProgram { head, required, sources } in contexts {
        if !out.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(head);
        let start = out.len();
        let applies = |source: &&ContextSourceProgram| {
            let object = way.get(source.depth).copied().unwrap_or(Value::Null);
            source.types.as_ref().is_none_or(|types| is_one_of(data, object, types))
        };
        let source = sources.iter().find(applies)?;
        write(data, &source.fields, *way.get(source.depth)?, out)?;
        if *required && &out[start..] == b"null" {
            return None;
        }
    }
    Some(())
}

/// Writes what the selection finds. None: nobody knows.
fn write(
    data: &Data,
    fields: &[RepresentationProgram],
    object: Value,
    out: &mut Vec<u8>,
) -> Option<()> {
    match object {
        Value::Null => out.extend_from_slice(b"null"),
        Value::List(_) | Value::OwnedList(_) => {
            out.push(b'[');
            for at in 0..data.len(object) {
                if at > 0 {
                    out.push(b',');
                }
                write(data, fields, data.item(object, at), out)?;
            }
            out.push(b']');
        }
        Value::Object(_) | Value::OwnedObject(_) => {
            let applies = |field: &&RepresentationProgram| {
                field.types.as_ref().is_none_or(|types| is_one_of(data, object, types))
            };
            let Some(field) = fields.iter().find(applies) else {
                // Of this type nothing is asked.
                out.extend_from_slice(b"null");
                return Some(());
            };
            let value = data.field(object, field.key)?;
            if field.fields.is_empty() {
                out.extend_from_slice(data.json(value)?);
            } else {
                write(data, &field.fields, value, out)?;
            }
        }
        Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Conflict => return None,
    }
    Some(())
}
