//! Runs query plans against subgraphs.
//!
//! A [`federation::plan::QueryPlan`] is compiled once ([`CompiledPlan::new`]) and executed many
//! times ([`execute`]): its fetches go out through a [`SubgraphTransport`], entity loads are
//! batched by [`Loaders`], the answers are merged, and the client's [`GraphqlResponse`] is read
//! out of them. There is no schema, no HTTP and no configuration here: the plan says everything,
//! the transport does the rest.
//!
//! Modules in reading order: `transport` (the seam), `json`, `document`, `answer` (reading),
//! `compiled` (the plan, lowered), `data` (merging), `path`, `entities` (representations),
//! `batch`, `loader` (requests), `report` (errors), `project`, `leaf` (writing), `run` (the graph of fetches).

mod answer;
mod batch;
mod compiled;
mod data;
mod document;
mod entities;
mod error;
mod json;
mod leaf;
mod loader;
mod names;
mod path;
mod project;
mod report;
mod response;
mod run;
mod transport;

pub use compiled::CompiledPlan;
pub use error::{ErrorOrigin, GraphqlError, PathSegment};
pub use loader::{LoaderOptions, Loaders};
pub use response::GraphqlResponse;
pub use run::{Execution, execute};
pub use transport::{SubgraphRequest, SubgraphResponse, SubgraphTransport, TransportError};
