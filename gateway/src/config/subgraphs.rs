//! How subgraphs are reached.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

/// Settings for all subgraphs, and what differs for single ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubgraphsConfig {
    pub all: SubgraphDefaults,
    /// By subgraph name.
    pub named: BTreeMap<String, SubgraphConfig>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubgraphDefaults {
    /// For one request, from sending to the last byte.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Larger answers are refused.
    pub max_response_bytes: usize,
    /// Client headers that are passed on. Identity headers (`x-user-id` and the like) never
    /// belong here: subgraphs learn who calls from the passport.
    pub propagate_headers: Vec<String>,
    /// Replace the messages of subgraph errors with a fixed sentence.
    pub redact_errors: bool,
    /// HTTP/2 without TLS (prior knowledge).
    pub http2: bool,
}

impl Default for SubgraphDefaults {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_response_bytes: 64 * 1024 * 1024,
            propagate_headers: Vec::new(),
            redact_errors: false,
            http2: false,
        }
    }
}

/// Overrides; what is not set is as for all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubgraphConfig {
    /// Instead of the supergraph's URL.
    pub url: Option<String>,
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Duration>,
    pub max_response_bytes: Option<usize>,
}
