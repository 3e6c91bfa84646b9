//! Why an operation was not done: [`Refusal`] is the caller's business and goes into a payload,
//! everything else in [`Failure`] is ours and stays inside.

use std::borrow::Cow;

use kit::id::ProductId;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};

use crate::{
    address::Validation,
    connector::DeclineCode,
    ledger::LedgerError,
    money::{Money, MoneyError},
};

type Text = Cow<'static, str>;

/// A refusal the caller can do something about. Stored with the idempotency key when it is the
/// lasting result of a call (a decline), so it serialises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Refusal {
    InvalidInput { code: Text, message: Text, path: Vec<Text> },
    NotFound { code: Text, message: Text, path: Vec<Text> },
    Conflict { code: Text, message: Text },
    KeyReused,
    KeyInUse,
    InvalidState { from: Text, attempted: Text },
    CardDeclined { decline: DeclineCode, raw_code: Option<String> },
    InsufficientStock { product_id: ProductId, available: i64, requested: i64, path: Vec<Text> },
    InvalidAddress { validation: Box<Validation>, path: Vec<Text> },
    RateLimited { retry_after_seconds: i32 },
    ProcessorUnavailable { outcome_unknown: bool },
    RefundExceeds { refundable: Money },
    InsufficientBalance { available: Money },
}

impl Refusal {
    pub fn invalid(code: &'static str, message: &'static str, path: &[&'static str]) -> Self {
        Self::InvalidInput { code: code.into(), message: message.into(), path: owned(path) }
    }

    pub fn not_found(message: &'static str, path: &[&'static str]) -> Self {
        Self::NotFound { code: "NOT_FOUND".into(), message: message.into(), path: owned(path) }
    }

    pub fn conflict(code: &'static str, message: &'static str) -> Self {
        Self::Conflict { code: code.into(), message: message.into() }
    }

    pub fn state(from: impl Into<String>, attempted: &'static str) -> Self {
        Self::InvalidState { from: Text::Owned(from.into()), attempted: attempted.into() }
    }
}

/// A path of names and list positions into a mutation's input.
pub fn indexed(
    head: &'static str,
    list: &'static str,
    index: usize,
    leaf: &'static str,
) -> Vec<Text> {
    vec![head.into(), list.into(), index.to_string().into(), leaf.into()]
}

fn owned(path: &[&'static str]) -> Vec<Text> {
    path.iter().map(|part| Text::Borrowed(*part)).collect()
}

/// Why an operation ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("refused")]
    Refused(Box<Refusal>),
    #[error("nobody is logged in")]
    Unauthenticated,
    #[error("the caller may not do this")]
    Forbidden,
    #[error("the database failed")]
    Storage(#[from] DbErr),
    #[error("the ledger refused a posting")]
    Ledger(#[from] LedgerError),
    #[error("an amount could not be computed")]
    Money(#[from] MoneyError),
    #[error("{0}")]
    Broken(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("stored JSON does not read: {error}"))
    }
}
