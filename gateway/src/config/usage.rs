//! Whether `concord serve` remembers which operations are used.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

/// Off without a database. Texts of operations, names of clients and counts are kept; no
/// variables, no addresses, no tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UsageConfig {
    /// `sqlite://FILE` or `postgres://…`.
    pub database: Option<String>,
    /// Counts are kept per hour, and removed after this.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub retention: Duration,
    /// How often counts are written.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub flush_interval: Duration,
    /// Headers that name the client and its version.
    pub client_name_headers: Vec<String>,
    pub client_version_headers: Vec<String>,
    /// Different operations between two writes; those beyond are not recorded.
    pub max_operations: usize,
}

impl Default for UsageConfig {
    fn default() -> Self {
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        Self {
            database: None,
            retention: Duration::from_hours(30 * 24),
            flush_interval: Duration::from_secs(10),
            client_name_headers: names(["graphql-client-name", "apollographql-client-name"]),
            client_version_headers: names([
                "graphql-client-version",
                "apollographql-client-version",
            ]),
            max_operations: 10_000,
        }
    }
}
