//! `/health/live` (the process answers), `/health/ready` (it can do its work) and `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Mutex;

use super::Check;
use super::endpoint::Endpoint;
use crate::database::Database;
use crate::settings::Environment;
use crate::telemetry::Metrics;

#[derive(Clone)]
pub(super) struct Probes {
    pub(super) database: Database,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) environment: Environment,
    pub(super) checks: Vec<(String, Check)>,
    pub(super) metrics: Metrics,
    pub(super) writable: Arc<WriteCheck>,
}

/// How long one attempt to write speaks for the next.
const WRITE_CHECK_LASTS: Duration = Duration::from_secs(2);

/// Tries to write, but not for every probe.
#[derive(Debug, Default)]
pub(super) struct WriteCheck {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl WriteCheck {
    async fn check(&self, database: &Database) -> Result<(), String> {
        let mut last = self.last.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < WRITE_CHECK_LASTS
        {
            return outcome.clone();
        }
        let outcome = database.check_writable().await.map_err(|error| {
            tracing::error!(error = %error, "the database takes no writes");
            "takes no writes".to_owned()
        });
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

pub(super) async fn live() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

pub(super) async fn ready(State(probes): State<Probes>) -> Response {
    let mut report: BTreeMap<String, String> = BTreeMap::new();
    let mut ready = true;
    let mut note = |name: &str, outcome: Result<(), String>, required: bool| {
        ready &= outcome.is_ok() || !required;
        report.insert(name.to_owned(), outcome.err().unwrap_or_else(|| "ok".to_owned()));
    };
    let database = probes.database.ping().await;
    note("database", database.map_err(|_| "unreachable".to_owned()), true);
    let writable = probes.writable.check(&probes.database).await;
    note("database_writes", writable, true);
    // In development the gateway may well start after the services.
    let keys = probes.endpoint.verifier.keys().ready().await;
    let required = probes.environment == Environment::Production;
    note("passport_keys", keys.map_err(|error| error.to_string()), required);
    for (name, check) in &probes.checks {
        note(name, check().await, true);
    }
    let (status, word) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    (status, axum::Json(json!({ "status": word, "checks": report }))).into_response()
}

pub(super) async fn metrics(State(probes): State<Probes>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], probes.metrics.render()).into_response()
}
