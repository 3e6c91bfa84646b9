//! The reviews service through its GraphQL schema and its feeds, on a fresh database each.
#![expect(clippy::unwrap_used, reason = "test code")]

mod world;

mod analytics;
mod counters;
mod entities;
mod feeds;
mod lists;
mod moderation;
mod over_http;
mod schema;
mod voting;
mod writing;
