//! Booking the answer to a capture or a void.

use sea_orm::{ActiveValue::Set, entity::prelude::*};

use super::{
    Ending, Scope, Settled, answer, captured, close, fare, forget, hold_conflict, keep_open,
};
use crate::{
    connector::Outcome,
    entity::{
        payment::{self, PaymentRole},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        ride,
    },
    operation::{
        idempotent::Recorded,
        order as orders,
        payment::{self as payments, CancelReason},
        transition,
    },
    refusal::{Failure, Refusal},
    state::{OrderEvent, OrderStatus, PaymentEvent, PaymentStatus, RideEvent},
};

pub(super) async fn capture(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    let Outcome::Approved { processor_ref } = outcome else {
        return not_done(scope, attempt, payment, outcome).await;
    };
    close(scope, attempt, succeeded(processor_ref)).await?;
    let change = payment::ActiveModel {
        captured: Set(attempt.amount),
        captured_at: Set(Some(scope.now)),
        capture_before: Set(None),
        ..Default::default()
    };
    let event = PaymentEvent::Captured;
    let payment =
        transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
    let follow_ups = captured::book(scope, &payment).await?;
    let recorded = answer(scope, attempt, &payment, None).await?;
    Ok(Settled { follow_ups, ..Settled::only(recorded) })
}

pub(super) async fn void(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    let Outcome::Approved { processor_ref } = outcome else {
        return not_done(scope, attempt, payment, outcome).await;
    };
    close(scope, attempt, succeeded(processor_ref)).await?;
    if payment.status == PaymentStatus::RequiresAction {
        close_waiting_authorization(scope, &payment).await?;
    }
    let change = payment::ActiveModel {
        canceled_at: Set(Some(scope.now)),
        capture_before: Set(None),
        action_key: Set(None),
        action_expires_at: Set(None),
        ..Default::default()
    };
    let event = PaymentEvent::Cancel;
    let payment =
        transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
    let_go(scope, &payment).await?;
    answer(scope, attempt, &payment, None).await.map(Settled::only)
}

/// What ends together with the money that was held for it.
async fn let_go(scope: &Scope<'_, '_>, payment: &payment::Model) -> Result<(), Failure> {
    let reason = payment.cancel_reason.as_deref();
    let is = |expected: CancelReason| reason == Some(expected.text());
    match payment.role {
        PaymentRole::Order if is(CancelReason::OrderCanceled) || is(CancelReason::OrderExpired) => {
            let order = payments::order_of(scope.tx, payment).await?;
            if order.status == OrderStatus::PendingPayment {
                let event = if is(CancelReason::OrderExpired) {
                    OrderEvent::Expire
                } else {
                    OrderEvent::Cancel
                };
                orders::end(scope.tx, &order, event, scope.now).await?;
            }
        }
        PaymentRole::Fare => {
            let ride = fare::ride_of(scope, payment).await?;
            let change =
                ride::ActiveModel { canceled_at: Set(Some(scope.now)), ..Default::default() };
            let event = RideEvent::Cancel;
            transition::ride(scope.tx, &ride, event, "settle", scope.now, change).await?;
        }
        PaymentRole::Order | PaymentRole::FareRest | PaymentRole::Tip => {}
    }
    Ok(())
}

/// The cardholder will not be asked any more.
async fn close_waiting_authorization(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<(), Failure> {
    payment_attempt::Entity::update_many()
        .set(payment_attempt::ActiveModel {
            status: Set(AttemptStatus::Failed),
            raw_code: Set(Some("canceled".to_owned())),
            next_check_at: Set(None),
            finished_at: Set(Some(scope.now)),
            ..Default::default()
        })
        .filter(payment_attempt::Column::PaymentId.eq(payment.id))
        .filter(payment_attempt::Column::Op.eq(AttemptOperation::Authorize))
        .filter(
            payment_attempt::Column::Status.is_in([AttemptStatus::Pending, AttemptStatus::Unknown]),
        )
        .exec(scope.tx)
        .await?;
    Ok(())
}

/// The payment stays as it is: refused, not reached, or not known yet.
async fn not_done(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    match outcome {
        Outcome::Declined { processor_ref, code, raw_code } => {
            let ending = Ending {
                status: AttemptStatus::Failed,
                processor_ref: processor_ref.as_deref(),
                decline: Some((*code, raw_code)),
            };
            close(scope, attempt, ending).await?;
            let refusal = Refusal::state(payment.status.to_value(), "settle");
            answer(scope, attempt, &payment, Some(refusal)).await.map(Settled::only)
        }
        Outcome::NotAttempted { .. } => {
            let ending =
                Ending { status: AttemptStatus::Failed, processor_ref: None, decline: None };
            close(scope, attempt, ending).await?;
            let refusal = Refusal::ProcessorUnavailable { outcome_unknown: false };
            forget(scope, attempt, &payment, refusal).await.map(Settled::only)
        }
        Outcome::Conflicted { reason } => {
            hold_conflict(scope, attempt, reason).await?;
            let refusal = Refusal::ProcessorUnavailable { outcome_unknown: true };
            let subject = super::subject(attempt, &payment);
            Ok(Settled::only(Recorded::refused(subject, refusal)))
        }
        Outcome::Approved { .. } | Outcome::ActionRequired { .. } | Outcome::Unknown { .. } => {
            keep_open(scope, attempt, AttemptStatus::Unknown).await?;
            let refusal = Refusal::ProcessorUnavailable { outcome_unknown: true };
            let subject = super::subject(attempt, &payment);
            Ok(Settled::only(Recorded::refused(subject, refusal)))
        }
    }
}

fn succeeded(processor_ref: &str) -> Ending<'_> {
    Ending { status: AttemptStatus::Succeeded, processor_ref: Some(processor_ref), decline: None }
}
