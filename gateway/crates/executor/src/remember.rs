//! Looks up what the same subgraph has already said of entities, within one run of a plan.
//!
//! Only answers without any error count, and only objects that have everything that is wanted.
//! What a plan could remember is worked out in [`crate::memory`].

use std::collections::HashMap;

use bytes::Bytes;

use crate::compiled::{EntityProgram, TemplateProgram};
use crate::data::Data;
use crate::document::{Document, Node, TypeOf};
use crate::memory::{Source, SourceKind, Start};
use crate::names::Name;

/// What an earlier fetch brought: places in the data's documents.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The object under `data`.
    pub(crate) root: Option<Stored>,
    /// By list: the representations asked for and the entities found.
    pub(crate) lists: Vec<Vec<(Bytes, Stored)>>,
}

/// An object of a document that the data has taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) document: u32,
    pub(crate) object: u32,
}

/// An object that has what a representation would bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered<'p> {
    pub(crate) stored: Stored,
    pub(crate) fields: &'p [(Name, Name)],
}

/// More objects than these are not worth looking through for what they may save.
const MAX_OBJECTS: usize = 4096;

/// Finds out which of the representations need not be asked for.
pub(crate) fn recall<'p>(
    data: &Data,
    program: &'p EntityProgram,
    memories: &[Option<Memory>],
    representations: &[Bytes],
) -> HashMap<usize, Remembered<'p>> {
    let mut recalled = HashMap::new();
    if program.sources.is_empty() || representations.is_empty() {
        return recalled;
    }
    let wanted: HashMap<&[u8], usize> =
        representations.iter().enumerate().map(|(at, text)| (&**text, at)).collect();
    for source in &program.sources {
        let Some(memory) = &memories[source.fetch] else { continue };
        if recalled.len() == representations.len() {
            break;
        }
        let template = &program.templates[source.template];
        let mut found = |representation: &[u8], stored: Stored| {
            let document = data.document(stored.document);
            if let Some(&at) = wanted.get(representation)
                && representation.starts_with(&template.head)
                && has_all(document, stored.object, &source.fields)
            {
                recalled.entry(at).or_insert(Remembered { stored, fields: &source.fields });
            }
        };
        look_through(data, memory, source, template, &mut found);
    }
    recalled
}

fn look_through(
    data: &Data,
    memory: &Memory,
    source: &Source,
    template: &TemplateProgram,
    found: &mut impl FnMut(&[u8], Stored),
) {
    let list = match source.start {
        Start::Data => &[][..],
        Start::List(list) => memory.lists.get(list).map_or(&[][..], Vec::as_slice),
    };
    match &source.kind {
        SourceKind::SameLoad => {
            for (representation, stored) in list {
                found(representation, *stored);
            }
        }
        SourceKind::Objects { path, key } => {
            let starts = match source.start {
                Start::Data => memory.root.as_slice(),
                Start::List(_) => &list.iter().map(|(_, stored)| *stored).collect::<Vec<_>>(),
            };
            let (mut text, mut left) = (Vec::new(), MAX_OBJECTS);
            for start in starts {
                let document = data.document(start.document);
                let mut visit = |object: u32| {
                    text.clear();
                    if represents(document, object, template, key, &mut text) {
                        found(&text, Stored { document: start.document, object });
                    }
                };
                descend(document, Node::Object(start.object), path, &mut left, &mut visit);
            }
        }
    }
}

fn descend(
    document: &Document,
    node: Node,
    path: &[Name],
    left: &mut usize,
    visit: &mut impl FnMut(u32),
) {
    match (node, path) {
        (Node::List(list), _) => {
            for &item in document.items(list) {
                descend(document, item, path, left, visit);
            }
        }
        (Node::Object(object), []) => visit(object),
        (Node::Object(object), [key, rest @ ..]) => {
            if *left == 0 {
                return;
            }
            *left -= 1;
            if let Some(node) = document.field(object, *key) {
                descend(document, node, rest, left, visit);
            }
        }
        (Node::Null | Node::Boolean(_) | Node::Number(_) | Node::String(_) | Node::Conflict, _) => {
        }
    }
}

/// Writes the representation that the object would have, if it can have one.
fn represents(
    document: &Document,
    object: u32,
    template: &TemplateProgram,
    key: &[Name],
    out: &mut Vec<u8>,
) -> bool {
    if !matches!(document.type_of(object), TypeOf::Known(name) if template.types.contains(name)) {
        return false;
    }
    out.extend_from_slice(&template.head);
    for (field, name) in template.fields.iter().zip(key) {
        let Some(Node::String(text) | Node::Number(text)) = document.field(object, *name) else {
            return false;
        };
        out.push(b',');
        out.extend_from_slice(&field.head);
        out.extend_from_slice(document.text(text));
    }
    out.push(b'}');
    true
}

fn has_all(document: &Document, object: u32, fields: &[(Name, Name)]) -> bool {
    let answered =
        |name: Name| !matches!(document.field(object, name), None | Some(Node::Conflict));
    fields.iter().all(|(_, name)| answered(*name))
}
