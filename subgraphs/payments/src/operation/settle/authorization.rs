//! Booking the answer to an authorisation.

use kit::id::RideId;
use sea_orm::{ActiveValue::Set, entity::prelude::*};

use super::{
    Ending, Scope, Settled, answer, captured, close, failover, fare, forget, hold_conflict,
    keep_open, write,
};
use crate::{
    connector::{DeclineCode, Outcome},
    entity::{
        payment::{self, CaptureMethod, PaymentRole},
        payment_attempt::{self, AttemptStatus},
        ride,
    },
    mail,
    operation::{
        idempotent::Recorded,
        payment::{CancelReason, cancel_unpaid},
        transition,
    },
    refusal::{Failure, Refusal},
    state::{PaymentEvent, PaymentStatus, RideEvent},
};

pub(super) async fn settle(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    match outcome {
        Outcome::Approved { processor_ref } => {
            approved(scope, attempt, payment, processor_ref).await
        }
        Outcome::ActionRequired { processor_ref, key, expires_at } => {
            if payment.status == PaymentStatus::RequiresAction {
                keep_open(scope, attempt, attempt.status).await?;
                return answer(scope, attempt, &payment, None).await.map(Settled::only);
            }
            let change = payment::ActiveModel {
                processor_ref: Set(Some(processor_ref.clone())),
                action_key: Set(Some(key.clone())),
                action_expires_at: Set(Some(*expires_at)),
                ..Default::default()
            };
            let event = PaymentEvent::ActionRequired;
            let payment =
                transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
            let recorded = answer(scope, attempt, &payment, None).await?;
            let change = payment_attempt::ActiveModel {
                status: Set(AttemptStatus::Pending),
                next_check_at: Set(Some(*expires_at)),
                waiting_owner: Set(None),
                waiting_operation: Set(None),
                waiting_key: Set(None),
                ..Default::default()
            };
            write(scope.tx, attempt, change).await?;
            Ok(Settled::only(recorded))
        }
        Outcome::Declined { processor_ref, code, raw_code } => {
            let ending = Ending {
                status: AttemptStatus::Failed,
                processor_ref: processor_ref.as_deref(),
                decline: Some((*code, raw_code)),
            };
            close(scope, attempt, ending).await?;
            let payment = declined(scope, payment, *code, raw_code).await?;
            let refusal =
                Refusal::CardDeclined { decline: *code, raw_code: Some(raw_code.clone()) };
            answer(scope, attempt, &payment, Some(refusal)).await.map(Settled::only)
        }
        Outcome::NotAttempted { reason } => {
            tracing::warn!(attempt = %attempt.id, reason, "an authorisation was not attempted");
            let ending =
                Ending { status: AttemptStatus::Failed, processor_ref: None, decline: None };
            close(scope, attempt, ending).await?;
            if let Some(next) = failover::next_attempt(scope, attempt, &payment).await? {
                let subject = super::subject(attempt, &payment);
                let settled = Settled::only(Recorded::done(subject));
                return Ok(Settled { replaced_by: Some(next), ..settled });
            }
            let event = match payment.status {
                PaymentStatus::RequiresAction => PaymentEvent::AuthenticationFailed,
                _ => PaymentEvent::NotAttempted,
            };
            let change = payment::ActiveModel { action_key: Set(None), ..Default::default() };
            let payment =
                transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
            let payment = not_paid(scope, payment).await?;
            let refusal = Refusal::ProcessorUnavailable { outcome_unknown: false };
            forget(scope, attempt, &payment, refusal).await.map(Settled::only)
        }
        Outcome::Unknown { reason } => unknown(scope, attempt, payment, reason).await,
        Outcome::Conflicted { reason } => {
            let settled = unknown(scope, attempt, payment, reason).await?;
            hold_conflict(scope, attempt, reason).await?;
            Ok(settled)
        }
    }
}

async fn unknown(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    reason: &str,
) -> Result<Settled, Failure> {
    tracing::warn!(attempt = %attempt.id, reason, "the outcome of an authorisation is unknown");
    let (payment, status) = if payment.status == PaymentStatus::Processing {
        let event = PaymentEvent::OutcomeUnknown;
        let change = transition::no_change();
        let payment =
            transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
        (payment, AttemptStatus::Unknown)
    } else {
        (payment, attempt.status)
    };
    keep_open(scope, attempt, status).await?;
    let refusal = Refusal::ProcessorUnavailable { outcome_unknown: true };
    // The key stays in use until the outcome is known.
    Ok(Settled::only(Recorded::refused(super::subject(attempt, &payment), refusal)))
}

async fn approved(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    processor_ref: &str,
) -> Result<Settled, Failure> {
    let ending = Ending {
        status: AttemptStatus::Succeeded,
        processor_ref: Some(processor_ref),
        decline: None,
    };
    close(scope, attempt, ending).await?;
    let payment = if payment.status == PaymentStatus::RequiresAction {
        let event = PaymentEvent::Authenticated;
        let change = transition::no_change();
        transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?
    } else {
        payment
    };
    let change = payment::ActiveModel {
        authorized: Set(attempt.amount),
        processor_ref: Set(Some(processor_ref.to_owned())),
        last_decline: Set(None),
        last_raw_code: Set(None),
        action_key: Set(None),
        action_expires_at: Set(None),
        ..Default::default()
    };
    if payment.capture_method == CaptureMethod::Manual {
        let payment = held(scope, &payment, change).await?;
        return answer(scope, attempt, &payment, None).await.map(Settled::only);
    }
    let change = payment::ActiveModel {
        captured: Set(attempt.amount),
        captured_at: Set(Some(scope.now)),
        ..change
    };
    let event = PaymentEvent::Charged;
    let payment =
        transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
    let follow_ups = captured::book(scope, &payment).await?;
    let recorded = answer(scope, attempt, &payment, None).await?;
    Ok(Settled { follow_ups, ..Settled::only(recorded) })
}

/// The money is held; it can be taken until the window closes.
async fn held(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    change: payment::ActiveModel,
) -> Result<payment::Model, Failure> {
    let window = scope.app.config.processing.capture_window.0;
    let change =
        payment::ActiveModel { capture_before: Set(Some(scope.now.plus(window))), ..change };
    let event = PaymentEvent::Authorized;
    let payment =
        transition::payment(scope.tx, payment, event, "settle", scope.now, change).await?;
    if payment.role == PaymentRole::Fare {
        let ride = fare::ride_of(scope, &payment).await?;
        let change = ride::ActiveModel {
            authorized_minor: Set(payment.authorized),
            assigned_at: Set(Some(scope.now)),
            ..Default::default()
        };
        transition::ride(scope.tx, &ride, RideEvent::Authorized, "settle", scope.now, change)
            .await?;
    }
    mail::payment_authorized(scope.tx, &payment, scope.now).await?;
    Ok(payment)
}

/// Books a decline and what it means for the payment's purpose.
async fn declined(
    scope: &Scope<'_, '_>,
    payment: payment::Model,
    code: DeclineCode,
    raw_code: &str,
) -> Result<payment::Model, Failure> {
    let event = if payment.status == PaymentStatus::RequiresAction {
        PaymentEvent::AuthenticationFailed
    } else if code.ends_payment() {
        PaymentEvent::Blocked
    } else if code == DeclineCode::AuthenticationFailed {
        PaymentEvent::AuthenticationFailed
    } else {
        PaymentEvent::Declined
    };
    let change = payment::ActiveModel {
        last_decline: Set(Some(code)),
        last_raw_code: Set(Some(raw_code.to_owned())),
        declines: Set(payment.declines + 1),
        action_key: Set(None),
        action_expires_at: Set(None),
        ..Default::default()
    };
    let payment =
        transition::payment(scope.tx, &payment, event, "settle", scope.now, change).await?;
    let exhausted = payment.status == PaymentStatus::RequiresPaymentMethod
        && payment.declines >= scope.app.config.processing.max_declines
        && payment.role != PaymentRole::FareRest;
    if exhausted {
        let reason = CancelReason::AttemptsExhausted;
        let payment = cancel_unpaid(scope.tx, &payment, reason, scope.now).await?;
        return not_paid(scope, payment).await;
    }
    not_paid(scope, payment).await
}

/// What it means that a payment was not made: a ride does not start, a tip is forgotten, the rest
/// of a fare is owed. An order waits for another card.
async fn not_paid(
    scope: &Scope<'_, '_>,
    payment: payment::Model,
) -> Result<payment::Model, Failure> {
    let open = payment.status == PaymentStatus::RequiresPaymentMethod;
    match payment.role {
        PaymentRole::Order => Ok(payment),
        PaymentRole::FareRest => {
            fare::owe(scope, &payment).await?;
            Ok(payment)
        }
        PaymentRole::Tip | PaymentRole::Fare => {
            if payment.role == PaymentRole::Fare {
                let ride =
                    ride::Entity::find_by_id(RideId(payment.purpose_id)).one(scope.tx).await?;
                if let Some(ride) = ride {
                    let (event, change) = (RideEvent::PaymentFailed, transition::no_change());
                    transition::ride(scope.tx, &ride, event, "settle", scope.now, change).await?;
                }
            }
            if open {
                let reason = CancelReason::RidePaymentFailed;
                return cancel_unpaid(scope.tx, &payment, reason, scope.now).await;
            }
            Ok(payment)
        }
    }
}
