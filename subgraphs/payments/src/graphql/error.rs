//! Refusals as the schema shows them: one object per kind, one union per mutation.

use std::sync::Arc;

use async_graphql::{Context, Interface, SimpleObject, Union};
use kit::graphql::{ConflictError, InvalidInputError, NotFoundError, RateLimitedError};

use super::{
    context::fresh,
    int,
    product::Product,
    value::{Decline, MoneyValue},
};
use crate::{address::Validation, refusal::Refusal};

#[derive(Debug, Interface)]
#[expect(clippy::duplicated_attributes, reason = "fields of one type")]
#[graphql(
    field(name = "message", ty = "&String"),
    field(name = "code", ty = "&String"),
    field(name = "path", ty = "&Vec<String>")
)]
pub(super) enum UserError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
    Conflict(ConflictError),
    RateLimited(RateLimitedError),
    CardDeclined(CardDeclinedError),
    InvalidAddress(InvalidAddressError),
    InsufficientStock(InsufficientStockError),
    Idempotency(IdempotencyError),
    InvalidState(InvalidStateError),
    ProcessorUnavailable(ProcessorUnavailableError),
    RefundExceedsPayment(RefundExceedsPaymentError),
    InsufficientBalance(InsufficientBalanceError),
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct CardDeclinedError {
    message: String,
    code: String,
    path: Vec<String>,
    decline: Decline,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct InvalidAddressError {
    message: String,
    code: String,
    path: Vec<String>,
    validation: Box<Validation>,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct InsufficientStockError {
    message: String,
    code: String,
    path: Vec<String>,
    product: Option<Product>,
    available: i32,
    requested: i32,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct IdempotencyError {
    message: String,
    code: String,
    path: Vec<String>,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct InvalidStateError {
    message: String,
    code: String,
    path: Vec<String>,
    from: String,
    attempted: String,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct ProcessorUnavailableError {
    message: String,
    code: String,
    path: Vec<String>,
    /// true = we do not know; poll the payment
    outcome_unknown: bool,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct RefundExceedsPaymentError {
    message: String,
    code: String,
    path: Vec<String>,
    refundable: MoneyValue,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct InsufficientBalanceError {
    message: String,
    code: String,
    path: Vec<String>,
    available: MoneyValue,
}

/// What a refusal looks like; a product it names is loaded.
async fn user_error(ctx: &Context<'_>, refusal: Refusal) -> UserError {
    match refusal {
        Refusal::InvalidInput { code, message, path } => {
            let (code, message, path) = (code.into_owned(), message.into_owned(), owned(path));
            UserError::InvalidInput(InvalidInputError { message, code, path })
        }
        Refusal::NotFound { code, message, path } => {
            let (code, message, path) = (code.into_owned(), message.into_owned(), owned(path));
            UserError::NotFound(NotFoundError { message, code, path })
        }
        Refusal::Conflict { code, message } => {
            let (code, message) = (code.into_owned(), message.into_owned());
            UserError::Conflict(ConflictError { message, code, path: Vec::new() })
        }
        Refusal::KeyReused => UserError::Idempotency(idempotency(
            "IDEMPOTENCY_KEY_REUSED",
            "this idempotency key was used with another input",
        )),
        Refusal::KeyInUse => UserError::Idempotency(idempotency(
            "IDEMPOTENCY_KEY_IN_USE",
            "the first request with this idempotency key is still running; retry later",
        )),
        Refusal::InvalidState { from, attempted } => UserError::InvalidState(InvalidStateError {
            message: format!("this is not possible in state {from}"),
            code: "INVALID_STATE".to_owned(),
            path: Vec::new(),
            from: from.into_owned(),
            attempted: attempted.into_owned(),
        }),
        Refusal::CardDeclined { decline, raw_code } => UserError::CardDeclined(CardDeclinedError {
            message: decline.message().to_owned(),
            code: "CARD_DECLINED".to_owned(),
            path: Vec::new(),
            decline: Decline::new(decline, raw_code),
        }),
        Refusal::InsufficientStock { product_id, available, requested, path } => {
            let products: std::collections::HashMap<_, Arc<_>> =
                kit::batch::Loader::load(&fresh(ctx), &[product_id]).await.unwrap_or_default();
            UserError::InsufficientStock(InsufficientStockError {
                message: "there are not enough pieces".to_owned(),
                code: "INSUFFICIENT_STOCK".to_owned(),
                path: owned(path),
                product: products.get(&product_id).cloned().map(Product),
                available: int(available),
                requested: int(requested),
            })
        }
        Refusal::InvalidAddress { validation, path } => {
            UserError::InvalidAddress(InvalidAddressError {
                message: "the address is incomplete or invalid".to_owned(),
                code: "INVALID_ADDRESS".to_owned(),
                path: owned(path),
                validation,
            })
        }
        Refusal::RateLimited { retry_after_seconds } => UserError::RateLimited(
            RateLimitedError::new("too many attempts; try again later", &[], retry_after_seconds),
        ),
        Refusal::ProcessorUnavailable { outcome_unknown } => {
            UserError::ProcessorUnavailable(ProcessorUnavailableError {
                message: if outcome_unknown {
                    "the processor did not answer; poll the payment".to_owned()
                } else {
                    "the processor cannot be reached; nothing was charged".to_owned()
                },
                code: "PROCESSOR_UNAVAILABLE".to_owned(),
                path: Vec::new(),
                outcome_unknown,
            })
        }
        Refusal::InsufficientBalance { available } => {
            UserError::InsufficientBalance(InsufficientBalanceError {
                message: "the available balance does not cover this".to_owned(),
                code: "INSUFFICIENT_BALANCE".to_owned(),
                path: vec!["amount".to_owned()],
                available: available.into(),
            })
        }
        Refusal::RefundExceeds { refundable } => {
            UserError::RefundExceedsPayment(RefundExceedsPaymentError {
                message: "this is more than can be refunded".to_owned(),
                code: "REFUND_EXCEEDS_PAYMENT".to_owned(),
                path: Vec::new(),
                refundable: refundable.into(),
            })
        }
    }
}

fn idempotency(code: &str, message: &str) -> IdempotencyError {
    let path = vec!["input".to_owned(), "idempotencyKey".to_owned()];
    IdempotencyError { message: message.to_owned(), code: code.to_owned(), path }
}

fn owned(path: Vec<std::borrow::Cow<'static, str>>) -> Vec<String> {
    path.into_iter().map(std::borrow::Cow::into_owned).collect()
}

impl UserError {
    fn parts(self) -> (String, String, Vec<String>) {
        match self {
            Self::InvalidInput(error) => (error.message, error.code, error.path),
            Self::NotFound(error) => (error.message, error.code, error.path),
            Self::Conflict(error) => (error.message, error.code, error.path),
            Self::RateLimited(error) => (error.message, error.code, error.path),
            Self::CardDeclined(error) => (error.message, error.code, error.path),
            Self::InvalidAddress(error) => (error.message, error.code, error.path),
            Self::InsufficientStock(error) => (error.message, error.code, error.path),
            Self::Idempotency(error) => (error.message, error.code, error.path),
            Self::InvalidState(error) => (error.message, error.code, error.path),
            Self::ProcessorUnavailable(error) => (error.message, error.code, error.path),
            Self::RefundExceedsPayment(error) => (error.message, error.code, error.path),
            Self::InsufficientBalance(error) => (error.message, error.code, error.path),
        }
    }
}

/// Builds a mutation's list of errors.
pub(super) async fn errors<E: From<UserError>>(
    ctx: &Context<'_>,
    refusals: Vec<Refusal>,
) -> Vec<E> {
    let mut errors = Vec::with_capacity(refusals.len());
    for refusal in refusals {
        errors.push(user_error(ctx, refusal).await.into());
    }
    errors
}

/// Declares the error union of a mutation. A refusal the union has no member for is shown as the
/// fallback member, with its own code.
macro_rules! error_union {
    ($name:ident { $($variant:ident($type:ty)),+ } otherwise $fallback:ident($error:ident)) => {
        #[derive(Clone, Debug, Union)]
        pub(super) enum $name {
            $($variant($type),)+
        }

        impl From<UserError> for $name {
            fn from(error: UserError) -> Self {
                match error {
                    $(UserError::$variant(error) => Self::$variant(error),)+
                    other => {
                        let (message, code, path) = other.parts();
                        Self::$fallback($error { message, code, path })
                    }
                }
            }
        }
    };
}

error_union!(PaymentMethodError {
    InvalidInput(InvalidInputError), NotFound(NotFoundError), CardDeclined(CardDeclinedError),
    Conflict(ConflictError), RateLimited(RateLimitedError)
} otherwise Conflict(ConflictError));

error_union!(OrderError {
    InvalidInput(InvalidInputError), InvalidAddress(InvalidAddressError),
    InsufficientStock(InsufficientStockError), NotFound(NotFoundError), Conflict(ConflictError),
    Idempotency(IdempotencyError), RateLimited(RateLimitedError)
} otherwise Conflict(ConflictError));

error_union!(PaymentError {
    InvalidInput(InvalidInputError), NotFound(NotFoundError), InvalidState(InvalidStateError),
    CardDeclined(CardDeclinedError), InsufficientStock(InsufficientStockError),
    Idempotency(IdempotencyError), Conflict(ConflictError), RateLimited(RateLimitedError),
    ProcessorUnavailable(ProcessorUnavailableError)
} otherwise Conflict(ConflictError));

error_union!(RefundError {
    InvalidInput(InvalidInputError), NotFound(NotFoundError), InvalidState(InvalidStateError),
    RefundExceedsPayment(RefundExceedsPaymentError), Idempotency(IdempotencyError),
    ProcessorUnavailable(ProcessorUnavailableError)
} otherwise InvalidInput(InvalidInputError));

error_union!(RideError {
    InvalidInput(InvalidInputError), NotFound(NotFoundError), InvalidState(InvalidStateError),
    CardDeclined(CardDeclinedError), Idempotency(IdempotencyError), Conflict(ConflictError),
    ProcessorUnavailable(ProcessorUnavailableError)
} otherwise Conflict(ConflictError));

error_union!(ProductError {
    InvalidInput(InvalidInputError), NotFound(NotFoundError), Conflict(ConflictError),
    InsufficientStock(InsufficientStockError), Idempotency(IdempotencyError)
} otherwise Conflict(ConflictError));

error_union!(PayoutError {
    InvalidInput(InvalidInputError), InsufficientBalance(InsufficientBalanceError),
    Idempotency(IdempotencyError), InvalidState(InvalidStateError)
} otherwise InvalidInput(InvalidInputError));

error_union!(DisputeError {
    NotFound(NotFoundError), InvalidState(InvalidStateError)
} otherwise NotFound(NotFoundError));
