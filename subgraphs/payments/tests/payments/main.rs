//! What the payments service does, seen through its public entry points.
#![expect(clippy::unwrap_used, reason = "test code")]

mod analytics;
mod catalogue;
mod contract;
mod declines;
mod idempotency;
mod ledger;
mod loaded;
mod loading;
mod money;
mod orders;
mod owners;
mod races;
mod recovery;
mod refunds;
mod rides;
mod secrecy;
mod support;
mod three_d_secure;
mod vault;
