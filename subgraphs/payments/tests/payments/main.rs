//! What the payments service does, seen through its public entry points.
#![expect(clippy::unwrap_used, reason = "test code")]

mod addresses;
mod analytics;
mod catalogue;
mod contract;
mod crashes;
mod declines;
mod disputes;
mod documentation;
mod driver;
mod fake_stripe;
mod idempotency;
mod ledger;
mod load;
mod loaded;
mod loading;
mod money;
mod orders;
mod owners;
mod process;
mod processors;
mod races;
mod recovery;
mod refunds;
mod rides;
mod secrecy;
mod simulation;
mod staff;
mod subscription;
mod support;
mod three_d_secure;
mod vault;
mod webhooks;
