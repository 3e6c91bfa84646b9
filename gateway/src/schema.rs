//! A schema in service: everything that is worked out once per supergraph. Immutable, but for
//! the operations it remembers; a new supergraph gets a new one, so nothing stale survives.

use std::sync::Arc;
use std::time::{Duration, Instant};

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
use crate::config::{Config, LimitsConfig, PlanCacheConfig, SubgraphsConfig};
use crate::outbound::HttpClient;
use crate::pipeline::{OperationKey, OverrideLabels, PreparedOperation};
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
    pub(crate) override_labels: OverrideLabels,
    pub(crate) verify_plans: bool,
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
            loaders: loaders(&config.subgraphs),
            implementers: supergraph.api_schema().implementers_map(),
            operations: operations(&config.plan_cache),
            override_labels: OverrideLabels::new(&config.override_labels),
            verify_plans: config.plan_cache.verify,
            supergraph,
        })
    }

    /// Prepares the operations that another schema has served, before this one takes over. Plans
    /// of operations that touch nothing that differs are kept. Returns how many operations are
    /// ready, and for how many of them the plan was kept.
    pub(crate) fn warm_up(
        &self,
        old: &Self,
        limits: &LimitsConfig,
        patience: Duration,
    ) -> (usize, usize) {
        let end = Instant::now() + patience;
        let (mut ready, mut kept) = (0, 0);
        for (key, known) in &old.operations {
            if Instant::now() > end {
                break;
            }
            // Who uses what is no longer there is told so when asking.
            let Ok(operation) = self.carry_over(old, limits, &key, &known) else { continue };
            ready += 1;
            kept += usize::from(operation.has_plan_of(&known));
            self.operations.insert((*key).clone(), Arc::new(operation));
        }
        (ready, kept)
    }

    /// What clients see.
    pub(crate) fn api_schema(&self) -> &Valid<Schema> {
        self.supergraph.api_schema()
    }
}

/// Bounded in bytes and, since none is taken for smaller than its share, in number.
fn operations(config: &PlanCacheConfig) -> Cache<OperationKey, Arc<PreparedOperation>> {
    let share = config.bytes / config.entries.max(1);
    Cache::builder()
        .max_capacity(config.bytes)
        .weigher(move |_, operation: &Arc<PreparedOperation>| {
            let bytes = (operation.bytes() as u64).max(share).max(1);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        })
        .build()
}

fn loaders(config: &SubgraphsConfig) -> Loaders {
    let all = &config.all;
    let options = LoaderOptions {
        max_batch_size: all.batch_size.max(1),
        share_queries: all.share_queries,
        batch_entities: all.batch_entities,
        batch_queries: all.batch_queries,
        max_wait: all.batch_wait,
        remember: all.remember_entities,
    };
    config.named.iter().fold(Loaders::new(options), |loaders, (subgraph, named)| {
        let options = LoaderOptions {
            share_queries: named.share_queries.unwrap_or(options.share_queries),
            batch_entities: named.batch_entities.unwrap_or(options.batch_entities),
            batch_queries: named.batch_queries.unwrap_or(options.batch_queries),
            remember: named.remember_entities.unwrap_or(options.remember),
            ..options
        };
        loaders.with(subgraph, options)
    })
}
