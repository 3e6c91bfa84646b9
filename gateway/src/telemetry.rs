//! Prometheus metrics. Each gateway has its own recorder: several may live in one process next
//! to services with theirs, so nothing is installed globally.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

const SECONDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const ENTITIES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 1_000.0];

/// Handles of the metrics that every request touches are made once, here.
pub(crate) struct Telemetry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
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
#[derive(Clone)]
pub(crate) struct SubgraphMetrics {
    pub(crate) duration: Histogram,
    pub(crate) requests: Counter,
    pub(crate) failures: Counter,
    pub(crate) entities: Histogram,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SubgraphMetrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SubgraphMetrics").finish_non_exhaustive()
    }
}

static METADATA: Metadata<'static> = Metadata::new("gateway", Level::INFO, Some(module_path!()));

impl Telemetry {
    pub(crate) fn new() -> Arc<Self> {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets(&SECONDS)
            .and_then(|builder| {
                let batch = metrics_exporter_prometheus::Matcher::Suffix("entities".to_owned());
                builder.set_buckets_for_metric(batch, &ENTITIES)
            })
            .expect("bucket lists are not empty");
        let recorder = builder.build_recorder();
        describe(&recorder);
        let counter =
            |name: &'static str| recorder.register_counter(&Key::from_static_name(name), &METADATA);
        let histogram = |name: &'static str| {
            recorder.register_histogram(&Key::from_static_name(name), &METADATA)
        };
        Arc::new(Self {
            handle: recorder.handle(),
            request_duration: histogram("http_server_request_duration_seconds"),
            active_requests: recorder
                .register_gauge(&Key::from_static_name("http_server_active_requests"), &METADATA),
            plan_cache_hits: counter("concord_plan_cache_hits_total"),
            plan_cache_misses: counter("concord_plan_cache_misses_total"),
            planning_duration: histogram("concord_planning_duration_seconds"),
            schema_reloads: counter("concord_schema_reloads_total"),
            schema_reload_failures: counter("concord_schema_reload_failures_total"),
            revocations_lag: recorder.register_gauge(
                &Key::from_static_name("concord_revocations_lag_seconds"),
                &METADATA,
            ),
            responses_ok: labelled_counter(
                &recorder,
                "http_server_requests_total",
                "status",
                "200",
            ),
            recorder,
        })
    }

    pub(crate) fn request_finished(&self, status: u16, duration: Duration) {
        self.request_duration.record(duration.as_secs_f64());
        if status == 200 {
            self.responses_ok.increment(1);
        } else {
            let status = status.to_string();
            labelled_counter(&self.recorder, "http_server_requests_total", "status", &status)
                .increment(1);
        }
    }

    /// A refused request or an error in an answer, by code.
    pub(crate) fn graphql_error(&self, code: &str) {
        labelled_counter(&self.recorder, "concord_graphql_errors_total", "code", code).increment(1);
    }

    pub(crate) fn subgraph(&self, name: &str) -> SubgraphMetrics {
        let histogram = |metric: &'static str| {
            let key = Key::from_parts(metric, vec![Label::new("subgraph", name.to_owned())]);
            self.recorder.register_histogram(&key, &METADATA)
        };
        SubgraphMetrics {
            duration: histogram("concord_subgraph_request_duration_seconds"),
            requests: labelled_counter(
                &self.recorder,
                "concord_subgraph_requests_total",
                "subgraph",
                name,
            ),
            failures: labelled_counter(
                &self.recorder,
                "concord_subgraph_failures_total",
                "subgraph",
                name,
            ),
            entities: histogram("concord_subgraph_request_entities"),
        }
    }

    /// The text for `/metrics`.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves recorded samples into their buckets; without it they would pile up between scrapes.
    pub(crate) fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

fn labelled_counter(
    recorder: &PrometheusRecorder,
    name: &'static str,
    label: &'static str,
    value: &str,
) -> Counter {
    recorder.register_counter(
        &Key::from_parts(name, vec![Label::new(label, value.to_owned())]),
        &METADATA,
    )
}

fn describe(recorder: &PrometheusRecorder) {
    let descriptions: BTreeMap<&'static str, &'static str> = BTreeMap::from([
        ("http_server_requests_total", "GraphQL requests by HTTP status"),
        ("concord_graphql_errors_total", "Errors in answers by code"),
        ("concord_plan_cache_hits_total", "Operations whose plan was known"),
        ("concord_plan_cache_misses_total", "Operations that had to be planned"),
        ("concord_subgraph_requests_total", "Requests to subgraphs"),
        (
            "concord_subgraph_failures_total",
            "Requests to subgraphs that brought no usable HTTP answer",
        ),
        ("concord_schema_reloads_total", "Supergraphs taken into use after the first"),
        (
            "concord_schema_reload_failures_total",
            "Supergraphs that were refused, the last good one kept",
        ),
    ]);
    for (name, text) in descriptions {
        recorder.describe_counter(name.into(), None, text.into());
    }
    let histograms = [
        (
            "http_server_request_duration_seconds",
            "Time from a GraphQL request's head to its answer",
        ),
        (
            "concord_planning_duration_seconds",
            "Time for parsing, validating and planning an unknown operation",
        ),
        (
            "concord_subgraph_request_duration_seconds",
            "Time from sending to the last byte of the answer",
        ),
        ("concord_subgraph_request_entities", "Entities asked for in one request"),
    ];
    for (name, text) in histograms {
        recorder.describe_histogram(name.into(), None, text.into());
    }
    recorder.describe_gauge(
        "http_server_active_requests".into(),
        None,
        "GraphQL requests being answered".into(),
    );
    recorder.describe_gauge(
        "concord_revocations_lag_seconds".into(),
        None,
        "Time since the issuer's revocations were last read to their end".into(),
    );
}
