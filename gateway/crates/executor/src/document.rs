//! A subgraph's answer, read once and then immutable: nodes that point into the received bytes.
//!
//! Leaves stay JSON text until somebody writes them out. Reading follows the plan's
//! [`crate::shape`]; members that it does not want are checked for being JSON and otherwise
//! dropped. An object whose text has been read before, with the same shape, becomes the same node:
//! answers to nested queries repeat themselves, and later phases then work once for all
//! repetitions. Documents know nothing of targets, types or the client's selection, so that one
//! document can serve many targets and many operations.

use bytes::Bytes;

use crate::json::{JsonError, Kind, Reader, Span, unquote};
use crate::names::{Name, Names};
use crate::repeated::Repeated;
use crate::shape::{ShapeIndex, Shapes};

/// Levels of nesting that an answer may have.
pub(crate) const MAX_DEPTH: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(Span),
    /// With its quotes and escapes.
    String(Span),
    List(u32),
    Object(u32),
    /// The object had this key more than once; which one is meant nobody knows.
    Conflict,
}

/// What an object says about its concrete type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeOf {
    Known(Name),
    /// A type that the plan does not mention, or no type's name at all.
    Unknown,
    /// There is no `__typename`.
    Absent,
}

#[derive(Debug)]
pub(crate) struct Document {
    body: Bytes,
    objects: Vec<Object>,
    lists: Vec<List>,
    fields: Vec<(Name, Node)>,
    items: Vec<Node>,
}

/// Where the members stand in the document's table, and the text.
#[derive(Clone, Copy, Debug)]
struct Object {
    start: u32,
    end: u32,
    text: Span,
    type_of: TypeOf,
}

#[derive(Clone, Copy, Debug)]
struct List {
    start: u32,
    end: u32,
    text: Span,
}

impl Document {
    /// Bytes of the answer it was read from.
    pub(crate) fn size(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn object_count(&self) -> usize {
        self.objects.len()
    }

    pub(crate) fn fields(&self, object: u32) -> &[(Name, Node)] {
        let Object { start, end, .. } = self.objects[object as usize];
        &self.fields[start as usize..end as usize]
    }

    pub(crate) fn field(&self, object: u32, name: Name) -> Option<Node> {
        self.fields(object).iter().find(|(key, _)| *key == name).map(|(_, node)| *node)
    }

    pub(crate) fn type_of(&self, object: u32) -> TypeOf {
        self.objects[object as usize].type_of
    }

    /// Whether an object has nothing, or null, under a key.
    pub(crate) fn is_missing(&self, object: u32, name: Name) -> bool {
        matches!(self.field(object, name), None | Some(Node::Null))
    }

    pub(crate) fn items(&self, list: u32) -> &[Node] {
        let List { start, end, text: _ } = self.lists[list as usize];
        &self.items[start as usize..end as usize]
    }

    pub(crate) fn object_text(&self, object: u32) -> Span {
        self.objects[object as usize].text
    }

    pub(crate) fn list_text(&self, list: u32) -> Span {
        self.lists[list as usize].text
    }

    pub(crate) fn text(&self, span: Span) -> &[u8] {
        &self.body[span.start as usize..span.end as usize]
    }
}

/// Builds a document out of the values that a [`Reader`] comes across.
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    names: &'a Names,
    shapes: &'a Shapes,
    document: Document,
    /// Members of the objects and lists that are still open, innermost last.
    open_fields: Vec<(Name, Node)>,
    open_items: Vec<Node>,
    repeated: Repeated,
    /// The type name that was read last, most likely the next one too.
    last_type: (Span, TypeOf),
}

impl<'a> Builder<'a> {
    pub(crate) fn new(names: &'a Names, shapes: &'a Shapes, body: Bytes) -> Self {
        let repeated = Repeated::for_text(body.len());
        let document = Document {
            body,
            objects: Vec::new(),
            lists: Vec::new(),
            fields: Vec::new(),
            items: Vec::new(),
        };
        Self {
            names,
            shapes,
            document,
            open_fields: Vec::new(),
            open_items: Vec::new(),
            repeated,
            last_type: (Span { start: 0, end: 0 }, TypeOf::Unknown),
        }
    }

    pub(crate) fn finish(self) -> Document {
        self.document
    }

    /// Reads the next value, whatever it is.
    pub(crate) fn value(
        &mut self,
        reader: &mut Reader<'_>,
        shape: ShapeIndex,
    ) -> Result<Node, JsonError> {
        let kind = reader.peek()?;
        match kind {
            Kind::Null => reader.literal(kind).map(|()| Node::Null),
            Kind::Boolean(value) => reader.literal(kind).map(|()| Node::Boolean(value)),
            Kind::Number => reader.number().map(Node::Number),
            Kind::String => reader.string().map(Node::String),
            Kind::List => self.list(reader, shape),
            Kind::Object => self.object(reader, shape),
        }
    }

    fn list(&mut self, reader: &mut Reader<'_>, shape: ShapeIndex) -> Result<Node, JsonError> {
        let (text_start, first) = (reader.position(), self.open_items.len());
        let mut more = reader.open(Kind::List)?;
        while more {
            let item = self.value(reader, shape)?;
            self.open_items.push(item);
            more = reader.more(Kind::List)?;
        }
        let start = count(self.document.items.len());
        self.document.items.extend(self.open_items.drain(first..));
        let end = count(self.document.items.len());
        self.document.lists.push(List { start, end, text: reader.span_from(text_start) });
        Ok(Node::List(count(self.document.lists.len() - 1)))
    }

    fn object(&mut self, reader: &mut Reader<'_>, shape: ShapeIndex) -> Result<Node, JsonError> {
        let fingerprint = self.repeated.fingerprint(reader.rest(), shape);
        if let Some(fingerprint) = fingerprint
            && let Some((object, length)) =
                self.repeated.find(fingerprint, shape, reader.rest(), &self.document.body)
        {
            reader.pass(length);
            return Ok(Node::Object(object));
        }
        let (text_start, first) = (reader.position(), self.open_fields.len());
        let type_of = self.members(reader, shape, first)?;
        let start = count(self.document.fields.len());
        self.document.fields.extend(self.open_fields.drain(first..));
        let end = count(self.document.fields.len());
        let text = reader.span_from(text_start);
        self.document.objects.push(Object { start, end, text, type_of });
        let object = count(self.document.objects.len() - 1);
        if let Some(fingerprint) = fingerprint {
            self.repeated.remember(fingerprint, shape, text, object);
        }
        Ok(Node::Object(object))
    }

    /// Reads an object's members; those from `first` on are its own.
    fn members(
        &mut self,
        reader: &mut Reader<'_>,
        shape: ShapeIndex,
        first: usize,
    ) -> Result<TypeOf, JsonError> {
        let shapes = self.shapes;
        let shape = shapes.get(shape);
        let mut type_of = TypeOf::Absent;
        // The position that is expected next, and the first one that cannot have been read yet.
        let (mut next, mut fresh) = (0, 0);
        let mut more = reader.open(Kind::Object)?;
        while more {
            let expected = shape.expected(next).filter(|(head, _)| reader.take(head));
            let found = if let Some((_, member)) = expected {
                Some((next, member))
            } else {
                let key = reader.key()?;
                shape.find(reader.text(key))
            };
            if let Some((at, member)) = found {
                let value = self.value(reader, member.below)?;
                if member.name == Name::TYPENAME {
                    type_of = self.type_named(value);
                }
                let known = (at < fresh)
                    .then(|| {
                        self.open_fields[first..].iter().position(|(key, _)| *key == member.name)
                    })
                    .flatten();
                match known {
                    Some(known) => {
                        self.open_fields[first + known].1 = Node::Conflict;
                        if member.name == Name::TYPENAME {
                            type_of = TypeOf::Unknown;
                        }
                    }
                    None => self.open_fields.push((member.name, value)),
                }
                next = at + 1;
                fresh = fresh.max(next);
            } else {
                reader.skip()?;
            }
            more = reader.more(Kind::Object)?;
        }
        Ok(type_of)
    }

    fn type_named(&mut self, value: Node) -> TypeOf {
        let Node::String(text) = value else { return TypeOf::Unknown };
        let (last, type_of) = self.last_type;
        if self.document.text(last) == self.document.text(text) {
            return type_of;
        }
        let name = self.names.find(&unquote(self.document.text(text)));
        let type_of = name.map_or(TypeOf::Unknown, TypeOf::Known);
        self.last_type = (text, type_of);
        type_of
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a text below 4 GiB has fewer than 2^32 values")
}
