//! Makes query plans.
//!
//! The phases, each in its own module: what is needed (`needs`), the cheapest way to it
//! (`search`), the steps of that way (`build`), which of them share a request (`schedule`), the
//! requests (`lower`) and how the answer is read out of them (`project`). [`verify`] checks plans
//! and knows nothing of all this.
//!
//! Plans are minimal in depth first, then in requests, then in fields. The search knows what a
//! choice costs on its own; what it costs beside all others is learnt by searching again with the
//! requests of the best plan so far taken for granted, until nothing gets better.

mod build;
mod candidates;
mod contexts;
mod cost;
mod entries;
mod hash;
mod lower;
mod needs;
mod places;
mod print;
mod project;
mod schedule;
mod search;
mod steps;
mod touched;
pub mod verify;

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use self::build::{Builder, Spot};
use self::cost::Level;
use self::lower::Lowering;
use self::needs::{Denial, FieldSets, Needs, NeedsOfOperation};
use self::project::Projecting;
use self::search::Search;
pub use self::touched::Fingerprint;
use crate::operation::{Document, Operation, OperationError};
use crate::plan::{Inclusion, OperationKind, QueryPlan};
use crate::query_graph::{QueryGraph, TypeId, TypeSet};
use crate::supergraph::{SubgraphId, Supergraph, SupergraphError};

/// Plans operations for one supergraph. Immutable: share it.
#[derive(Debug)]
pub struct Planner {
    supergraph: Arc<Supergraph>,
    graph: QueryGraph,
    field_sets: FieldSets,
}

/// What a plan depends on besides the operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanOptions {
    /// Coordinates that the caller may not see, `Type` or `Type.field`.
    pub denied: BTreeSet<String>,
    /// Labels of progressive overrides that are on.
    pub override_labels: BTreeSet<String>,
    /// Put fetches of one wave to one subgraph into one request.
    pub merge_fetches: bool,
    /// How many lists of entities one request may ask for.
    pub max_entity_lists: usize,
    /// How many steps the search may take: a first plan needs some, or there is none; what is left
    /// makes it better.
    pub fuel: u64,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            denied: BTreeSet::new(),
            override_labels: BTreeSet::new(),
            merge_fetches: true,
            max_entity_lists: 50,
            fuel: 500_000,
        }
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The supergraph is not satisfiable after all, or the planner has a fault.
    #[error("no subgraph can resolve `{coordinate}`{}", reached_from(.from))]
    Unresolvable { coordinate: String, from: Vec<String> },
    #[error("`{coordinate}` requires one field with different arguments")]
    ConflictingRequirement { coordinate: String },
    /// No object further up sets the context, or its value depends on the field itself.
    #[error(
        "`{coordinate}` takes an argument from a context that has no value where it is selected"
    )]
    NoContext { coordinate: String },
    #[error("the operation is too complex to plan: more than {fuel} steps of search")]
    TooComplex { fuel: u64 },
}

fn reached_from(subgraphs: &[String]) -> String {
    if subgraphs.is_empty() {
        String::new()
    } else {
        format!(" when coming from {}", subgraphs.join(", "))
    }
}

impl Planner {
    pub fn new(supergraph: Arc<Supergraph>) -> Result<Self, SupergraphError> {
        let graph = QueryGraph::build(&supergraph)?;
        let field_sets = FieldSets::of(&graph);
        Ok(Self { supergraph, graph, field_sets })
    }

    pub fn supergraph(&self) -> &Arc<Supergraph> {
        &self.supergraph
    }

    pub fn query_graph(&self) -> &QueryGraph {
        &self.graph
    }

    /// Parses and validates a client's document and chooses an operation in it.
    pub fn operation(
        &self,
        document: &str,
        name: Option<&str>,
    ) -> Result<Operation, OperationError> {
        let api_schema = self.supergraph.api_schema();
        Document::parse(document)?.validate(api_schema)?.operation(name, &self.graph, api_schema)
    }

    /// Of the part of the supergraph that a document touches: as long as it stays the same, the
    /// document's plans do.
    pub fn fingerprint(&self, document: &Document) -> Fingerprint {
        touched::fingerprint(&self.supergraph, document)
    }

    /// The labels of progressive overrides that a document's plans may depend on.
    pub fn override_labels(&self, document: &Document) -> BTreeSet<&str> {
        touched::override_labels(&self.supergraph, document)
    }

    pub fn plan(
        &self,
        operation: &Operation,
        options: &PlanOptions,
    ) -> Result<QueryPlan, PlanError> {
        let mut of_operation = NeedsOfOperation {
            denial: Denial { graph: &self.graph, denied: &options.denied },
            known: IndexMap::new(),
            next_id: self.field_sets.next_id(),
        };
        let needs = of_operation.convert(&[&operation.selections]);
        let roots = Roots::split(&needs, operation.kind, &mut of_operation.next_id);
        let root = self.graph.type_id(&operation.root_type);
        let labels = &options.override_labels;
        let mut search =
            Search::new(&self.supergraph, &self.graph, &self.field_sets, labels, options.fuel);
        let mut best = Draft::make(&mut search, root, &roots)?;
        // What one search takes is kept for writing the plan down; more is for making it better.
        let reserve = (search.limit - search.fuel).saturating_mul(2);
        for _ in 0..IMPROVEMENTS {
            if best.is_minimal() || search.fuel < reserve {
                break;
            }
            search.restart(best.requests.clone());
            match Draft::make(&mut search, root, &roots) {
                Ok(draft) if draft.rank() < best.rank() => best = draft,
                Ok(_) | Err(_) => break,
            }
        }
        search.fuel = search.fuel.max(reserve);
        if search.paid != best.paid {
            search.restart(best.paid.clone());
        }
        search.root_level = 0;
        let mut builder = Builder::new(&mut search, operation);
        if let Some(root) = root {
            for (index, needs) in roots.serial.iter().enumerate() {
                Roots::supply(&mut builder, root, needs, index)?;
            }
        }
        let Builder { steps, selections, mut places, .. } = builder;
        let lowering = Lowering {
            supergraph: &self.supergraph,
            graph: &self.graph,
            operation,
            options,
            steps: &steps,
            selections: &selections,
        };
        let fetches = lowering.fetches();
        let mut projecting = Projecting {
            api_schema: self.supergraph.api_schema(),
            graph: &self.graph,
            places: &mut places,
            denial: Denial { graph: &self.graph, denied: &options.denied },
        };
        let projection = projecting.projection(operation);
        Ok(QueryPlan { kind: operation.kind, fetches, projection })
    }
}

/// How often a plan is improved by searching again.
const IMPROVEMENTS: usize = 3;

/// Root fields that are fetched together: all of a query, each one of a mutation.
struct Roots {
    serial: Vec<Arc<Needs>>,
}

impl Roots {
    fn split(needs: &Arc<Needs>, kind: OperationKind, next_id: &mut u32) -> Self {
        if kind != OperationKind::Mutation {
            return Self { serial: vec![needs.clone()] };
        }
        // The type's name is nothing that runs: it does not stand between two fields.
        let serial = needs.fields.iter().filter(|need| !need.is_typename()).map(|need| {
            let id = *next_id;
            *next_id += 1;
            let Needs { id: _, possible, is_abstract, fields: _ } = &**needs;
            Arc::new(Needs {
                id,
                possible: possible.clone(),
                is_abstract: *is_abstract,
                fields: vec![need.clone()],
            })
        });
        Self { serial: serial.collect() }
    }

    fn supply(
        builder: &mut Builder<'_, '_>,
        root: TypeId,
        needs: &Arc<Needs>,
        index: usize,
    ) -> Result<(), PlanError> {
        if index > 0 {
            builder.next_in_turn(root, needs)?;
        }
        builder.supply(&Spot::root(), needs, &TypeSet::one(root), &Inclusion::ALWAYS)?;
        Ok(())
    }
}

/// The search's answer for a whole operation.
struct Draft {
    /// What the search took for granted.
    paid: BTreeSet<(Level, SubgraphId)>,
    requests: BTreeSet<(Level, SubgraphId)>,
    depth: Level,
}

impl Draft {
    fn make(
        search: &mut Search<'_>,
        root: Option<TypeId>,
        roots: &Roots,
    ) -> Result<Self, PlanError> {
        let mut draft = Self { paid: search.paid.clone(), requests: BTreeSet::new(), depth: 0 };
        let Some(root) = root else { return Ok(draft) };
        for needs in &roots.serial {
            let Some(selected) = search.select(root, &[], needs) else {
                return Err(unresolvable(search));
            };
            draft.requests.extend(&selected.cost.requests);
            draft.depth = draft.depth.max(selected.cost.ready);
        }
        Ok(draft)
    }

    fn rank(&self) -> (Level, usize) {
        (self.depth, self.requests.len())
    }

    /// One request in each wave: nothing can be better.
    fn is_minimal(&self) -> bool {
        self.requests.len() <= usize::from(self.depth) + 1
    }
}

fn unresolvable(search: &Search<'_>) -> PlanError {
    if search.fuel == 0 {
        return PlanError::TooComplex { fuel: search.limit };
    }
    let Some(failure) = &search.failure else {
        return PlanError::Unresolvable {
            coordinate: "the operation".to_owned(),
            from: Vec::new(),
        };
    };
    PlanError::Unresolvable {
        coordinate: format!("{}.{}", failure.type_name, failure.field),
        from: failure
            .from
            .iter()
            .map(|subgraph| search.supergraph.subgraph(*subgraph).name.clone())
            .collect(),
    }
}
