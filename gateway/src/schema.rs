//! A schema in service: everything that is worked out once per supergraph. Immutable, but for
//! the operations it remembers; a new supergraph gets a new one, so nothing stale survives.

use std::sync::Arc;

use apollo_compiler::collections::HashMap;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};
use executor::{LoaderOptions, Loaders};
use federation::planner::Planner;
use federation::supergraph::{Supergraph, SupergraphError};
use moka::sync::Cache;

use crate::auth::passport::PassportOffice;
use crate::auth::requirements::Requirements;
use crate::config::Config;
use crate::outbound::HttpClient;
use crate::pipeline::{OperationKey, PreparedOperation};
use crate::subgraph_client::{Subgraphs, SubgraphsError};
use crate::telemetry::Telemetry;

#[derive(Debug)]
pub(crate) struct ServedSchema {
    supergraph: Arc<Supergraph>,
    pub(crate) planner: Planner,
    pub(crate) requirements: Requirements,
    pub(crate) subgraphs: Arc<Subgraphs>,
    pub(crate) loaders: Loaders,
    /// For introspection.
    pub(crate) implementers: HashMap<Name, Implementers>,
    pub(crate) operations: Cache<OperationKey, Arc<PreparedOperation>>,
}

/// Why a supergraph cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("supergraph: {source}")]
    Supergraph { source: SupergraphError },
    #[error(transparent)]
    Subgraphs { source: SubgraphsError },
}

impl ServedSchema {
    pub(crate) fn new(
        sdl: &str,
        config: &Config,
        client: &HttpClient,
        passports: Option<Arc<PassportOffice>>,
        telemetry: &Telemetry,
    ) -> Result<Self, SchemaError> {
        let supergraph =
            Supergraph::parse(sdl).map_err(|source| SchemaError::Supergraph { source })?;
        let supergraph = Arc::new(supergraph);
        let subgraphs =
            Subgraphs::new(&supergraph, &config.subgraphs, client, passports, telemetry)
                .map_err(|source| SchemaError::Subgraphs { source })?;
        Ok(Self {
            planner: Planner::new(supergraph.clone())
                .map_err(|source| SchemaError::Supergraph { source })?,
            requirements: Requirements::of(&supergraph),
            subgraphs: Arc::new(subgraphs),
            loaders: Loaders::new(LoaderOptions::default()),
            implementers: supergraph.api_schema().implementers_map(),
            operations: Cache::new(config.plan_cache.entries),
            supergraph,
        })
    }

    /// What clients see.
    pub(crate) fn api_schema(&self) -> &Valid<Schema> {
        self.supergraph.api_schema()
    }
}
