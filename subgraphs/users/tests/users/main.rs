//! The service seen through its schema and its HTTP endpoint, on a database of its own per test.
#![expect(clippy::unwrap_used, reason = "test code")]

mod account;
mod admin;
mod administration;
mod email_change;
mod endpoint;
mod enumeration;
mod erasure;
mod guessing;
mod import;
mod log_in;
mod logs;
mod migrating;
mod passwords;
mod personal_tokens;
mod profile;
mod refreshing;
mod registration;
mod schema;
mod second_factor;
mod sessions;
mod signing_keys;
mod tokens_elsewhere;
mod world;
