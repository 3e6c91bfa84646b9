//! Completing values (spec section 6.4.3 and 6.4.4): from the merged data to the client's answer.
//!
//! One walk over the selection writes the answer in order. A null that is not allowed takes back
//! what has been written since the nearest nullable place. Every such null has an error: the one
//! that a fetch reported at, above or below its path, or else one of ours.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::compiled::{
    CompiledPlan, FieldProgram, InclusionIndex, ObjectProgram, OutputProgram, Shape, ValueProgram,
};
use crate::data::{Data, ROOT, Value};
use crate::document::TypeOf;
use crate::error::{
    ErrorList, GraphqlError, PathSegment, RESPONSE_VALIDATION_FAILED, UNAUTHORIZED_FIELD_OR_TYPE,
};
use crate::json::write_string;
use crate::leaf;
use crate::names::Name;
use crate::written::Written;

/// What a projection reads from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) plan: &'a CompiledPlan,
    /// By [`InclusionIndex`].
    pub(crate) included: &'a [bool],
    pub(crate) data: &'a Data,
    pub(crate) introspection: &'a Map<String, Json>,
}

/// Appends the text of `data` and returns the errors found on the way. `known` are the errors of
/// the fetches.
pub(crate) fn project(source: &Source<'_>, known: &[GraphqlError], out: &mut Vec<u8>) -> ErrorList {
    let mut projector = Projector {
        source,
        out,
        path: Vec::new(),
        errors: ErrorList::default(),
        known,
        reported: None,
        written: Written::for_objects(source.data.object_count(), source.plan.object_programs),
        news: 0,
    };
    let start = projector.out.len();
    if projector.object(&source.plan.root, Value::OwnedObject(ROOT), None).is_err() {
        projector.out.truncate(start);
        projector.out.extend_from_slice(b"null");
    }
    projector.errors
}

struct Projector<'a, 'o> {
    source: &'a Source<'a>,
    out: &'o mut Vec<u8>,
    path: Vec<Segment<'a>>,
    errors: ErrorList,
    known: &'a [GraphqlError],
    reported: Option<ReportedPaths<'a>>,
    written: Written,
    /// Counts nulls and errors: what depends on the place where it stands.
    news: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// A null stands where the value would; there is an error for it.
struct Failed;

impl<'a> Projector<'a, '_> {
    /// Completes a value as the type demands, or as null where that is allowed.
    fn value(
        &mut self,
        field: &'a FieldProgram,
        output: &'a OutputProgram,
        value: Value,
    ) -> Result<(), Failed> {
        let start = self.out.len();
        let completed = match (&output.shape, value) {
            (_, Value::Null) if output.non_null => {
                self.report_null(field, "must not be null, but no subgraph gave it a value");
                Err(Failed)
            }
            (_, Value::Null) => Err(Failed),
            (Shape::Leaf(leaf), value) => leaf::write(self.out, self.source.data, leaf, value)
                .map_err(|_| {
                    self.invalid(format!(
                        "`{}` is not a valid {}",
                        field.coordinate,
                        leaf::type_name(leaf)
                    ))
                }),
            (Shape::List(item), value @ (Value::List(_) | Value::OwnedList(_))) => {
                self.list(field, item, value)
            }
            (Shape::List(_), _) => {
                Err(self.invalid(format!("`{}` is not a list", field.coordinate)))
            }
            (Shape::Object(object), value @ (Value::Object(_) | Value::OwnedObject(_))) => {
                self.object_again(object, value, field)
            }
            (Shape::Object(_), _) => {
                Err(self.invalid(format!("`{}` is not an object", field.coordinate)))
            }
        };
        match completed {
            Ok(()) => Ok(()),
            Err(Failed) if output.non_null => Err(Failed),
            Err(Failed) => {
                if self.out.len() > start {
                    self.out.truncate(start);
                    self.written.forget();
                }
                self.out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }

    /// An object that has been written before, with the same selection, is copied. Only objects
    /// that say the same wherever they stand are remembered.
    fn object_again(
        &mut self,
        program: &'a ObjectProgram,
        object: Value,
        field: &'a FieldProgram,
    ) -> Result<(), Failed> {
        if let Some(written) = self.written.find(program.number, object) {
            self.out.extend_from_within(written);
            return Ok(());
        }
        let (start, news) = (self.out.len(), self.news);
        self.object(program, object, Some(field))?;
        if self.news == news {
            self.written.remember(program.number, object, start..self.out.len());
        }
        Ok(())
    }

    fn list(
        &mut self,
        field: &'a FieldProgram,
        item: &'a OutputProgram,
        list: Value,
    ) -> Result<(), Failed> {
        self.out.push(b'[');
        for at in 0..self.source.data.len(list) {
            if at > 0 {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(at));
            self.value(field, item, self.source.data.item(list, at))?;
            self.path.pop();
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(
        &mut self,
        program: &'a ObjectProgram,
        object: Value,
        field: Option<&'a FieldProgram>,
    ) -> Result<(), Failed> {
        let concrete = self.concrete_type(program, object, field)?;
        let depth = self.path.len();
        self.out.push(b'{');
        let (start, mut near) = (self.out.len(), 0);
        for field in &program.fields {
            let of_this_type = match (&field.types, concrete) {
                (None, _) => true,
                (Some(types), Some(concrete)) => types.contains(concrete),
                (Some(_), None) => false,
            };
            if !of_this_type || !self.included(field.when) {
                continue;
            }
            if self.out.len() > start {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&field.head);
            self.path.push(Segment::Key(&field.response_key));
            let completed = self.field(field, object, concrete, &mut near);
            self.path.truncate(depth);
            completed?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn field(
        &mut self,
        field: &'a FieldProgram,
        parent: Value,
        concrete: Option<Name>,
        near: &mut usize,
    ) -> Result<(), Failed> {
        let Source { plan, data, introspection, included: _ } = self.source;
        match &field.value {
            ValueProgram::Data { key, output } => {
                let value = data.field_near(parent, *key, near);
                if value.is_none() && !output.non_null && !data.is_incomplete(parent) {
                    self.report_null(field, "has been left out by its subgraph");
                }
                self.value(field, output, value.unwrap_or(Value::Null))
            }
            ValueProgram::Typename(Some(name)) => {
                self.out.extend_from_slice(name);
                Ok(())
            }
            ValueProgram::Typename(None) => match concrete {
                Some(name) => {
                    write_string(self.out, plan.names.text(name));
                    Ok(())
                }
                None => Err(self.invalid(format!(
                    "the type of the object with `{}` is not known",
                    field.coordinate
                ))),
            },
            ValueProgram::Introspection => {
                let value = introspection.get(&field.response_key).unwrap_or(&Json::Null);
                serde_json::to_writer(&mut *self.out, value)
                    .expect("JSON can always be written into memory");
                Ok(())
            }
            ValueProgram::Denied { nullable } => {
                let message = format!("`{}` may not be seen by this caller", field.coordinate);
                self.report(UNAUTHORIZED_FIELD_OR_TYPE, message);
                if !nullable {
                    return Err(Failed);
                }
                self.out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }

    /// None if the type is not known and need not be: an `@interfaceObject` names itself.
    fn concrete_type(
        &mut self,
        program: &ObjectProgram,
        object: Value,
        field: Option<&FieldProgram>,
    ) -> Result<Option<Name>, Failed> {
        let ObjectProgram { type_name, possible, fields: _, number: _ } = program;
        let place = field.map_or("the root", |field| field.coordinate.as_str());
        match self.source.data.type_of(object) {
            TypeOf::Known(name) if name == *type_name && possible.single() != Some(name) => {
                Ok(None)
            }
            TypeOf::Known(name) if possible.contains(name) => Ok(Some(name)),
            TypeOf::Absent if possible.single().is_some() => Ok(possible.single()),
            TypeOf::Absent => Err(self.invalid(format!("`{place}` is an object of unknown type"))),
            TypeOf::Known(_) | TypeOf::Unknown => {
                Err(self
                    .invalid(format!("`{place}` is an object of a type that may not stand here")))
            }
        }
    }

    fn included(&self, when: InclusionIndex) -> bool {
        self.source.included[when]
    }

    fn invalid(&mut self, message: String) -> Failed {
        self.report(RESPONSE_VALIDATION_FAILED, message);
        Failed
    }

    /// A null or a missing value is only news if no fetch has explained it.
    fn report_null(&mut self, field: &FieldProgram, what: &str) {
        self.news += 1;
        let known = self.known;
        let reported = self.reported.get_or_insert_with(|| ReportedPaths::new(known));
        if !reported.explain(&self.path) {
            let message = format!("`{}` {what}", field.coordinate);
            self.report(RESPONSE_VALIDATION_FAILED, message);
        }
    }

    fn report(&mut self, code: &'static str, message: String) {
        self.news += 1;
        let Self { path, errors, .. } = self;
        errors.push(|| {
            let path = path.iter().map(|segment| match segment {
                Segment::Key(key) => PathSegment::Key((*key).to_owned()),
                Segment::Index(at) => PathSegment::Index(*at),
            });
            GraphqlError::completion(code, message, path.collect())
        });
    }
}

/// The paths of the errors that fetches reported, as a tree.
struct ReportedPaths<'a> {
    children: HashMap<(usize, Segment<'a>), usize>,
    /// By node: whether a path ends there.
    ends: Vec<bool>,
}

impl<'a> ReportedPaths<'a> {
    fn new(errors: &'a [GraphqlError]) -> Self {
        let mut tree = Self { children: HashMap::new(), ends: vec![false] };
        for error in errors {
            let mut node = 0;
            for segment in &error.path {
                let step = match segment {
                    PathSegment::Key(key) => Segment::Key(key),
                    PathSegment::Index(at) => Segment::Index(*at),
                };
                node = *tree.children.entry((node, step)).or_insert_with(|| {
                    tree.ends.push(false);
                    tree.ends.len() - 1
                });
            }
            tree.ends[node] = true;
        }
        tree
    }

    /// Whether there is an error at this path, above it or below it.
    fn explain(&self, path: &[Segment<'a>]) -> bool {
        let mut node = 0;
        for segment in path {
            if self.ends[node] {
                return true;
            }
            match self.children.get(&(node, *segment)) {
                Some(&child) => node = child,
                None => return false,
            }
        }
        true
    }
}
