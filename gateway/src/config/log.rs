//! What the binary writes to standard error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Directives such as `info` or `warn,gateway=debug`; `RUST_LOG` takes precedence.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object per line, for collectors.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "warn,gateway=info".to_owned(), format: LogFormat::Text }
    }
}
