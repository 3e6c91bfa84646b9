//! Logs and metrics.
//!
//! Metrics go to a recorder of the service's own, installed for the time in which one of its
//! futures is polled. So three services in one process do not share counters, and nobody
//! installs anything global. Code records with the macros of `metrics` as usual.

use std::fmt;
use std::future::Future;
use std::io::IsTerminal;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LogSettings};

/// The log filter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("`log.level` is no filter: {message}")]
    Filter { message: String },
}

/// Sends the process's log to standard error. Only a program's `main` calls this; a second call
/// changes nothing.
pub fn init_logs(settings: &LogSettings) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&settings.level)
        .map_err(|error| LogError::Filter { message: error.to_string() })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let installed = match settings.format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => builder.try_init(),
    };
    if installed.is_err() {
        tracing::debug!("logs were set up before");
    }
    Ok(())
}

/// A service's metrics.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Seconds; from a cache hit to a slow mail server.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

impl Metrics {
    pub fn new(service: &str) -> Self {
        let recorder = PrometheusBuilder::new()
            .add_global_label("service", service)
            .set_buckets(&BUCKETS)
            .expect("the list of buckets is not empty")
            .build_recorder();
        let handle = recorder.handle();
        Self { recorder: Arc::new(recorder), handle }
    }

    /// Everything recorded so far, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// The future, recording into these metrics. Tasks it spawns are on their own.
    pub fn scope<F: Future>(&self, future: F) -> Recorded<F> {
        Recorded { recorder: Arc::clone(&self.recorder), future: Box::pin(future) }
    }
}

/// A future whose metrics belong to one service.
pub struct Recorded<F> {
    recorder: Arc<PrometheusRecorder>,
    future: Pin<Box<F>>,
}

impl<F> fmt::Debug for Recorded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}

impl<F: Future> Future for Recorded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let recorder = Arc::clone(&self.recorder);
        metrics::with_local_recorder(recorder.as_ref(), || self.future.as_mut().poll(cx))
    }
}
