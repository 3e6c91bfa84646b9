//! Whose access tokens are believed.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Secret, duration};

/// Without any key set no token is required and a sent one is ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthenticationConfig {
    pub jwks: Vec<JwksConfig>,
    /// Refuse requests without a token (401).
    pub required: bool,
    /// How far the issuer's clock may be off.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub leeway: Duration,
    /// `typ` of the token's header; empty accepts any.
    pub token_types: Vec<String>,
    /// Claims without which a token is refused, beside `exp` and `sub`, and `iss` and `aud` where
    /// they are compared.
    pub required_claims: Vec<String>,
    /// The issuer's list of sessions that ended before their tokens do.
    pub revocations: Option<RevocationsConfig>,
    /// Whom to ask what opaque tokens are worth (RFC 7662).
    pub introspection: Option<IntrospectionConfig>,
}

impl Default for AuthenticationConfig {
    fn default() -> Self {
        Self {
            jwks: Vec::new(),
            required: false,
            leeway: Duration::from_secs(5),
            token_types: vec!["at+jwt".to_owned()],
            required_claims: Vec::new(),
            revocations: None,
            introspection: None,
        }
    }
}

/// One issuer's public keys: exactly one of `url`, `file` and `keys`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(with = "String")]
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

/// Where ended sessions are told: `GET url?after=SEQ&limit=N`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RevocationsConfig {
    pub url: String,
    /// Sent as bearer token.
    pub credential: Secret,
    /// How often to ask; a session ends for the gateway about this much later.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub poll: Duration,
}

impl Default for RevocationsConfig {
    fn default() -> Self {
        Self { url: String::new(), credential: Secret::default(), poll: Duration::from_secs(1) }
    }
}

/// Where opaque tokens are looked up: `POST url` with the form field `token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IntrospectionConfig {
    pub url: String,
    /// Sent as bearer token.
    pub credential: Secret,
    /// What opaque tokens begin with; everything else is read as a JWT.
    pub prefixes: Vec<String>,
    /// How long an answer is believed.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub cache: Duration,
}

impl Default for IntrospectionConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            credential: Secret::default(),
            prefixes: vec!["pat_".to_owned()],
            cache: Duration::from_secs(30),
        }
    }
}
