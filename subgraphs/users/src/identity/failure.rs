//! The two ways an operation can fail: the caller is refused, for a reason that belongs in the
//! payload, or something broke on our side.

use sea_orm::DbErr;

use crate::{
    password::hashing::HashingError,
    token::{sealing::SealingError, signing_keys::SigningKeyError},
};

/// Something broke on our side. Logged; the client sees one fixed sentence.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    #[error(transparent)]
    Sealing(#[from] SealingError),
    #[error("cannot sign an access token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    #[error("stored JSON cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("row of {what} is missing")]
    Missing { what: &'static str },
}

#[derive(Debug)]
pub enum Failure<R> {
    Refused(R),
    Fault(Fault),
}

pub type Outcome<T, R> = Result<T, Failure<R>>;

macro_rules! faults {
    ($($source:ty),*) => {$(
        impl<R> From<$source> for Failure<R> {
            fn from(source: $source) -> Self {
                Self::Fault(source.into())
            }
        }
    )*};
}

faults!(
    DbErr,
    HashingError,
    SigningKeyError,
    SealingError,
    jsonwebtoken::errors::Error,
    serde_json::Error
);

impl<R> From<Fault> for Failure<R> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<R> Failure<R> {
    pub fn map_refusal<S>(self, map: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refusal) => Failure::Refused(map(refusal)),
            Self::Fault(fault) => Failure::Fault(fault),
        }
    }
}

/// Too many attempts: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimited {
    pub retry_after_seconds: i32,
}

/// An input that breaks a rule, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidInput {
    pub code: &'static str,
    pub message: String,
    pub path: &'static [&'static str],
}

impl InvalidInput {
    pub fn new(
        code: &'static str,
        message: impl Into<String>,
        path: &'static [&'static str],
    ) -> Self {
        Self { code, message: message.into(), path }
    }
}
