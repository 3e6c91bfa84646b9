//! The gateway's configuration (`concord.yaml`): plain data, read once at start.
//!
//! Without a file everything has a default under which an unknown local client can work with an
//! unknown supergraph. Everything stricter is asked for here; [`LimitsConfig::strict`] is what
//! the marketplace runs with. Nothing in this module opens sockets or looks at schemas.

mod authentication;
mod check;
mod dev;
pub(crate) mod duration;
mod limits;
mod log;
mod passport;
mod secret;
mod server;
mod subgraphs;
mod usage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use authentication::{
    AuthenticationConfig, IntrospectionConfig, JwksConfig, RevocationsConfig,
};
pub use check::{
    CheckConfig, CheckUsageConfig, ContractConfig, FailOn, LintConfig, LintException, LintLevel,
};
pub use dev::{CommandConfig, DevConfig, MockConfig};
pub(crate) use duration::parse as parse_duration;
pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat};
pub use passport::PassportConfig;
pub use secret::Secret;
pub use server::{CompressionConfig, CorsConfig, CsrfConfig, ServerConfig};
pub use subgraphs::{SubgraphConfig, SubgraphDefaults, SubgraphsConfig};
pub use usage::UsageConfig;

use crate::source::env::{ExpandError, expand};

/// Everything that can be set. Unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The schema to serve. `--supergraph` takes precedence.
    pub supergraph: SupergraphConfig,
    pub server: ServerConfig,
    pub limits: LimitsConfig,
    pub authentication: AuthenticationConfig,
    pub passport: PassportConfig,
    pub subgraphs: SubgraphsConfig,
    pub plan_cache: PlanCacheConfig,
    /// Progressive overrides: labels that are on or off for all requests. Otherwise `percent(x)`
    /// is drawn for every request, and other labels are off.
    pub override_labels: BTreeMap<String, bool>,
    pub log: LogConfig,
    /// What the gateway remembers of the operations it has run.
    pub usage: UsageConfig,
    pub check: CheckConfig,
    pub lint: LintConfig,
    pub dev: DevConfig,
}

/// Where the supergraph comes from: exactly one of `file` and `sdl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SupergraphConfig {
    /// A supergraph SDL, or a `supergraph.yaml` that is composed first.
    pub file: Option<PathBuf>,
    /// The supergraph SDL itself, for programs that embed the gateway.
    pub sdl: Option<String>,
    /// How often to look whether `file` has changed; zero switches reloading off.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub poll_interval: std::time::Duration,
}

impl Default for SupergraphConfig {
    fn default() -> Self {
        Self { file: None, sdl: None, poll_interval: std::time::Duration::from_secs(1) }
    }
}

/// Prepared operations that are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlanCacheConfig {
    /// Operations (document text and name); the least used go first.
    pub entries: u64,
    /// Memory for all of them, roughly.
    pub bytes: u64,
    /// Plans of one operation for callers with different rights.
    pub plans_per_operation: usize,
    /// How long a changed schema may take to make the known operations' plans before it is taken
    /// into use; plans that the change does not touch are kept.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub warm_up: std::time::Duration,
    /// Plans made ahead by `concord plan compile`. They must fit the schema at start.
    pub compiled: Option<PathBuf>,
    /// Check every new plan independently of the planner, and refuse an operation whose plan is
    /// not sound.
    pub verify: bool,
}

impl Default for PlanCacheConfig {
    fn default() -> Self {
        Self {
            entries: 2_000,
            bytes: 128 * 1024 * 1024,
            plans_per_operation: 16,
            warm_up: std::time::Duration::from_secs(10),
            compiled: None,
            verify: false,
        }
    }
}

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Expand { path: PathBuf, source: ExpandError },
    #[error("{}: {source}", path.display())]
    Parse { path: PathBuf, source: serde_yaml_ng::Error },
}

impl Config {
    /// Reads `concord.yaml`; `${env.NAME}` and `${env.NAME:-default}` stand for the environment.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let in_path = || path.to_owned();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: in_path(), source })?;
        let text = expand(&text, |name| std::env::var(name).ok())
            .map_err(|source| ConfigError::Expand { path: in_path(), source })?;
        Self::parse(&text).map_err(|source| ConfigError::Parse { path: in_path(), source })
    }

    /// Reads configuration text in which nothing is left to expand.
    pub fn parse(text: &str) -> Result<Self, serde_yaml_ng::Error> {
        if text.trim().is_empty() { Ok(Self::default()) } else { serde_yaml_ng::from_str(text) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn empty_configuration_is_the_default() {
        assert_eq!(Config::parse("\n").expect("parses"), Config::default());
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let example = Config::parse(include_str!("../../concord.example.yaml")).expect("parses");
        assert_eq!(example, Config::default());
    }

    #[test]
    fn durations_are_written_with_a_unit() {
        let config = Config::parse(
            "server: { request_timeout: 1500ms }\nsubgraphs: { all: { timeout: 2m } }",
        )
        .expect("parses");
        assert_eq!(config.server.request_timeout, Duration::from_millis(1500));
        assert_eq!(config.subgraphs.all.timeout, Duration::from_mins(2));
    }

    #[test]
    fn unknown_key_is_named() {
        let error =
            Config::parse("server: { listen: 1 }").expect_err("must be refused").to_string();
        assert!(error.contains("listen"), "{error}");
    }

    #[test]
    fn duration_without_unit_is_refused() {
        let error = Config::parse("server: { request_timeout: 5 }")
            .expect_err("must be refused")
            .to_string();
        assert!(error.contains("duration"), "{error}");
    }
}
