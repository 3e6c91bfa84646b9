//! Around every request: its id, its line in the log, its numbers in the metrics, its time limit,
//! and an answer even when a handler panics. Bodies, query strings and headers are never logged.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use serde_json::json;
use tracing::Instrument;

use crate::clock::Clock;
use crate::id::new_id;
use crate::telemetry::Metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id under which a request is logged, here and at the gateway.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

#[derive(Debug, Clone)]
pub(super) struct Observer {
    pub(super) service: &'static str,
    pub(super) metrics: Metrics,
    pub(super) timeout: Duration,
}

pub(super) async fn observe(
    State(observer): State<Observer>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let method = request.method().as_str().to_owned();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        service = observer.service,
        request_id = %id,
        trace_id = trace_id(request.headers())
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let handled = async {
        let started = Instant::now();
        let mut response = answer(next.run(request), observer.timeout).await;
        let status = response.status();
        let elapsed = started.elapsed();
        metrics::counter!("http_requests_total", "method" => method.clone(), "path" => path.clone(), "status" => status.as_str().to_owned()).increment(1);
        metrics::histogram!("http_request_seconds", "path" => path.clone())
            .record(elapsed.as_secs_f64());
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let status = status.as_u16();
        if status < 400 && is_routine(&path) {
            tracing::debug!(method, path, status, micros, "request");
        } else {
            tracing::info!(method, path, status, micros, "request");
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    };
    observer.metrics.scope(handled.instrument(span)).await
}

/// Asked by machines all the time; worth a line only when it fails.
fn is_routine(path: &str) -> bool {
    path.starts_with("/health")
        || matches!(path, "/internal/events" | "/metrics" | "/healthz" | "/readyz")
}

async fn answer(handler: impl Future<Output = Response>, timeout: Duration) -> Response {
    let guarded = AssertUnwindSafe(handler).catch_unwind();
    match tokio::time::timeout(timeout, guarded).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "INTERNAL",
                "something went wrong on our side",
            )
        }
        Err(_) => failure(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", "the request took too long"),
    }
}

fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({
        "errors": [{ "code": code, "message": message, "path": [], "extensions": { "code": code } }]
    });
    (status, axum::Json(body)).into_response()
}

/// The trace that the request belongs to: the second part of W3C's `traceparent`.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let id = parts.nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

/// The caller's id when it is harmless in a log, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(harmless)
        .map_or_else(|| new_id(Clock::system().now()).simple().to_string(), str::to_owned)
}
