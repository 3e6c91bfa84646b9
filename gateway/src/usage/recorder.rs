//! Counts operations in memory and hands the sums to the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine;
use http::HeaderMap;

use super::log::{UsageError, UsageLog, hour_of};
use crate::config::UsageConfig;

/// Who sent a request, by its own account; empty if it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SentOperation {
    pub(super) name: Option<Box<str>>,
    pub(super) document: Arc<str>,
}

/// One sum, ready to be written.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) id: String,
    pub(super) operation: SentOperation,
    pub(super) client: Client,
    pub(super) requests: u64,
}

#[derive(Debug)]
pub(crate) struct UsageRecorder {
    config: UsageConfig,
    log: UsageLog,
    counts: Mutex<BTreeMap<SentOperation, BTreeMap<Client, u64>>>,
}

/// Names from headers are cut to this.
const MAX_NAME: usize = 200;
/// Different clients of one operation between two writes.
const MAX_CLIENTS: usize = 1_000;

impl UsageRecorder {
    /// None unless the configuration names a database.
    pub(crate) async fn open(config: &UsageConfig) -> Result<Option<Arc<Self>>, UsageError> {
        let Some(database) = &config.database else { return Ok(None) };
        let log = UsageLog::open(database).await?;
        Ok(Some(Arc::new(Self { config: config.clone(), log, counts: Mutex::default() })))
    }

    /// Counts one request. Never waits for the database.
    pub(crate) fn record(&self, document: &str, name: Option<&str>, headers: &HeaderMap) {
        let client = self.client(headers);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.len();
        let operation = SentOperation { name: name.map(Into::into), document: Arc::from(document) };
        match counts.get_mut(&operation) {
            Some(clients) => count(clients, client, 1),
            None if known < self.config.max_operations => {
                counts.insert(operation, BTreeMap::from([(client, 1)]));
            }
            None => tracing::debug!("too many different operations for the usage log"),
        }
    }

    fn client(&self, headers: &HeaderMap) -> Client {
        let first = |names: &[String]| {
            let value = names.iter().find_map(|name| headers.get(name)?.to_str().ok());
            value.unwrap_or_default().chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
        };
        Client {
            name: first(&self.config.client_name_headers),
            version: first(&self.config.client_version_headers),
        }
    }

    /// Writes from time to time, for as long as it is polled.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut every = tokio::time::interval(self.config.flush_interval.max(MIN_INTERVAL));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.flush().await;
            if let Err(error) = self.log.forget(self.config.retention).await {
                tracing::warn!(%error, "old counts of the usage log were not removed");
            }
        }
    }

    /// Writes what has been counted; keeps it if that fails.
    pub(crate) async fn flush(&self) {
        let taken =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        let counted: Vec<Counted> = taken
            .iter()
            .flat_map(|(operation, clients)| {
                let id = id_of(operation);
                clients.iter().map(move |(client, requests)| Counted {
                    id: id.clone(),
                    operation: operation.clone(),
                    client: client.clone(),
                    requests: *requests,
                })
            })
            .collect();
        if let Err(error) = self.log.add(hour_of(SystemTime::now()), &counted).await {
            tracing::warn!(%error, "the usage log was not written; its counts are kept");
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (operation, clients) in taken {
                let known = counts.entry(operation).or_default();
                for (client, requests) in clients {
                    count(known, client, requests);
                }
            }
        }
    }
}

const MIN_INTERVAL: std::time::Duration = std::time::Duration::from_millis(10);

fn count(clients: &mut BTreeMap<Client, u64>, client: Client, requests: u64) {
    let client = if clients.len() < MAX_CLIENTS || clients.contains_key(&client) {
        client
    } else {
        Client::default()
    };
    *clients.entry(client).or_default() += requests;
}

/// The same operation has the same id in every gateway.
fn id_of(operation: &SentOperation) -> String {
    let mut text = operation.name.as_deref().unwrap_or_default().to_owned();
    text.push('\n');
    text.push_str(&operation.document);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}
