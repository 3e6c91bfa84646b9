//! The Concord gateway: one GraphQL endpoint over many subgraphs.
//!
//! # Life of a query
//!
//! 1. `http::graphql` takes the HTTP request: negotiates the media type, refuses what a foreign
//!    page could have sent, reads the GraphQL request (`http::request`).
//! 2. `auth::token` turns the bearer token into claims, or refuses the request (401).
//! 3. [`pipeline`](crate)`::run` looks the operation up by its exact text. An unknown one is
//!    parsed, measured (`pipeline::limits`), validated and normalised (`federation::operation`).
//! 4. `auth::requirements` decides which fields this caller may not see; the operation is planned
//!    without them (`federation::planner`), once per set of rights.
//! 5. Variables are coerced, introspection is answered from the API schema.
//! 6. `executor::execute` runs the plan; `subgraph_client` carries its requests, with a passport
//!    (`auth::passport`) instead of the caller's token.
//! 7. The answer's bytes go out as they were written.
//!
//! # Layout
//!
//! `app` builds and serves, `schema` is what is worked out per supergraph, `reload` swaps it
//! when `file_watch` sees a change, `workers` runs one server per core, `source` and `composing`
//! load schemas, `cli` is the command line, `check` compares schemas, `lint` looks at their style,
//! `usage` remembers which operations are used, `dev` is the local loop, `plan_file` has plans
//! made ahead.
//! This crate is the only one that knows HTTP, files and time.

mod app;
mod auth;
mod check;
pub mod cli;
mod composing;
pub mod config;
mod dev;
mod file_watch;
mod http;
mod lint;
mod outbound;
mod pipeline;
mod plan_file;
mod reload;
mod render;
mod schema;
mod source;
mod spelling;
mod subgraph_client;
mod telemetry;
mod usage;
mod worker;
mod workers;

pub use app::{App, BuildError, ServeError};
pub use config::Config;
