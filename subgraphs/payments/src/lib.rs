//! Orders, card payments, refunds, rides, stock and the ledger.
//!
//! # Layout
//! - [`money`], [`fare`], [`card`], [`address`], [`state`]: pure rules.
//! - [`ledger`], [`connector`], [`secrets`]: what the operations stand on.
//! - [`operation`]: what the service does, each change one transaction.
//! - [`graphql`], [`vault`], [`internal`]: how it is asked.
//! - [`serve`], [`config`], [`cli`]: how it runs.
//! - [`import`]: loading history.

pub mod address;
pub mod analytics;
pub mod app;
pub mod card;
pub mod cli;
pub mod config;
pub mod connector;
pub mod entity;
pub mod fare;
pub mod graphql;
pub mod import;
pub mod internal;
pub mod ledger;
mod mail;
pub mod money;
pub mod operation;
pub mod refusal;
pub mod secrets;
pub mod serve;
pub mod state;
pub mod vault;

pub use config::Config;
pub use graphql::sdl;
pub use kit::{Running, service::StartError};
pub use ledger::verify;
pub use serve::start;
