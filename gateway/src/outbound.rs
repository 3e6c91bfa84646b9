//! The one HTTP client: pooled connections, TLS, a deadline and a size limit for every answer.
//!
//! Knows nothing of GraphQL. Redirects are not followed: neither subgraphs nor key sets need
//! them, and a redirect could lead a credential astray.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    http1: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// HTTP/2 without TLS, for subgraphs that are configured so.
    http2: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// What bounds one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) timeout: Duration,
    pub(crate) max_bytes: usize,
    pub(crate) http2: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), max_bytes: 16 * 1024 * 1024, http2: false }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("no answer within {} ms", timeout.as_millis())]
    Timeout { timeout: Duration },
    #[error("no connection: {}", root_cause(&**source))]
    Connect { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("connection broke: {}", root_cause(&**source))]
    Broken { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("answer is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
}

impl HttpClient {
    pub(crate) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(5)));
        tcp.enforce_http(false);
        let tls = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .expect("the provider supports the default TLS versions")
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp.clone());
        let mut http1 = Client::builder(TokioExecutor::new());
        http1.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(55));
        let mut http2 = Client::builder(TokioExecutor::new());
        http2.http2_only(true).timer(TokioTimer::new()).pool_timer(TokioTimer::new());
        Self { http1: http1.build(tls), http2: http2.build(tcp) }
    }

    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        bounds: Bounds,
    ) -> Result<Answer, OutboundError> {
        tokio::time::timeout(bounds.timeout, self.exchange(request, bounds))
            .await
            .map_err(|_| OutboundError::Timeout { timeout: bounds.timeout })?
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        bounds: Bounds,
    ) -> Result<Answer, OutboundError> {
        let sent = if bounds.http2 {
            self.http2.request(request).await
        } else {
            self.http1.request(request).await
        };
        let response = sent.map_err(|source| {
            if source.is_connect() {
                OutboundError::Connect { source: source.into() }
            } else {
                OutboundError::Broken { source: source.into() }
            }
        })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, bounds.max_bytes).collect().await.map_err(|source| {
            if source.downcast_ref::<LengthLimitError>().is_some() {
                OutboundError::TooLarge { max_bytes: bounds.max_bytes }
            } else {
                OutboundError::Broken { source }
            }
        })?;
        Ok(Answer { status: parts.status, body: body.to_bytes() })
    }
}

/// The innermost cause says what happened ("connection refused"); the outer ones only where.
fn root_cause<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> &'e (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
