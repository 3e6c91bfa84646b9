//! What `concord dev` starts and invents.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DevConfig {
    /// Subgraphs' own programs by name, started and restarted.
    pub commands: BTreeMap<String, CommandConfig>,
    /// Subgraphs that are not there: their answers are made up.
    pub mocks: BTreeMap<String, MockConfig>,
    /// How often to ask running subgraphs for their schema.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub poll_services: Duration,
    /// How often to look at files.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub poll_files: Duration,
}

impl Default for DevConfig {
    fn default() -> Self {
        Self {
            commands: BTreeMap::new(),
            mocks: BTreeMap::new(),
            poll_services: Duration::from_secs(2),
            poll_files: Duration::from_millis(40),
        }
    }
}

/// A program and its arguments, run in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// Run by the shell.
    pub run: String,
    #[serde(default)]
    pub folder: Option<PathBuf>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// How a subgraph's answers are made up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MockConfig {
    /// YAML with fixed values: `Type.field: value`, or `Scalar: value`.
    pub overrides: Option<PathBuf>,
    /// Ask the real subgraph first, and make up only what it does not answer.
    pub fallback: bool,
    /// Elements of made-up lists.
    pub list_length: Option<usize>,
}
