//! The operations that the usage log has seen.

use std::collections::BTreeSet;
use std::time::Duration;

use super::CheckError;
use super::operations::{ClientCount, ClientOperation, read_text};
use crate::usage::{LoggedOperation, UsageLog};

/// Which part of a usage log counts.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) database: String,
    pub(crate) window: Duration,
    /// Requests below which an operation does not count.
    pub(crate) min_count: u64,
    /// Percent of all requests below which an operation does not count.
    pub(crate) min_percentage: f64,
    /// `name` or `name@version`.
    pub(crate) exclude_clients: BTreeSet<String>,
    pub(crate) exclude_operations: BTreeSet<String>,
}

impl Traffic {
    /// The operations that count, and how many are too rare. An empty log is an error: it would
    /// let every change pass.
    pub(super) async fn operations(&self) -> Result<(Vec<ClientOperation>, usize), CheckError> {
        let failed = |source| CheckError::Usage { source };
        let log = UsageLog::open_existing(&self.database).await.map_err(failed)?;
        let logged = log.since(self.window).await.map_err(failed)?;
        if logged.is_empty() {
            return Err(CheckError::NoTraffic {
                database: crate::usage::without_password(&self.database),
                window: format!("{} days", self.window.as_secs().div_ceil(86_400)),
            });
        }
        let total: u64 =
            logged.iter().flat_map(|operation| &operation.clients).map(|c| c.count).sum();
        let mut found = Vec::new();
        let mut rare = 0;
        for operation in logged {
            let LoggedOperation { name, document, clients } = operation;
            if name.as_ref().is_some_and(|name| self.exclude_operations.contains(name)) {
                continue;
            }
            let clients: Vec<ClientCount> =
                clients.into_iter().filter(|client| !self.excludes(client)).collect();
            let count: u64 = clients.iter().map(|client| client.count).sum();
            if count == 0 {
                continue;
            }
            if count < self.min_count || percentage(count, total) < self.min_percentage {
                rare += 1;
                continue;
            }
            found.extend(read_text("usage log", name.as_deref(), &document, clients)?);
        }
        Ok((found, rare))
    }

    fn excludes(&self, client: &ClientCount) -> bool {
        let ClientCount { name, version, count: _ } = client;
        self.exclude_clients.contains(name)
            || self.exclude_clients.contains(&format!("{name}@{version}"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of all requests needs no more digits")]
fn percentage(count: u64, total: u64) -> f64 {
    100.0 * count as f64 / total.max(1) as f64
}
