//! Booking what a processor answered: attempt, payment, ledger, stock, order or ride, mail, event
//! and the waiting mutation's result, all in one transaction.
//!
//! An outcome may arrive twice (the call itself, a webhook, the reconciler); the first one to
//! close the attempt books it, the others find it closed.

mod authorization;
mod captured;
mod failover;
mod fare;
mod follow_up;
mod refunded;

pub(crate) use captured::{Share, capture_posting, order_paid_event, order_shares, scaled};
pub(crate) use fare::{fare_shares, ride_completed_event, tip_shares};
pub(crate) use refunded::{order_refunded_event, settled_posting};

use kit::{Timestamp, Transaction, Uuid, id::PaymentAttemptId, idempotency};
use sea_orm::{ActiveValue::Set, ConnectionTrait, entity::prelude::*, sea_query::ExprTrait};

use super::{
    attempt::next_check,
    idempotent::{self, Recorded},
    transition,
};
use crate::{
    analytics,
    app::App,
    connector::{DeclineCode, Outcome},
    entity::{
        payment::{self, PurposeType},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
    },
    refusal::{Failure, Refusal},
};

/// What the waiting mutation is told, and what has to be done next.
#[derive(Clone, Debug)]
pub struct Settled {
    pub recorded: Recorded,
    pub follow_ups: Vec<PaymentAttemptId>,
    /// The attempt at another processor that now stands in for this one.
    pub replaced_by: Option<PaymentAttemptId>,
}

/// Whether somebody is waiting for this very call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The call has just been made; another processor may be tried at once.
    Live,
    /// It was found out later what became of it.
    Afterwards,
}

/// Books `outcome` for an attempt.
pub(crate) async fn settle(
    app: &App,
    id: PaymentAttemptId,
    outcome: Outcome,
    mode: Mode,
) -> Result<Settled, Failure> {
    let (outcome, now) = (&outcome, app.now());
    app.database
        .write(|tx| Box::pin(async move { book(&Scope { tx, app, now, mode }, id, outcome).await }))
        .await
}

/// What every part of a settlement works with.
pub(crate) struct Scope<'a, 'outer> {
    pub(crate) tx: &'a Transaction<'outer>,
    pub(crate) app: &'a App,
    pub(crate) now: Timestamp,
    pub(crate) mode: Mode,
}

async fn book(
    scope: &Scope<'_, '_>,
    id: PaymentAttemptId,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    let (attempt, payment) = load(scope, id).await?;
    if !attempt.is_open() {
        return book_closed(scope, &attempt, &payment, outcome).await;
    }
    match attempt.op {
        AttemptOperation::Authorize => {
            authorization::settle(scope, &attempt, payment, outcome).await
        }
        AttemptOperation::Capture => follow_up::capture(scope, &attempt, payment, outcome).await,
        AttemptOperation::Void => follow_up::void(scope, &attempt, payment, outcome).await,
        AttemptOperation::Refund => refunded::settle(scope, &attempt, payment, outcome).await,
        AttemptOperation::Verify | AttemptOperation::Payout => {
            Err(Failure::Broken(format!("attempt {id} is not settled here")))
        }
    }
}

/// Nothing, but that a processor may have done what was given up: its process stood still for so
/// long that the processor, asked in the meantime, had never heard of it.
async fn book_closed(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: &payment::Model,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    let was_given_up = attempt.status == AttemptStatus::Failed
        && attempt.decline.is_none()
        && attempt.raw_code.is_none();
    let mut recorded = Recorded { subject: Some(subject(attempt, payment)), refusal: None };
    if let Outcome::Approved { processor_ref } = outcome
        && was_given_up
    {
        report_conflict(attempt, "it was carried out after it had been given up");
        let change = payment_attempt::ActiveModel {
            connector_ref: Set(Some(processor_ref.clone())),
            raw_code: Set(Some(CONFLICTED.to_owned())),
            ..Default::default()
        };
        write(scope.tx, attempt, change).await?;
        recorded.refusal = Some(Refusal::ProcessorUnavailable { outcome_unknown: true });
    }
    Ok(Settled::only(recorded))
}

/// Reads the attempt and its payment; on PostgreSQL the attempt's row is locked by the update.
async fn load(
    scope: &Scope<'_, '_>,
    id: PaymentAttemptId,
) -> Result<(payment_attempt::Model, payment::Model), Failure> {
    let broken = || Failure::Broken(format!("attempt {id} is incomplete"));
    payment_attempt::Entity::update_many()
        .col_expr(
            payment_attempt::Column::Checks,
            Expr::col(payment_attempt::Column::Checks).add(1),
        )
        .filter(payment_attempt::Column::Id.eq(id))
        .exec(scope.tx)
        .await?;
    let attempt =
        payment_attempt::Entity::find_by_id(id).one(scope.tx).await?.ok_or_else(broken)?;
    let payment_id = attempt.payment_id.ok_or_else(broken)?;
    // What a processor has done must be booked: a parallel change is waited for, not refused.
    transition::wait_for_payment(scope.tx, payment_id).await?;
    let payment =
        payment::Entity::find_by_id(payment_id).one(scope.tx).await?.ok_or_else(broken)?;
    Ok((attempt, payment))
}

/// What the mutation behind an attempt made or changed.
fn subject(attempt: &payment_attempt::Model, payment: &payment::Model) -> Uuid {
    match (attempt.refund_id, payment.purpose_type) {
        (Some(refund), _) => refund.uuid(),
        (None, PurposeType::Ride)
            if attempt.waiting_operation.as_deref() != Some("paymentConfirm") =>
        {
            payment.purpose_id
        }
        (None, _) => payment.id.uuid(),
    }
}

/// How an attempt ended.
struct Ending<'a> {
    status: AttemptStatus,
    processor_ref: Option<&'a str>,
    decline: Option<(DeclineCode, &'a str)>,
}

/// Closes an attempt for good.
async fn close(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    ending: Ending<'_>,
) -> Result<(), Failure> {
    let change = payment_attempt::ActiveModel {
        status: Set(ending.status),
        connector_ref: Set(ending.processor_ref.map(str::to_owned)),
        decline: Set(ending.decline.map(|(code, _)| code)),
        raw_code: Set(ending.decline.map(|(_, raw)| raw.to_owned())),
        next_check_at: Set(None),
        finished_at: Set(Some(scope.now)),
        ..Default::default()
    };
    write(scope.tx, attempt, change).await?;
    analytics::attempt_closed(scope.tx, attempt, ending.status, ending.decline).await?;
    Ok(())
}

/// Leaves an attempt open; it is looked into again later.
async fn keep_open(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    status: AttemptStatus,
) -> Result<(), Failure> {
    let change = payment_attempt::ActiveModel {
        status: Set(status),
        next_check_at: Set(Some(next_check(scope.now, attempt.checks - 1))),
        ..Default::default()
    };
    write(scope.tx, attempt, change).await
}

/// The processor did something else than it was asked for: held as it is, for a person to see.
async fn hold_conflict(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    reason: &str,
) -> Result<(), Failure> {
    report_conflict(attempt, reason);
    let change = payment_attempt::ActiveModel {
        status: Set(AttemptStatus::Unknown),
        raw_code: Set(Some(CONFLICTED.to_owned())),
        next_check_at: Set(None),
        ..Default::default()
    };
    write(scope.tx, attempt, change).await
}

/// For a person to look at.
fn report_conflict(attempt: &payment_attempt::Model, reason: &str) {
    tracing::error!(attempt = %attempt.id, reason, "processor and books disagree; held");
    metrics::counter!("payments_conflicts_total").increment(1);
}

/// The raw code of an attempt that is held because of a disagreement.
pub(crate) const CONFLICTED: &str = "conflicted";

async fn write(
    tx: &impl ConnectionTrait,
    attempt: &payment_attempt::Model,
    change: payment_attempt::ActiveModel,
) -> Result<(), Failure> {
    payment_attempt::Entity::update_many()
        .set(change)
        .filter(payment_attempt::Column::Id.eq(attempt.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Stores the waiting mutation's result, if one is waiting.
async fn answer(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: &payment::Model,
    refusal: Option<Refusal>,
) -> Result<Recorded, Failure> {
    let recorded = Recorded { subject: Some(subject(attempt, payment)), refusal };
    if let (Some(operation), Some(key)) = (&attempt.waiting_operation, &attempt.waiting_key) {
        let owner = waiting_owner(attempt);
        idempotent::finish(scope.tx, owner, operation, key, &recorded).await?;
    }
    Ok(recorded)
}

/// Forgets the waiting mutation's key: nothing happened, the same key may try again.
async fn forget(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: &payment::Model,
    refusal: Refusal,
) -> Result<Recorded, Failure> {
    if let (Some(operation), Some(key)) = (&attempt.waiting_operation, &attempt.waiting_key) {
        idempotency::abandon(scope.tx, waiting_owner(attempt), operation, key).await?;
    }
    Ok(Recorded { subject: Some(subject(attempt, payment)), refusal: Some(refusal) })
}

fn waiting_owner(attempt: &payment_attempt::Model) -> Uuid {
    attempt.waiting_owner.unwrap_or_else(|| attempt.user_id.uuid())
}

impl Settled {
    fn only(recorded: Recorded) -> Self {
        Self { recorded, follow_ups: Vec::new(), replaced_by: None }
    }
}
