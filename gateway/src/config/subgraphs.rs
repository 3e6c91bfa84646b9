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
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the file")]
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
    /// Equal queries in flight for callers whom the subgraph cannot tell apart are sent once.
    pub share_queries: bool,
    /// Entity loads of such callers that come while one is in flight go out together.
    pub batch_entities: bool,
    /// Queries of such callers that are equal but for their variables go out together, too, as
    /// one query with aliases. Not for subgraphs that only take queries they know.
    pub batch_queries: bool,
    /// The longest time that an entity load, or such a query, waits for others.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub batch_wait: Duration,
    /// The most entities that one request asks for.
    pub batch_size: usize,
    /// Within one operation, what the subgraph has said of an entity is not asked for again.
    pub remember_entities: bool,
}

impl Default for SubgraphDefaults {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_response_bytes: 64 * 1024 * 1024,
            propagate_headers: Vec::new(),
            redact_errors: false,
            http2: false,
            share_queries: true,
            batch_entities: true,
            batch_queries: false,
            batch_wait: Duration::from_millis(2),
            batch_size: 1_000,
            remember_entities: true,
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
    pub share_queries: Option<bool>,
    pub batch_entities: Option<bool>,
    pub batch_queries: Option<bool>,
    pub remember_entities: Option<bool>,
}
