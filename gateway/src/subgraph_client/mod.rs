//! Sends the executor's requests to subgraphs, on behalf of one client request.
//!
//! Everything that does not depend on the caller is worked out once per schema ([`Upstream`]);
//! [`RequestTransport`] adds the caller's passport. Client headers are not passed on unless the
//! configuration names them, so nobody can pretend to be somebody towards a subgraph.

mod pool;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use executor::{LoadEvent, SubgraphRequest, SubgraphResponse, SubgraphTransport, TransportError};
use federation::plan::OperationKind;
use federation::supergraph::Supergraph;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;

use crate::auth::identity::Identity;
use crate::auth::passport::{Origin, PASSPORT_HEADER, PassportOffice};
use crate::config::SubgraphsConfig;
use crate::outbound::{Answer, Bounds, HttpClient, OutboundError};
use crate::telemetry::{SubgraphMetrics, Telemetry};
use pool::{Pool, PoolError};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C trace context: says nothing about who calls.
const TRACE_CONTEXT: [HeaderName; 2] =
    [HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];

/// All subgraphs of one schema.
#[derive(Debug)]
pub(crate) struct Subgraphs {
    upstreams: HashMap<Arc<str>, Upstream>,
    client: HttpClient,
    passports: Option<Arc<PassportOffice>>,
    propagate: Vec<HeaderName>,
}

#[derive(Debug)]
struct Upstream {
    name: Arc<str>,
    uri: Option<Uri>,
    /// For plain HTTP/1.1.
    pool: Option<Pool>,
    bounds: Bounds,
    metrics: SubgraphMetrics,
}

#[derive(Debug, thiserror::Error)]
pub enum SubgraphsError {
    #[error(
        "subgraph `{subgraph}`: `{url}` is not a valid http or https URL; set `subgraphs.named.{subgraph}.url`"
    )]
    Url { subgraph: String, url: String },
    #[error("`subgraphs.all.propagate_headers`: `{name}` is not a header name")]
    Header { name: String },
}

/// What subgraph requests need to know about the client's request.
#[derive(Clone, Debug)]
pub(crate) struct ClientContext {
    pub(crate) identity: Arc<Identity>,
    pub(crate) address: IpAddr,
    pub(crate) request_id: HeaderValue,
    pub(crate) headers: Arc<HeaderMap>,
}

/// The [`SubgraphTransport`] of one client request.
#[derive(Clone, Debug)]
pub(crate) struct RequestTransport {
    pub(crate) subgraphs: Arc<Subgraphs>,
    pub(crate) client: ClientContext,
}

impl Subgraphs {
    pub(crate) fn new(
        supergraph: &Supergraph,
        config: &SubgraphsConfig,
        client: &HttpClient,
        passports: Option<Arc<PassportOffice>>,
        telemetry: &Telemetry,
    ) -> Result<Self, SubgraphsError> {
        let mut upstreams = HashMap::new();
        for subgraph in &supergraph.subgraphs {
            let named = config.named.get(&subgraph.name);
            let url = named.and_then(|named| named.url.as_deref()).unwrap_or(&subgraph.url);
            let name: Arc<str> = subgraph.name.as_str().into();
            let uri = parse_url(&subgraph.name, url)?;
            let upstream = Upstream {
                pool: uri.as_ref().filter(|_| !config.all.http2).and_then(Pool::new),
                uri,
                bounds: Bounds {
                    timeout: named.and_then(|named| named.timeout).unwrap_or(config.all.timeout),
                    max_bytes: named
                        .and_then(|named| named.max_response_bytes)
                        .unwrap_or(config.all.max_response_bytes),
                    http2: config.all.http2,
                },
                metrics: telemetry.subgraph(&subgraph.name),
                name: name.clone(),
            };
            upstreams.insert(name, upstream);
        }
        let header_name = |name: &String| {
            HeaderName::try_from(name.as_str())
                .map_err(|_| SubgraphsError::Header { name: name.clone() })
        };
        let propagate =
            config.all.propagate_headers.iter().map(header_name).collect::<Result<_, _>>()?;
        Ok(Self { upstreams, client: client.clone(), passports, propagate })
    }
}

/// A subgraph without a URL (a library of types) is fine until something is asked of it.
fn parse_url(subgraph: &str, url: &str) -> Result<Option<Uri>, SubgraphsError> {
    if url.is_empty() {
        return Ok(None);
    }
    let uri = url
        .parse::<Uri>()
        .ok()
        .filter(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")));
    uri.map(Some)
        .ok_or_else(|| SubgraphsError::Url { subgraph: subgraph.to_owned(), url: url.to_owned() })
}

impl SubgraphTransport for RequestTransport {
    fn send(
        &self,
        request: SubgraphRequest,
    ) -> BoxFuture<'_, Result<SubgraphResponse, TransportError>> {
        self.exchange(request).boxed()
    }

    fn partition(&self, _subgraph: &str) -> Option<Bytes> {
        let mut partition = match &self.subgraphs.passports {
            Some(_) => self.client.identity.partition(),
            None => Vec::new(),
        };
        for name in &self.subgraphs.propagate {
            for value in self.client.headers.get_all(name) {
                partition.push(b'\n');
                partition.extend_from_slice(name.as_str().as_bytes());
                partition.push(b':');
                partition.extend_from_slice(value.as_bytes());
            }
        }
        Some(partition.into())
    }

    fn note(&self, subgraph: &str, event: LoadEvent) {
        let Some(Upstream { metrics, .. }) = self.subgraphs.upstreams.get(subgraph) else { return };
        match event {
            LoadEvent::Shared => metrics.shared.increment(),
            LoadEvent::Batched => metrics.batched.increment(),
            LoadEvent::Remembered => metrics.remembered.increment(),
        }
    }
}

impl RequestTransport {
    async fn exchange(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        let upstream =
            self.subgraphs.upstreams.get(&request.subgraph).ok_or(TransportError::Unreachable)?;
        let started = Instant::now();
        upstream.metrics.requests.increment();
        if request.representations > 0 {
            upstream.metrics.asked_for(request.representations);
        }
        let sent = match self.http_request(upstream, request) {
            Ok(request) => {
                let answer = upstream.send(&self.subgraphs.client, request).await;
                answer.map_err(|error| {
                    tracing::warn!(subgraph = &*upstream.name, %error, "subgraph request failed");
                    transport_error(&error)
                })
            }
            Err(error) => Err(error),
        };
        upstream.metrics.duration.record_duration(started.elapsed());
        if sent.is_err() {
            upstream.metrics.failures.increment();
        }
        sent.map(|answer| SubgraphResponse { status: answer.status.as_u16(), body: answer.body })
    }

    fn http_request(
        &self,
        upstream: &Upstream,
        request: SubgraphRequest,
    ) -> Result<Request<Full<Bytes>>, TransportError> {
        let Some(uri) = &upstream.uri else {
            tracing::warn!(subgraph = &*upstream.name, "subgraph has no URL");
            return Err(TransportError::Unreachable);
        };
        let mut http_request = Request::new(Full::new(request.body));
        *http_request.method_mut() = Method::POST;
        *http_request.uri_mut() = uri.clone();
        let headers = http_request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/graphql-response+json, application/json;q=0.9"),
        );
        headers.insert(REQUEST_ID, self.client.request_id.clone());
        for name in TRACE_CONTEXT.iter().chain(&self.subgraphs.propagate) {
            for value in self.client.headers.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        if let Some(passport) = self.passport(upstream, request.kind)? {
            headers.insert(PASSPORT_HEADER, passport);
        }
        Ok(http_request)
    }

    fn passport(
        &self,
        upstream: &Upstream,
        kind: OperationKind,
    ) -> Result<Option<HeaderValue>, TransportError> {
        let Some(office) = &self.subgraphs.passports else { return Ok(None) };
        let user_agent =
            self.client.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let origin = Origin {
            address: self.client.address,
            user_agent: user_agent.map(|text| text.get(..256).unwrap_or(text)),
            request_id: self.client.request_id.to_str().unwrap_or_default(),
        };
        let origin = (kind == OperationKind::Mutation).then_some(&origin);
        office.passport(&self.client.identity, &upstream.name, origin).map(Some).map_err(|error| {
            tracing::error!(subgraph = &*upstream.name, %error, "passport could not be made");
            TransportError::Other {
                code: "INTERNAL_SERVER_ERROR",
                message: "could not be asked".to_owned(),
            }
        })
    }
}

impl Upstream {
    async fn send(
        &self,
        client: &HttpClient,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, OutboundError> {
        let Some(pool) = &self.pool else { return client.send(request, self.bounds).await };
        let Bounds { timeout, max_bytes, http2: _ } = self.bounds;
        match tokio::time::timeout(timeout, pool.send(request, max_bytes)).await {
            Ok(answer) => answer.map_err(OutboundError::from),
            Err(_) => Err(OutboundError::Timeout { timeout }),
        }
    }
}

impl From<PoolError> for OutboundError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Connect { .. } => Self::Connect { source: error.into() },
            PoolError::Broken { source } => Self::Broken { source: source.into() },
            PoolError::TooLarge { max_bytes } => Self::TooLarge { max_bytes },
        }
    }
}

fn transport_error(error: &OutboundError) -> TransportError {
    match error {
        OutboundError::Timeout { .. } => TransportError::Timeout,
        OutboundError::Connect { .. } => TransportError::Unreachable,
        OutboundError::Broken { .. } => TransportError::Interrupted,
        OutboundError::TooLarge { max_bytes } => TransportError::TooLarge { limit: *max_bytes },
    }
}
