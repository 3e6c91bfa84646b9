//! Requests that are refused as a whole: nothing was executed, there is no `data`.

use http::StatusCode;
use serde_json::{Value, json};

/// The text goes to the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("{message}")]
    BadRequest { message: String },
    #[error("`{method}` is not supported here; use POST, or GET for queries")]
    MethodNotAllowed { method: http::Method },
    #[error("mutations are not allowed over GET; use POST")]
    MutationOverGet,
    #[error("content type must be `application/json`")]
    UnsupportedContentType,
    #[error("only `application/graphql-response+json` and `application/json` can be answered")]
    NotAcceptable,
    #[error("request body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("{message}")]
    Csrf { message: String },
    #[error("{message}")]
    Unauthenticated { message: String },
    #[error("access tokens cannot be checked at the moment; try again later")]
    AuthenticationUnavailable,
    #[error("GraphQL document is refused")]
    Document { code: DocumentErrorCode, errors: Vec<DocumentError> },
    #[error("the request was not finished in time")]
    Timeout,
    #[error("internal error")]
    Internal,
}

/// What is wrong with the document, the operation's name or the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentErrorCode {
    Parse,
    Validation,
    OperationName,
    Variables,
    Depth,
    Aliases,
    RootFields,
    Tokens,
    Fields,
    Complexity,
    DocumentSize,
    CredentialMutations,
    IntrospectionDisabled,
    Subscription,
}

#[derive(Clone, Debug)]
pub(crate) struct DocumentError {
    pub(crate) message: String,
    /// Line and column.
    pub(crate) locations: Vec<(usize, usize)>,
}

impl DocumentErrorCode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "GRAPHQL_PARSE_FAILED",
            Self::Validation | Self::Subscription => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationName => "OPERATION_RESOLUTION_FAILURE",
            Self::Variables => "BAD_USER_INPUT",
            Self::Depth => "MAX_DEPTH_LIMIT",
            Self::Aliases => "MAX_ALIASES_LIMIT",
            Self::RootFields => "MAX_ROOT_FIELDS_LIMIT",
            Self::Tokens => "MAX_TOKENS_LIMIT",
            Self::Fields => "MAX_FIELDS_LIMIT",
            Self::Complexity => "COMPLEXITY_EXCEEDED",
            Self::DocumentSize => "MAX_DOCUMENT_SIZE_LIMIT",
            Self::CredentialMutations => "MAX_CREDENTIAL_MUTATIONS_LIMIT",
            Self::IntrospectionDisabled => "INTROSPECTION_DISABLED",
        }
    }
}

impl ClientError {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into() }
    }

    /// A document error with one message and no place.
    pub(crate) fn document(code: DocumentErrorCode, message: impl Into<String>) -> Self {
        Self::Document {
            code,
            errors: vec![DocumentError { message: message.into(), locations: Vec::new() }],
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::BadRequest { .. } => "BAD_REQUEST",
            Self::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Self::MutationOverGet => "MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
            Self::UnsupportedContentType => "UNSUPPORTED_CONTENT_TYPE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::BodyTooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Self::Csrf { .. } => "CSRF_ERROR",
            Self::Unauthenticated { .. } => "UNAUTHENTICATED",
            Self::AuthenticationUnavailable => "AUTHENTICATION_UNAVAILABLE",
            Self::Document { code, .. } => code.as_str(),
            Self::Timeout => "GATEWAY_TIMEOUT",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }

    /// A document error is "200, but" for clients of the old media type (GraphQL over HTTP,
    /// section "application/json"), and 400 for those of the new one.
    pub(crate) fn status(&self, legacy_media_type: bool) -> StatusCode {
        match self {
            Self::BadRequest { .. } | Self::Csrf { .. } => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed { .. } | Self::MutationOverGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
            Self::AuthenticationUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Document { .. } if legacy_media_type => StatusCode::OK,
            Self::Document { .. } => StatusCode::BAD_REQUEST,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// `{"errors": [...]}`.
    pub(crate) fn body(&self) -> Value {
        let extensions = json!({ "code": self.code() });
        let errors: Vec<Value> = match self {
            Self::Document { errors, .. } => errors
                .iter()
                .map(|DocumentError { message, locations }| {
                    let mut error = json!({ "message": message });
                    if !locations.is_empty() {
                        let locations = locations
                            .iter()
                            .map(|(line, column)| json!({ "line": line, "column": column }));
                        error["locations"] = locations.collect();
                    }
                    error["extensions"] = extensions.clone();
                    error
                })
                .collect(),
            other => vec![json!({ "message": other.to_string(), "extensions": extensions })],
        };
        json!({ "errors": errors })
    }
}
