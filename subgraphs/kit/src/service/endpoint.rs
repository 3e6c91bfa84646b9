//! `POST /graphql`: who is calling, is this a GraphQL request, run it, answer.
//!
//! Nothing is executed, and nothing is told about the schema, without a passport or a service
//! credential. A mutation runs in a task of its own: a client that hangs up does not stop it
//! half-way. A query ends with its client or with the time limit.

use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as GraphQlResponse};
use async_graphql_axum::GraphQLResponse;
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Graphql;
use super::observe::RequestId;
use super::streaming::{self, Connection};
use crate::caller::{Caller, RequestOrigin};
use crate::credential::{self, Credentials};
use crate::graphql::{classify, nesting};
use crate::passport::{self, KeyError, PassportError, Verifier};
use crate::settings::LimitSettings;
use crate::telemetry::Metrics;

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
const GRAPHQL_JSON: &str = "application/graphql-response+json";

/// What the handler needs.
pub(super) struct Endpoint {
    pub(super) graphql: Graphql,
    pub(super) verifier: Verifier,
    pub(super) credentials: Credentials,
    pub(super) limits: LimitSettings,
    pub(super) metrics: Metrics,
    /// Ends streams.
    pub(super) shutdown: CancellationToken,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

/// A request that is not executed.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    const UNAUTHENTICATED: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "this service answers the gateway only: a valid passport or service credential is missing",
    );
    const NO_KEYS: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "UNAVAILABLE",
        "the gateway's keys cannot be fetched right now",
    );
    const TOO_LARGE: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "the request is too large");
    const MEDIA_TYPE: Self = Self::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "send the request as application/json",
    );
    const UNREADABLE: Self =
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", "the request's body could not be read");
    const MALFORMED: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "BAD_REQUEST",
        "the body is not a GraphQL request in JSON: an object with `query` and, if needed, `variables` and `operationName`",
    );
    const BATCH: Self =
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", "batches of operations are not accepted");
    const DOCUMENT: Self =
        Self::new(StatusCode::BAD_REQUEST, "COMPLEXITY_EXCEEDED", "the document is too long");
    const NESTING: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "COMPLEXITY_EXCEEDED",
        "the document is nested too deep",
    );
    const FAILED: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "something went wrong on our side",
    );
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let body = json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
        let mut response = (status, axum::Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Passport"));
        }
        response
    }
}

pub(super) async fn method_not_allowed() -> Response {
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "GraphQL is served to POST requests only",
    );
    ([(ALLOW, "POST")], refusal).into_response()
}

pub(super) async fn graphql(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match endpoint.answer(&request_id, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

impl Endpoint {
    async fn answer(
        self: &Arc<Self>,
        request_id: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        let (caller, mut origin) = self.authenticate(headers).await?;
        if origin.request_id.is_empty() {
            request_id.clone_into(&mut origin.request_id);
        }
        let mut request = self.read(headers, body).await?;
        if accepts(headers, EVENT_STREAM) && has(&mut request, OperationType::Subscription) {
            let answers = self.graphql.subscribe(caller, origin, request);
            return Ok(streaming::sse(answers, self.shutdown.clone()));
        }
        let response = if has(&mut request, OperationType::Mutation) {
            let endpoint = Arc::clone(self);
            let work = async move { endpoint.graphql.execute(caller, origin, request).await };
            let task = tokio::spawn(self.metrics.scope(work.in_current_span()));
            task.await.map_err(|error| {
                tracing::error!(error = %error, "a mutation panicked");
                Refusal::FAILED
            })?
        } else {
            self.graphql.execute(caller, origin, request).await
        };
        Ok(respond(response, accepts(headers, GRAPHQL_JSON)))
    }

    /// Who opens a connection for many operations.
    pub(super) async fn connection(&self, headers: &HeaderMap) -> Result<Connection, Response> {
        match self.authenticate(headers).await {
            Ok((caller, origin)) => {
                Ok(Connection { graphql: self.graphql.clone(), caller, origin })
            }
            Err(refusal) => Err(refusal.into_response()),
        }
    }

    /// The caller, from the passport or the service credential.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<(Caller, RequestOrigin), Refusal> {
        let mut passports = headers.get_all(passport::HEADER).iter();
        if let Some(passport) = passports.next() {
            let token = passport.to_str().map_err(|_| Refusal::UNAUTHENTICATED)?;
            if passports.next().is_some() {
                return Err(Refusal::UNAUTHENTICATED);
            }
            return match self.verifier.verify(token).await {
                Ok(verified) => Ok((verified.caller.clone(), verified.origin.clone())),
                Err(error) => Err(refused(&error)),
            };
        }
        let caller = headers
            .get(AUTHORIZATION)
            .and_then(credential::bearer)
            .and_then(|token| self.credentials.verify(token))
            .ok_or(Refusal::UNAUTHENTICATED)?;
        Ok((Caller::Service(caller.clone()), RequestOrigin::default()))
    }

    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Request, Refusal> {
        let is_json =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                let essence = value.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case(JSON)
            });
        if !is_json {
            return Err(Refusal::MEDIA_TYPE);
        }
        let limit = self.limits.body_bytes;
        let declared = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > limit) {
            return Err(Refusal::TOO_LARGE);
        }
        let bytes = to_bytes(body, limit).await.map_err(|error| {
            let text = error.to_string();
            if text.contains("length limit") { Refusal::TOO_LARGE } else { Refusal::UNREADABLE }
        })?;
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(Refusal::BATCH);
        }
        let request: Request = serde_json::from_slice(&bytes).map_err(|_| Refusal::MALFORMED)?;
        if request.query.trim().is_empty() {
            return Err(Refusal::MALFORMED);
        }
        if request.query.len() > self.limits.document_bytes {
            return Err(Refusal::DOCUMENT);
        }
        if nesting(&request.query) > self.limits.recursive_depth {
            return Err(Refusal::NESTING);
        }
        Ok(request)
    }
}

/// A document that cannot be parsed is none; its execution says what is wrong with it.
fn has(request: &mut Request, wanted: OperationType) -> bool {
    request.parsed_query().is_ok_and(|document| {
        document.operations.iter().any(|(_, operation)| operation.node.ty == wanted)
    })
}

fn refused(error: &PassportError) -> Refusal {
    metrics::counter!("passports_refused_total").increment(1);
    tracing::info!(error = %error, "passport refused");
    match error {
        PassportError::Key { source: KeyError::Unreachable { .. } } => Refusal::NO_KEYS,
        _ => Refusal::UNAUTHENTICATED,
    }
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(media_type))
}

/// With the newer media type a wrong request is a 400; with `application/json` it is a 200.
fn respond(mut response: GraphQlResponse, graphql_json: bool) -> Response {
    let media_type = if graphql_json { GRAPHQL_JSON } else { JSON };
    let media_type = [(CONTENT_TYPE, HeaderValue::from_static(media_type))];
    if classify(&mut response) {
        // The specification wants no `data` when nothing was executed.
        let status = if graphql_json { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let body = json!({ "errors": response.errors }).to_string();
        return (status, media_type, body).into_response();
    }
    (media_type, GraphQLResponse::from(response)).into_response()
}
