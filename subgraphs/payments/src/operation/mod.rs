//! What the service does, one file per subject. Operations take plain commands, change rows in
//! one transaction each, and never hold a transaction while a processor is called.

pub mod attempt;
pub mod capture;
pub(crate) mod card_tokens;
pub mod catalogue;
pub mod dispute;
pub mod earning;
pub mod erase;
pub mod idempotent;
pub mod method;
pub mod order;
pub mod payment;
pub mod payout;
pub mod reconcile;
pub mod refund;
pub mod ride;
mod risk;
pub mod settle;
pub mod stock;
pub mod sweep;
pub mod transition;
