//! Issuers' public keys: fetched, kept, fetched again when a token names an unknown key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;

use crate::config::JwksConfig;
use crate::outbound::{Bounds, HttpClient};

/// After an attempt to fetch, successful or not, the next one waits this long. So a flood of
/// tokens with invented key ids costs the issuer one request, not one each.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// One configured key set.
#[derive(Debug)]
pub(crate) struct KeySet {
    pub(crate) issuer: Option<String>,
    pub(crate) audiences: Vec<String>,
    source: KeySource,
    keys: ArcSwapOption<LoadedKeys>,
    /// When the source was last asked; the lock makes concurrent misses share one request.
    last_attempt: Mutex<Option<Instant>>,
    refresh: Duration,
}

#[derive(Debug)]
enum KeySource {
    Url {
        url: String,
        client: Box<HttpClient>,
    },
    /// Read at start; does not change.
    Fixed,
}

#[derive(Debug)]
struct LoadedKeys {
    by_id: BTreeMap<String, VerifyingKey>,
    /// Keys without `kid`.
    unnamed: Vec<VerifyingKey>,
    loaded: Instant,
}

/// A key and the one algorithm it may be used with.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Arc<DecodingKey>,
}

#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    #[error("`authentication.jwks` needs exactly one of `url`, `file` and `keys` in each entry")]
    Source,
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("key set is not valid: {source}")]
    Parse { source: serde_json::Error },
    #[error("key set has no Ed25519 or RSA signing key")]
    NoKeys,
    #[error("`{url}` is not a valid URL")]
    Url { url: String },
    #[error("{url}: {reason}")]
    Fetch { url: String, reason: String },
}

/// What a key id led to.
#[derive(Debug)]
pub(crate) enum Lookup {
    Keys(Vec<VerifyingKey>),
    Unknown,
    /// The issuer could not be asked, and nothing is known yet.
    Unavailable,
}

impl KeySet {
    pub(crate) fn new(config: &JwksConfig, client: &HttpClient) -> Result<Self, JwksError> {
        let JwksConfig { url, file, keys, issuer, audiences, refresh } = config;
        let (source, keys) = match (url, file, keys) {
            (Some(url), None, None) => {
                let valid = url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some());
                if !valid {
                    return Err(JwksError::Url { url: url.clone() });
                }
                (KeySource::Url { url: url.clone(), client: Box::new(client.clone()) }, None)
            }
            (None, Some(path), None) => {
                let text = std::fs::read(path)
                    .map_err(|source| JwksError::Read { path: path.clone(), source })?;
                (KeySource::Fixed, Some(LoadedKeys::parse(&text)?))
            }
            (None, None, Some(text)) => {
                (KeySource::Fixed, Some(LoadedKeys::parse(text.as_bytes())?))
            }
            _ => return Err(JwksError::Source),
        };
        Ok(Self {
            issuer: issuer.clone(),
            audiences: audiences.clone(),
            source,
            keys: ArcSwapOption::from_pointee(keys),
            last_attempt: Mutex::new(None),
            refresh: *refresh,
        })
    }

    /// Have keys been loaded, or are they certain to be there?
    pub(crate) fn is_loaded(&self) -> bool {
        self.keys.load().is_some()
    }

    /// The keys a token may be signed with. An unknown id is looked for at the source once.
    pub(crate) async fn find(&self, key_id: Option<&str>) -> Lookup {
        let known = self.keys.load_full();
        let stale = known
            .as_ref()
            .is_none_or(|keys| self.is_remote() && keys.loaded.elapsed() > self.refresh);
        let found = known.as_ref().map(|keys| keys.find(key_id)).unwrap_or_default();
        if !found.is_empty() && !stale {
            return Lookup::Keys(found);
        }
        self.reload(known.as_ref()).await;
        match self.keys.load_full() {
            None => Lookup::Unavailable,
            Some(keys) => match keys.find(key_id) {
                found if found.is_empty() => Lookup::Unknown,
                found => Lookup::Keys(found),
            },
        }
    }

    /// Loads the keys if that has not been done yet.
    pub(crate) async fn warm_up(&self) {
        self.reload(None).await;
    }

    /// Asks the source again, unless that has just been done. Keys are kept when it fails.
    async fn reload(&self, seen: Option<&Arc<LoadedKeys>>) {
        let KeySource::Url { url, client } = &self.source else { return };
        let mut last_attempt = self.last_attempt.lock().await;
        let replaced_meanwhile = match (seen, &*self.keys.load()) {
            (Some(seen), Some(now)) => !Arc::ptr_eq(seen, now),
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        };
        // Without any key there is nothing to lose by asking a little more often.
        let wait = if self.is_loaded() { RETRY_AFTER } else { Duration::from_secs(1) };
        if replaced_meanwhile || last_attempt.is_some_and(|last| last.elapsed() < wait) {
            return;
        }
        *last_attempt = Some(Instant::now());
        match fetch(client, url).await {
            Ok(keys) => self.keys.store(Some(Arc::new(keys))),
            Err(error) => tracing::warn!(%error, "key set could not be loaded"),
        }
    }

    fn is_remote(&self) -> bool {
        matches!(self.source, KeySource::Url { .. })
    }
}

async fn fetch(client: &HttpClient, url: &str) -> Result<LoadedKeys, JwksError> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json")
        .body(Full::new(Bytes::new()))
        .map_err(|_| JwksError::Url { url: url.to_owned() })?;
    let bounds = Bounds { timeout: Duration::from_secs(5), max_bytes: 1024 * 1024, http2: false };
    let failed = |reason: String| JwksError::Fetch { url: url.to_owned(), reason };
    let answer = client.send(request, bounds).await.map_err(|error| failed(error.to_string()))?;
    if !answer.status.is_success() {
        return Err(failed(format!("HTTP {}", answer.status.as_u16())));
    }
    LoadedKeys::parse(&answer.body)
}

impl LoadedKeys {
    fn parse(text: &[u8]) -> Result<Self, JwksError> {
        // Keys of kinds we do not know must not make the known ones unusable.
        #[derive(serde::Deserialize)]
        struct AnyKeys {
            keys: Vec<serde_json::Value>,
        }
        let AnyKeys { keys } =
            serde_json::from_slice(text).map_err(|source| JwksError::Parse { source })?;
        let set = JwkSet {
            keys: keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect(),
        };
        let mut loaded =
            Self { by_id: BTreeMap::new(), unnamed: Vec::new(), loaded: Instant::now() };
        for jwk in &set.keys {
            let Some(key) = verifying_key(jwk) else { continue };
            match &jwk.common.key_id {
                Some(id) => {
                    loaded.by_id.insert(id.clone(), key);
                }
                None => loaded.unnamed.push(key),
            }
        }
        if loaded.by_id.is_empty() && loaded.unnamed.is_empty() {
            Err(JwksError::NoKeys)
        } else {
            Ok(loaded)
        }
    }

    /// A token without `kid` may be signed with any key; there are few.
    fn find(&self, key_id: Option<&str>) -> Vec<VerifyingKey> {
        match key_id {
            Some(id) => self.by_id.get(id).cloned().into_iter().collect(),
            None => self.by_id.values().chain(&self.unnamed).cloned().collect(),
        }
    }
}

/// Only Ed25519 and RSA signing keys: what a token's header says never widens this list.
fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::OctetKeyPair(pair), None | Some(KeyAlgorithm::EdDSA))
            if pair.curve == EllipticCurve::Ed25519 =>
        {
            Algorithm::EdDSA
        }
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(VerifyingKey { algorithm, key: Arc::new(key) })
}
