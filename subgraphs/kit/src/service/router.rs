//! Which path leads where, and what every request passes through.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::Service;
use super::endpoint::{self, Endpoint};
use super::feed::{self, Feed};
use super::observe::{self, Observer};
use super::probes::{self, Probes};
use super::streaming;
use crate::mail;
use crate::settings::MailTransport;

/// The service's router, from the outside in: request id, log and metrics, time limit, panics;
/// then the routes.
pub(super) fn build(service: &Service, endpoint: Arc<Endpoint>) -> Router {
    let observer = Observer {
        service: service.name,
        metrics: service.metrics.clone(),
        timeout: service.settings.limits.timeout.0,
    };
    let probes = Probes {
        database: service.database.clone(),
        endpoint: Arc::clone(&endpoint),
        environment: service.settings.environment,
        checks: service.checks.clone(),
        metrics: service.metrics.clone(),
        writable: Arc::default(),
    };
    let feed = Feed { database: service.database.clone(), credentials: service.credentials() };
    let mut router = Router::new()
        .route(
            "/graphql",
            post(endpoint::graphql)
                .get(streaming::websocket)
                .fallback(endpoint::method_not_allowed),
        )
        .with_state(endpoint)
        .route("/internal/events", get(feed::events).with_state(feed))
        .route("/health/live", get(probes::live))
        .route("/healthz", get(probes::live))
        .route("/health/ready", get(probes::ready).with_state(probes.clone()))
        .route("/readyz", get(probes::ready).with_state(probes.clone()))
        .route("/metrics", get(probes::metrics).with_state(probes))
        .merge(mail::bounce_routes(
            service.database.clone(),
            service.clock.clone(),
            service.credentials(),
        ))
        .merge(service.routes.clone());
    if service.settings.mail.transport == MailTransport::Inbox {
        router = router.merge(mail::dev_inbox_routes(service.database.clone()));
    }
    router
        .layer(DefaultBodyLimit::max(service.settings.limits.body_bytes))
        .layer(from_fn_with_state(observer, observe::observe))
}
