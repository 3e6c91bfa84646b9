//! Making the call an attempt stands for, and asking later what became of it.

use std::{collections::VecDeque, time::Duration};

use kit::{Timestamp, id::PaymentAttemptId};
use sea_orm::entity::prelude::*;

use super::{
    idempotent::Recorded,
    method::SEAL_PURPOSE,
    settle::{self, Settled},
};
use crate::{
    app::App,
    connector::{AuthorizeRequest, Connector, FollowUpRequest, Outcome},
    entity::{
        payment::{self, CaptureMethod},
        payment_attempt::{self, AttemptOperation},
        payment_method,
    },
    refusal::Failure,
};

/// Waiting times before the processor is asked again what became of an attempt.
const CHECKS: [Duration; 7] = [
    Duration::from_secs(15),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
];

/// When to ask next, after `checks` questions.
pub(crate) fn next_check(now: Timestamp, checks: i64) -> Timestamp {
    let index = usize::try_from(checks).unwrap_or(0).min(CHECKS.len() - 1);
    now.plus(CHECKS[index])
}

/// Makes an attempt and whatever follows from it. Runs on even when the caller goes away.
pub async fn run_all(app: &App, first: PaymentAttemptId) -> Result<Recorded, Failure> {
    let app = app.clone();
    let work = tokio::spawn(async move {
        let settled = run(&app, first).await?;
        let mut queue = VecDeque::from(settled.follow_ups);
        while let Some(next) = queue.pop_front() {
            // The first attempt is settled; what follows is on record and will be retried.
            match run(&app, next).await {
                Ok(settled) => queue.extend(settled.follow_ups),
                Err(error) => tracing::error!(attempt = %next, %error, "a follow-up failed"),
            }
        }
        Ok(settled.recorded)
    });
    work.await.map_err(|error| Failure::Broken(format!("an attempt was cut off: {error}")))?
}

/// Makes one attempt and books its outcome.
pub async fn run(app: &App, id: PaymentAttemptId) -> Result<Settled, Failure> {
    let (attempt, payment) = load(app, id).await?;
    if !attempt.is_open() {
        return settle::settle(app, id, Outcome::Unknown { reason: "settled before".to_owned() })
            .await;
    }
    let outcome = match app.connectors.named(&attempt.connector) {
        Ok(connector) => {
            let call = call(app, connector.as_ref(), &attempt, &payment);
            match tokio::time::timeout(app.config.processing.timeout.0, call).await {
                Ok(outcome) => outcome?,
                Err(_) => Outcome::Unknown { reason: "the processor did not answer".to_owned() },
            }
        }
        Err(error) => Outcome::NotAttempted { reason: error.to_string() },
    };
    metrics::counter!(
        "payments_attempts_total",
        "operation" => attempt.op.to_value(),
        "outcome" => outcome_name(&outcome)
    )
    .increment(1);
    settle::settle(app, id, outcome).await
}

/// Asks the processor what became of an open attempt, and books the answer.
pub async fn check(app: &App, id: PaymentAttemptId) -> Result<Settled, Failure> {
    let (attempt, _) = load(app, id).await?;
    let outcome = match app.connectors.named(&attempt.connector) {
        Ok(connector) => {
            match tokio::time::timeout(app.config.processing.timeout.0, connector.fetch(id)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown { reason: "the processor did not answer".to_owned() },
            }
        }
        Err(error) => Outcome::Unknown { reason: error.to_string() },
    };
    let repeatable = matches!(attempt.op, AttemptOperation::Refund | AttemptOperation::Void);
    let settled = match outcome {
        // What was promised is done now; the processor knows the attempt by its id.
        Outcome::NotAttempted { .. } if repeatable && attempt.is_open() => run(app, id).await?,
        outcome => settle::settle(app, id, outcome).await?,
    };
    for next in &settled.follow_ups {
        Box::pin(run_all(app, *next)).await?;
    }
    Ok(settled)
}

async fn load(
    app: &App,
    id: PaymentAttemptId,
) -> Result<(payment_attempt::Model, payment::Model), Failure> {
    let broken = || Failure::Broken(format!("attempt {id} is incomplete"));
    let reader = app.database.read();
    let attempt = payment_attempt::Entity::find_by_id(id).one(reader).await?.ok_or_else(broken)?;
    let payment_id = attempt.payment_id.ok_or_else(broken)?;
    let payment = payment::Entity::find_by_id(payment_id).one(reader).await?.ok_or_else(broken)?;
    Ok((attempt, payment))
}

async fn call(
    app: &App,
    connector: &dyn Connector,
    attempt: &payment_attempt::Model,
    payment: &payment::Model,
) -> Result<Outcome, Failure> {
    if attempt.op == AttemptOperation::Authorize {
        return Ok(connector.authorize(authorize_request(app, attempt, payment).await?).await);
    }
    let processor_ref = payment
        .processor_ref
        .clone()
        .ok_or_else(|| Failure::Broken(format!("payment {} was never authorised", payment.id)))?;
    let request = FollowUpRequest { attempt: attempt.id, processor_ref, amount: attempt.money() };
    match attempt.op {
        AttemptOperation::Capture => Ok(connector.capture(request).await),
        AttemptOperation::Void => Ok(connector.void(request).await),
        AttemptOperation::Refund => Ok(connector.refund(request).await),
        AttemptOperation::Verify | AttemptOperation::Authorize | AttemptOperation::Payout => {
            Err(Failure::Broken(format!("attempt {} cannot be made here", attempt.id)))
        }
    }
}

async fn authorize_request(
    app: &App,
    attempt: &payment_attempt::Model,
    payment: &payment::Model,
) -> Result<AuthorizeRequest, Failure> {
    let broken = || Failure::Broken(format!("payment {} has no card", payment.id));
    let method_id = payment.method_id.ok_or_else(broken)?;
    let method = payment_method::Entity::find_by_id(method_id)
        .one(app.database.read())
        .await?
        .ok_or_else(broken)?;
    let card_token = app
        .secrets
        .open(SEAL_PURPOSE, &method.connector_token_enc)
        .map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(AuthorizeRequest {
        attempt: attempt.id,
        method: method_id,
        card_token,
        amount: attempt.money(),
        capture: payment.capture_method == CaptureMethod::Automatic,
        return_url: payment.return_url.clone(),
    })
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Approved { .. } => "approved",
        Outcome::ActionRequired { .. } => "action_required",
        Outcome::Declined { .. } => "declined",
        Outcome::NotAttempted { .. } => "not_attempted",
        Outcome::Unknown { .. } => "unknown",
    }
}
