//! The border to payment processors: one trait, plain requests, and outcomes that say how much
//! is known.
//!
//! Every call carries our attempt id as the processor's idempotency key, so a processor can be
//! asked later what became of it. Connectors know nothing of orders, ledgers or GraphQL.

mod decline;
pub mod sandbox;

use std::{collections::BTreeMap, fmt, sync::Arc};

use kit::{
    Timestamp, async_trait,
    id::{PaymentAttemptId, PaymentMethodId},
};
use zeroize::Zeroizing;

use crate::{
    card::{CardNumber, CheckResult},
    money::Money,
};

pub use decline::DeclineCode;

/// A card on its way to a processor. Not printable, not cloneable.
pub struct CardDetails {
    pub number: CardNumber,
    pub exp_month: i64,
    pub exp_year: i64,
    pub cvc: Zeroizing<String>,
    pub postal_code: Option<String>,
}

impl fmt::Debug for CardDetails {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CardDetails(…)")
    }
}

/// A card the processor has taken into its vault.
#[derive(Clone, Debug)]
pub struct StoredCard {
    pub token: String,
    pub funding_country: Option<String>,
}

/// An amount to authorise, and whether to take it at once.
#[derive(Clone, Debug)]
pub struct AuthorizeRequest {
    pub attempt: PaymentAttemptId,
    pub method: PaymentMethodId,
    pub card_token: String,
    pub amount: Money,
    pub capture: bool,
    pub return_url: Option<String>,
}

/// An operation on an earlier authorisation: capture, void or refund.
#[derive(Clone, Debug)]
pub struct FollowUpRequest {
    pub attempt: PaymentAttemptId,
    pub processor_ref: String,
    pub amount: Money,
}

/// What a zero-amount authorisation found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    pub cvc: CheckResult,
    pub postal_code: CheckResult,
}

/// How a call to a processor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Approved {
        processor_ref: String,
    },
    /// The cardholder has to authenticate; `key` names the page.
    ActionRequired {
        processor_ref: String,
        key: String,
        expires_at: Timestamp,
    },
    Declined {
        processor_ref: Option<String>,
        code: DeclineCode,
        raw_code: String,
    },
    /// Certainly nothing happened: the processor never got the request, or says so.
    NotAttempted {
        reason: String,
    },
    /// The request may have been carried out; only the processor knows.
    Unknown {
        reason: String,
    },
}

/// The result of verifying a card without moving money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    Verified(Checks),
    Declined { code: DeclineCode, raw_code: String, checks: Checks },
    Unavailable { reason: String },
}

/// A payment processor.
#[async_trait]
pub trait Connector: Send + Sync + fmt::Debug {
    /// The name stored with everything this processor did.
    fn name(&self) -> &'static str;

    /// Hands the card over; from here on only the token is known.
    async fn store_card(&self, card: CardDetails) -> Result<StoredCard, ConnectorError>;

    async fn verify(&self, attempt: PaymentAttemptId, card_token: &str) -> Verification;

    async fn authorize(&self, request: AuthorizeRequest) -> Outcome;

    async fn capture(&self, request: FollowUpRequest) -> Outcome;

    async fn void(&self, request: FollowUpRequest) -> Outcome;

    async fn refund(&self, request: FollowUpRequest) -> Outcome;

    /// What became of an attempt. `NotAttempted` when the processor has never seen it.
    async fn fetch(&self, attempt: PaymentAttemptId) -> Outcome;
}

/// The processor could not be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    #[error("no connector is called `{name}`")]
    NotConfigured { name: String },
    #[error("the processor cannot be reached: {reason}")]
    Unreachable { reason: String },
}

/// The processors in use, by name; new cards go to the first.
#[derive(Clone, Debug)]
pub struct Connectors {
    primary: Arc<dyn Connector>,
    by_name: BTreeMap<&'static str, Arc<dyn Connector>>,
}

impl Connectors {
    pub fn new(primary: Arc<dyn Connector>, others: Vec<Arc<dyn Connector>>) -> Self {
        let by_name = std::iter::once(primary.clone())
            .chain(others)
            .map(|connector| (connector.name(), connector))
            .collect();
        Self { primary, by_name }
    }

    pub fn primary(&self) -> &Arc<dyn Connector> {
        &self.primary
    }

    pub fn named(&self, name: &str) -> Result<&Arc<dyn Connector>, ConnectorError> {
        self.by_name
            .get(name)
            .ok_or_else(|| ConnectorError::NotConfigured { name: name.to_owned() })
    }
}
