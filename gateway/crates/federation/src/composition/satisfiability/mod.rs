//! Can every query of the API schema be answered?
//!
//! The walk goes through the supergraph from each root. Beside each type it keeps the set of
//! *positions*: where, in which subgraph, a router may stand when it has come this way. A field
//! is answerable when from some position a chain of key hops leads to a subgraph that resolves
//! it. Two ways to the same type with the same positions have the same future, and positions
//! that another visit had a subset of need no second look, which is what keeps this small.
//!
//! [`graph`] is what each subgraph can do, [`moves`] is one step, [`hops`] leads
//! to other subgraphs, [`walk`] is the search,
//! [`explain`] puts failures into words.

mod explain;
mod graph;
mod hops;
mod moves;
mod walk;

use super::Limits;
use super::merge::Merged;
use crate::diagnostic::Diagnostic;

/// Hints, or one diagnostic for each query that cannot be answered.
pub(crate) fn validate(
    merged: &Merged,
    limits: &Limits,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let graph = graph::Graph::new(merged);
    walk::walk(&graph, limits.satisfiability_steps)
}
