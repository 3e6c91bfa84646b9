//! What executing a plan promises, tested with hand-written plans and scripted subgraphs.
#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod company;
mod completion;
mod entities;
mod errors;
mod fetch_graph;
mod fuzz;
mod malformed;
mod selection;
mod sharing;
mod support;
