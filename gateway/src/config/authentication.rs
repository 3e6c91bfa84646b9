//! Whose access tokens are believed.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

/// Without any key set no token is required and a sent one is ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthenticationConfig {
    pub jwks: Vec<JwksConfig>,
    /// Refuse requests without a token (401).
    pub required: bool,
    /// How far the issuer's clock may be off.
    #[serde(with = "duration")]
    pub leeway: Duration,
    /// `typ` of the token's header; empty accepts any.
    pub token_types: Vec<String>,
}

impl Default for AuthenticationConfig {
    fn default() -> Self {
        Self {
            jwks: Vec::new(),
            required: false,
            leeway: Duration::from_secs(5),
            token_types: vec!["at+jwt".to_owned()],
        }
    }
}

/// One issuer's public keys: exactly one of `url`, `file` and `keys`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JwksConfig {
    pub url: Option<String>,
    pub file: Option<PathBuf>,
    /// The key set itself, as JSON text.
    pub keys: Option<String>,
    /// Expected `iss`; without it any issuer that signs with these keys is believed.
    pub issuer: Option<String>,
    /// Accepted `aud` values; empty accepts any.
    pub audiences: Vec<String>,
    /// How long keys from `url` are used before they are asked for again.
    #[serde(with = "duration")]
    pub refresh: Duration,
}

impl Default for JwksConfig {
    fn default() -> Self {
        Self {
            url: None,
            file: None,
            keys: None,
            issuer: None,
            audiences: Vec::new(),
            refresh: Duration::from_mins(5),
        }
    }
}
