//! Orders, card payments, refunds, rides, stock and the ledger.
//!
//! # Layout
//! - [`money`], [`fare`], [`card`], [`address`], [`state`]: pure rules.
//! - [`ledger`], [`connector`], [`secrets`]: what the operations stand on.
//! - [`operation`]: what the service does, each change one transaction.

pub mod address;
pub mod app;
pub mod card;
pub mod config;
pub mod connector;
pub mod entity;
pub mod fare;
pub mod ledger;
mod mail;
pub mod money;
pub mod operation;
pub mod refusal;
pub mod secrets;
pub mod state;

pub use config::Config;
