//! What a plan can remember: entity loads whose fields the same subgraph has already been asked
//! for earlier in the plan.
//!
//! A subgraph that is asked for `Product.name` by key is the one that resolves it, so what it said
//! of the same product elsewhere in the same operation is what it would say now. Two sources count:
//! an earlier entity load with the same representation, and an object that an earlier answer
//! contains, if its key is all that the representation consists of. Nothing is concluded where a
//! document is not understood. Compiled here, looked up by [`crate::remember`].

use federation::plan::{EntityFetch, Fetch, OperationKind, RepresentationTemplate};

use crate::names::{Name, Names};
use crate::selection::{self, Field, Selection, Selections};

/// Something earlier in the plan that may make an entity load unnecessary.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) fetch: usize,
    pub(crate) start: Start,
    /// For objects of this template of the entity list.
    pub(crate) template: usize,
    pub(crate) kind: SourceKind,
    /// What is taken over: the name to merge it under, and the name it was answered under.
    pub(crate) fields: Vec<(Name, Name)>,
}

/// Where in the answer of the fetch to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Data,
    /// The entities of one list.
    List(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum SourceKind {
    /// The entity with the same representation.
    SameLoad,
    /// Objects whose key is the representation: the way down to them, and the names under which
    /// the template's fields are answered there.
    Objects { path: Vec<Name>, key: Vec<Name> },
}

/// The documents of a plan, as far as they are understood.
#[derive(Debug)]
pub(crate) struct Documents(Vec<Option<Selections>>);

impl Documents {
    pub(crate) fn of(fetches: &[Fetch]) -> Self {
        let may_repeat = |(at, fetch): (usize, &Fetch)| {
            !fetch.entities.is_empty()
                && fetches[..at].iter().any(|earlier| earlier.subgraph == fetch.subgraph)
        };
        if !fetches.iter().enumerate().any(may_repeat) {
            return Self(vec![None; fetches.len()]);
        }
        Self(fetches.iter().map(|fetch| selection::read(&fetch.document)).collect())
    }

    /// What is asked of the entities of a list.
    pub(crate) fn of_list(&self, fetch: usize, entity: &EntityFetch) -> Option<&Selections> {
        self.0[fetch].as_ref()?.iter().find_map(|selection| match selection {
            Selection::Field(field) if field.key == entity.key => Some(&field.below),
            Selection::Field(_) | Selection::Inline { .. } => None,
        })
    }

    /// Everything earlier that can stand in for an entity list.
    pub(crate) fn sources(
        &self,
        fetches: &[Fetch],
        at: usize,
        entity: &EntityFetch,
        names: &mut Names,
    ) -> Vec<Source> {
        let fetch = &fetches[at];
        let Some(selections) = self.of_list(at, entity) else { return Vec::new() };
        let mut sources = Vec::new();
        // What was said in one context need not hold in another.
        if !entity.contexts.is_empty() {
            return sources;
        }
        for (number, template) in entity.templates.iter().enumerate() {
            let types: Vec<&str> =
                entity.templates.iter().map(|template| &*template.typename).collect();
            let Some(wanted) = wanted(selections, &template.typename, &types) else { continue };
            // Who asks for the type asks because what is known of it is not the whole truth: an
            // interface object has the interface's name until its real type is looked up.
            if wanted.iter().any(|field| field.asked == "__typename") {
                continue;
            }
            for (earlier, other) in fetches.iter().enumerate().take(at) {
                let queries = [fetch.kind, other.kind] == [OperationKind::Query; 2];
                if other.subgraph != fetch.subgraph || !queries {
                    continue;
                }
                for (list, entity) in other.entities.iter().enumerate() {
                    let Some(others) = self.of_list(earlier, entity) else { continue };
                    let there = fields_of(others, &template.typename);
                    if let Some(fields) = pairs(&wanted, &there, selections == others, names) {
                        let (start, kind) = (Start::List(list), SourceKind::SameLoad);
                        sources.push(Source {
                            fetch: earlier,
                            start,
                            template: number,
                            kind,
                            fields,
                        });
                    }
                }
                let Some(all) = &self.0[earlier] else { continue };
                let mut search = Search {
                    template,
                    wanted: &wanted,
                    names,
                    path: Vec::new(),
                    found: Vec::new(),
                };
                search.below(all);
                for Found { path, key, fields } in search.found {
                    let list = other.entities.iter().position(|entity| entity.key == path[0]);
                    let (start, path) = match list {
                        Some(list) => (Start::List(list), &path[1..]),
                        None => (Start::Data, &path[..]),
                    };
                    let path = path.iter().map(|key| names.intern(key)).collect();
                    let kind = SourceKind::Objects { path, key };
                    sources.push(Source { fetch: earlier, start, template: number, kind, fields });
                }
            }
        }
        sources
    }
}

/// Looks for objects whose selection contains the key and what is wanted.
struct Search<'a> {
    template: &'a RepresentationTemplate,
    wanted: &'a [&'a Field],
    names: &'a mut Names,
    path: Vec<String>,
    found: Vec<Found>,
}

struct Found {
    path: Vec<String>,
    key: Vec<Name>,
    fields: Vec<(Name, Name)>,
}

impl Search<'_> {
    fn below(&mut self, selections: &Selections) {
        for selection in selections {
            match selection {
                Selection::Field(field) if !field.below.is_empty() => {
                    self.path.push(field.key.clone());
                    self.object(&field.below);
                    self.below(&field.below);
                    self.path.pop();
                }
                Selection::Inline { on: _, conditional: _, below } => self.below(below),
                Selection::Field(_) => {}
            }
        }
    }

    fn object(&mut self, selections: &Selections) {
        let there = fields_of(selections, &self.template.typename);
        let mut key = Vec::new();
        for field in &self.template.fields {
            // A representation of more than the key may lead to another answer.
            if !field.required || !field.fields.is_empty() || field.types.is_some() {
                return;
            }
            let Some(answered) = there.iter().find(|there| there.asked == field.name) else {
                return;
            };
            key.push(self.names.intern(&answered.key));
        }
        if key.is_empty() {
            return;
        }
        if let Some(fields) = pairs(self.wanted, &there, false, self.names) {
            self.found.push(Found { path: self.path.clone(), key, fields });
        }
    }
}

/// Everything asked of an object of this type. None if that cannot be told.
fn wanted<'a>(
    selections: &'a Selections,
    typename: &str,
    types: &[&str],
) -> Option<Vec<&'a Field>> {
    let mut fields = Vec::new();
    for selection in selections {
        match selection {
            Selection::Field(field) => fields.push(field),
            Selection::Inline { conditional: true, .. } => return None,
            Selection::Inline { on, conditional: false, below } => match on.as_deref() {
                None => fields.extend(wanted(below, typename, types)?),
                Some(on) if on == typename => fields.extend(wanted(below, typename, types)?),
                // Another of the entities' object types.
                Some(on) if types.contains(&on) => {}
                Some(_) => return None,
            },
        }
    }
    Some(fields)
}

/// What is certainly answered for an object of this type.
fn fields_of<'a>(selections: &'a Selections, typename: &str) -> Vec<&'a Field> {
    let mut fields = Vec::new();
    for selection in selections {
        match selection {
            Selection::Field(field) => fields.push(field),
            Selection::Inline { on, conditional: false, below }
                if on.as_deref().is_none_or(|on| on == typename) =>
            {
                fields.extend(fields_of(below, typename));
            }
            Selection::Inline { .. } => {}
        }
    }
    fields
}

/// For each wanted field the one that answers it. None if there is one without. Answers are read
/// with the needs of their own place in mind, so what has selections below only counts if both
/// places are known to be read alike.
fn pairs(
    wanted: &[&Field],
    there: &[&Field],
    alike: bool,
    names: &mut Names,
) -> Option<Vec<(Name, Name)>> {
    let mut pairs = Vec::new();
    for field in wanted {
        let answers = |other: &&&Field| {
            let is_leaf = field.below.is_empty() && other.below.is_empty();
            other.asked == field.asked && (is_leaf || alike && other.below == field.below)
        };
        let other = there.iter().find(answers)?;
        pairs.push((names.intern(&field.key), names.intern(&other.key)));
    }
    (!pairs.is_empty()).then_some(pairs)
}
