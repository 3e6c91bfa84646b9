//! The service seen through its schema and its HTTP endpoint, on a database of its own per test.
#![expect(clippy::unwrap_used, reason = "test code")]

mod account;
mod administration;
mod endpoint;
mod enumeration;
mod guessing;
mod import;
mod log_in;
mod passwords;
mod profile;
mod refreshing;
mod registration;
mod schema;
mod sessions;
mod world;
