//! The envelope of a subgraph's answer: `data` as a [`Document`], `errors` as values.
//!
//! Everything that is not a GraphQL response is told apart here, so that later phases only see
//! answers with data, with errors, or with both.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::compiled::FetchProgram;
use crate::document::{Builder, Document, MAX_DEPTH, Node};
use crate::json::{JsonError, Kind, Reader, Span, unquote};
use crate::transport::{SubgraphResponse, TransportError};

/// A GraphQL response as the specification describes it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) document: Document,
    /// The object under `data`; none if that is null or missing.
    pub(crate) data: Option<u32>,
    pub(crate) errors: Vec<SubgraphError>,
}

/// An error as the subgraph reported it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SubgraphError {
    pub(crate) message: String,
    /// In data keys, relative to the subgraph's own answer.
    pub(crate) path: Vec<PathStep>,
    pub(crate) extensions: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    Key(String),
    Index(usize),
}

/// Why a fetch as a whole brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("answered with something other than JSON: {0}")]
    Json(#[from] JsonError),
    #[error("answered with something other than a GraphQL response: {0}")]
    Envelope(&'static str),
    #[error("answered with {found} entities where {asked} were asked for")]
    EntityCount { asked: usize, found: usize },
    #[error("answered without a list of entities")]
    NoEntities,
    #[error("answered with something other than an entity")]
    NotAnEntity,
}

impl FetchError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Transport(error) => error.code(),
            Self::Json(_)
            | Self::Envelope(_)
            | Self::EntityCount { .. }
            | Self::NoEntities
            | Self::NotAnEntity => "SUBREQUEST_MALFORMED_RESPONSE",
        }
    }
}

impl FetchError {
    /// Whether another request to the same subgraph at the same time may fare better.
    pub(crate) fn depends_on_request(&self) -> bool {
        match self {
            Self::Transport(error) => match error {
                TransportError::Status { .. }
                | TransportError::TooLarge { .. }
                | TransportError::ContentType
                | TransportError::Other { .. } => true,
                TransportError::Unreachable
                | TransportError::Timeout
                | TransportError::Interrupted
                | TransportError::Rejected => false,
            },
            Self::Json(_)
            | Self::Envelope(_)
            | Self::EntityCount { .. }
            | Self::NoEntities
            | Self::NotAnEntity => true,
        }
    }
}

/// Reads a response. A status other than 2xx is only looked at when the body makes no sense.
pub(crate) fn read(
    response: SubgraphResponse,
    program: &FetchProgram,
) -> Result<Answer, FetchError> {
    let status = response.status;
    read_body(response.body, program).map_err(|error| {
        if (200..300).contains(&status) { error } else { TransportError::Status { status }.into() }
    })
}

fn read_body(body: Bytes, program: &FetchProgram) -> Result<Answer, FetchError> {
    let text = body.clone();
    let mut reader = Reader::new(&text, MAX_DEPTH)?;
    let mut builder = Builder::new(&program.names, &program.shapes, body);
    if reader.peek()? != Kind::Object {
        return Err(FetchError::Envelope("the body is not an object"));
    }
    let (mut data, mut errors) = (None, None);
    let mut more = reader.open(Kind::Object)?;
    while more {
        let key = reader.key()?;
        match &*unquote(reader.text(key)) {
            b"data" => {
                if data.replace(builder.value(&mut reader, program.shape)?).is_some() {
                    return Err(FetchError::Envelope("`data` stands twice"));
                }
            }
            b"errors" => {
                if errors.replace(reader.skip()?).is_some() {
                    return Err(FetchError::Envelope("`errors` stands twice"));
                }
            }
            _ => {
                reader.skip()?;
            }
        }
        more = reader.more(Kind::Object)?;
    }
    reader.finish()?;
    let errors = errors.map_or(Ok(Vec::new()), |span| read_errors(&text, span))?;
    let data = match data {
        Some(Node::Object(object)) => Some(object),
        Some(Node::Null) | None => None,
        Some(
            Node::Boolean(_) | Node::Number(_) | Node::String(_) | Node::List(_) | Node::Conflict,
        ) => {
            return Err(FetchError::Envelope("`data` is not an object"));
        }
    };
    if data.is_none() && errors.is_empty() {
        return Err(FetchError::Envelope("it has neither data nor errors"));
    }
    Ok(Answer { document: builder.finish(), data, errors })
}

fn read_errors(text: &[u8], span: Span) -> Result<Vec<SubgraphError>, FetchError> {
    const NOT_A_LIST: FetchError = FetchError::Envelope("`errors` is not a list of objects");
    let values: Value = serde_json::from_slice(&text[span.start as usize..span.end as usize])
        .map_err(|_| NOT_A_LIST)?;
    match values {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => {
            values.into_iter().map(|value| read_error(value).ok_or(NOT_A_LIST)).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Err(NOT_A_LIST),
    }
}

/// A message that is missing or no text is no reason to lose the error.
fn read_error(value: Value) -> Option<SubgraphError> {
    let Value::Object(mut error) = value else { return None };
    let message = match error.remove("message") {
        Some(Value::String(message)) => message,
        _ => "The subgraph reported an error without a message".to_owned(),
    };
    let extensions = match error.remove("extensions") {
        Some(Value::Object(extensions)) => extensions,
        _ => Map::new(),
    };
    let path = match error.remove("path") {
        Some(Value::Array(steps)) => steps.into_iter().map_while(read_step).collect(),
        _ => Vec::new(),
    };
    Some(SubgraphError { message, path, extensions })
}

fn read_step(step: Value) -> Option<PathStep> {
    match step {
        Value::String(key) => Some(PathStep::Key(key)),
        Value::Number(index) => {
            index.as_u64().and_then(|index| usize::try_from(index).ok()).map(PathStep::Index)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
