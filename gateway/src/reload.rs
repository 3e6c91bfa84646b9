//! Takes a changed supergraph into use without a restart. One that does not load, compose or
//! plan is reported and left alone: the last good schema stays in service.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::app::{BuildError, Gateway, supergraph_sdl};
use crate::config::SupergraphConfig;
use crate::file_watch::{FilesSeen, files_of};
use crate::schema::ServedSchema;

/// What the supergraph's files looked like before they were read for the first time, so that no
/// change in between is missed.
#[derive(Debug)]
pub(crate) struct Watch {
    file: PathBuf,
    interval: Duration,
    seen: FilesSeen,
}

/// Two looks this far apart must agree before files are read: writers take a moment.
const SETTLE: Duration = Duration::from_millis(50);

impl Watch {
    /// Nothing to watch without a file, or with reloading switched off.
    pub(crate) fn new(config: &SupergraphConfig) -> Option<Self> {
        let file = config.file.clone().filter(|_| !config.poll_interval.is_zero())?;
        let seen = FilesSeen::new(files_of(&file));
        Some(Self { file, interval: config.poll_interval, seen })
    }

    /// Looks at the files from time to time, for as long as it is polled.
    pub(crate) async fn run(mut self, gateway: Arc<Gateway>) {
        let mut every = tokio::time::interval(self.interval);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let pause = self.interval.min(SETTLE);
            if self.seen.have_changed(pause, || files_of(&self.file)).await {
                reload(&gateway, &self.file).await;
            }
        }
    }
}

async fn reload(gateway: &Gateway, file: &Path) {
    match build(gateway).await {
        Ok(schema) => {
            let schema = warm_up(gateway, schema).await;
            gateway.schema.store(schema);
            gateway.telemetry.schema_reloads.increment();
            tracing::info!(file = %file.display(), "supergraph reloaded");
        }
        Err(error) => {
            gateway.telemetry.schema_reload_failures.increment();
            tracing::error!(file = %file.display(), %error, "supergraph not reloaded, the last good one stays");
        }
    }
}

/// Makes the plans of known operations while the old schema still answers.
async fn warm_up(gateway: &Gateway, schema: ServedSchema) -> Arc<ServedSchema> {
    let schema = Arc::new(schema);
    let (old, new) = (gateway.schema.load_full(), schema.clone());
    let limits = gateway.config.limits.clone();
    let patience = gateway.config.plan_cache.warm_up;
    let work = tokio::task::spawn_blocking(move || new.warm_up(&old, &limits, patience));
    match work.await {
        Ok((ready, kept)) => tracing::info!(ready, kept, "operations prepared"),
        // Nothing is lost but time.
        Err(error) => tracing::warn!(%error, "operations could not be prepared"),
    }
    schema
}

async fn build(gateway: &Gateway) -> Result<ServedSchema, BuildError> {
    let sdl = supergraph_sdl(&gateway.config, &gateway.client).await?;
    let Gateway { config, client, passports, telemetry, .. } = gateway;
    ServedSchema::new(&sdl, config, client, passports.clone(), telemetry)
        .map_err(|source| BuildError::Schema { source })
}
