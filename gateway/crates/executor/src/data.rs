//! The merged data of one run: a tree over immutable documents, copied only where it is written.
//!
//! Everything starts as a reference into a document. Who wants to write into an object or list
//! first makes it *owned*: a flat copy whose children still are references. So an entity that
//! stands at a hundred targets is not cloned a hundred times, and what a later fetch writes at
//! one place never shows at another.
//!
//! Merging follows four rules: objects merge key by key; lists of equal length merge element by
//! element; null never replaces a value; a leaf from a later answer replaces the earlier leaf.
//! What cannot be merged (an object with a leaf, lists of different lengths) becomes a conflict,
//! which the projection reports: no answer is better than one made of two.

use std::sync::Arc;

use crate::document::{Document, Node};
use crate::json::Span;
use crate::names::Name;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Number(Text),
    /// With its quotes and escapes.
    String(Text),
    List(Place),
    Object(Place),
    OwnedList(u32),
    OwnedObject(u32),
    Conflict,
}

/// A node of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    document: u32,
    node: u32,
}

/// A part of a document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    document: u32,
    span: Span,
}

#[derive(Debug)]
pub(crate) struct Data {
    documents: Vec<Arc<Document>>,
    objects: Vec<Owned<(Name, Value)>>,
    lists: Vec<Owned<Value>>,
}

#[derive(Debug)]
struct Owned<T> {
    members: Vec<T>,
    /// The JSON text that it was copied from: what a custom scalar passes through.
    text: Option<Text>,
    /// A subgraph that should have completed the object does not know it, or was not asked: what
    /// is missing is missing for a reason.
    incomplete: bool,
}

/// The root of the data, always owned.
pub(crate) const ROOT: u32 = 0;

impl Data {
    pub(crate) fn new() -> Self {
        Self {
            documents: Vec::new(),
            objects: vec![Owned { members: Vec::new(), text: None, incomplete: false }],
            lists: Vec::new(),
        }
    }

    /// Takes a document in, so that its nodes can become values.
    pub(crate) fn adopt(&mut self, document: Arc<Document>) -> u32 {
        self.documents.push(document);
        index(self.documents.len() - 1)
    }

    /// Bytes of all answers: a guess at the size of the client's.
    pub(crate) fn size(&self) -> usize {
        self.documents.iter().map(|document| document.size()).sum()
    }

    /// Merges an object of a document into an owned object.
    pub(crate) fn merge(&mut self, target: u32, document: u32, object: u32) {
        let source = Arc::clone(&self.documents[document as usize]);
        for &(name, node) in source.fields(object) {
            self.merge_field(target, name, value_of(document, node));
        }
    }

    /// Merges only these fields.
    pub(crate) fn merge_only(&mut self, target: u32, document: u32, object: u32, names: &[Name]) {
        let source = Arc::clone(&self.documents[document as usize]);
        for &(name, node) in source.fields(object).iter().filter(|(name, _)| names.contains(name)) {
            self.merge_field(target, name, value_of(document, node));
        }
    }

    fn merge_field(&mut self, target: u32, name: Name, new: Value) {
        let fields = &self.objects[target as usize].members;
        match fields.iter().position(|(key, _)| *key == name) {
            None => self.objects[target as usize].members.push((name, new)),
            Some(at) => {
                let old = fields[at].1;
                let merged = self.merged(old, new);
                self.objects[target as usize].members[at].1 = merged;
            }
        }
    }

    fn merged(&mut self, old: Value, new: Value) -> Value {
        match (old, new) {
            (Value::Conflict, _) | (_, Value::Conflict) => Value::Conflict,
            (old, Value::Null) => old,
            (Value::Null, new) => new,
            (old, new) if old == new => old,
            (Value::Object(_) | Value::OwnedObject(_), Value::Object(place)) => {
                let Value::OwnedObject(target) = self.own(old) else { return Value::Conflict };
                self.merge(target, place.document, place.node);
                Value::OwnedObject(target)
            }
            (Value::List(_) | Value::OwnedList(_), Value::List(_)) => self.merged_lists(old, new),
            (
                Value::Boolean(_) | Value::Number(_) | Value::String(_),
                Value::Boolean(_) | Value::Number(_) | Value::String(_),
            ) => new,
            (_, _) => Value::Conflict,
        }
    }

    fn merged_lists(&mut self, old: Value, new: Value) -> Value {
        if self.len(old) != self.len(new) {
            return Value::Conflict;
        }
        let owned = self.own(old);
        let Value::OwnedList(list) = owned else { return Value::Conflict };
        for at in 0..self.len(new) {
            let (old, new) = (self.item(owned, at), self.item(new, at));
            let merged = self.merged(old, new);
            self.lists[list as usize].members[at] = merged;
        }
        owned
    }

    /// Makes an object or a list writable; other values stay what they are.
    fn own(&mut self, value: Value) -> Value {
        match value {
            Value::Object(Place { document, node }) => {
                let source = &self.documents[document as usize];
                let members = source
                    .fields(node)
                    .iter()
                    .map(|&(name, node)| (name, value_of(document, node)));
                let text = Some(Text { document, span: source.object_text(node) });
                self.objects.push(Owned { members: members.collect(), text, incomplete: false });
                Value::OwnedObject(index(self.objects.len() - 1))
            }
            Value::List(Place { document, node }) => {
                let source = &self.documents[document as usize];
                let members = source.items(node).iter().map(|&node| value_of(document, node));
                let text = Some(Text { document, span: source.list_text(node) });
                self.lists.push(Owned { members: members.collect(), text, incomplete: false });
                Value::OwnedList(index(self.lists.len() - 1))
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::OwnedList(_)
            | Value::OwnedObject(_)
            | Value::Conflict => value,
        }
    }

    /// The value of an owned object's field, made writable in place.
    pub(crate) fn own_field(&mut self, object: u32, name: Name) -> Option<Value> {
        let at = self.objects[object as usize].members.iter().position(|(key, _)| *key == name)?;
        let value = self.own(self.objects[object as usize].members[at].1);
        self.objects[object as usize].members[at].1 = value;
        Some(value)
    }

    /// An element of an owned list, made writable in place.
    pub(crate) fn own_item(&mut self, list: u32, at: usize) -> Option<Value> {
        let value = *self.lists[list as usize].members.get(at)?;
        let value = self.own(value);
        self.lists[list as usize].members[at] = value;
        Some(value)
    }

    pub(crate) fn set_incomplete(&mut self, object: u32) {
        self.objects[object as usize].incomplete = true;
    }

    /// Whether fields of an object may be missing without anybody having done wrong.
    pub(crate) fn is_incomplete(&self, value: Value) -> bool {
        matches!(value, Value::OwnedObject(object) if self.objects[object as usize].incomplete)
    }

    pub(crate) fn field(&self, value: Value, name: Name) -> Option<Value> {
        match value {
            Value::Object(Place { document, node }) => self.documents[document as usize]
                .field(node, name)
                .map(|node| value_of(document, node)),
            Value::OwnedObject(object) => {
                let fields = &self.objects[object as usize].members;
                fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::List(_)
            | Value::OwnedList(_)
            | Value::Conflict => None,
        }
    }

    /// The length of a list; 0 for other values.
    pub(crate) fn len(&self, value: Value) -> usize {
        match value {
            Value::List(Place { document, node }) => {
                self.documents[document as usize].items(node).len()
            }
            Value::OwnedList(list) => self.lists[list as usize].members.len(),
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)
            | Value::OwnedObject(_)
            | Value::Conflict => 0,
        }
    }

    /// An element of a list; null if there is none.
    pub(crate) fn item(&self, value: Value, at: usize) -> Value {
        match value {
            Value::List(Place { document, node }) => self.documents[document as usize]
                .items(node)
                .get(at)
                .map_or(Value::Null, |&node| value_of(document, node)),
            Value::OwnedList(list) => {
                self.lists[list as usize].members.get(at).copied().unwrap_or(Value::Null)
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)
            | Value::OwnedObject(_)
            | Value::Conflict => Value::Null,
        }
    }

    pub(crate) fn text(&self, Text { document, span }: Text) -> &[u8] {
        self.documents[document as usize].text(span)
    }

    /// A value as the subgraph wrote it; none for conflicts and for the root.
    pub(crate) fn json(&self, value: Value) -> Option<&[u8]> {
        match value {
            Value::Null => Some(b"null"),
            Value::Boolean(true) => Some(b"true"),
            Value::Boolean(false) => Some(b"false"),
            Value::Number(text) | Value::String(text) => Some(self.text(text)),
            Value::List(Place { document, node }) => {
                let source = &self.documents[document as usize];
                Some(source.text(source.list_text(node)))
            }
            Value::Object(Place { document, node }) => {
                let source = &self.documents[document as usize];
                Some(source.text(source.object_text(node)))
            }
            Value::OwnedList(list) => self.lists[list as usize].text.map(|text| self.text(text)),
            Value::OwnedObject(object) => {
                self.objects[object as usize].text.map(|text| self.text(text))
            }
            Value::Conflict => None,
        }
    }
}

fn value_of(document: u32, node: Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Boolean(value) => Value::Boolean(value),
        Node::Number(span) => Value::Number(Text { document, span }),
        Node::String(span) => Value::String(Text { document, span }),
        Node::List(node) => Value::List(Place { document, node }),
        Node::Object(node) => Value::Object(Place { document, node }),
        Node::Conflict => Value::Conflict,
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("one run holds fewer than 2^32 values")
}
