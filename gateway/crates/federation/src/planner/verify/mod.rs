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

use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Schema};
use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::executable::ExecutableDocument;
use apollo_compiler::validation::Valid;
use indexmap::IndexMap;

use super::{PlanOptions, Planner};
use crate::operation::{Operation, SelectionSet};
use crate::plan::{Fetch, Inclusion, QueryPlan};
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
///
/// With few `@skip` and `@include` variables, the plan is played for all of their values.
pub fn verify(
    planner: &Planner,
    operation: &Operation,
    options: &PlanOptions,
    plan: &QueryPlan,
) -> Vec<Violation> {
    let mut schemas = Schemas { planner, known: IndexMap::new() };
    let mut violations = Vec::new();
    let mut documents = Vec::new();
    for (index, fetch) in plan.fetches.iter().enumerate() {
        match schemas.document(fetch) {
            Ok(document) => documents.push(document),
            Err(reason) => violations.push(Violation::Fetch { fetch: index, reason }),
        }
    }
    if !violations.is_empty() {
        return violations;
    }
    for given in assignments(operation) {
        let mut replay = replay::Replay::new(planner, options, &given);
        for (index, (fetch, document)) in plan.fetches.iter().zip(&documents).enumerate() {
            replay.fetch(index, fetch, document, &schemas.known[&document.subgraph]);
        }
        violations = replay.violations;
        if violations.is_empty() {
            violations = projection::check(planner, operation, &replay.root, plan, &given);
        }
        if !violations.is_empty() {
            break;
        }
    }
    violations
}

/// Values for the variables of conditions.
type Given = BTreeMap<String, bool>;

/// So many variables are tried with all combinations of values.
const COMBINED: usize = 5;

fn assignments(operation: &Operation) -> Vec<Given> {
    let mut variables = BTreeSet::new();
    let mut seen = BTreeSet::new();
    condition_variables(&operation.selections, &mut seen, &mut variables);
    let variables: Vec<String> = variables.into_iter().collect();
    if variables.len() > COMBINED {
        let all = |value: bool| variables.iter().map(|name| (name.clone(), value)).collect();
        return vec![all(true), all(false)];
    }
    let combinations = 0..1_usize << variables.len();
    let given = |bits: usize| {
        variables
            .iter()
            .enumerate()
            .map(|(bit, name)| (name.clone(), bits & (1 << bit) != 0))
            .collect()
    };
    combinations.map(given).collect()
}

fn condition_variables(
    set: &SelectionSet,
    seen: &mut BTreeSet<u32>,
    variables: &mut BTreeSet<String>,
) {
    if !seen.insert(set.id) {
        return;
    }
    for field in &set.fields {
        variables.extend(field.when.0.iter().flatten().map(|condition| condition.variable.clone()));
        if let Some(child) = &field.selections {
            condition_variables(child, seen, variables);
        }
    }
}

fn holds(when: &Inclusion, given: &Given) -> bool {
    when.holds(|variable| given.get(variable).copied().unwrap_or_default())
}

/// A fetch's document, valid for its subgraph.
struct FetchDocument {
    subgraph: SubgraphId,
    document: Valid<ExecutableDocument>,
}

/// A subgraph's own schema, with the object types that each composite type may turn out to be.
struct SubgraphSchema {
    schema: Valid<Schema>,
    possible: BTreeMap<Name, BTreeSet<Name>>,
}

fn possible_types(schema: &Schema) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut possible: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (name, ty) in &schema.types {
        match ty {
            ExtendedType::Object(object) => {
                possible.entry(name.clone()).or_default().insert(name.clone());
                for interface in &object.implements_interfaces {
                    possible.entry(interface.name.clone()).or_default().insert(name.clone());
                }
            }
            ExtendedType::Union(union_) => {
                let members = union_.members.iter().map(|member| member.name.clone());
                possible.entry(name.clone()).or_default().extend(members);
            }
            ExtendedType::Scalar(_)
            | ExtendedType::Interface(_)
            | ExtendedType::Enum(_)
            | ExtendedType::InputObject(_) => {}
        }
    }
    possible
}

struct Schemas<'a> {
    planner: &'a Planner,
    known: IndexMap<SubgraphId, SubgraphSchema>,
}

impl Schemas<'_> {
    fn document(&mut self, fetch: &Fetch) -> Result<FetchDocument, String> {
        let supergraph = self.planner.supergraph();
        let subgraph = supergraph
            .subgraph_by_name(&fetch.subgraph)
            .ok_or_else(|| format!("there is no subgraph `{}`", fetch.subgraph))?;
        if !self.known.contains_key(&subgraph) {
            let schema = supergraph.subgraph_schema(subgraph).map_err(|error| error.to_string())?;
            let possible = possible_types(&schema);
            self.known.insert(subgraph, SubgraphSchema { schema, possible });
        }
        let schema = &self.known[&subgraph].schema;
        let document =
            ExecutableDocument::parse_and_validate(schema, &fetch.document, "fetch.graphql")
                .map_err(|error| {
                    format!(
                        "`{}` is not valid for `{}`: {}",
                        fetch.document, fetch.subgraph, error.errors
                    )
                })?;
        Ok(FetchDocument { subgraph, document })
    }
}
