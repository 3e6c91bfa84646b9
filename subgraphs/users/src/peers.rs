//! The other services, as far as a person's copy of their data needs them.

use std::time::Duration;

use kit::{id::UserId, settings::Secret};
use serde_json::{Map, Value, json};

/// A service that does not answer within this does not hold up the export.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the other services for what they hold about a person.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    services: Vec<(&'static str, String)>,
    credential: Secret,
    client: reqwest::Client,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error("not reachable: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("answered {status}")]
    Refused { status: u16 },
}

impl Peers {
    pub(crate) fn new(services: Vec<(&'static str, String)>, credential: Secret) -> Self {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .expect("a client without special options can be built");
        Self { services, credential, client }
    }

    /// Adds each service's part to the export, and under `incomplete` the names of those that
    /// gave none.
    pub(crate) async fn add_to(&self, user: UserId, export: &mut Value) {
        let asked = self.services.iter().map(|(name, url)| self.ask(name, url, user));
        let mut parts = Map::new();
        let mut incomplete = Vec::new();
        for (name, part) in futures::future::join_all(asked).await {
            match part {
                Ok(part) => {
                    parts.insert(name.to_owned(), part);
                }
                Err(error) => {
                    tracing::warn!(service = name, %error, "an export lacks a service's part");
                    incomplete.push(name);
                }
            }
        }
        if let Some(export) = export.as_object_mut() {
            export.extend(parts);
            export.insert("incomplete".to_owned(), json!(incomplete));
        }
    }

    async fn ask(
        &self,
        name: &'static str,
        url: &str,
        user: UserId,
    ) -> (&'static str, Result<Value, PeerError>) {
        let asking = async {
            let url = format!("{}/internal/export/{user}", url.trim_end_matches('/'));
            let request = self.client.get(url).bearer_auth(self.credential.expose());
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            if status != 200 {
                return Err(PeerError::Refused { status });
            }
            Ok(answer.json().await?)
        };
        (name, asking.await)
    }
}
