//! What stands before the router: plain GraphQL requests go straight to their handler.
//!
//! A POST to the endpoint that no browser sent and whose answer is not to be compressed needs none
//! of the layers; routing it through them costs more than everything else the gateway does for a
//! small query. All other requests take the way through [`super::router`]; both end in the same
//! handler.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, header};
use tower_service::Service;

use super::{graphql, panicked};
use crate::app::Gateway;

/// Makes a [`Front`] for every connection.
#[derive(Clone, Debug)]
pub(crate) struct MakeFront {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) router: Router,
}

/// Answers the requests of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    gateway: Arc<Gateway>,
    router: Router,
    peer: SocketAddr,
}

impl<L: Listener<Addr = SocketAddr>> Service<IncomingStream<'_, L>> for MakeFront {
    type Response = Front;
    type Error = Infallible;
    type Future = Ready<Result<Front, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, L>) -> Self::Future {
        let Self { gateway, router } = self.clone();
        ready(Ok(Front { gateway, router, peer: *stream.remote_addr() }))
    }
}

impl Service<Request<Body>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if self.needs_no_layers(&request) {
            let (gateway, peer) = (Arc::clone(&self.gateway), self.peer.ip());
            return Box::pin(async move {
                let answering = AssertUnwindSafe(graphql::answer(&gateway, request, peer));
                Ok(answering.catch_unwind().await.unwrap_or_else(|_| panicked()))
            });
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Box::pin(self.router.call(request))
    }
}

impl Front {
    fn needs_no_layers(&self, request: &Request<Body>) -> bool {
        let config = &self.gateway.config.server;
        let headers = request.headers();
        request.method() == Method::POST
            && request.uri().path() == config.path
            && !headers.contains_key(header::ORIGIN)
            && !(config.compression.enabled && headers.contains_key(header::ACCEPT_ENCODING))
    }
}
