//! The sandbox's bookings. Each request is booked at most once per reference; asking again gives
//! the first answer.

use kit::{Timestamp, Transaction, Uuid, id::PaymentAttemptId};
use sea_orm::{ActiveValue::Set, UpdateMany, entity::prelude::*, sea_query::ExprTrait};

use super::{ACTION_LIFETIME, Behaviour, Sandbox, dispute, event};
use crate::{
    connector::{AuthorizeRequest, DeclineCode, FollowUpRequest, Outcome},
    entity::sandbox_operation::{ActiveModel, Column, Entity, Model},
    money::Money,
    secrets::new_token,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationKind {
    Authorize,
    Capture,
    Void,
    Refund,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BookingState {
    Approved,
    Declined,
    ActionRequired,
    Captured,
    Voided,
}

/// What the cardholder pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    Authenticated,
    Failed,
}

/// The processor's own name for the booking of `reference`.
pub(crate) fn processor_ref(reference: Uuid) -> String {
    format!("sbx_{}", reference.simple())
}

impl Sandbox {
    pub(super) async fn book_authorization(
        &self,
        request: &AuthorizeRequest,
        behaviour: Behaviour,
    ) -> Outcome {
        let code = behaviour.refuses_charge();
        let action = behaviour == Behaviour::ThreeDSecure;
        let state = match (code, action, request.capture) {
            (Some(_), _, _) => BookingState::Declined,
            (None, true, _) => BookingState::ActionRequired,
            (None, false, true) => BookingState::Captured,
            (None, false, false) => BookingState::Approved,
        };
        let captured = if state == BookingState::Captured { request.amount.minor } else { 0 };
        let row = ActiveModel {
            capture: Set(request.capture),
            state: Set(state),
            code: Set(code.map(str::to_owned).or_else(|| {
                behaviour.disputes().map(|reason| format!("{}{reason}", dispute::DISPUTES))
            })),
            action_key: Set(action.then(|| new_token("act"))),
            captured: Set(captured),
            ..self.booking(OperationKind::Authorize, request.attempt, None, request.amount)
        };
        self.book(row, None).await
    }

    pub(super) async fn book_capture(&self, request: &FollowUpRequest) -> Outcome {
        let guard = Entity::update_many()
            .col_expr(Column::Captured, Expr::value(request.amount.minor))
            .col_expr(Column::State, Expr::value(BookingState::Captured))
            .filter(Column::ProcessorRef.eq(&request.processor_ref))
            .filter(Column::State.eq(BookingState::Approved))
            .filter(Column::Amount.gte(request.amount.minor));
        self.follow_up(OperationKind::Capture, request, guard).await
    }

    pub(super) async fn book_void(&self, request: &FollowUpRequest) -> Outcome {
        let guard = Entity::update_many()
            .col_expr(Column::State, Expr::value(BookingState::Voided))
            .filter(Column::ProcessorRef.eq(&request.processor_ref))
            .filter(Column::State.is_in([
                BookingState::Approved,
                BookingState::ActionRequired,
                BookingState::Voided,
            ]));
        self.follow_up(OperationKind::Void, request, guard).await
    }

    pub(super) async fn book_refund(&self, request: &FollowUpRequest) -> Outcome {
        let amount = request.amount.minor;
        let guard = Entity::update_many()
            .col_expr(Column::Refunded, Expr::col(Column::Refunded).add(amount))
            .filter(Column::ProcessorRef.eq(&request.processor_ref))
            .filter(Expr::col(Column::Captured).sub(Expr::col(Column::Refunded)).gte(amount));
        self.follow_up(OperationKind::Refund, request, guard).await
    }

    /// What the books say about an attempt.
    pub(super) async fn look_up(&self, attempt: PaymentAttemptId, asked: Option<Money>) -> Outcome {
        match self.booked(attempt).await {
            Ok(Some((Outcome::Approved { .. }, booked)))
                if asked.is_some_and(|asked| asked != booked) =>
            {
                Outcome::Conflicted { reason: "another amount was booked".to_owned() }
            }
            Ok(Some((outcome, _))) => outcome,
            Ok(None) => Outcome::NotAttempted { reason: "the processor has no record".to_owned() },
            Err(error) => Outcome::Unknown { reason: error.to_string() },
        }
    }

    /// What is booked under an attempt, with the amount.
    pub(super) async fn booked(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<Option<(Outcome, Money)>, DbErr> {
        if let Some(row) = Entity::find_by_id(attempt.uuid()).one(self.database.read()).await? {
            return Ok(Some((self.outcome(&row), row.money())));
        }
        let payout = crate::entity::sandbox_payout::Entity::find_by_id(attempt.uuid())
            .one(self.database.read())
            .await?;
        Ok(payout.map(|row| {
            let processor_ref = processor_ref(attempt.uuid());
            (Outcome::Approved { processor_ref }, Money::new(row.amount, row.currency))
        }))
    }

    /// The attempt whose cardholder is asked on the page `key`, with its amount.
    pub async fn action(&self, key: &str) -> Result<Option<(PaymentAttemptId, Money)>, DbErr> {
        let row =
            Entity::find().filter(Column::ActionKey.eq(key)).one(self.database.read()).await?;
        Ok(row.map(|row| (PaymentAttemptId(row.reference), Money::new(row.amount, row.currency))))
    }

    /// Records what the cardholder pressed; `false` when the action is over.
    pub async fn authenticate(&self, key: &str, result: Authentication) -> Result<bool, DbErr> {
        let oldest = self.clock.now().minus(ACTION_LIFETIME);
        self.database
            .write(|tx| {
                Box::pin(async move { answer(tx, key, result, oldest, self.clock.now()).await })
            })
            .await
    }

    async fn follow_up(
        &self,
        op: OperationKind,
        request: &FollowUpRequest,
        guard: UpdateMany<Entity>,
    ) -> Outcome {
        let row = ActiveModel {
            parent_ref: Set(Some(request.processor_ref.clone())),
            ..self.booking(op, request.attempt, Some(&request.processor_ref), request.amount)
        };
        self.book(row, Some(guard)).await
    }

    fn booking(
        &self,
        op: OperationKind,
        attempt: PaymentAttemptId,
        parent: Option<&str>,
        amount: Money,
    ) -> ActiveModel {
        ActiveModel {
            reference: Set(attempt.uuid()),
            op: Set(op),
            processor_ref: Set(processor_ref(attempt.uuid())),
            parent_ref: Set(parent.map(str::to_owned)),
            amount: Set(amount.minor),
            currency: Set(amount.currency),
            capture: Set(false),
            state: Set(BookingState::Approved),
            code: Set(None),
            action_key: Set(None),
            captured: Set(0),
            refunded: Set(0),
            created_at: Set(self.clock.now()),
        }
    }

    /// Books `row` unless its reference is booked already. With a `guard`, the booking is
    /// declined when the guard changes nothing.
    async fn book(&self, row: ActiveModel, guard: Option<UpdateMany<Entity>>) -> Outcome {
        let (row, guard) = (&row, &guard);
        let (now, tells) = (self.clock.now(), self.rules.tells_everything);
        let booked = self
            .database
            .write(|tx| {
                Box::pin(async move { book(tx, row.clone(), guard.clone(), now, tells).await })
            })
            .await;
        match booked {
            Ok(row) => self.outcome(&row),
            Err(error) => Outcome::Unknown { reason: error.to_string() },
        }
    }

    fn outcome(&self, row: &Model) -> Outcome {
        let processor_ref = row.processor_ref.clone();
        let decline = |raw: &str| Outcome::Declined {
            processor_ref: Some(row.processor_ref.clone()),
            code: DeclineCode::from_raw(raw),
            raw_code: raw.to_owned(),
        };
        match row.state {
            BookingState::Approved | BookingState::Captured => Outcome::Approved { processor_ref },
            BookingState::Declined => decline(row.code.as_deref().unwrap_or("generic_decline")),
            BookingState::Voided
                if row.op == OperationKind::Authorize && row.action_key.is_some() =>
            {
                decline("authentication_failed")
            }
            BookingState::Voided => Outcome::Approved { processor_ref },
            BookingState::ActionRequired => {
                let expires_at = row.created_at.plus(ACTION_LIFETIME);
                match &row.action_key {
                    Some(key) if self.clock.now() < expires_at => {
                        Outcome::ActionRequired { processor_ref, key: key.clone(), expires_at }
                    }
                    _ => decline("authentication_failed"),
                }
            }
        }
    }
}

async fn book(
    tx: &Transaction<'_>,
    row: ActiveModel,
    guard: Option<UpdateMany<Entity>>,
    now: Timestamp,
    tells: bool,
) -> Result<Model, DbErr> {
    let reference = row.reference.clone().take().unwrap_or_default();
    if let Some(known) = Entity::find_by_id(reference).one(tx).await? {
        return Ok(known);
    }
    let refused = match guard {
        Some(guard) => guard.exec(tx).await?.rows_affected == 0,
        None => false,
    };
    let row = if refused {
        ActiveModel {
            state: Set(BookingState::Declined),
            code: Set(Some("invalid_state".to_owned())),
            ..row
        }
    } else {
        row
    };
    let row = row.insert(tx).await?;
    if tells {
        event::enqueue(tx, event::ATTEMPT_UPDATED, &row.reference.to_string(), now).await?;
    }
    match (row.op, row.state) {
        (OperationKind::Authorize, BookingState::Captured) => {
            dispute::open(tx, &row, row.captured, now).await?;
        }
        (OperationKind::Capture, BookingState::Approved) => {
            let parent = row.parent_ref.clone().unwrap_or_default();
            let parent = Entity::find().filter(Column::ProcessorRef.eq(parent)).one(tx).await?;
            if let Some(authorization) = parent {
                dispute::open(tx, &authorization, row.amount, now).await?;
            }
        }
        _ => {}
    }
    Ok(row)
}

async fn answer(
    tx: &Transaction<'_>,
    key: &str,
    result: Authentication,
    oldest: Timestamp,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let waiting = Entity::find()
        .filter(Column::ActionKey.eq(key))
        .filter(Column::State.eq(BookingState::ActionRequired))
        .filter(Column::CreatedAt.gt(oldest))
        .one(tx)
        .await?;
    let Some(row) = waiting else { return Ok(false) };
    let (state, captured, code) = match result {
        Authentication::Failed => (BookingState::Declined, 0, Some("authentication_failed")),
        Authentication::Authenticated if row.capture => (BookingState::Captured, row.amount, None),
        Authentication::Authenticated => (BookingState::Approved, 0, None),
    };
    let updated = Entity::update_many()
        .col_expr(Column::State, Expr::value(state))
        .col_expr(Column::Captured, Expr::value(captured))
        .col_expr(Column::Code, Expr::value(code.map(str::to_owned)))
        .filter(Column::Reference.eq(row.reference))
        .filter(Column::State.eq(BookingState::ActionRequired))
        .exec(tx)
        .await?;
    if updated.rows_affected == 1 {
        let attempt = row.reference.to_string();
        event::enqueue(tx, event::ATTEMPT_UPDATED, &attempt, now).await?;
    }
    Ok(updated.rows_affected == 1)
}
