//! The sandbox processor: behaves like a processor, decides by test card number.
//!
//! It keeps its own books in its own tables, so that what it has booked survives a restart of
//! the service. The books know neither card numbers nor anything of ours but attempt ids.

mod behaviour;
mod booking;
mod page;

use std::time::Duration;

use kit::{Clock, Database, async_trait, id::PaymentAttemptId};
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{
    AuthorizeRequest, CardDetails, Checks, Connector, ConnectorError, DeclineCode, FollowUpRequest,
    Outcome, StoredCard, Verification,
};
use crate::{card::CheckResult, entity::sandbox_card, secrets::new_token};

pub use behaviour::Behaviour;
pub(crate) use booking::processor_ref;
pub use booking::{Authentication, BookingState, OperationKind};
pub use page::{AuthenticationPage, Notify, routes};

pub const NAME: &str = "sandbox";

/// How long a cardholder may take to authenticate.
pub const ACTION_LIFETIME: Duration = Duration::from_mins(15);

/// The processor and its books.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(super) database: Database,
    pub(super) clock: Clock,
}

impl Sandbox {
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
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
    fn name(&self) -> &'static str {
        NAME
    }

    async fn store_card(&self, card: CardDetails) -> Result<StoredCard, ConnectorError> {
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

    async fn fetch(&self, attempt: PaymentAttemptId) -> Outcome {
        self.look_up(attempt).await
    }
}
