//! Small values of the schema: money, declines, splits.

use async_graphql::{ComplexObject, Context, Enum, InputObject, Result, SimpleObject};
use kit::{
    caller,
    graphql::{CurrencyCode, MinorUnits, scopes},
};

use crate::{
    connector::DeclineCode,
    entity::payment_split::{self, SplitParty},
    money::{Currency, Money},
    refusal::Refusal,
};

use super::user::User;

#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "Money", shareable)]
pub(super) struct MoneyValue {
    amount_minor: MinorUnits,
    currency: CurrencyCode,
    /// Plain decimal, e.g. 12.34; 1234 for JPY; 1.234 for KWD
    decimal: String,
}

impl From<Money> for MoneyValue {
    fn from(money: Money) -> Self {
        Self {
            amount_minor: MinorUnits(money.minor),
            currency: CurrencyCode::parse(money.currency.code())
                .expect("codes of ISO 4217 are well-formed"),
            decimal: money.decimal(),
        }
    }
}

#[derive(Clone, Debug, InputObject)]
pub(super) struct MoneyInput {
    amount_minor: MinorUnits,
    currency: CurrencyCode,
}

impl MoneyInput {
    pub(super) fn money(&self, path: &[&'static str]) -> Result<Money, Refusal> {
        Ok(Money::new(self.amount_minor.0, currency(&self.currency, path)?))
    }
}

/// The currency a code stands for.
pub(super) fn currency(code: &CurrencyCode, path: &[&'static str]) -> Result<Currency, Refusal> {
    Currency::parse(code.as_str()).ok_or_else(|| {
        Refusal::invalid("UNKNOWN_CURRENCY", "this is not a currency of ISO 4217", path)
    })
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct Decline {
    code: DeclineCode,
    message: String,
    retryable: bool,
    #[graphql(skip)]
    raw_code: Option<String>,
}

impl Decline {
    pub(super) fn new(code: DeclineCode, raw_code: Option<String>) -> Self {
        Self {
            code: code.shown_to_payer(),
            message: code.message().to_owned(),
            retryable: code.retryable(),
            raw_code,
        }
    }
}

#[ComplexObject]
impl Decline {
    #[graphql(requires_scopes = "payments:admin")]
    async fn processor_code(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        match scopes(ctx, &["payments:admin"]) {
            Ok(()) => self.raw_code.clone().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct Split {
    payee: SplitParty,
    user: Option<User>,
    amount: MoneyValue,
}

impl Split {
    pub(super) fn new(row: &payment_split::Model, currency: Currency) -> Self {
        Self {
            payee: row.payee,
            user: row.user_id.map(User),
            amount: Money::new(row.amount, currency).into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum NextActionKind {
    ThreeDSecure,
}

/// Does the caller hold this scope?
pub(super) fn holds(ctx: &Context<'_>, scope: &str) -> bool {
    caller(ctx).has_scope(scope)
}
