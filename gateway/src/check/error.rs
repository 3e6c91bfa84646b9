//! Why a check could not be made.

use crate::lint::LintError;
use crate::source::LoadError;
use crate::usage::UsageError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Load { source: LoadError },
    #[error("{origin}: {message}")]
    InvalidSchema { origin: String, message: String },
    #[error("{origin} does not compose, so there is nothing to compare with\n{rendered}")]
    BaseComposition { origin: String, rendered: String },
    #[error("`{base}` is neither a file nor a revision: {reason}")]
    NoSuchBase { base: String, reason: String },
    #[error("--subgraph {name}=…: the head is not a supergraph.yaml, so it has no subgraphs")]
    NotSubgraphs { name: String },
    #[error("`{glob}` is not a valid pattern: {reason}")]
    Glob { glob: String, reason: String },
    #[error("`{glob}` matches no file")]
    NoOperations { glob: String },
    #[error("`{globs}`: no operation in any of these files")]
    EmptyOperations { globs: String },
    #[error("{file}: {message}")]
    Operations { file: String, message: String },
    #[error("{file}: {message}")]
    Acceptances { file: String, message: String },
    #[error(transparent)]
    Usage { source: UsageError },
    #[error(
        "the usage log {database} holds no operation of the last {window}; a longer window, or none of it?"
    )]
    NoTraffic { database: String, window: String },
    #[error("contract `{contract}`: {origin} is an API schema; tags are in supergraphs only")]
    ContractNeedsSupergraph { contract: String, origin: String },
    #[error(transparent)]
    Lint { source: LintError },
}

impl CheckError {
    /// The fault is in how the check was asked for, not in what was read.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Glob { .. }
            | Self::NotSubgraphs { .. }
            | Self::ContractNeedsSupergraph { .. }
            | Self::Acceptances { .. } => true,
            Self::Lint { source } => source.is_usage(),
            Self::Load { .. }
            | Self::InvalidSchema { .. }
            | Self::BaseComposition { .. }
            | Self::NoSuchBase { .. }
            | Self::NoOperations { .. }
            | Self::EmptyOperations { .. }
            | Self::Operations { .. }
            | Self::Usage { .. }
            | Self::NoTraffic { .. } => false,
        }
    }
}
