//! Opaque tokens: the issuer is asked what they are worth (RFC 7662), and its answer is kept for
//! half a minute.
//!
//! Which tokens are opaque is told by their prefix. The cache holds hashes, never tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use moka::future::Cache;
use serde::Deserialize;

use super::identity::{Claims, Identity};
use super::revocation::Revocations;
use crate::config::IntrospectionConfig;
use crate::outbound::{Bounds, HttpClient};

/// Invented tokens take places in the cache too.
const REMEMBERED: u64 = 20_000;

#[derive(Debug)]
pub(crate) struct Introspection {
    url: String,
    credential: HeaderValue,
    prefixes: Vec<String>,
    client: HttpClient,
    known: Cache<[u8; 32], Answer>,
}

/// What the issuer said, and when it was asked.
#[derive(Clone, Debug)]
struct Answer {
    identity: Option<Arc<Identity>>,
    asked: Instant,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum IntrospectionError {
    #[error("`authentication.introspection.url` is not a valid URL: {url}")]
    Url { url: String },
    #[error("`authentication.introspection.credential` does not fit in a header")]
    Credential,
    #[error("{url}: {reason}")]
    Ask { url: String, reason: String },
}

#[derive(Deserialize)]
struct Introspected {
    active: bool,
    #[serde(default)]
    token_type: Option<String>,
}

impl Introspection {
    pub(crate) fn new(
        config: &IntrospectionConfig,
        client: &HttpClient,
    ) -> Result<Self, IntrospectionError> {
        let IntrospectionConfig { url, credential, prefixes, cache } = config;
        if !url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some()) {
            return Err(IntrospectionError::Url { url: url.clone() });
        }
        let mut credential = HeaderValue::try_from(format!("Bearer {}", credential.expose()))
            .map_err(|_| IntrospectionError::Credential)?;
        credential.set_sensitive(true);
        Ok(Self {
            url: url.clone(),
            credential,
            prefixes: prefixes.clone(),
            client: client.clone(),
            known: Cache::builder().max_capacity(REMEMBERED).time_to_live(*cache).build(),
        })
    }

    pub(crate) fn is_for(&self, token: &str) -> bool {
        self.prefixes.iter().any(|prefix| token.starts_with(prefix.as_str()))
    }

    /// The token's owner; `None` when the token is worth nothing.
    pub(crate) async fn identify(
        &self,
        token: &str,
        revocations: Option<&Revocations>,
    ) -> Result<Option<Arc<Identity>>, Arc<IntrospectionError>> {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let answer = self.known.try_get_with(key, self.ask(token)).await?;
        let outdated = answer.identity.as_ref().and_then(|identity| identity.claims.as_ref());
        let outdated = outdated.is_some_and(|claims| {
            claims.exp <= jsonwebtoken::get_current_timestamp()
                || revocations
                    .is_some_and(|revocations| revocations.changed_since(&claims.sub, answer.asked))
        });
        if !outdated {
            return Ok(answer.identity);
        }
        self.known.invalidate(&key).await;
        Ok(self.known.try_get_with(key, self.ask(token)).await?.identity)
    }

    async fn ask(&self, token: &str) -> Result<Answer, IntrospectionError> {
        let asked = Instant::now();
        let failed = |reason: String| IntrospectionError::Ask { url: self.url.clone(), reason };
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .finish();
        let request = Request::post(&self.url)
            .header(header::AUTHORIZATION, self.credential.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::from(form)))
            .map_err(|error| failed(error.to_string()))?;
        let bounds = Bounds { timeout: Duration::from_secs(5), max_bytes: 64 * 1024, http2: false };
        let answer =
            self.client.send(request, bounds).await.map_err(|error| failed(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(failed(format!("HTTP {}", answer.status.as_u16())));
        }
        read(&answer.body)
            .map(|claims| Answer {
                identity: claims.map(|claims| Arc::new(Identity::verified(claims))),
                asked,
            })
            .map_err(|error| failed(error.to_string()))
    }
}

/// The claims of an active access token; refresh tokens are no bearer tokens.
fn read(body: &[u8]) -> Result<Option<Claims>, serde_json::Error> {
    let Introspected { active, token_type } = serde_json::from_slice(body)?;
    let bearer = token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !active || !bearer {
        return Ok(None);
    }
    serde_json::from_slice(body).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_active_bearer_tokens_have_claims() {
        let check = |body: &str| read(body.as_bytes()).map(|claims| claims.map(|c| c.sub));
        let active = r#"{"active":true,"sub":"usr_1","exp":9,"scope":"a b","token_type":"Bearer"}"#;
        assert_eq!(check(active).expect("readable"), Some("usr_1".to_owned()));
        assert_eq!(check(r#"{"active":false}"#).expect("readable"), None);
        let refresh = r#"{"active":true,"sub":"u","exp":9,"token_type":"refresh_token"}"#;
        assert_eq!(check(refresh).expect("readable"), None);
        assert!(check(r#"{"active":true}"#).is_err(), "no subject");
        assert!(check("garbage").is_err());
    }
}
