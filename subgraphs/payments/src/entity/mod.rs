//! The rows of the payments database, one file per table. No rules here.

pub mod ledger_balance;
pub mod ledger_entry;
pub mod ledger_transaction;
pub mod order;
pub mod order_line;
pub mod payment;
pub mod payment_attempt;
pub mod payment_method;
pub mod payment_split;
pub mod product;
pub mod refund;
pub mod refund_line;
pub mod refund_part;
pub mod reservation;
pub mod ride;
pub mod sandbox_card;
pub mod sandbox_operation;
pub mod stock;
pub mod stock_movement;
pub mod vault_token;
