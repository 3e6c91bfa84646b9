//! `POST|GET /graphql`: one HTTP request in, one HTTP answer out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use uuid::Uuid;

use super::error::ClientError;
use super::negotiate::MediaType;
use super::request::{check_csrf, read};
use crate::app::Gateway;
use crate::pipeline;
use crate::subgraph_client::{ClientContext, REQUEST_ID};
use crate::telemetry::Telemetry;

pub(super) async fn graphql(
    State(gateway): State<Arc<Gateway>>,
    request: Request<Body>,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
    answer(&gateway, request, peer).await
}

/// Answers one request to the endpoint.
pub(super) async fn answer(gateway: &Gateway, request: Request<Body>, peer: IpAddr) -> Response {
    let (parts, body) = request.into_parts();
    if is_browser_visit(&parts) && gateway.config.server.graphiql {
        return Redirect::to("/").into_response();
    }
    let started = Instant::now();
    let _active = ActiveRequest::begin(&gateway.telemetry);
    let request_id = request_id(&parts.headers, &gateway.request_ids);
    let media_type = MediaType::negotiate(&parts.headers);
    let result = match media_type {
        Some(_) => run(gateway, parts, body, peer, request_id.clone(), started).await,
        None => Err(ClientError::NotAcceptable),
    };
    let mut response = respond(gateway, result, media_type.unwrap_or(MediaType::Json));
    response.headers_mut().insert(REQUEST_ID, request_id);
    gateway.telemetry.request_finished(response.status().as_u16(), started.elapsed());
    response
}

/// Counts a request for as long as it lives, even if the client goes away in the middle.
struct ActiveRequest<'t>(&'t Telemetry);

impl<'t> ActiveRequest<'t> {
    fn begin(telemetry: &'t Telemetry) -> Self {
        telemetry.active_requests.increment();
        Self(telemetry)
    }
}

impl Drop for ActiveRequest<'_> {
    fn drop(&mut self) {
        self.0.active_requests.decrement();
    }
}

/// Checks the request from the outside in, then runs it.
async fn run(
    gateway: &Gateway,
    parts: Parts,
    body: Body,
    peer: IpAddr,
    request_id: HeaderValue,
    started: Instant,
) -> Result<Bytes, ClientError> {
    check_csrf(&parts, &gateway.config.server.csrf)?;
    let deadline = started + gateway.config.server.request_timeout;
    let body = read(&parts, body, gateway.config.limits.body_bytes);
    let request = tokio::time::timeout_at(deadline.into(), body)
        .await
        .map_err(|_| ClientError::Timeout)??;
    let identity = gateway.authenticator.identify(&parts.headers).await?;
    let client = ClientContext {
        identity,
        address: gateway.trusted_proxies.client_address(peer, &parts.headers),
        request_id,
        headers: Arc::new(parts.headers),
    };
    pipeline::run(gateway, request, client, deadline).await
}

fn respond(
    gateway: &Gateway,
    result: Result<Bytes, ClientError>,
    media_type: MediaType,
) -> Response {
    let (status, body) = match &result {
        Ok(body) => (StatusCode::OK, body.clone()),
        Err(error) => {
            gateway.telemetry.graphql_error(error.code());
            (error.status(media_type == MediaType::Json), Bytes::from(error.body().to_string()))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type.header());
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    match result {
        Err(ClientError::MutationOverGet) => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        Err(ClientError::MethodNotAllowed { .. }) => {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
        }
        Err(ClientError::Unauthenticated { .. }) => {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            );
        }
        Ok(_) | Err(_) => {}
    }
    response
}

/// Somebody typed the endpoint's address into a browser.
fn is_browser_visit(parts: &Parts) -> bool {
    parts.method == Method::GET
        && parts.uri.query().is_none()
        && parts
            .headers
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// The client's request id if it is harmless, else a new one.
fn request_id(headers: &HeaderMap, ids: &RequestIds) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        (1..=128).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    headers.get(REQUEST_ID).filter(harmless).cloned().unwrap_or_else(|| ids.next())
}

/// Makes UUIDs of a random number and a counter: unique, and cheaper than random ones.
#[derive(Debug)]
pub(crate) struct RequestIds {
    first: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { first: Uuid::new_v4().as_u64_pair().0, count: AtomicU64::new(0) }
    }

    fn next(&self) -> HeaderValue {
        // The variant's bits, as in every UUID.
        let count = self.count.fetch_add(1, Ordering::Relaxed) & (u64::MAX >> 2) | 1 << 63;
        let mut text = Uuid::encode_buffer();
        let text = Uuid::from_u64_pair(self.first, count).hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("a UUID is a header value")
    }
}
