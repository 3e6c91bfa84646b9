//! The planner through its public entry points. Every plan is checked by `verify`, too.

#![expect(
    clippy::unwrap_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_raw_string_hashes,
    reason = "tests may be short; expect-test writes raw strings its own way"
)]

mod abstract_types;
mod clients;
mod entities;
mod limits;
mod operations;
mod random;
mod requirements;
mod sharing;
mod support;
mod touched;
