//! What the service does, one file per subject. Operations take plain commands, change rows in
//! one transaction each, and never hold a transaction while a processor is called.

pub mod attempt;
pub mod capture;
pub mod catalogue;
pub mod idempotent;
pub mod method;
pub mod order;
pub mod payment;
pub mod reconcile;
pub mod refund;
pub mod ride;
pub mod settle;
pub mod stock;
pub mod sweep;
pub mod transition;
