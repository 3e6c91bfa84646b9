//! Reviews: accept them, store them, show them, moderate them, count them.
//!
//! # Layout
//! - [`domain`]: the rules as plain functions; no database, no clock, no network.
//! - `entity`, `store`: rows and SQL.
//! - `command`: what people can do, each in one transaction with everything it counts.
//! - `eligibility`, [`purchases`]: who may review what; the only network call of a mutation.
//! - [`projection`], `erasure`: what the other services' feeds say.
//! - `graphql`: this service's part of the graph, batched.
//! - `analytics`, [`mod@verify`]: figures, and the proof that they are right.
//! - [`app`], [`config`], `core`, `jobs`, `mails`: putting it together.
//! - `structured_data`: JSON-LD for shop pages; `export`: a person's copy of their data.
//! - `program`: the command line.
//! - [`mod@replay`]: rebuilding what the feeds told.
//! - [`import`]: loading many reviews at once.
//!
//! The service starts, serves and is tested without the other two.

pub mod app;
pub mod config;
pub mod core;
pub mod domain;
pub mod import;
pub mod projection;
pub mod purchases;
pub mod replay;
pub mod verify;

mod analytics;
mod command;
mod eligibility;
mod entity;
mod erasure;
mod export;
mod graphql;
mod jobs;
mod mails;
mod program;
mod store;
mod structured_data;

pub use app::{sdl, start};
pub use config::Config;
pub use core::Core;
pub use program::Reviews;
pub use replay::replay;
pub use verify::verify;
