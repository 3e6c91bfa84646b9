//! Where a person's mail goes, asked at the moment of sending.
//!
//! Services that hold no addresses queue mail for a person's id; the worker asks here. So a mail
//! follows a changed address, and an erased person gets none.

use std::fmt;
use std::time::Duration;

use moka::future::Cache;
use serde::Deserialize;

use crate::async_trait;
use crate::id::UserId;
use crate::settings::Secret;

/// How to write to a person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    pub email: String,
    pub locale: String,
    #[serde(default)]
    pub display_name: Option<String>,
}

/// The answer could not be had; the mail is tried again later.
#[derive(Debug, thiserror::Error)]
pub enum RecipientError {
    #[error("contacts are not reachable: {message}")]
    Unreachable { message: String },
    #[error("contacts answered {status}")]
    Refused { status: u16 },
}

/// Knows people's addresses.
#[async_trait]
pub trait Recipients: Send + Sync {
    /// `None`: there is nobody to write to (any more).
    async fn contact(&self, user: UserId) -> Result<Option<Contact>, RecipientError>;
}

/// Asks `GET {users}/internal/contacts/{id}` with a service credential of the scope
/// `contacts:read`; answers are kept for a minute.
#[derive(Clone)]
pub struct HttpRecipients {
    url: String,
    credential: Secret,
    client: reqwest::Client,
    known: Cache<UserId, Contact>,
}

impl fmt::Debug for HttpRecipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRecipients").field("url", &self.url).finish_non_exhaustive()
    }
}

impl HttpRecipients {
    pub fn new(users_url: &str, credential: Secret) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()
            .expect("a client without special options can be built");
        Self {
            url: format!("{}/internal/contacts", users_url.trim_end_matches('/')),
            credential,
            client,
            known: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_mins(1))
                .build(),
        }
    }

    async fn ask(&self, user: UserId) -> Result<Option<Contact>, RecipientError> {
        let unreachable =
            |error: reqwest::Error| RecipientError::Unreachable { message: error.to_string() };
        let answer = self
            .client
            .get(format!("{}/{user}", self.url))
            .bearer_auth(self.credential.expose())
            .send()
            .await
            .map_err(unreachable)?;
        match answer.status().as_u16() {
            200 => answer.json().await.map(Some).map_err(unreachable),
            404 | 410 => Ok(None),
            status => Err(RecipientError::Refused { status }),
        }
    }
}

#[async_trait]
impl Recipients for HttpRecipients {
    async fn contact(&self, user: UserId) -> Result<Option<Contact>, RecipientError> {
        if let Some(known) = self.known.get(&user).await {
            return Ok(Some(known));
        }
        let contact = self.ask(user).await?;
        if let Some(contact) = &contact {
            self.known.insert(user, contact.clone()).await;
        }
        Ok(contact)
    }
}
