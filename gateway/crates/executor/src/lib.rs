//! Runs query plans against subgraphs.
//!
//! A [`federation::plan::QueryPlan`] is compiled once ([`CompiledPlan::new`]) and executed many
//! times ([`execute`]): its fetches go out through a [`SubgraphTransport`], entity loads are
//! batched by [`Loaders`], the answers are merged, and the client's [`GraphqlResponse`] is read
//! out of them. There is no schema, no HTTP and no configuration here: the plan says everything,
//! the transport does the rest.
//!
//! Modules in reading order: `transport` (the seam), `compiled`, `shape`, `selection`, `memory`
//! (the plan, lowered),
//! `json`, `document`, `repeated`, `answer` (reading), `data` (merging), `path`, `entities`
//! (representations), `batch`, `loader`, `moment`, `flight`, `gather`, `company` (requests), `report` (errors),
//! `project`, `written`, `leaf` (writing), `run` (the graph of fetches).

mod answer;
mod batch;
mod company;
mod compiled;
mod contexts;
mod data;
mod document;
mod entities;
mod error;
mod flight;
mod gather;
mod integer_map;
mod json;
mod leaf;
mod loader;
mod memory;
mod moment;
mod names;
mod path;
mod project;
mod remember;
mod repeated;
mod report;
mod response;
mod run;
mod selection;
mod shape;
mod transport;
mod written;

pub use compiled::CompiledPlan;
pub use error::{ErrorOrigin, GraphqlError, PathSegment};
pub use loader::{LoaderOptions, Loaders};
pub use response::GraphqlResponse;
pub use run::{Execution, execute};
pub use transport::{
    LoadEvent, SubgraphRequest, SubgraphResponse, SubgraphTransport, TransportError,
};
