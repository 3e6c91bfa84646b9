//! What the gateway counts. Each gateway has its own registry: several may live in one process
//! next to services with theirs, so nothing is installed globally.

mod registry;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use registry::{Counter, Gauge, Histogram};
use registry::{Description, Registry};

/// Bounds in microseconds.
const DURATIONS: [u64; 13] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
/// Bounds in millionths of an entity.
const ENTITIES: [u64; 9] = [
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
];

const REQUESTS: Description = ("http_server_requests_total", "GraphQL requests by HTTP status");
const ERRORS: Description = ("concord_graphql_errors_total", "Errors in answers by code");
const SAVED: Description = (
    "concord_subgraph_requests_saved_total",
    "Subgraph requests that were not needed: an equal one was in flight (shared), others' entities \
     were loaded with it (batched), or the subgraph had said it all before (remembered)",
);

/// Handles of the metrics that every request touches are made once, here.
#[derive(Debug)]
pub(crate) struct Telemetry {
    registry: Registry,
    pub(crate) request_duration: Histogram,
    pub(crate) active_requests: Gauge,
    pub(crate) plan_cache_hits: Counter,
    pub(crate) plan_cache_misses: Counter,
    pub(crate) planning_duration: Histogram,
    pub(crate) schema_reloads: Counter,
    pub(crate) schema_reload_failures: Counter,
    pub(crate) revocations_lag: Gauge,
    responses_ok: Counter,
}

/// One subgraph's metrics.
#[derive(Clone, Debug)]
pub(crate) struct SubgraphMetrics {
    pub(crate) duration: Histogram,
    pub(crate) requests: Counter,
    pub(crate) failures: Counter,
    pub(crate) shared: Counter,
    pub(crate) batched: Counter,
    pub(crate) remembered: Counter,
    entities: Histogram,
}

impl Telemetry {
    pub(crate) fn new() -> Arc<Self> {
        let registry = Registry::default();
        Arc::new(Self {
            request_duration: registry.histogram(
                (
                    "http_server_request_duration_seconds",
                    "Time from a GraphQL request's head to its answer",
                ),
                &[],
                &DURATIONS,
            ),
            active_requests: registry
                .gauge(("http_server_active_requests", "GraphQL requests being answered")),
            plan_cache_hits: registry
                .counter(("concord_plan_cache_hits_total", "Operations whose plan was known"), &[]),
            plan_cache_misses: registry.counter(
                ("concord_plan_cache_misses_total", "Operations that had to be planned"),
                &[],
            ),
            planning_duration: registry.histogram(
                (
                    "concord_planning_duration_seconds",
                    "Time for parsing, validating and planning an unknown operation",
                ),
                &[],
                &DURATIONS,
            ),
            schema_reloads: registry.counter(
                ("concord_schema_reloads_total", "Supergraphs taken into use after the first"),
                &[],
            ),
            schema_reload_failures: registry.counter(
                (
                    "concord_schema_reload_failures_total",
                    "Supergraphs that were refused, the last good one kept",
                ),
                &[],
            ),
            revocations_lag: registry.gauge((
                "concord_revocations_lag_seconds",
                "Time since the issuer's revocations were last read to their end",
            )),
            responses_ok: registry.counter(REQUESTS, &[("status", "200")]),
            registry,
        })
    }

    pub(crate) fn request_finished(&self, status: u16, duration: Duration) {
        self.request_duration.record_duration(duration);
        if status == 200 {
            self.responses_ok.increment();
        } else {
            self.registry.counter(REQUESTS, &[("status", &status.to_string())]).increment();
        }
    }

    /// A refused request or an error in an answer, by code.
    pub(crate) fn graphql_error(&self, code: &str) {
        self.registry.counter(ERRORS, &[("code", code)]).increment();
    }

    pub(crate) fn subgraph(&self, name: &str) -> SubgraphMetrics {
        let labels = [("subgraph", name)];
        let saved = |by| self.registry.counter(SAVED, &[("by", by), ("subgraph", name)]);
        SubgraphMetrics {
            duration: self.registry.histogram(
                (
                    "concord_subgraph_request_duration_seconds",
                    "Time from sending to the last byte of the answer",
                ),
                &labels,
                &DURATIONS,
            ),
            requests: self
                .registry
                .counter(("concord_subgraph_requests_total", "Requests to subgraphs"), &labels),
            failures: self.registry.counter(
                (
                    "concord_subgraph_failures_total",
                    "Requests to subgraphs that brought no usable HTTP answer",
                ),
                &labels,
            ),
            shared: saved("shared"),
            batched: saved("batched"),
            remembered: saved("remembered"),
            entities: self.registry.histogram(
                ("concord_subgraph_request_entities", "Entities asked for in one request"),
                &labels,
                &ENTITIES,
            ),
        }
    }

    /// The text for `/metrics`.
    pub(crate) fn render(&self) -> String {
        self.registry.render()
    }
}

impl SubgraphMetrics {
    pub(crate) fn asked_for(&self, entities: usize) {
        let entities = u64::try_from(entities).unwrap_or(u64::MAX);
        self.entities.record(entities.saturating_mul(1_000_000));
    }
}
