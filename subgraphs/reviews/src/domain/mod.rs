//! The rules of reviews as plain functions over plain values.
//!
//! Nothing here knows a database, a clock, GraphQL or another service; each rule can be read
//! and tested by itself.

pub mod analytics;
pub mod contribution;
pub mod fingerprint;
pub mod moderation;
pub mod order;
pub mod rating;
pub mod search;
pub mod status;
pub mod subject;
pub mod text;
pub mod wilson;
