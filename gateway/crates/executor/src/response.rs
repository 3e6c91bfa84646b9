//! The answer to the client: the text of `data` and the errors beside it.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::{ErrorList, GraphqlError};

const HEAD: &[u8] = b"{\"data\":";

/// A GraphQL response that is written but not yet closed: errors may still be redacted and
/// extensions added.
#[derive(Clone, Debug)]
pub struct GraphqlResponse {
    pub errors: Vec<GraphqlError>,
    /// `{"data":…`
    text: Vec<u8>,
}

impl GraphqlResponse {
    /// An empty response whose data is going to be appended to the returned text.
    pub(crate) fn head(capacity: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(HEAD.len() + capacity + 1);
        text.extend_from_slice(HEAD);
        text
    }

    pub(crate) fn new(text: Vec<u8>, errors: ErrorList) -> Self {
        let has_data = text[HEAD.len()..] != *b"null";
        Self { errors: errors.into_errors(has_data), text }
    }

    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The JSON text of `data`.
    pub fn data(&self) -> &[u8] {
        &self.text[HEAD.len()..]
    }

    /// Whether a null propagated up to the root.
    pub fn data_is_null(&self) -> bool {
        self.data() == b"null"
    }

    /// The whole response, errors first when there are any.
    pub fn into_body(self) -> Bytes {
        self.into_body_with(&Map::new())
    }

    pub fn into_body_with(self, extensions: &Map<String, Value>) -> Bytes {
        let Self { errors, text } = self;
        let mut body = if errors.is_empty() {
            text
        } else {
            let mut body = Vec::with_capacity(text.len() + errors.len() * 256);
            body.extend_from_slice(b"{\"errors\":");
            serde_json::to_writer(&mut body, &errors)
                .expect("errors can always be written into memory");
            body.push(b',');
            body.extend_from_slice(&text[1..]);
            body
        };
        if !extensions.is_empty() {
            body.extend_from_slice(b",\"extensions\":");
            serde_json::to_writer(&mut body, extensions)
                .expect("JSON can always be written into memory");
        }
        body.push(b'}');
        body.into()
    }
}
