//! Subscriptions: over SSE (`POST /graphql` with `Accept: text/event-stream`, one operation per
//! connection, as graphql-sse has it) and over WebSocket (`GET /graphql` with the subprotocol
//! `graphql-transport-ws`).
//!
//! Who is calling is settled when the stream begins. Streams end with the service.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::http::ALL_WEBSOCKET_PROTOCOLS;
use async_graphql::{Data, Executor, Request, Response as GraphQlResponse};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;

use super::Graphql;
use super::endpoint::{self, Endpoint};
use crate::caller::{Caller, RequestOrigin};

/// Runs requests of one connection as its caller.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) graphql: Graphql,
    pub(super) caller: Caller,
    pub(super) origin: RequestOrigin,
}

impl Executor for Connection {
    async fn execute(&self, request: Request) -> GraphQlResponse {
        self.graphql.execute(self.caller.clone(), self.origin.clone(), request).await
    }

    fn execute_stream(
        &self,
        request: Request,
        _session: Option<Arc<Data>>,
    ) -> BoxStream<'static, GraphQlResponse> {
        self.graphql.subscribe(self.caller.clone(), self.origin.clone(), request)
    }
}

/// Every answer is an event `next`; `complete` is the last.
pub(super) fn sse(
    answers: BoxStream<'static, GraphQlResponse>,
    shutdown: CancellationToken,
) -> Response {
    let next = answers.map(|mut answer| {
        crate::graphql::classify(&mut answer);
        let text = serde_json::to_string(&answer).unwrap_or_default();
        Event::default().event("next").data(text)
    });
    let complete = stream::once(async { Event::default().event("complete").data("") });
    let events = next.chain(complete).map(Ok::<_, Infallible>);
    Sse::new(until(events, shutdown))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}

fn until<T>(
    stream: impl Stream<Item = T> + Send + 'static,
    shutdown: CancellationToken,
) -> impl Stream<Item = T> + Send + 'static {
    stream.take_until(shutdown.cancelled_owned())
}

/// `GET /graphql`: a WebSocket, or nothing.
pub(super) async fn websocket(State(endpoint): State<Arc<Endpoint>>, mut parts: Parts) -> Response {
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let Ok(upgrade) = upgrade else { return endpoint::method_not_allowed().await };
    let protocol = match GraphQLProtocol::from_request_parts(&mut parts, &()).await {
        Ok(protocol) => protocol,
        Err(status) => return status.into_response(),
    };
    let connection = match endpoint.connection(&parts.headers).await {
        Ok(connection) => connection,
        Err(refused) => return refused,
    };
    let shutdown = endpoint.shutdown.clone();
    upgrade.protocols(ALL_WEBSOCKET_PROTOCOLS).on_upgrade(move |socket| async move {
        let serve = GraphQLWebSocket::new(socket, connection, protocol).serve();
        tokio::select! {
            () = serve => {}
            () = shutdown.cancelled() => {}
        }
    })
}
