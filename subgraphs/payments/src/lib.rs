//! Orders, card payments, refunds, rides, stock and the ledger.
//!
//! # Layout
//! - [`money`], [`fare`], [`card`], [`address`], [`state`]: pure rules.
//! - [`ledger`], [`connector`], [`secrets`]: what the operations stand on.
//! - [`operation`]: what the service does, each change one transaction.
//! - [`graphql`], [`vault`], [`webhook`], [`internal`]: how it is asked.
//! - [`analytics`], [`report`], [`admin`]: what operators look at.
//! - [`serve`], [`config`], [`cli`]: how it runs.
//! - [`import`]: loading history.

pub mod address;
pub mod admin;
pub mod analytics;
pub mod app;
pub mod card;
pub mod cli;
pub mod config;
pub mod connector;
pub mod entity;
mod failpoint;
pub mod fare;
pub mod graphql;
pub mod import;
pub mod internal;
pub mod ledger;
mod mail;
pub mod money;
pub mod operation;
pub mod refusal;
pub mod report;
pub mod secrets;
pub mod serve;
pub mod state;
mod stock_watch;
pub mod vault;
pub mod webhook;

pub use config::Config;
pub use graphql::sdl;
pub use kit::{Running, service::StartError};
pub use ledger::verify;
pub use serve::start;
