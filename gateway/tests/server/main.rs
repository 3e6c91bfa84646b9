//! The gateway over real HTTP: in-test subgraphs on port 0, one gateway per test.

mod auth;
mod denied;
mod headers;
mod http_table;
mod limits;
mod operations;
mod override_labels;
mod pages;
mod reload;
mod revoked;
mod shutdown;
mod support;
