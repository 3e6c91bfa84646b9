//! Takes a changed supergraph into use without a restart. One that does not load, compose or
//! plan is reported and left alone: the last good schema stays in service.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::app::{BuildError, Gateway, supergraph_sdl};
use crate::schema::ServedSchema;
use crate::source;

/// When a file was last changed, and its size; `None` while it is missing.
type Fingerprint = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

/// Looks at the supergraph's files from time to time, for as long as it is polled.
pub(crate) async fn watch(gateway: Arc<Gateway>) {
    let Some(file) = gateway.config.supergraph.file.clone() else { return };
    let interval = gateway.config.supergraph.poll_interval;
    if interval.is_zero() {
        return;
    }
    let mut seen = fingerprint(&file).await;
    let mut every = tokio::time::interval(interval);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let now = fingerprint(&file).await;
        if now == seen {
            continue;
        }
        // Writers take a moment: wait until two looks in a row agree.
        seen = settle(&file, now, interval).await;
        match reload(&gateway).await {
            Ok(()) => {
                gateway.telemetry.schema_reloads.increment(1);
                tracing::info!(file = %file.display(), "supergraph reloaded");
            }
            Err(error) => {
                gateway.telemetry.schema_reload_failures.increment(1);
                tracing::error!(file = %file.display(), %error, "supergraph not reloaded, the last good one stays");
            }
        }
    }
}

async fn settle(file: &Path, mut seen: Fingerprint, interval: std::time::Duration) -> Fingerprint {
    let pause = interval.min(std::time::Duration::from_millis(50));
    loop {
        tokio::time::sleep(pause).await;
        let now = fingerprint(file).await;
        if now == seen {
            return now;
        }
        seen = now;
    }
}

async fn reload(gateway: &Gateway) -> Result<(), BuildError> {
    let sdl = supergraph_sdl(&gateway.config, &gateway.client).await?;
    let schema = ServedSchema::new(
        &sdl,
        &gateway.config,
        &gateway.client,
        gateway.passports.clone(),
        &gateway.telemetry,
    )
    .map_err(|source| BuildError::Schema { source })?;
    gateway.schema.store(Arc::new(schema));
    Ok(())
}

/// The file and, for a `supergraph.yaml`, the schema files it names.
async fn fingerprint(file: &Path) -> Fingerprint {
    let mut files = vec![file.to_owned()];
    files.extend(source::schema_files(file));
    let mut fingerprint = Vec::with_capacity(files.len());
    for file in files {
        let metadata = tokio::fs::metadata(&file).await.ok();
        let state = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        fingerprint.push((file, state));
    }
    fingerprint
}
