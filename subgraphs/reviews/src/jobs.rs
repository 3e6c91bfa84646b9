//! Work that nobody asks for: verifying late, renewing the catalogue's mean, forgetting what
//! has expired, and the nightly recount.

use std::time::Duration;

use kit::idempotency;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::store::limits;
use crate::verify::verify;

const HOURLY: Duration = Duration::from_hours(1);
const NIGHTLY: Duration = Duration::from_hours(24);

/// Asks payments again about reviews that were taken while it was away.
pub(crate) async fn late_verification(core: Core, shutdown: CancellationToken) {
    let interval = core.rules.job_interval.0;
    while pause(&shutdown, interval).await {
        match core.verify_due().await {
            Ok(0) => {}
            Ok(settled) => tracing::info!(settled, "reviews verified late"),
            Err(error) => report("late verification", &error),
        }
    }
}

/// Renews the mean and sweeps, every hour.
pub(crate) async fn housekeeping(core: Core, shutdown: CancellationToken) {
    while pause(&shutdown, HOURLY).await {
        if let Err(error) = core.refresh_prior().await {
            report("catalogue mean", &error);
        }
        if let Err(error) = sweep(&core).await {
            report("sweeping", &error);
        }
    }
}

async fn sweep(core: &Core) -> Result<(), DbErr> {
    let now = core.now();
    core.database
        .write(|tx| {
            Box::pin(async move {
                limits::sweep(tx, now).await?;
                idempotency::sweep(tx, now).await?;
                Ok::<_, DbErr>(())
            })
        })
        .await
}

/// Recounts everything once a day and raises an alarm when a counter is wrong.
pub(crate) async fn nightly_recount(core: Core, shutdown: CancellationToken) {
    while pause(&shutdown, NIGHTLY).await {
        match verify(&core.database).await {
            Ok(drift) if drift.is_empty() => tracing::info!("all counters equal their recount"),
            Ok(drift) => {
                metrics::counter!("reviews_counter_drift_total")
                    .increment(u64::try_from(drift.len()).unwrap_or(u64::MAX));
                tracing::error!(drift = ?drift, "counters differ from their recount");
            }
            Err(error) => report("recount", &error),
        }
    }
}

/// False when the service is stopping.
async fn pause(shutdown: &CancellationToken, interval: Duration) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(interval) => true,
    }
}

fn report(job: &'static str, error: &DbErr) {
    metrics::counter!("reviews_job_failures_total", "job" => job).increment(1);
    tracing::error!(job, %error, "job failed; it runs again");
}
