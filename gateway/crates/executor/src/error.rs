//! Errors as clients see them, and where they come from.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::answer::{FetchError, SubgraphError};
use crate::transport::TransportError;

/// An entry of the response's `errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphqlError {
    pub message: String,
    /// In response keys and list indexes; empty if the error belongs to no field.
    pub path: Vec<PathSegment>,
    /// At least `code`; errors of a subgraph also have `service`.
    pub extensions: Map<String, Value>,
    pub origin: ErrorOrigin,
}

/// Who says so. Never written into the response; it lets the gateway decide what to redact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorOrigin {
    /// The subgraph reported the error itself: message and extensions are its own.
    Subgraph,
    /// The subgraph gave no usable answer.
    Fetch,
    /// The gateway found it while completing values.
    Completion,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSegment {
    Key(String),
    Index(usize),
}

pub(crate) const RESPONSE_VALIDATION_FAILED: &str = "RESPONSE_VALIDATION_FAILED";
pub(crate) const UNAUTHORIZED_FIELD_OR_TYPE: &str = "UNAUTHORIZED_FIELD_OR_TYPE";
const TOO_MANY_ERRORS: &str = "TOO_MANY_ERRORS";
const DOWNSTREAM_SERVICE_ERROR: &str = "DOWNSTREAM_SERVICE_ERROR";

impl GraphqlError {
    pub(crate) fn completion(code: &'static str, message: String, path: Vec<PathSegment>) -> Self {
        let mut extensions = Map::new();
        extensions.insert("code".to_owned(), code.into());
        Self { message, path, extensions, origin: ErrorOrigin::Completion }
    }

    /// Keeps what the subgraph said and adds who said it.
    pub(crate) fn subgraph(subgraph: &str, error: &SubgraphError, path: Vec<PathSegment>) -> Self {
        let SubgraphError { message, path: _, extensions } = error;
        let mut extensions = extensions.clone();
        if !extensions.get("code").is_some_and(Value::is_string) {
            extensions.insert("code".to_owned(), DOWNSTREAM_SERVICE_ERROR.into());
        }
        extensions.insert("service".to_owned(), subgraph.into());
        Self { message: message.clone(), path, extensions, origin: ErrorOrigin::Subgraph }
    }

    pub(crate) fn fetch(subgraph: &str, error: &FetchError, path: Vec<PathSegment>) -> Self {
        let mut extensions = Map::new();
        extensions.insert("code".to_owned(), error.code().into());
        extensions.insert("service".to_owned(), subgraph.into());
        if let FetchError::Transport(TransportError::Status { status }) = error {
            let http = Map::from_iter([("status".to_owned(), Value::from(*status))]);
            extensions.insert("http".to_owned(), http.into());
        }
        let message = format!("subgraph `{subgraph}` {error}");
        Self { message, path, extensions, origin: ErrorOrigin::Fetch }
    }
}

/// An error per element of a long list must not make an answer many times larger than its data.
const MAX_ERRORS: usize = 1000;

/// The errors of a response, as many as a client can be expected to read.
#[derive(Debug, Default)]
pub(crate) struct ErrorList {
    errors: Vec<GraphqlError>,
    /// Errors that say why the root fields beside a failed one are lost with it.
    beside: Vec<GraphqlError>,
    left_out: usize,
}

impl ErrorList {
    /// Makes the error only if there is room for it.
    pub(crate) fn push(&mut self, error: impl FnOnce() -> GraphqlError) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.errors.push(error());
        }
    }

    /// Like [`Self::push`], for an error that only repeats another one at a field beside it.
    pub(crate) fn push_beside(&mut self, error: GraphqlError) {
        self.beside.push(error);
    }

    pub(crate) fn append(&mut self, Self { errors, beside, left_out }: Self) {
        self.left_out += left_out;
        self.beside.extend(beside);
        for error in errors {
            self.push(|| error);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    /// Counts errors that were not even made.
    pub(crate) fn leave_out(&mut self, count: usize) {
        self.left_out += count;
    }

    pub(crate) fn as_slice(&self) -> &[GraphqlError] {
        &self.errors
    }

    /// The errors; what has been left out is one more. Where there is no data at all, nothing
    /// stands beside what failed.
    pub(crate) fn into_errors(self, has_data: bool) -> Vec<GraphqlError> {
        let Self { mut errors, beside, left_out } = self;
        if has_data {
            errors.extend(beside);
        }
        if left_out > 0 {
            let message = format!("{left_out} more errors are left out");
            errors.push(GraphqlError::completion(TOO_MANY_ERRORS, message, Vec::new()));
        }
        errors
    }
}

impl Serialize for GraphqlError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { message, path, extensions, origin: _ } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", message)?;
        if !path.is_empty() {
            map.serialize_entry("path", path)?;
        }
        if !extensions.is_empty() {
            map.serialize_entry("extensions", extensions)?;
        }
        map.end()
    }
}

impl Serialize for PathSegment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Key(key) => serializer.serialize_str(key),
            Self::Index(index) => serializer.serialize_u64(*index as u64),
        }
    }
}
