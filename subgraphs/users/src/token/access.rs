//! Access tokens: JWTs by RFC 9068 (`typ: at+jwt`), five minutes long.

use std::time::Duration;

use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};

use super::signing_keys::SigningKey;

pub const LIFETIME: Duration = Duration::from_mins(5);
/// Some seconds less for everybody, so that clients who started together do not refresh together.
const JITTER_SECONDS: u64 = 15;
pub const CLIENT_ID: &str = "concord";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub exp: i64,
    pub aud: String,
    pub sub: String,
    pub client_id: String,
    pub iat: i64,
    pub jti: String,
    pub sid: String,
    pub scope: String,
    pub roles: Vec<String>,
    pub amr: Vec<String>,
    pub auth_time: i64,
    /// The refresh generation it was issued with: presenting the token shows that the answer
    /// to that refresh arrived.
    #[serde(rename = "gen")]
    pub generation: i64,
}

/// Seconds that the next access token lives.
pub fn lifetime_seconds() -> i64 {
    let jitter = rand::random_range(0..=JITTER_SECONDS);
    i64::try_from(LIFETIME.as_secs() - jitter).unwrap_or_default()
}

pub fn sign(key: &SigningKey, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    let mut header = Header::new(key.algorithm());
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid().to_owned());
    jsonwebtoken::encode(&header, claims, key.encoding_key())
}
