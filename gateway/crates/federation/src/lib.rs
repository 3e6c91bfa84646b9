//! GraphQL federation without IO, async or a clock: subgraph SDL in, supergraph and plans out.
//!
//! Modules in reading order; each imports only from those before it:
//! `diagnostic`, `subgraph`, `supergraph`, `query_graph`, `plan`, `operation`, then
//! `composition`, `planner`, `diff`, `contract` and `lint`, which never meet.

pub mod diagnostic;
mod subgraph;
pub mod supergraph;
pub mod query_graph;
pub mod plan;
pub mod operation;
pub mod composition;
pub mod planner;
pub mod diff;
pub mod contract;
pub mod lint;
