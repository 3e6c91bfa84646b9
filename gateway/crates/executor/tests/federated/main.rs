//! Composition, planner and executor together, against subgraphs in memory: whatever a client asks,
//! the answer is the one that a single service with all the data would give.
#![expect(clippy::unwrap_used, reason = "test code")]

mod conformance;
mod failures;
mod gateway;
mod generated;
mod hard_worlds;
mod memory;
mod random;
mod worlds;
