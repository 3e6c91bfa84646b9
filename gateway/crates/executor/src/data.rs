//! The merged data of one run: a tree over immutable documents, copied only where it is written.
//!
//! Everything starts as a reference into a document. Who wants to write into an object or list
//! first makes it *owned*: a flat copy whose children still are references. So an entity that
//! stands at a hundred targets is not cloned a hundred times, and what a later fetch writes at
//! one place never shows at another. One node of a document is owned once for one place of the
//! plan, however many list elements lead there: at one place a data key always means the same
//! field with the same arguments.
//!
//! Merging follows four rules: objects merge key by key; lists of equal length merge element by
//! element; null never replaces a value; a leaf from a later answer replaces the earlier leaf.
//! What cannot be merged (an object with a leaf, lists of different lengths) becomes a conflict,
//! which the projection reports: no answer is better than one made of two.

use std::collections::HashMap;
use std::sync::Arc;

use crate::document::{Document, Node, TypeOf};
use crate::integer_map::IntegerMap;
use crate::json::Span;
use crate::names::Name;
use crate::shape::PlaceIndex;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A place of the plan, and the types of the objects on the way where they make a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Standing {
    pub(crate) place: PlaceIndex,
    types: u32,
}

#[derive(Debug)]
pub(crate) struct Data {
    documents: Vec<Arc<Document>>,
    objects: Vec<Owned<(Name, Value)>>,
    lists: Vec<Owned<Value>>,
    /// What has been made writable, by where it came from and where it stands.
    copies: IntegerMap<(Place, Standing), u32>,
    /// By the types further up and the type of one object more.
    types: HashMap<(u32, Option<Name>), u32>,
    walks: u32,
    /// Of the answers, as far as they are ours.
    size: usize,
    object_count: usize,
}

#[derive(Debug)]
struct Owned<T> {
    members: Vec<T>,
    /// The JSON text that it was copied from: what a custom scalar passes through.
    text: Option<Text>,
    type_of: TypeOf,
    /// A subgraph that should have completed the object does not know it, or was not asked: what
    /// is missing is missing for a reason.
    incomplete: bool,
    /// The last walk that came by.
    walked: u32,
    /// Several objects or lists may have it as a member.
    shared: bool,
    /// Copies taken because only one of several owners was written into, and after which walk.
    clones: Vec<Clone>,
    cloned_from: Option<Clone>,
}

#[derive(Clone, Copy, Debug)]
struct Clone {
    object: u32,
    walk: u32,
}

/// The root of the data, always owned.
pub(crate) const ROOT: u32 = 0;

impl Data {
    pub(crate) fn new() -> Self {
        Self {
            documents: Vec::new(),
            objects: vec![Owned::of(Vec::new(), None, TypeOf::Absent)],
            lists: Vec::new(),
            copies: IntegerMap::default(),
            types: HashMap::new(),
            walks: 0,
            size: 0,
            object_count: 0,
        }
    }

    /// Takes a document in, so that its nodes can become values. `part` of `whole` is ours: others
    /// may have the rest.
    pub(crate) fn adopt(&mut self, document: Arc<Document>, part: usize, whole: usize) -> u32 {
        let ours = |all: usize| if part < whole { all / whole * part } else { all };
        self.size += ours(document.size());
        self.object_count += ours(document.object_count());
        self.documents.push(document);
        index(self.documents.len() - 1)
    }

    pub(crate) fn document(&self, document: u32) -> &Document {
        &self.documents[document as usize]
    }

    /// Bytes of all answers: a guess at the size of the client's.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// A guess at how many objects there are to be written out, each once.
    pub(crate) fn object_count(&self) -> usize {
        self.object_count
    }

    /// An object that a walk has found, and what has been split off from it since.
    pub(crate) fn descendants(&self, target: u32, walk: u32) -> Vec<u32> {
        let mut all = vec![target];
        let mut at = 0;
        while let Some(&object) = all.get(at) {
            let clones = self.objects[object as usize].clones.iter();
            all.extend(clones.filter(|clone| clone.walk >= walk).map(|clone| clone.object));
            at += 1;
        }
        all
    }

    /// What an object was when a walk passed.
    pub(crate) fn ancestor(&self, mut object: u32, walk: u32) -> u32 {
        while let Some(from) = self.objects[object as usize].cloned_from
            && from.walk >= walk
        {
            object = from.object;
        }
        object
    }

    /// Merges an object of a document into an owned object.
    pub(crate) fn merge(&mut self, target: u32, document: u32, object: u32) {
        let source = Arc::clone(&self.documents[document as usize]);
        for &(name, node) in source.fields(object) {
            self.merge_field(target, name, value_of(document, node));
        }
        self.merge_type(target, source.type_of(object));
    }

    /// Merges only these fields.
    pub(crate) fn merge_only(&mut self, target: u32, document: u32, object: u32, names: &[Name]) {
        let source = Arc::clone(&self.documents[document as usize]);
        for &(name, node) in source.fields(object).iter().filter(|(name, _)| names.contains(name)) {
            self.merge_field(target, name, value_of(document, node));
        }
        if names.contains(&Name::TYPENAME) {
            self.merge_type(target, source.type_of(object));
        }
    }

    /// Merges one field under another name.
    pub(crate) fn merge_as(
        &mut self,
        target: u32,
        name: Name,
        document: u32,
        object: u32,
        source: Name,
    ) {
        if let Some(node) = self.documents[document as usize].field(object, source) {
            self.merge_field(target, name, value_of(document, node));
        }
    }

    /// Keeps the type in step with the field `__typename`.
    fn merge_type(&mut self, target: u32, type_of: TypeOf) {
        if type_of == TypeOf::Absent {
            return;
        }
        let value = self.field(Value::OwnedObject(target), Name::TYPENAME);
        self.objects[target as usize].type_of = match value {
            Some(Value::String(_)) => type_of,
            Some(_) => TypeOf::Unknown,
            None => TypeOf::Absent,
        };
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
                let Value::OwnedObject(target) = self.unshared(old) else { return Value::Conflict };
                self.merge(target, place.document, place.node);
                Value::OwnedObject(target)
            }
            (Value::List(_) | Value::OwnedList(_), Value::List(_)) => self.merged_lists(old, new),
            (
                Value::Boolean(_) | Value::Number(_) | Value::String(_),
                Value::Boolean(_) | Value::Number(_) | Value::String(_),
            ) => new,
            (
                Value::Boolean(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::List(_)
                | Value::Object(_)
                | Value::OwnedList(_)
                | Value::OwnedObject(_),
                _,
            ) => Value::Conflict,
        }
    }

    fn merged_lists(&mut self, old: Value, new: Value) -> Value {
        if self.len(old) != self.len(new) {
            return Value::Conflict;
        }
        let owned = self.unshared(old);
        let Value::OwnedList(list) = owned else { return Value::Conflict };
        for at in 0..self.len(new) {
            let (old, new) = (self.item(owned, at), self.item(new, at));
            let merged = self.merged(old, new);
            self.lists[list as usize].members[at] = merged;
        }
        owned
    }

    /// Makes an object or a list writable for one owner alone.
    fn unshared(&mut self, value: Value) -> Value {
        match value {
            Value::OwnedObject(object) if self.objects[object as usize].shared => {
                let walk = self.walks;
                let Owned { members, text, type_of, incomplete, walked, .. } =
                    &self.objects[object as usize];
                let mut copy = Owned::of(members.clone(), *text, *type_of);
                (copy.incomplete, copy.walked) = (*incomplete, *walked);
                copy.cloned_from = Some(Clone { object, walk });
                for (_, member) in &copy.members {
                    share(&mut self.objects, &mut self.lists, *member);
                }
                self.objects.push(copy);
                let clone = index(self.objects.len() - 1);
                self.objects[object as usize].clones.push(Clone { object: clone, walk });
                Value::OwnedObject(clone)
            }
            Value::OwnedList(list) if self.lists[list as usize].shared => {
                let Owned { members, text, type_of, walked, .. } = &self.lists[list as usize];
                let mut copy = Owned::of(members.clone(), *text, *type_of);
                copy.walked = *walked;
                for member in &copy.members {
                    share(&mut self.objects, &mut self.lists, *member);
                }
                self.lists.push(copy);
                Value::OwnedList(index(self.lists.len() - 1))
            }
            value => self.copied(value),
        }
    }

    /// Makes an object or a list writable where it stands; other values stay as they are.
    fn own(&mut self, value: Value, standing: Standing) -> Value {
        let (Value::Object(place) | Value::List(place)) = value else { return value };
        let is_list = matches!(value, Value::List(_));
        // Lists and objects of a document are numbered separately.
        let key = (Place { document: place.document << 1 | u32::from(is_list), ..place }, standing);
        if let Some(&copy) = self.copies.get(&key) {
            return if is_list { Value::OwnedList(copy) } else { Value::OwnedObject(copy) };
        }
        let copied = self.copied(value);
        share(&mut self.objects, &mut self.lists, copied);
        if let Value::OwnedObject(copy) | Value::OwnedList(copy) = copied {
            self.copies.insert(key, copy);
        }
        copied
    }

    /// A writable copy of an object or a list that is not writable yet.
    fn copied(&mut self, value: Value) -> Value {
        match value {
            Value::Object(Place { document, node }) => {
                let source = &self.documents[document as usize];
                let fields = source.fields(node).iter();
                let members = fields.map(|&(name, node)| (name, value_of(document, node)));
                let text = Some(Text { document, span: source.object_text(node) });
                let owned = Owned::of(members.collect(), text, source.type_of(node));
                self.objects.push(owned);
                Value::OwnedObject(index(self.objects.len() - 1))
            }
            Value::List(Place { document, node }) => {
                let source = &self.documents[document as usize];
                let members = source.items(node).iter().map(|&node| value_of(document, node));
                let text = Some(Text { document, span: source.list_text(node) });
                self.lists.push(Owned::of(members.collect(), text, TypeOf::Unknown));
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
    pub(crate) fn own_field(
        &mut self,
        object: u32,
        name: Name,
        standing: Standing,
    ) -> Option<Value> {
        let at = self.objects[object as usize].members.iter().position(|(key, _)| *key == name)?;
        let value = self.own(self.objects[object as usize].members[at].1, standing);
        self.objects[object as usize].members[at].1 = value;
        Some(value)
    }

    /// An element of an owned list, made writable in place.
    pub(crate) fn own_item(&mut self, list: u32, at: usize, standing: Standing) -> Option<Value> {
        let value = *self.lists[list as usize].members.get(at)?;
        let value = self.own(value, standing);
        self.lists[list as usize].members[at] = value;
        Some(value)
    }

    /// Makes the value of an owned object's field writable for this object alone.
    pub(crate) fn take_field(&mut self, object: u32, name: Name) -> Option<Value> {
        let at = self.objects[object as usize].members.iter().position(|(key, _)| *key == name)?;
        let value = self.unshared(self.objects[object as usize].members[at].1);
        self.objects[object as usize].members[at].1 = value;
        Some(value)
    }

    /// Makes an element of an owned list writable for this list alone.
    pub(crate) fn take_item(&mut self, list: u32, at: usize) -> Option<Value> {
        let value = *self.lists[list as usize].members.get(at)?;
        let value = self.unshared(value);
        self.lists[list as usize].members[at] = value;
        Some(value)
    }

    /// Where a field of an object stands. `typed`: its type makes a difference.
    pub(crate) fn below(
        &mut self,
        object: u32,
        standing: Standing,
        place: PlaceIndex,
        typed: bool,
    ) -> Standing {
        if !typed {
            return Standing { place, types: standing.types };
        }
        let name = match self.objects[object as usize].type_of {
            TypeOf::Known(name) => Some(name),
            TypeOf::Unknown | TypeOf::Absent => None,
        };
        let next = index(self.types.len() + 1);
        let types = *self.types.entry((standing.types, name)).or_insert(next);
        Standing { place, types }
    }

    /// Begins a walk over owned values that needs to see each only once.
    pub(crate) fn begin_walk(&mut self) -> u32 {
        self.walks += 1;
        self.walks
    }

    /// Whether a walk comes by an owned value for the first time.
    pub(crate) fn is_new(&mut self, value: Value, walk: u32) -> bool {
        let walked = match value {
            Value::OwnedObject(object) => &mut self.objects[object as usize].walked,
            Value::OwnedList(list) => &mut self.lists[list as usize].walked,
            _ => return true,
        };
        std::mem::replace(walked, walk) != walk
    }

    pub(crate) fn set_incomplete(&mut self, object: u32) {
        self.objects[object as usize].incomplete = true;
    }

    /// Whether fields of an object may be missing without anybody having done wrong.
    pub(crate) fn is_incomplete(&self, value: Value) -> bool {
        matches!(value, Value::OwnedObject(object) if self.objects[object as usize].incomplete)
    }

    /// The concrete type of an object, as far as the data tells.
    pub(crate) fn type_of(&self, value: Value) -> TypeOf {
        match value {
            Value::Object(Place { document, node }) => {
                self.documents[document as usize].type_of(node)
            }
            Value::OwnedObject(object) => self.objects[object as usize].type_of,
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::List(_)
            | Value::OwnedList(_)
            | Value::Conflict => TypeOf::Absent,
        }
    }

    pub(crate) fn field(&self, value: Value, name: Name) -> Option<Value> {
        self.field_near(value, name, &mut 0)
    }

    /// The same for somebody who reads the fields in the order in which they probably stand:
    /// `near` is where to look first.
    pub(crate) fn field_near(&self, value: Value, name: Name, near: &mut usize) -> Option<Value> {
        match value {
            Value::Object(Place { document, node }) => {
                let fields = self.documents[document as usize].fields(node);
                find_near(fields, name, near).map(|node| value_of(document, node))
            }
            Value::OwnedObject(object) => {
                find_near(&self.objects[object as usize].members, name, near)
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

fn share(objects: &mut [Owned<(Name, Value)>], lists: &mut [Owned<Value>], value: Value) {
    match value {
        Value::OwnedObject(object) => objects[object as usize].shared = true,
        Value::OwnedList(list) => lists[list as usize].shared = true,
        _ => {}
    }
}

fn find_near<T: Copy>(fields: &[(Name, T)], name: Name, near: &mut usize) -> Option<T> {
    let at = match fields.get(*near) {
        Some((key, _)) if *key == name => *near,
        _ => fields.iter().position(|(key, _)| *key == name)?,
    };
    *near = at + 1;
    Some(fields[at].1)
}

impl<T> Owned<T> {
    fn of(members: Vec<T>, text: Option<Text>, type_of: TypeOf) -> Self {
        Self {
            members,
            text,
            type_of,
            incomplete: false,
            walked: 0,
            shared: false,
            clones: Vec::new(),
            cloned_from: None,
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
