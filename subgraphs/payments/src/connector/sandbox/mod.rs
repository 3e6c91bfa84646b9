//! The sandbox processor: behaves like a processor, decides by test card number.
//!
//! It keeps its own books in its own tables, so that what it has booked survives a restart of
//! the service. The books know neither card numbers nor anything of ours but attempt ids. It runs
//! inside the service, or as a process of its own (`server`), which can be told to misbehave.

mod behaviour;
mod booking;
mod dispute;
mod event;
pub mod faults;
mod page;
mod payout;
pub mod server;
mod settlement;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kit::{Clock, Database, Timestamp, async_trait, id::PaymentAttemptId, settings::Secret};
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{
    Asked, AuthorizeRequest, CardDetails, Checks, Connector, ConnectorError, DeclineCode,
    DisputeAnswer, DisputeReport, FollowUpRequest, Outcome, PayoutProgress, PayoutRequest,
    SettlementLine, SignatureError, StoredCard, Verification, WebhookError, WebhookEvent,
    signature,
};
use crate::{card::CheckResult, entity::sandbox_card, secrets::new_token};

pub use behaviour::Behaviour;
pub(crate) use booking::processor_ref;
pub use booking::{Authentication, BookingState, OperationKind};
pub use dispute::DisputeBooking;
pub(crate) use event::read_event;
pub use event::{OutgoingEvent, WEBHOOK_HEADER};
pub use page::{AuthenticationPage, Notify, routes};
pub use payout::PayoutBooking;

pub const NAME: &str = "sandbox";

/// How long a cardholder may take to authenticate.
pub const ACTION_LIFETIME: Duration = Duration::from_mins(15);

/// How the sandbox behaves where cards do not decide.
#[derive(Clone, Debug)]
pub struct SandboxRules {
    /// How long a payout is under way.
    pub payout_transit: Duration,
    /// Sign messages; the first signs, all are accepted.
    pub webhook_secrets: Vec<Secret>,
    /// Tells of every booking by webhook, not only of what nobody asked for.
    pub tells_everything: bool,
}

impl Default for SandboxRules {
    fn default() -> Self {
        Self {
            payout_transit: Duration::from_secs(2),
            webhook_secrets: vec![Secret::from("concord-development-sandbox-webhooks")],
            tells_everything: false,
        }
    }
}

/// The processor and its books.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(super) name: Arc<str>,
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) rules: Arc<SandboxRules>,
    /// So many payouts will fail, counted down.
    failing_payouts: Arc<AtomicU32>,
}

impl Sandbox {
    pub fn new(database: Database, clock: Clock) -> Self {
        Self::with(NAME, database, clock, SandboxRules::default())
    }

    pub fn with(name: &str, database: Database, clock: Clock, rules: SandboxRules) -> Self {
        Self {
            name: name.into(),
            database,
            clock,
            rules: Arc::new(rules),
            failing_payouts: Arc::default(),
        }
    }

    /// The next payouts are refused by the receiving bank.
    pub fn fail_payouts(&self, count: u32) {
        self.failing_payouts.store(count, Ordering::SeqCst);
    }

    /// Its own books, for whoever wants to look at them.
    pub fn books(&self) -> &Database {
        &self.database
    }

    async fn behaviour(&self, token: &str) -> Result<Option<sandbox_card::Model>, Outcome> {
        sandbox_card::Entity::find_by_id(token.to_owned())
            .one(self.database.read())
            .await
            .map_err(|error| Outcome::NotAttempted { reason: error.to_string() })
    }
}

#[async_trait]
impl Connector for Sandbox {
    fn name(&self) -> &str {
        &self.name
    }

    async fn store_card(&self, card: &CardDetails) -> Result<StoredCard, ConnectorError> {
        let token = new_token("sbxcard");
        let postal_code_check =
            if card.postal_code.is_some() { CheckResult::Pass } else { CheckResult::Unchecked };
        let row = sandbox_card::ActiveModel {
            token: Set(token.clone()),
            behaviour: Set(Behaviour::of(&card.number)),
            postal_code_check: Set(postal_code_check),
            created_at: Set(self.clock.now()),
        };
        let row = &row;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    sandbox_card::Entity::insert(row.clone()).exec_without_returning(tx).await
                })
            })
            .await
            .map_err(|error: sea_orm::DbErr| ConnectorError::Unreachable {
                reason: error.to_string(),
            })?;
        Ok(StoredCard { token, funding_country: Some("US".to_owned()) })
    }

    async fn forget_card(&self, card_token: &str) -> Result<(), ConnectorError> {
        let forgotten: Result<(), sea_orm::DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    sandbox_card::Entity::delete_by_id(card_token.to_owned()).exec(tx).await?;
                    Ok(())
                })
            })
            .await;
        forgotten.map_err(unreachable)
    }

    async fn verify(&self, _attempt: PaymentAttemptId, card_token: &str) -> Verification {
        let card = match self.behaviour(card_token).await {
            Ok(Some(card)) => card,
            Ok(None) => {
                return Verification::Declined {
                    code: DeclineCode::IncorrectNumber,
                    raw_code: "no_such_card".to_owned(),
                    checks: Checks {
                        cvc: CheckResult::Unavailable,
                        postal_code: CheckResult::Unavailable,
                    },
                };
            }
            Err(_) => {
                return Verification::Unavailable { reason: "the books cannot be read".to_owned() };
            }
        };
        let cvc = if card.behaviour == Behaviour::IncorrectCvc {
            CheckResult::Fail
        } else {
            CheckResult::Pass
        };
        let checks = Checks { cvc, postal_code: card.postal_code_check };
        match card.behaviour.refuses_verification() {
            Some(raw) => Verification::Declined {
                code: DeclineCode::from_raw(raw),
                raw_code: raw.to_owned(),
                checks,
            },
            None => Verification::Verified(checks),
        }
    }

    async fn authorize(&self, request: AuthorizeRequest) -> Outcome {
        match self.behaviour(&request.card_token).await {
            Ok(card) => {
                let behaviour = card.map_or(Behaviour::NoSuchCard, |card| card.behaviour);
                self.book_authorization(&request, behaviour).await
            }
            Err(outcome) => outcome,
        }
    }

    async fn capture(&self, request: FollowUpRequest) -> Outcome {
        self.book_capture(&request).await
    }

    async fn void(&self, request: FollowUpRequest) -> Outcome {
        self.book_void(&request).await
    }

    async fn refund(&self, request: FollowUpRequest) -> Outcome {
        self.book_refund(&request).await
    }

    async fn payout(&self, request: PayoutRequest) -> Outcome {
        self.book_payout(&request).await
    }

    async fn fetch(&self, asked: Asked) -> Outcome {
        self.look_up(asked.attempt, Some(asked.amount)).await
    }

    async fn payout_progress(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<PayoutProgress, ConnectorError> {
        self.payout_state(attempt).await.map_err(unreachable)
    }

    async fn dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, ConnectorError> {
        self.dispute_report(dispute_ref).await.map_err(unreachable)
    }

    async fn answer_dispute(
        &self,
        dispute_ref: &str,
        answer: DisputeAnswer,
    ) -> Result<(), ConnectorError> {
        self.book_answer(dispute_ref, &answer).await.map_err(unreachable)
    }

    fn signature_header(&self) -> &'static str {
        WEBHOOK_HEADER
    }

    fn check_signature(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let secrets: Vec<&[u8]> =
            self.rules.webhook_secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
        signature::verify(&secrets, signature, body, now)
    }

    fn parse_event(&self, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        read_event(body)
    }

    async fn settlement(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SettlementLine>, ConnectorError> {
        self.settled(from, to).await.map_err(unreachable)
    }
}

fn unreachable(error: sea_orm::DbErr) -> ConnectorError {
    ConnectorError::Unreachable { reason: error.to_string() }
}
