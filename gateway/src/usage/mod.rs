//! Which operations are used, by whom and how often: opt-in, in SQLite or PostgreSQL.
//!
//! The pipeline hands every request to a [`UsageRecorder`], which counts in memory; a task writes
//! the sums from time to time. Texts of operations, names of clients and counts per hour are
//! kept; no variables, no addresses, no tokens. [`UsageLog`] is the database. Requests never wait
//! for it: what cannot be written is counted on and tried again, up to a bound.

mod log;
mod recorder;

pub(crate) use log::{LoggedOperation, UsageError, UsageLog, without_password};
pub(crate) use recorder::UsageRecorder;
