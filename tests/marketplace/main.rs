//! The whole marketplace, as a client sees it: three services and the gateway over real HTTP.
//!
//! All tests of this binary share one running marketplace with demo data; each uses people and
//! products of its own, so their order does not matter.
#![expect(clippy::unwrap_used, reason = "test code")]

mod bad_input;
mod nullability;
mod refusals;
mod replacement;
mod schema_files;
mod sessions;
mod shopping;
mod support;
