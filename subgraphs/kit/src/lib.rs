//! What every Concord service repeats, so that a service's own code is only about its subject:
//! serving HTTP, checking passports, talking to its database, feeding and following events,
//! sending mail, reading settings.
//!
//! # Layout
//! - [`cli`], [`config`], [`settings`]: from a command line to settings.
//! - [`service`]: from settings and a GraphQL schema to a served endpoint.
//! - [`passport`], [`credential`], [`mod@caller`]: who is calling.
//! - [`graphql`], [`mod@connection`]: pieces of schema that all services share.
//! - [`batch`]: reading together what the fields of a request ask for one by one.
//! - [`database`], [`events`], [`idempotency`], [`mail`]: what is stored, all in the service's own
//!   transactions.
//! - [`mod@clock`], [`id`]: values.
//!
//! The kit knows no service: no table, type or rule here is about users, payments or reviews.

pub use sea_orm_migration::async_trait::async_trait;
pub use uuid::Uuid;

pub mod batch;
pub mod caller;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod credential;
pub mod database;
pub mod entity;
pub mod events;
pub mod graphql;
pub mod id;
pub mod idempotency;
pub mod mail;
pub mod passport;
pub mod service;
pub mod settings;
pub mod telemetry;

#[cfg(test)]
mod fixture;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use batch::Batches;
pub use caller::{Caller, RequestOrigin, ServiceCaller, UserCaller, caller, clock, origin};
pub use clock::{Clock, Timestamp};
pub use connection::{CursorKey, Page, PageArgs};
pub use database::{Database, DatabaseError, DatabaseOptions, Durability, Transaction};
pub use service::{Running, ServeError, Service, StartError};
pub use settings::Settings;
