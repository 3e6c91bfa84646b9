//! Passports: short-lived signed statements to one subgraph about who is calling.
//!
//! The caller's own token never reaches a subgraph; a passport names its audience, so one
//! subgraph cannot use it at another.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Value, json};

use super::identity::Identity;
use crate::config::PassportConfig;

pub(crate) const PASSPORT_HEADER: HeaderName = HeaderName::from_static("x-concord-passport");

/// Subgraphs keep the published keys for at most a minute, and passports live about as long:
/// a new key is published this long before it signs, ...
const AHEAD: Duration = Duration::from_mins(10);
/// ... and an old one this long after it has signed for the last time.
const AFTERWARDS: Duration = Duration::from_mins(10);

/// Signs passports and publishes the keys to check them with.
pub(crate) struct PassportOffice {
    config: PassportConfig,
    keys: ArcSwap<Keys>,
}

/// The key that signs, and everything that is published.
struct Keys {
    signing: Arc<SigningKey>,
    /// Public keys that do not sign here: announced, retiring, or other replicas'.
    others: Vec<Value>,
    jwks: Value,
}

struct SigningKey {
    key: EncodingKey,
    header: Header,
    jwk: Value,
}

/// What a mutation's passport says about the request. Queries leave it out, so that equal
/// callers have equal passports.
#[derive(Clone, Debug)]
pub(crate) struct Origin<'r> {
    pub(crate) address: IpAddr,
    pub(crate) user_agent: Option<&'r str>,
    pub(crate) request_id: &'r str,
}

#[derive(Debug, thiserror::Error)]
pub enum PassportError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: not an Ed25519 private key in PKCS#8 PEM", path.display())]
    Key { path: PathBuf },
    #[error("a passport key could not be made")]
    Generate,
    #[error("passport could not be signed: {source}")]
    Sign { source: jsonwebtoken::errors::Error },
    #[error("passport does not fit in a header")]
    Header,
}

#[derive(Serialize)]
struct PassportClaims<'c> {
    iss: &'c str,
    aud: &'c str,
    iat: u64,
    exp: u64,
    sub: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'c str>,
    scope: String,
    roles: &'c [String],
    amr: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ua: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'c str>,
}

impl std::fmt::Debug for PassportOffice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PassportOffice")
            .field("kid", &self.keys.load().signing.header.kid)
            .finish_non_exhaustive()
    }
}

impl PassportOffice {
    pub(crate) fn new(config: &PassportConfig) -> Result<Self, PassportError> {
        let signing = match &config.key_file {
            Some(path) => SigningKey::read(path)?,
            None => SigningKey::generate()?,
        };
        let others = config.also_publish.iter().map(|path| Ok(SigningKey::read(path)?.jwk));
        let keys = Keys::new(Arc::new(signing), others.collect::<Result<_, PassportError>>()?);
        Ok(Self { config: config.clone(), keys: ArcSwap::from_pointee(keys) })
    }

    /// For `/.well-known/jwks.json`.
    pub(crate) fn jwks(&self) -> Value {
        self.keys.load().jwks.clone()
    }

    /// Renews a key that was made here for as long as the gateway runs; a key from a file is its
    /// owner's to renew.
    pub(crate) async fn keep_fresh(&self) {
        if self.config.key_file.is_some() {
            return;
        }
        loop {
            tokio::time::sleep(self.config.rotate_every).await;
            let next = match SigningKey::generate() {
                Ok(next) => Arc::new(next),
                Err(error) => {
                    tracing::error!(%error, "the old passport key goes on");
                    continue;
                }
            };
            let before = self.keys.load_full();
            self.keys.store(Arc::new(before.announcing(&next)));
            tokio::time::sleep(AHEAD).await;
            self.keys.store(Arc::new(before.succeeded_by(&next)));
            tokio::time::sleep(AFTERWARDS).await;
            self.keys.store(Arc::new(Keys::new(next, before.others.clone())));
        }
    }

    /// The header value for one subgraph request. Queries of one caller share it for a while;
    /// mutations get their own, with the `origin`.
    pub(crate) fn passport(
        &self,
        identity: &Identity,
        subgraph: &Arc<str>,
        origin: Option<&Origin<'_>>,
    ) -> Result<HeaderValue, PassportError> {
        if origin.is_some() {
            return self.sign(identity, subgraph, origin);
        }
        identity.passport(subgraph, self.config.reuse, || self.sign(identity, subgraph, None))
    }

    fn sign(
        &self,
        identity: &Identity,
        subgraph: &str,
        origin: Option<&Origin<'_>>,
    ) -> Result<HeaderValue, PassportError> {
        let now = jsonwebtoken::get_current_timestamp();
        let caller = identity.claims.as_ref();
        let claims = PassportClaims {
            iss: &self.config.issuer,
            aud: subgraph,
            iat: now,
            exp: now + self.config.lifetime.as_secs(),
            sub: caller.map_or("anonymous", |claims| claims.sub.as_str()),
            sid: caller.and_then(|claims| claims.sid.as_deref()),
            scope: caller.map_or_else(String::new, |claims| {
                claims.scope.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
            }),
            roles: caller.map_or(&[], |claims| claims.roles.as_slice()),
            amr: caller.map_or(&[], |claims| claims.amr.as_slice()),
            auth_time: caller.and_then(|claims| claims.auth_time),
            generation: caller.and_then(|claims| claims.generation),
            ip: origin.map(|origin| origin.address),
            ua: origin.and_then(|origin| origin.user_agent),
            rid: origin.map(|origin| origin.request_id),
        };
        let signing = self.keys.load().signing.clone();
        let passport = encode(&signing.header, &claims, &signing.key)
            .map_err(|source| PassportError::Sign { source })?;
        let mut value = HeaderValue::try_from(passport).map_err(|_| PassportError::Header)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Keys {
    fn new(signing: Arc<SigningKey>, others: Vec<Value>) -> Self {
        let published: Vec<&Value> = std::iter::once(&signing.jwk).chain(&others).collect();
        let jwks = json!({ "keys": published });
        Self { signing, others, jwks }
    }

    /// The same key signs, and the next one can be learned.
    fn announcing(&self, next: &SigningKey) -> Self {
        Self::new(self.signing.clone(), self.with(&next.jwk))
    }

    /// The next key signs, and the last one's passports can still be checked.
    fn succeeded_by(&self, next: &Arc<SigningKey>) -> Self {
        Self::new(next.clone(), self.with(&self.signing.jwk))
    }

    fn with(&self, jwk: &Value) -> Vec<Value> {
        self.others.iter().chain([jwk]).cloned().collect()
    }
}

impl SigningKey {
    fn generate() -> Result<Self, PassportError> {
        let pkcs8 = Ed25519KeyPair::generate()
            .and_then(|pair| pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()))
            .map_err(|_| PassportError::Generate)?;
        Self::from_pkcs8(&pkcs8).ok_or(PassportError::Generate)
    }

    fn read(path: &Path) -> Result<Self, PassportError> {
        let pem = std::fs::read_to_string(path)
            .map_err(|source| PassportError::Read { path: path.to_owned(), source })?;
        decode_pem(&pem)
            .and_then(|pkcs8| Self::from_pkcs8(&pkcs8))
            .ok_or_else(|| PassportError::Key { path: path.to_owned() })
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?;
        let public = pair.public_key().as_ref();
        let key_id = URL_SAFE_NO_PAD.encode(&digest(&SHA256, public).as_ref()[..12]);
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("passport+jwt".to_owned());
        header.kid = Some(key_id.clone());
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": key_id, "x": URL_SAFE_NO_PAD.encode(public),
        });
        Some(Self { key: EncodingKey::from_ed_der(pkcs8), header, jwk })
    }
}

/// The DER inside the first `PRIVATE KEY` block.
fn decode_pem(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let compact: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(keys: &Keys) -> Vec<&str> {
        let listed = keys.jwks["keys"].as_array().expect("a list");
        listed.iter().map(|key| key["kid"].as_str().expect("a key id")).collect()
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_after() {
        let [old, new] = [(); 2].map(|()| Arc::new(SigningKey::generate().expect("a key")));
        let id = |key: &SigningKey| key.header.kid.clone().expect("a key id");
        let first = Keys::new(old.clone(), Vec::new());
        assert_eq!(published(&first), [id(&old)]);
        let announced = first.announcing(&new);
        assert_eq!(id(&announced.signing), id(&old));
        assert_eq!(published(&announced), [id(&old), id(&new)]);
        let switched = first.succeeded_by(&new);
        assert_eq!(id(&switched.signing), id(&new));
        assert_eq!(published(&switched), [id(&new), id(&old)]);
    }
}
