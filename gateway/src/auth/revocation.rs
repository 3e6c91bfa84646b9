//! Sessions that ended before their access tokens did, followed from the issuer a moment behind.
//!
//! The issuer keeps a numbered list; [`Revocations::follow`] asks for what is new about once a
//! second. A list that cannot be read is no reason to refuse everybody: tokens live minutes
//! only, and the metric `concord_revocations_lag_seconds` tells how far behind the gateway is.
//! Knows nothing of tokens' signatures.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde::Deserialize;

use super::identity::Claims;
use crate::config::RevocationsConfig;
use crate::outbound::{Bounds, HttpClient};
use crate::telemetry::Gauge;

const PAGE: usize = 1000;

/// What the issuer has revoked.
#[derive(Debug)]
pub(crate) struct Revocations {
    url: String,
    credential: HeaderValue,
    poll: Duration,
    client: HttpClient,
    lists: RwLock<Lists>,
    /// Spares every request the lock while nothing is revoked.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Lists {
    sessions: HashMap<String, u64>,
    people: HashMap<String, Person>,
}

/// Tokens of a person issued before `not_before` are dead.
#[derive(Debug, Clone, Copy)]
struct Person {
    not_before: u64,
    forget_at: u64,
    learned: Instant,
}

#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    #[error("`authentication.revocations.url` is not a valid URL: {url}")]
    Url { url: String },
    #[error("`authentication.revocations.credential` does not fit in a header")]
    Credential,
    #[error("{url}: {reason}")]
    Fetch { url: String, reason: String },
}

#[derive(Debug, Deserialize)]
struct Page {
    revocations: Vec<Revocation>,
    next: i64,
    /// The newest number the issuer has given out; smaller than ours when it began anew.
    #[serde(default)]
    head: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revocation {
    sid: Option<String>,
    sub: Option<String>,
    #[serde(default)]
    not_before: u64,
    expires_at: u64,
}

impl Revocations {
    pub(crate) fn new(
        config: &RevocationsConfig,
        client: &HttpClient,
    ) -> Result<Self, RevocationError> {
        let RevocationsConfig { url, credential, poll } = config;
        if !url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some()) {
            return Err(RevocationError::Url { url: url.clone() });
        }
        let mut credential = HeaderValue::try_from(format!("Bearer {}", credential.expose()))
            .map_err(|_| RevocationError::Credential)?;
        credential.set_sensitive(true);
        Ok(Self {
            url: url.clone(),
            credential,
            poll: *poll,
            client: client.clone(),
            lists: RwLock::default(),
            any: AtomicBool::new(false),
        })
    }

    pub(crate) fn is_revoked(&self, claims: &Claims) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let session = claims.sid.as_deref().is_some_and(|sid| lists.sessions.contains_key(sid));
        let issued = claims.iat.unwrap_or_default();
        session || lists.people.get(&claims.sub).is_some_and(|person| issued < person.not_before)
    }

    /// Has the issuer changed something about this person since then?
    pub(crate) fn changed_since(&self, subject: &str, then: Instant) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .lists
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .people
                .get(subject)
                .is_some_and(|person| person.learned >= then)
    }

    /// Keeps up with the issuer for as long as the gateway runs.
    pub(crate) async fn follow(&self, lag: &Gauge) {
        let mut position = 0;
        let mut reached = Instant::now();
        let mut failing = false;
        loop {
            match self.catch_up(&mut position).await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!(url = self.url, "revocations can be read again");
                    }
                    reached = Instant::now();
                }
                Err(error) if failing => tracing::debug!(%error, "revocations cannot be read"),
                Err(error) => {
                    failing = true;
                    tracing::warn!(%error, "revocations cannot be read; ended sessions live on until their tokens expire");
                }
            }
            lag.set_duration(reached.elapsed());
            tokio::time::sleep(self.poll).await;
        }
    }

    /// Reads pages until one is not full.
    async fn catch_up(&self, position: &mut i64) -> Result<(), RevocationError> {
        loop {
            let page = self.fetch(*position).await?;
            if page.head.is_some_and(|head| head < *position) {
                // Another database than the one the position is from.
                *position = 0;
                continue;
            }
            *position = page.next;
            let full = page.revocations.len() >= PAGE;
            self.learn(page.revocations);
            if !full {
                return Ok(());
            }
        }
    }

    async fn fetch(&self, after: i64) -> Result<Page, RevocationError> {
        let url = format!("{}?after={after}&limit={PAGE}", self.url);
        let failed = |reason: String| RevocationError::Fetch { url: self.url.clone(), reason };
        let request = Request::get(&url)
            .header(header::AUTHORIZATION, self.credential.clone())
            .body(Full::new(Bytes::new()))
            .map_err(|error| failed(error.to_string()))?;
        let bounds =
            Bounds { timeout: Duration::from_secs(2), max_bytes: 4 * 1024 * 1024, http2: false };
        let answer =
            self.client.send(request, bounds).await.map_err(|error| failed(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(failed(format!("HTTP {}", answer.status.as_u16())));
        }
        serde_json::from_slice(&answer.body).map_err(|error| failed(error.to_string()))
    }

    fn learn(&self, revocations: Vec<Revocation>) {
        let now = jsonwebtoken::get_current_timestamp();
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.sessions.retain(|_, forget_at| *forget_at > now);
        lists.people.retain(|_, person| person.forget_at > now);
        for Revocation { sid, sub, not_before, expires_at } in revocations {
            if expires_at <= now {
                continue;
            }
            if let Some(sid) = sid {
                lists.sessions.insert(sid, expires_at);
            }
            if let Some(sub) = sub {
                let person = Person { not_before, forget_at: expires_at, learned: Instant::now() };
                let known = lists.people.entry(sub).or_insert(person);
                *known = Person { not_before: not_before.max(known.not_before), ..person };
            }
        }
        let any = !lists.sessions.is_empty() || !lists.people.is_empty();
        self.any.store(any, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn revocations() -> Revocations {
        let config = RevocationsConfig {
            url: "http://issuer.example/revocations".to_owned(),
            credential: Secret::from("svc_gateway_x"),
            ..RevocationsConfig::default()
        };
        Revocations::new(&config, &HttpClient::new()).expect("a valid configuration")
    }

    fn claims(sub: &str, sid: &str, iat: u64) -> Claims {
        Claims {
            sub: sub.to_owned(),
            sid: Some(sid.to_owned()),
            iat: Some(iat),
            ..Claims::default()
        }
    }

    #[test]
    fn a_session_or_everything_issued_before_an_instant_is_revoked() {
        let revocations = revocations();
        let (before, now) = (Instant::now(), jsonwebtoken::get_current_timestamp());
        let entry = |sid: Option<&str>, sub: Option<&str>, not_before, expires_at| Revocation {
            sid: sid.map(str::to_owned),
            sub: sub.map(str::to_owned),
            not_before,
            expires_at,
        };
        assert!(!revocations.is_revoked(&claims("ada", "one", now)));
        revocations.learn(vec![
            entry(Some("one"), None, 0, now + 600),
            entry(None, Some("bob"), now, now + 600),
            entry(None, Some("bob"), now - 50, now + 700),
            entry(Some("old"), None, 0, now - 1),
        ]);
        assert!(revocations.is_revoked(&claims("ada", "one", now)));
        assert!(!revocations.is_revoked(&claims("ada", "two", now)));
        assert!(!revocations.is_revoked(&claims("ada", "old", now)));
        assert!(revocations.is_revoked(&claims("bob", "three", now - 1)));
        assert!(!revocations.is_revoked(&claims("bob", "three", now)));
        assert!(revocations.changed_since("bob", before));
        assert!(!revocations.changed_since("ada", before));
    }
}
