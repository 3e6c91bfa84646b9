//! Making the call an attempt stands for, and asking later what became of it.

use std::{collections::VecDeque, time::Duration};

use kit::{Timestamp, id::PaymentAttemptId};
use sea_orm::entity::prelude::*;

use super::{
    card_tokens::CardTokens,
    idempotent::Recorded,
    settle::{self, Mode, Settled},
};
use crate::{
    app::App,
    connector::{Asked, AuthorizeRequest, Connector, FollowUpRequest, Outcome},
    entity::{
        payment::{self, CaptureMethod},
        payment_attempt::{self, AttemptOperation},
        payment_method,
    },
    failpoint,
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

/// When to ask next, after `checks` questions. When all waiting times are used up, somebody has
/// to look at it; it is asked on once a day.
pub(crate) fn next_check(now: Timestamp, checks: i64) -> Timestamp {
    let checks = usize::try_from(checks).unwrap_or(0);
    let index = checks.min(CHECKS.len() - 1);
    if checks >= CHECKS.len() {
        metrics::counter!("payments_unresolved_total").increment(1);
        tracing::error!(checks, "the outcome of an attempt is still unknown; ask the processor");
    }
    now.plus(CHECKS[index])
}

/// Makes an attempt and whatever follows from it. Runs on even when the caller goes away.
pub async fn run_all(app: &App, first: PaymentAttemptId) -> Result<Recorded, Failure> {
    let app = app.clone();
    let work = tokio::spawn(async move {
        let mut settled = run(&app, first).await?;
        let mut queue = VecDeque::from(std::mem::take(&mut settled.follow_ups));
        // Another processor is tried in place of one that was not reached.
        while let Some(next) = settled.replaced_by {
            settled = run(&app, next).await?;
            queue.extend(std::mem::take(&mut settled.follow_ups));
        }
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

/// Makes one attempt and books its outcome. An attempt that is old is not made any more: it may
/// have been given up, or is about to be. The processor will be asked.
pub async fn run(app: &App, id: PaymentAttemptId) -> Result<Settled, Failure> {
    let (attempt, payment) = load(app, id).await?;
    let left = if !attempt.is_open() {
        Some("settled before")
    } else if app.now() > attempt.started_at.plus(app.config.processing.timeout.0) {
        Some("its time had passed before the call was made")
    } else {
        None
    };
    if let Some(reason) = left {
        let outcome = Outcome::Unknown { reason: reason.to_owned() };
        return settle::settle(app, id, outcome, Mode::Live).await;
    }
    failpoint::hit("after_intent_commit");
    make(app, &attempt, &payment).await
}

async fn make(
    app: &App,
    attempt: &payment_attempt::Model,
    payment: &payment::Model,
) -> Result<Settled, Failure> {
    let outcome = match app.connectors.named(&attempt.connector) {
        Ok(_) if !app.connectors.may_call(&attempt.connector, app.now()) => {
            Outcome::NotAttempted { reason: "the processor is left alone for now".to_owned() }
        }
        Ok(connector) => {
            let started = std::time::Instant::now();
            let call = call(app, connector.as_ref(), attempt, payment);
            let outcome = match tokio::time::timeout(app.config.processing.timeout.0, call).await {
                Ok(outcome) => outcome?,
                Err(_) => Outcome::Unknown { reason: "the processor did not answer".to_owned() },
            };
            app.connectors.note(&attempt.connector, &outcome, app.now());
            metrics::histogram!("payments_processor_seconds", "connector" => attempt.connector.clone())
                .record(started.elapsed().as_secs_f64());
            outcome
        }
        Err(error) => Outcome::NotAttempted { reason: error.to_string() },
    };
    failpoint::hit("after_connector_call");
    metrics::counter!(
        "payments_attempts_total",
        "connector" => attempt.connector.clone(),
        "operation" => attempt.op.to_value(),
        "outcome" => outcome.name()
    )
    .increment(1);
    let settled = settle::settle(app, attempt.id, outcome, Mode::Live).await;
    failpoint::hit("after_settlement");
    settled
}

/// Asks the processor what became of an open attempt, and books the answer.
pub async fn check(app: &App, id: PaymentAttemptId) -> Result<Settled, Failure> {
    let (attempt, payment) = load(app, id).await?;
    let may_arrive = may_be_under_way(app, &attempt);
    let outcome = match app.connectors.named(&attempt.connector) {
        Ok(connector) => {
            let asked = Asked {
                attempt: id,
                operation: attempt.op,
                amount: attempt.money(),
                processor_ref: payment.processor_ref.clone(),
                started_at: attempt.started_at,
                now: app.now(),
            };
            let fetch = connector.fetch(asked);
            match tokio::time::timeout(app.config.processing.timeout.0, fetch).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown { reason: "the processor did not answer".to_owned() },
            }
        }
        Err(error) => Outcome::Unknown { reason: error.to_string() },
    };
    let outcome = match outcome {
        // A call that was cut off may still be on its way; only later is "never seen" an answer.
        Outcome::NotAttempted { .. } if may_arrive => {
            Outcome::Unknown { reason: "the call may still arrive".to_owned() }
        }
        outcome => outcome,
    };
    let repeatable = matches!(attempt.op, AttemptOperation::Refund | AttemptOperation::Void);
    let settled = match outcome {
        // What was promised is done now; the processor knows the attempt by its id.
        Outcome::NotAttempted { .. } if repeatable && attempt.is_open() => {
            make(app, &attempt, &payment).await?
        }
        outcome => settle::settle(app, id, outcome, Mode::Afterwards).await?,
    };
    for next in &settled.follow_ups {
        Box::pin(run_all(app, *next)).await?;
    }
    Ok(settled)
}

/// A call is begun within one timeout ([`run`]) and given up after another.
fn may_be_under_way(app: &App, attempt: &payment_attempt::Model) -> bool {
    let rules = &app.config.processing;
    attempt.started_at.plus((2 * rules.timeout.0).max(rules.stale.0)) > app.now()
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
    let tokens = CardTokens::open(&app.secrets, &method.connector, &method.connector_token_enc)?;
    let card_token = tokens.at(&attempt.connector).ok_or_else(broken)?.to_owned();
    Ok(AuthorizeRequest {
        attempt: attempt.id,
        method: method_id,
        card_token,
        amount: attempt.money(),
        capture: payment.capture_method == CaptureMethod::Automatic,
        return_url: payment.return_url.clone(),
    })
}
