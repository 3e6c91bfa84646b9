//! What `concord check` and `concord lint` compare, and how strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

/// Defaults of `concord check`; its options add to lists and replace everything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckConfig {
    /// Files, globs or manifests with the operations of clients.
    pub operations: Vec<String>,
    /// The usage log to ask which operations are in use.
    pub usage: CheckUsageConfig,
    /// Rules that change the judgement, e.g. `safeUnreachable`.
    pub rules: Vec<String>,
    /// Directives (without `@`) whose uses do not matter.
    pub ignore_directives: BTreeSet<String>,
    /// File of accepted changes.
    pub acceptances: Option<PathBuf>,
    pub fail_on: FailOn,
    /// Variants of the graph that are checked too.
    pub contracts: BTreeMap<String, ContractConfig>,
}

/// From which criticality on a check fails.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    #[default]
    Breaking,
    Dangerous,
    /// Report only.
    Never,
}

/// Which operations of the usage log count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckUsageConfig {
    /// `sqlite://FILE` or `postgres://…`.
    pub database: Option<String>,
    /// How far back to look.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub window: Duration,
    /// Requests below which an operation does not count.
    pub min_count: u64,
    /// Percent of all requests below which an operation does not count.
    pub min_percentage: f64,
    /// `name` or `name@version`.
    pub exclude_clients: BTreeSet<String>,
    pub exclude_operations: BTreeSet<String>,
}

impl Default for CheckUsageConfig {
    fn default() -> Self {
        Self {
            database: None,
            window: Duration::from_hours(7 * 24),
            min_count: 1,
            min_percentage: 0.0,
            exclude_clients: BTreeSet::new(),
            exclude_operations: BTreeSet::new(),
        }
    }
}

impl LintConfig {
    /// Nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a variant of the graph shows, by `@tag`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContractConfig {
    /// Empty: everything that is not excluded.
    pub include: BTreeSet<String>,
    pub exclude: BTreeSet<String>,
    pub hide_unreachable: bool,
}

/// Rules of style. Those that are recommended are on as warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LintConfig {
    /// Level by rule; `concord lint --rules` lists them.
    pub rules: BTreeMap<String, LintLevel>,
    /// Where rules do not hold.
    pub exceptions: Vec<LintException>,
    /// The names that `@tag` may use; empty for any.
    pub known_tags: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LintLevel {
    Off,
    Warning,
    Error,
}

/// A rule that does not hold, or on another level, at some places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LintException {
    /// All rules, if missing.
    #[serde(default)]
    pub rule: Option<String>,
    /// `Type`, `Type.field`, or with `*` for any part: `Legacy*.*`.
    pub coordinate: String,
    #[serde(default = "off")]
    pub level: LintLevel,
}

fn off() -> LintLevel {
    LintLevel::Off
}
