//! The border to payment processors: one trait, plain requests, and outcomes that say how much
//! is known.
//!
//! Every call carries our attempt id as the processor's idempotency key, so a processor can be
//! asked later what became of it. Connectors know nothing of orders, ledgers or GraphQL.

mod breaker;
mod decline;
mod registry;
mod remote;
pub mod sandbox;
pub mod sandbox_http;
pub mod signature;
pub mod stripe;

use std::fmt;

use kit::{
    Timestamp, async_trait,
    id::{PaymentAttemptId, PaymentMethodId, UserId},
};
use zeroize::Zeroizing;

use crate::{
    card::{CardNumber, CheckResult},
    entity::payment_attempt::AttemptOperation,
    money::Money,
};

pub use breaker::Breaker;
pub use decline::DeclineCode;
pub use registry::{Connectors, Route};
pub use signature::SignatureError;

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

/// Money to be sent to somebody's bank.
#[derive(Clone, Debug)]
pub struct PayoutRequest {
    pub attempt: PaymentAttemptId,
    pub payee: UserId,
    pub amount: Money,
}

/// An attempt whose end is not known, with what was asked of the processor.
#[derive(Clone, Debug)]
pub struct Asked {
    pub attempt: PaymentAttemptId,
    pub operation: AttemptOperation,
    pub amount: Money,
    /// The authorisation the attempt works on, if it works on one.
    pub processor_ref: Option<String>,
    pub started_at: Timestamp,
    pub now: Timestamp,
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
    /// The cardholder has to authenticate; `key` names the page, or is its address.
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
    /// The processor did something else than it was asked for: another amount or currency.
    /// Nothing is booked; a person has to look at it.
    Conflicted {
        reason: String,
    },
}

impl Outcome {
    /// The word metrics and logs use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approved",
            Self::ActionRequired { .. } => "action_required",
            Self::Declined { .. } => "declined",
            Self::NotAttempted { .. } => "not_attempted",
            Self::Unknown { .. } => "unknown",
            Self::Conflicted { .. } => "conflicted",
        }
    }
}

/// The result of verifying a card without moving money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    Verified(Checks),
    Declined { code: DeclineCode, raw_code: String, checks: Checks },
    Unavailable { reason: String },
}

/// Where the processor says a payout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutProgress {
    /// The processor has never heard of it.
    NotFound,
    InTransit {
        processor_ref: String,
    },
    Paid {
        processor_ref: String,
    },
    Failed {
        processor_ref: String,
        reason: String,
    },
}

/// A dispute as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeReport {
    pub dispute_ref: String,
    /// The authorisation that is contested.
    pub processor_ref: String,
    pub amount: Money,
    pub fee: Money,
    pub reason: String,
    pub verdict: DisputeVerdict,
    pub evidence_due_by: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeVerdict {
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

/// Our side of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeAnswer {
    Accept,
    Contest { evidence: String },
}

/// A processor's message, after its signature was checked. It only says what to look at: the
/// truth is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    pub id: String,
    pub about: WebhookSubject,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookSubject {
    Attempt(PaymentAttemptId),
    Payout(PaymentAttemptId),
    Dispute {
        dispute_ref: String,
    },
    /// Nothing this service acts on.
    Other,
}

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("{0}")]
    Signature(#[from] SignatureError),
    #[error("the message is not understood")]
    Malformed,
}

/// One line of a processor's settlement file: money it says it has moved for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementLine {
    pub attempt: PaymentAttemptId,
    pub kind: SettlementKind,
    pub amount: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SettlementKind {
    Charge,
    Refund,
    Payout,
}

/// A payment processor.
#[async_trait]
pub trait Connector: Send + Sync + fmt::Debug {
    /// The name stored with everything this processor did.
    fn name(&self) -> &str;

    /// Hands the card over; from here on only the token is known.
    async fn store_card(&self, card: &CardDetails) -> Result<StoredCard, ConnectorError>;

    /// Has the processor forget a card. A token it does not know is forgotten already.
    async fn forget_card(&self, card_token: &str) -> Result<(), ConnectorError>;

    async fn verify(&self, attempt: PaymentAttemptId, card_token: &str) -> Verification;

    async fn authorize(&self, request: AuthorizeRequest) -> Outcome;

    async fn capture(&self, request: FollowUpRequest) -> Outcome;

    async fn void(&self, request: FollowUpRequest) -> Outcome;

    async fn refund(&self, request: FollowUpRequest) -> Outcome;

    /// Approved means under way; [`Connector::payout_progress`] tells the rest.
    async fn payout(&self, request: PayoutRequest) -> Outcome;

    /// What became of an attempt. `NotAttempted` when the processor has never seen it.
    async fn fetch(&self, asked: Asked) -> Outcome;

    async fn payout_progress(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<PayoutProgress, ConnectorError>;

    async fn dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, ConnectorError>;

    async fn answer_dispute(
        &self,
        dispute_ref: &str,
        answer: DisputeAnswer,
    ) -> Result<(), ConnectorError>;

    /// The header in which this processor's messages carry their signature.
    fn signature_header(&self) -> &'static str;

    /// Is this message really the processor's, and recent?
    fn check_signature(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), SignatureError>;

    /// What a message is about. Its signature has been checked.
    fn parse_event(&self, body: &[u8]) -> Result<WebhookEvent, WebhookError>;

    /// Everything the processor says it has moved between two instants.
    async fn settlement(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SettlementLine>, ConnectorError>;
}

/// The processor could not be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    #[error("no connector is called `{name}`")]
    NotConfigured { name: String },
    #[error("the processor cannot be reached: {reason}")]
    Unreachable { reason: String },
    #[error("the processor refuses: {reason}")]
    Refused { reason: String },
}
