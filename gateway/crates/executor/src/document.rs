//! A subgraph's answer, read once and then immutable: nodes that point into the received bytes.
//!
//! Leaves stay JSON text until somebody writes them out. Members whose name the plan does not use
//! are checked for being JSON and otherwise dropped. Documents know nothing of targets, types or
//! the client's selection, so that one document can serve many targets and many operations.

use bytes::Bytes;

use crate::json::{JsonError, Kind, Reader, Span, unquote};
use crate::names::{Name, Names};

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

#[derive(Debug)]
pub(crate) struct Document {
    body: Bytes,
    objects: Vec<Branch>,
    lists: Vec<Branch>,
    fields: Vec<(Name, Node)>,
    items: Vec<Node>,
}

/// An object or a list: where its members stand in the document's table, and its text.
#[derive(Clone, Copy, Debug)]
struct Branch {
    start: u32,
    end: u32,
    text: Span,
}

impl Document {
    /// Bytes of the answer it was read from.
    pub(crate) fn size(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn fields(&self, object: u32) -> &[(Name, Node)] {
        let Branch { start, end, text: _ } = self.objects[object as usize];
        &self.fields[start as usize..end as usize]
    }

    pub(crate) fn field(&self, object: u32, name: Name) -> Option<Node> {
        self.fields(object).iter().find(|(key, _)| *key == name).map(|(_, node)| *node)
    }

    /// Whether an object has nothing, or null, under a key.
    pub(crate) fn is_missing(&self, object: u32, name: Name) -> bool {
        matches!(self.field(object, name), None | Some(Node::Null))
    }

    pub(crate) fn items(&self, list: u32) -> &[Node] {
        let Branch { start, end, text: _ } = self.lists[list as usize];
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
    document: Document,
    /// Members of the objects and lists that are still open, innermost last.
    open_fields: Vec<(Name, Node)>,
    open_items: Vec<Node>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(names: &'a Names, body: Bytes) -> Self {
        let document = Document {
            body,
            objects: Vec::new(),
            lists: Vec::new(),
            fields: Vec::new(),
            items: Vec::new(),
        };
        Self { names, document, open_fields: Vec::new(), open_items: Vec::new() }
    }

    pub(crate) fn finish(self) -> Document {
        self.document
    }

    /// Reads the next value, whatever it is.
    pub(crate) fn value(&mut self, reader: &mut Reader<'_>) -> Result<Node, JsonError> {
        let kind = reader.peek()?;
        match kind {
            Kind::Null => reader.literal(kind).map(|()| Node::Null),
            Kind::Boolean(value) => reader.literal(kind).map(|()| Node::Boolean(value)),
            Kind::Number => reader.number().map(Node::Number),
            Kind::String => reader.string().map(Node::String),
            Kind::List => self.list(reader),
            Kind::Object => self.object(reader),
        }
    }

    fn list(&mut self, reader: &mut Reader<'_>) -> Result<Node, JsonError> {
        let (text_start, first) = (reader.position(), self.open_items.len());
        let mut more = reader.open(Kind::List)?;
        while more {
            let item = self.value(reader)?;
            self.open_items.push(item);
            more = reader.more(Kind::List)?;
        }
        let start = count(self.document.items.len());
        self.document.items.extend(self.open_items.drain(first..));
        let end = count(self.document.items.len());
        self.document.lists.push(Branch { start, end, text: reader.span_from(text_start) });
        Ok(Node::List(count(self.document.lists.len() - 1)))
    }

    fn object(&mut self, reader: &mut Reader<'_>) -> Result<Node, JsonError> {
        let (text_start, first) = (reader.position(), self.open_fields.len());
        let mut more = reader.open(Kind::Object)?;
        while more {
            let key = reader.key()?;
            match self.names.find(&unquote(reader.text(key))) {
                Some(name) => {
                    let value = self.value(reader)?;
                    match self.open_fields[first..].iter_mut().find(|(key, _)| *key == name) {
                        Some((_, node)) => *node = Node::Conflict,
                        None => self.open_fields.push((name, value)),
                    }
                }
                None => {
                    reader.skip()?;
                }
            }
            more = reader.more(Kind::Object)?;
        }
        let start = count(self.document.fields.len());
        self.document.fields.extend(self.open_fields.drain(first..));
        let end = count(self.document.fields.len());
        self.document.objects.push(Branch { start, end, text: reader.span_from(text_start) });
        Ok(Node::Object(count(self.document.objects.len() - 1)))
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a text below 4 GiB has fewer than 2^32 values")
}
