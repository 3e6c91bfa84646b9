//! The gateway's public keys: fixed ones, or its JWKS fetched when a key is asked for.
//!
//! An unknown key id causes one fetch; for half a minute after a fetch no unknown id causes
//! another, so a storm of forged tokens does not become a storm of requests.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::settings::PassportSettings;

/// How long fetched keys are used without asking again.
const FRESH: Duration = Duration::from_mins(5);
/// How long no further fetch is made for an unknown key.
const QUIET: Duration = Duration::from_secs(30);
/// How long no further fetch is made after one that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Why a key could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error("unknown key `{kid}`")]
    Unknown { kid: String },
    #[error("cannot fetch the keys from {url}: {message}")]
    Unreachable { url: String, message: String },
}

/// Public keys by id.
#[derive(Debug)]
pub struct Keys {
    url: Option<String>,
    client: reqwest::Client,
    clock: Clock,
    known: RwLock<Fetched>,
    fetching: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Fetched {
    keys: HashMap<String, Arc<DecodingKey>>,
    /// When the keys were fetched.
    at: Option<Timestamp>,
    /// When a fetch last failed.
    failed_at: Option<Timestamp>,
    failure: Option<KeyError>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// Members that other keys have are ignored; a key without `kid` or `x` is none of ours.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
}

impl Keys {
    pub(super) fn new(settings: &PassportSettings, clock: Clock) -> Self {
        let fixed = settings.keys.iter().filter_map(|key| {
            Some((key.kid.clone(), Arc::new(DecodingKey::from_ed_components(&key.x).ok()?)))
        });
        let keys: HashMap<_, _> = fixed.collect();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without special options can be built");
        Self {
            url: settings.keys.is_empty().then(|| settings.jwks_url.clone()),
            client,
            clock,
            known: RwLock::new(Fetched { keys, ..Fetched::default() }),
            fetching: Mutex::new(()),
        }
    }

    /// The key with this id.
    pub(super) async fn get(&self, kid: &str) -> Result<Arc<DecodingKey>, KeyError> {
        if let Some(found) = self.lookup(kid) {
            return found;
        }
        let _one_at_a_time = self.fetching.lock().await;
        // Somebody else may have fetched while we waited.
        if let Some(found) = self.lookup(kid) {
            return found;
        }
        self.fetch().await?;
        self.current()
            .keys
            .get(kid)
            .cloned()
            .ok_or_else(|| KeyError::Unknown { kid: kid.to_owned() })
    }

    /// Can passports be checked? Fetches the keys if that has not happened yet.
    pub async fn ready(&self) -> Result<(), KeyError> {
        if self.url.is_none() || self.current().at.is_some() {
            return Ok(());
        }
        let _one_at_a_time = self.fetching.lock().await;
        if self.current().at.is_some() {
            return Ok(());
        }
        if let Some(failure) = self.recent_failure() {
            return Err(failure);
        }
        self.fetch().await
    }

    /// What is known without a fetch; `None` when a fetch may help.
    fn lookup(&self, kid: &str) -> Option<Result<Arc<DecodingKey>, KeyError>> {
        let known = self.current();
        let now = self.clock.now();
        let age = known.at.map(|at| now.since(at));
        let key = known.keys.get(kid).cloned();
        let unknown = || Err(KeyError::Unknown { kid: kid.to_owned() });
        if self.url.is_none() {
            return Some(key.map_or_else(unknown, Ok));
        }
        let resting = known.failed_at.is_some_and(|at| now.since(at) < RETRY);
        match (key, age) {
            (Some(key), Some(age)) if age < FRESH || resting => Some(Ok(key)),
            (None, Some(age)) if age < QUIET => Some(unknown()),
            _ if resting => Some(known.failure.clone().map_or_else(unknown, Err)),
            _ => None,
        }
    }

    fn recent_failure(&self) -> Option<KeyError> {
        let known = self.current();
        let resting = known.failed_at.is_some_and(|at| self.clock.now().since(at) < RETRY);
        known.failure.clone().filter(|_| resting)
    }

    async fn fetch(&self) -> Result<(), KeyError> {
        let Some(url) = &self.url else { return Ok(()) };
        let fetched = async {
            let answer = self.client.get(url).send().await?.error_for_status()?;
            answer.json::<Jwks>().await
        };
        let outcome = fetched.await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(jwks) => {
                *known = Fetched {
                    keys: jwks.keys.into_iter().filter_map(decoding_key).collect(),
                    at: Some(self.clock.now()),
                    failed_at: None,
                    failure: None,
                };
                Ok(())
            }
            Err(error) => {
                let error = KeyError::Unreachable { url: url.clone(), message: error.to_string() };
                known.failed_at = Some(self.clock.now());
                known.failure = Some(error.clone());
                // Keys of yesterday are better than no service at all.
                if known.keys.is_empty() { Err(error) } else { Ok(()) }
            }
        }
    }

    fn current(&self) -> RwLockReadGuard<'_, Fetched> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decoding_key(jwk: Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let Jwk { kty, crv, kid, x } = jwk;
    if kty != "OKP" || crv != "Ed25519" || kid.is_empty() {
        return None;
    }
    Some((kid, Arc::new(DecodingKey::from_ed_components(&x).ok()?)))
}
