//! The signed statement about the caller that subgraphs receive.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

/// Off by default: unknown subgraphs would not know what to do with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PassportConfig {
    pub enabled: bool,
    /// `iss` of the passports.
    pub issuer: String,
    /// Ed25519 private key (PKCS#8, PEM). Without one keys are made at start and renewed by
    /// themselves; several replicas need files.
    pub key_file: Option<PathBuf>,
    /// Keys that are published beside the one that signs: the next one before it is taken into
    /// use, the last one until its passports have expired.
    pub also_publish: Vec<PathBuf>,
    /// How long a key made here signs.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub rotate_every: Duration,
    /// From signing to expiry.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub lifetime: Duration,
    /// Queries of one caller share a passport for this long.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub reuse: Duration,
}

impl Default for PassportConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            issuer: "concord-gateway".to_owned(),
            key_file: None,
            also_publish: Vec::new(),
            rotate_every: Duration::from_hours(720),
            lifetime: Duration::from_mins(1),
            reuse: Duration::from_secs(30),
        }
    }
}
