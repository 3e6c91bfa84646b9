//! The seam to the network: what the executor asks for and what can go wrong on the way.
//!
//! The executor knows neither HTTP nor the caller. Whoever runs an operation hands over one
//! [`SubgraphTransport`] per client request; it holds everything that depends on the caller
//! (passport, forwarded headers, deadline) and on the subgraph (address, pool, time limits).

use std::sync::Arc;

use bytes::Bytes;
use federation::plan::OperationKind;
use futures::future::BoxFuture;

/// Carries requests to subgraphs on behalf of one client request.
pub trait SubgraphTransport: Send + Sync {
    /// Sends one GraphQL request and waits for the whole answer.
    ///
    /// The future may be dropped at any moment (client gone, deadline passed).
    fn send(
        &self,
        request: SubgraphRequest,
    ) -> BoxFuture<'_, Result<SubgraphResponse, TransportError>>;

    /// Everything about this client request that the subgraph can see or that shapes its answer
    /// (subject and scopes of the passport, forwarded headers, extensions), as bytes that are
    /// equal exactly if all of it is equal. Two client requests whose partitions are equal may be
    /// served by one subgraph request, sent through the transport of either.
    ///
    /// `None` keeps this client request to itself.
    fn partition(&self, subgraph: &str) -> Option<Bytes>;

    /// Told when a request to a subgraph was not needed, for whoever counts such things.
    fn note(&self, subgraph: &str, event: LoadEvent) {
        let _ = (subgraph, event);
    }
}

/// Why this client request did not need a subgraph request of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadEvent {
    /// An equal request was in flight.
    Shared,
    /// Its entities went out with those of others.
    Batched,
    /// The same subgraph had already said everything within this client request.
    Remembered,
}

/// One request to one subgraph. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SubgraphRequest {
    pub subgraph: Arc<str>,
    pub kind: OperationKind,
    pub operation_name: Arc<str>,
    /// The JSON text of `query`, `operationName` and `variables`, ready to be posted.
    pub body: Bytes,
    /// How many entities are asked for; 0 for root fields.
    pub representations: usize,
}

/// What the subgraph answered; the executor has not looked at it yet.
#[derive(Clone, Debug)]
pub struct SubgraphResponse {
    /// HTTP status, or 200 for transports without one. Another status than 2xx only matters when
    /// the body is no GraphQL response.
    pub status: u16,
    pub body: Bytes,
}

/// Why there is no answer. The texts go to clients: they name nothing but the subgraph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    #[error("could not be reached")]
    Unreachable,
    #[error("answered with HTTP status {status}")]
    Status { status: u16 },
    #[error("did not answer in time")]
    Timeout,
    #[error("answered with more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("answered with something other than JSON")]
    ContentType,
    #[error("broke off its answer")]
    Interrupted,
    /// The gateway itself declined to send: a breaker is open, a limit is reached.
    #[error("is not asked at the moment")]
    Rejected,
    /// Something that the caller of the executor wants to say with a code of its own. `message`
    /// is shown to the client after the subgraph's name.
    #[error("{message}")]
    Other { code: &'static str, message: String },
}

impl TransportError {
    /// The `extensions.code` under which clients see this.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable | Self::Status { .. } | Self::Interrupted => "SUBREQUEST_HTTP_ERROR",
            Self::Timeout => "GATEWAY_TIMEOUT",
            Self::TooLarge { .. } | Self::ContentType => "SUBREQUEST_MALFORMED_RESPONSE",
            Self::Rejected => "REQUEST_CONCURRENCY_LIMITED",
            Self::Other { code, .. } => code,
        }
    }
}
