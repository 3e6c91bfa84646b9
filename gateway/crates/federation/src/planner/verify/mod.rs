//! Checks plans. Shares nothing with the planner but the supergraph and the plan's types: it
//! plays the plan on *shapes* (which data key would stand where, for which type) and asks
//!
//! - is every document valid for its subgraph, and does the subgraph resolve what is selected;
//! - does every representation have what a key and the selected fields' `@requires` need, from
//!   fetches that are waited for;
//! - can the projection, and so the operation, be answered from what has been merged.

mod projection;
mod replay;
mod shape;

use apollo_compiler::Schema;
use apollo_compiler::executable::ExecutableDocument;
use apollo_compiler::validation::Valid;
use indexmap::IndexMap;

use super::{PlanOptions, Planner};
use crate::operation::Operation;
use crate::plan::{Fetch, QueryPlan};
use crate::supergraph::SubgraphId;

/// Something that a plan does wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("fetch {fetch}: {reason}")]
    Fetch { fetch: usize, reason: String },
    #[error("response `{path}`: {reason}")]
    Response { path: String, reason: String },
}

/// Everything that is wrong with a plan; nothing for a sound one.
pub fn verify(
    planner: &Planner,
    operation: &Operation,
    options: &PlanOptions,
    plan: &QueryPlan,
) -> Vec<Violation> {
    let mut schemas = Schemas { planner, known: IndexMap::new() };
    let mut violations = Vec::new();
    let mut replay = replay::Replay::new(planner, options);
    for (index, fetch) in plan.fetches.iter().enumerate() {
        match schemas.document(fetch) {
            Ok((subgraph, schema, document)) => {
                replay.fetch(index, fetch, subgraph, &schema, &document)
            }
            Err(reason) => violations.push(Violation::Fetch { fetch: index, reason }),
        }
    }
    violations.extend(replay.violations);
    if violations.is_empty() {
        violations = projection::check(planner, operation, &replay.root, plan);
    }
    violations
}

struct Schemas<'a> {
    planner: &'a Planner,
    known: IndexMap<SubgraphId, Valid<Schema>>,
}

impl Schemas<'_> {
    fn document(
        &mut self,
        fetch: &Fetch,
    ) -> Result<(SubgraphId, Valid<Schema>, Valid<ExecutableDocument>), String> {
        let supergraph = self.planner.supergraph();
        let subgraph = supergraph
            .subgraph_by_name(&fetch.subgraph)
            .ok_or_else(|| format!("there is no subgraph `{}`", fetch.subgraph))?;
        if !self.known.contains_key(&subgraph) {
            let schema = supergraph.subgraph_schema(subgraph).map_err(|error| error.to_string())?;
            self.known.insert(subgraph, schema);
        }
        let schema = &self.known[&subgraph];
        let document =
            ExecutableDocument::parse_and_validate(schema, &fetch.document, "fetch.graphql")
                .map_err(|error| {
                    format!(
                        "`{}` is not valid for `{}`: {}",
                        fetch.document, fetch.subgraph, error.errors
                    )
                })?;
        Ok((subgraph, schema.clone(), document))
    }
}
