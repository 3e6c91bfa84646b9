//! The whole marketplace in one process: three services and the gateway, as [`Stack`].
//!
//! This is what a newcomer runs and what the end-to-end tests start. Every part is the same code
//! that its own binary runs; they meet over HTTP on four local ports, as they would on four
//! machines. Nothing here knows how a service works inside.
//!
//! # Layout
//! - [`options`]: the command line
//! - [`stack`]: start, wait, stop; below it [`data_folder`] and [`ports`]
//! - [`supergraph`]: the graph composed from the services' own SDL
//! - [`schema_files`]: the checked-in `schema/` folder
//! - [`demo`]: the demo data and how it is loaded
//! - [`banner`]: what is printed once everything runs

pub mod banner;
pub mod data_folder;
pub mod demo;
pub mod options;
pub mod ports;
pub mod schema_files;
pub mod stack;
pub mod supergraph;

pub use options::Options;
pub use stack::{Stack, StackError};
