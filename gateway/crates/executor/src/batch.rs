//! One request for entities: its body, its answer, and which entity and error belongs to whom.
//!
//! A batch carries the representations of all `_entities` fields (aliases) of one document. Its
//! answer is taken apart by position only, so a list that is not exactly as long as what was
//! asked for is refused as a whole.

use std::sync::Arc;

use bytes::Bytes;

use crate::answer::{Answer, FetchError, PathStep, SubgraphError};
use crate::compiled::FetchProgram;
use crate::document::{Document, Node};
use crate::names::Name;
use crate::transport::{SubgraphRequest, SubgraphResponse, SubgraphTransport, TransportError};

/// What a batch brought. Immutable and shared by everybody who waited for it.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) document: Option<Arc<Document>>,
    /// The object under `data`, which holds root fields if the document asks for any.
    pub(crate) data: Option<u32>,
    pub(crate) entities: Vec<Entity>,
    /// Errors of root fields.
    pub(crate) root_errors: Vec<SubgraphError>,
    /// What concerns the batch or one of its lists as a whole.
    pub(crate) problems: Vec<Problem>,
    /// Some errors did not say what they are about: who is blamed depends on who was asked for.
    vague: bool,
}

#[derive(Debug)]
pub(crate) struct Entity {
    /// Its object in the document; none if the subgraph has no such entity or failed.
    pub(crate) object: Option<u32>,
    /// Errors of this entity only, with paths relative to it.
    pub(crate) errors: Vec<SubgraphError>,
    pub(crate) failure: Option<FetchError>,
}

#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) scope: Scope,
    pub(crate) cause: Cause,
}

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    List(usize),
    Root(Name),
}

#[derive(Debug)]
pub(crate) enum Cause {
    Reported(SubgraphError),
    Failed(FetchError),
}

/// A representation to ask for, and the index of the `_entities` field to ask it in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ask {
    pub(crate) list: usize,
    pub(crate) representation: Bytes,
}

/// Sends one request. The entities of the batch stand in the order of `asks`.
pub(crate) async fn load(
    program: &FetchProgram,
    variables: &[u8],
    transport: &dyn SubgraphTransport,
    asks: &[Ask],
) -> Batch {
    let response = transport.send(request(program, variables, asks)).await;
    read(program, asks, response)
}

/// The request for some entities, and for root fields if the program has any.
pub(crate) fn request(program: &FetchProgram, variables: &[u8], asks: &[Ask]) -> SubgraphRequest {
    SubgraphRequest {
        subgraph: Arc::clone(&program.subgraph),
        kind: program.kind,
        operation_name: Arc::clone(&program.operation_name),
        body: body(program, variables, asks),
        representations: asks.len(),
    }
}

/// Reads what came back for a request.
pub(crate) fn read(
    program: &FetchProgram,
    asks: &[Ask],
    response: Result<SubgraphResponse, TransportError>,
) -> Batch {
    let answer = match response {
        Ok(response) => crate::answer::read(response, program),
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok(answer) => split(program, asks, answer),
        Err(error) => Batch::failed(asks.len(), error),
    }
}

impl Batch {
    pub(crate) fn failed(entities: usize, error: FetchError) -> Self {
        let problems = vec![Problem { scope: Scope::Everything, cause: Cause::Failed(error) }];
        let entities = (0..entities).map(|_| Entity::missing()).collect();
        Self {
            document: None,
            data: None,
            entities,
            root_errors: Vec::new(),
            problems,
            vague: false,
        }
    }
}

impl Batch {
    /// Whether what went wrong may be the fault of a single entity, so that it can make sense to
    /// ask for the others without it. A subgraph that does not answer at all is no such case.
    pub(crate) fn may_be_spoilt(&self) -> bool {
        self.vague
            || self.problems.iter().any(|problem| match &problem.cause {
                Cause::Reported(_) => true,
                Cause::Failed(error) => error.depends_on_request(),
            })
    }

    pub(crate) fn has_errors(&self) -> bool {
        let Self { document: _, data: _, entities, root_errors, problems, vague: _ } = self;
        let failed = |entity: &Entity| !entity.errors.is_empty() || entity.failure.is_some();
        !root_errors.is_empty() || !problems.is_empty() || entities.iter().any(failed)
    }
}

impl Entity {
    fn missing() -> Self {
        Self { object: None, errors: Vec::new(), failure: None }
    }
}

fn body(program: &FetchProgram, variables: &[u8], asks: &[Ask]) -> Bytes {
    let size: usize = asks.iter().map(|ask| ask.representation.len() + 1).sum();
    let mut body = Vec::with_capacity(program.head.len() + variables.len() + size + 64);
    body.extend_from_slice(&program.head);
    body.extend_from_slice(variables);
    for (list, entities) in program.entities.iter().enumerate() {
        if list > 0 || !variables.is_empty() {
            body.push(b',');
        }
        body.extend_from_slice(&entities.variable);
        body.push(b'[');
        for (at, ask) in asks.iter().filter(|ask| ask.list == list).enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&ask.representation);
        }
        body.push(b']');
    }
    body.extend_from_slice(b"}}");
    body.into()
}

fn split(program: &FetchProgram, asks: &[Ask], answer: Answer) -> Batch {
    let Answer { document, data, errors } = answer;
    let mut entities: Vec<Entity> = asks.iter().map(|_| Entity::missing()).collect();
    let (mut problems, mut root_errors) = (Vec::new(), Vec::new());
    // By list: where its entities stand in the batch.
    let positions: Vec<Vec<usize>> = (0..program.entities.len())
        .map(|list| (0..asks.len()).filter(|&at| asks[at].list == list).collect())
        .collect();
    for (list, positions) in positions.iter().enumerate() {
        let node = data.and_then(|data| document.field(data, program.entities[list].key));
        if let Err(error) = place(&document, node, positions, &mut entities, !errors.is_empty()) {
            problems.push(Problem { scope: Scope::List(list), cause: Cause::Failed(error) });
        }
    }
    let (mut unplaced, first) = (Vec::new(), errors.first().cloned());
    for error in errors {
        match locate(program, &positions, &error.path) {
            Location::Entity { at, depth } => {
                let path = error.path[depth..].to_vec();
                entities[at].errors.push(SubgraphError { path, ..error });
            }
            Location::List(list) => unplaced.push((Scope::List(list), error)),
            Location::Root => root_errors.push(error),
            Location::Nowhere => unplaced.push((Scope::Everything, error)),
        }
    }
    let vague = !unplaced.is_empty();
    attribute(asks, &mut entities, &mut problems, unplaced);
    let whole = Whole { program, positions: &positions, data, document: &document };
    if let Some(error) = first {
        whole.explain(&entities, &root_errors, &mut problems, &error);
    }
    Batch { document: Some(Arc::new(document)), data, entities, root_errors, problems, vague }
}

/// Hands the entities of one list to those who asked.
fn place(
    document: &Document,
    node: Option<Node>,
    positions: &[usize],
    entities: &mut [Entity],
    explained: bool,
) -> Result<(), FetchError> {
    if positions.is_empty() {
        return Ok(());
    }
    let Some(Node::List(list)) = node else {
        // A missing or null list is what errors look like; the errors say why.
        let absent = matches!(node, None | Some(Node::Null));
        return if absent && explained { Ok(()) } else { Err(FetchError::NoEntities) };
    };
    let items = document.items(list);
    if items.len() != positions.len() {
        return Err(FetchError::EntityCount { asked: positions.len(), found: items.len() });
    }
    for (&at, item) in positions.iter().zip(items) {
        match item {
            Node::Object(object) => entities[at].object = Some(*object),
            Node::Null => {}
            Node::Boolean(_)
            | Node::Number(_)
            | Node::String(_)
            | Node::List(_)
            | Node::Conflict => {
                entities[at].failure = Some(FetchError::NotAnEntity);
            }
        }
    }
    Ok(())
}

/// An answer with errors, looked at as a whole.
struct Whole<'a> {
    program: &'a FetchProgram,
    positions: &'a [Vec<usize>],
    data: Option<u32>,
    document: &'a Document,
}

impl Whole<'_> {
    /// An error that takes all data or a whole list along concerns everything that is lost with
    /// it, not only what its path names.
    fn explain(
        &self,
        entities: &[Entity],
        root_errors: &[SubgraphError],
        problems: &mut Vec<Problem>,
        error: &SubgraphError,
    ) {
        let explained = |problems: &[Problem], scope| {
            problems
                .iter()
                .any(|problem| problem.scope == scope || problem.scope == Scope::Everything)
        };
        for (list, positions) in self.positions.iter().enumerate() {
            let key = self.program.entities[list].key;
            let lost = self.data.is_none_or(|data| self.document.is_missing(data, key));
            let silent = positions.iter().any(|&at| entities[at].errors.is_empty());
            if lost && silent && !explained(problems, Scope::List(list)) {
                problems.push(Problem {
                    scope: Scope::List(list),
                    cause: Cause::Reported(error.clone()),
                });
            }
        }
        for &root in self.program.roots.iter().filter(|_| self.data.is_none()) {
            let text = self.program.names.text(root);
            let is_named = |error: &SubgraphError| matches!(error.path.first(), Some(PathStep::Key(key)) if key == text);
            if !root_errors.iter().any(is_named) && !explained(problems, Scope::Root(root)) {
                problems.push(Problem {
                    scope: Scope::Root(root),
                    cause: Cause::Reported(error.clone()),
                });
            }
        }
    }
}

enum Location {
    Entity { at: usize, depth: usize },
    List(usize),
    Root,
    Nowhere,
}

fn locate(program: &FetchProgram, positions: &[Vec<usize>], path: &[PathStep]) -> Location {
    let Some(PathStep::Key(key)) = path.first() else { return Location::Nowhere };
    let Some(list) = program.entities.iter().position(|entities| entities.key_text == *key) else {
        let name = program.names.find(key.as_bytes());
        let is_root = name.is_some_and(|name| program.roots.contains(&name));
        return if is_root { Location::Root } else { Location::Nowhere };
    };
    match path.get(1) {
        Some(PathStep::Index(index)) => match positions[list].get(*index) {
            Some(&at) => Location::Entity { at, depth: 2 },
            None => Location::List(list),
        },
        Some(PathStep::Key(_)) | None => Location::List(list),
    }
}

/// Some servers report errors of entities without saying of which. The entities that came back as
/// null without an error of their own tell, when there is only one way to read it; else the error
/// stays with the list.
fn attribute(
    asks: &[Ask],
    entities: &mut [Entity],
    problems: &mut Vec<Problem>,
    unplaced: Vec<(Scope, SubgraphError)>,
) {
    let unexplained: Vec<usize> = (0..entities.len())
        .filter(|&at| {
            let Entity { object, errors, failure } = &entities[at];
            object.is_none() && errors.is_empty() && failure.is_none()
        })
        .collect();
    for (scope, error) in unplaced {
        let is_meant = |at: &usize| match scope {
            Scope::List(list) => asks[*at].list == list,
            Scope::Everything | Scope::Root(_) => true,
        };
        let mut meant = unexplained.iter().copied().filter(is_meant);
        match (meant.next(), meant.next()) {
            (Some(at), None) => {
                entities[at].errors.push(SubgraphError { path: Vec::new(), ..error });
            }
            _ => problems.push(Problem { scope, cause: Cause::Reported(error) }),
        }
    }
}
