//! SQL of the reviews database, by concern. Functions take the connection they run on; those
//! that must run inside a transaction of the caller take a [`kit::Transaction`].

pub(crate) mod copies;
pub(crate) mod counters;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod prior;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod sql;
pub(crate) mod write;
