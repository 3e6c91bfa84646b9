//! Payouts: from a driver's available balance to their bank.
//!
//! The balance is debited before the processor hears of it, by a guarded update, so that parallel
//! requests cannot spend it twice; a payout that fails gives it back by a reversal.

use std::time::Duration;

use kit::{
    Caller, Timestamp, Transaction,
    id::{PaymentAttemptId, PayoutId, UserId},
};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::ExprTrait,
};
use serde::Serialize;

use super::{
    attempt::next_check,
    idempotent::{Claim, Key, Recorded},
    transition,
};
use crate::{
    app::{App, key_owner, person},
    connector::{Outcome, PayoutProgress, PayoutRequest},
    entity::{
        ledger_balance,
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        payout,
    },
    failpoint,
    ledger::{Account, Posting, post, reverse},
    mail,
    money::{MAX_MINOR, Money},
    refusal::{Failure, Refusal},
    state::{PayoutEvent, PayoutStatus},
};

const SOURCE: &str = "PAYOUT";
/// How often a payout that is under way is looked at.
const PROGRESS: Duration = Duration::from_secs(5);
const BATCH: u64 = 50;

#[derive(Clone, Debug, Serialize)]
pub struct RequestPayout {
    pub amount: Money,
}

/// Takes the amount from the caller's available balance and sends it on its way.
pub async fn request(
    app: &App,
    caller: &Caller,
    command: RequestPayout,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let payee = person(caller)?;
    let key = Key::new(key_owner(caller)?, "payoutRequest", idempotency_key, &command)?;
    check_amount(command.amount)?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Err(recorded));
                }
                if !app.config.payouts.enabled {
                    return Err(Refusal::state("PAYOUTS_DISABLED", "payoutRequest").into());
                }
                let (id, attempt) = begin(tx, app, payee, command.amount, now).await?;
                key.finish(tx, &Recorded::done(id)).await?;
                Ok::<_, Failure>(Ok((id, attempt)))
            })
        })
        .await?;
    match begun {
        Err(recorded) => Ok(recorded),
        Ok((id, attempt)) => {
            let app = app.clone();
            let sent = tokio::spawn(async move { send(&app, attempt).await }).await;
            sent.map_err(|error| Failure::Broken(format!("a payout was cut off: {error}")))??;
            Ok(Recorded::done(id))
        }
    }
}

fn check_amount(amount: Money) -> Result<(), Refusal> {
    if (1..=MAX_MINOR).contains(&amount.minor) {
        return Ok(());
    }
    Err(Refusal::invalid("INVALID_AMOUNT", "a payout is more than nothing", &["amount"]))
}

async fn begin(
    tx: &Transaction<'_>,
    app: &App,
    payee: UserId,
    amount: Money,
    now: Timestamp,
) -> Result<(PayoutId, PaymentAttemptId), Failure> {
    reserve(tx, payee, amount).await?;
    let id = PayoutId::new(now);
    let connector =
        app.connectors.primary().map_err(|error| Failure::Broken(error.to_string()))?.name();
    let row = payout::ActiveModel {
        id: Set(id),
        payee_id: Set(payee),
        amount: Set(amount.minor),
        currency: Set(amount.currency),
        status: Set(PayoutStatus::Pending),
        failure: Set(None),
        connector: Set(connector.to_owned()),
        connector_ref: Set(None),
        created_at: Set(now),
        arrived_at: Set(None),
        next_check_at: Set(None),
        updated_at: Set(now),
        version: Set(1),
    };
    payout::Entity::insert(row).exec_without_returning(tx).await?;
    let posting = Posting::new(SOURCE, id, "payout", now)
        .debit(Account::DriverAvailable(payee), amount)
        .credit(Account::PayoutsInTransit, amount);
    post(tx, posting).await?;
    let attempt = PaymentAttemptId::new(now);
    let row = payment_attempt::ActiveModel {
        id: Set(attempt),
        payment_id: Set(None),
        refund_id: Set(None),
        payout_id: Set(Some(id)),
        chain_id: Set(None),
        user_id: Set(payee),
        seq: Set(1),
        op: Set(AttemptOperation::Payout),
        connector: Set(connector.to_owned()),
        connector_ref: Set(None),
        amount: Set(amount.minor),
        currency: Set(amount.currency),
        status: Set(AttemptStatus::Pending),
        decline: Set(None),
        raw_code: Set(None),
        checks: Set(0),
        next_check_at: Set(Some(now.plus(app.config.processing.stale.0))),
        waiting_owner: Set(None),
        waiting_operation: Set(None),
        waiting_key: Set(None),
        started_at: Set(now),
        finished_at: Set(None),
    };
    payment_attempt::Entity::insert(row).exec_without_returning(tx).await?;
    Ok((id, attempt))
}

/// Holds the balance's row if it covers the amount. Changes nothing; the posting does.
async fn reserve(tx: &Transaction<'_>, payee: UserId, amount: Money) -> Result<(), Failure> {
    let account = Account::DriverAvailable(payee).to_string();
    let covered = ledger_balance::Entity::update_many()
        .col_expr(ledger_balance::Column::Debits, Expr::col(ledger_balance::Column::Debits))
        .filter(ledger_balance::Column::Account.eq(&account))
        .filter(ledger_balance::Column::Currency.eq(amount.currency))
        .filter(
            Expr::col(ledger_balance::Column::Credits)
                .sub(Expr::col(ledger_balance::Column::Debits))
                .gte(amount.minor),
        )
        .exec(tx)
        .await?;
    if covered.rows_affected == 1 {
        return Ok(());
    }
    let balance = ledger_balance::Entity::find_by_id((account, amount.currency)).one(tx).await?;
    let available = balance.map_or(0, |row| row.credits - row.debits);
    let available = Money::new(available, amount.currency);
    Err(Refusal::InsufficientBalance { available }.into())
}

/// Makes the call an attempt stands for, and books what is known after it.
pub(crate) async fn send(app: &App, id: PaymentAttemptId) -> Result<(), Failure> {
    let attempt = load(app, id).await?;
    failpoint::hit("after_payout_intent");
    let outcome = match app.connectors.named(&attempt.connector) {
        Ok(_) if !app.connectors.may_call(&attempt.connector, app.now()) => {
            Outcome::NotAttempted { reason: "the processor is left alone for now".to_owned() }
        }
        Ok(connector) => {
            let request =
                PayoutRequest { attempt: id, payee: attempt.user_id, amount: attempt.money() };
            let call = connector.payout(request);
            let outcome = match tokio::time::timeout(app.config.processing.timeout.0, call).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown { reason: "the processor did not answer".to_owned() },
            };
            app.connectors.note(&attempt.connector, &outcome, app.now());
            outcome
        }
        Err(error) => Outcome::NotAttempted { reason: error.to_string() },
    };
    failpoint::hit("after_payout_call");
    metrics::counter!(
        "payments_attempts_total",
        "connector" => attempt.connector.clone(),
        "operation" => "PAYOUT",
        "outcome" => outcome.name()
    )
    .increment(1);
    settle(app, id, &outcome).await
}

async fn load(app: &App, id: PaymentAttemptId) -> Result<payment_attempt::Model, Failure> {
    payment_attempt::Entity::find_by_id(id)
        .one(app.database.read())
        .await?
        .ok_or_else(|| Failure::Broken(format!("there is no attempt {id}")))
}

async fn settle(app: &App, id: PaymentAttemptId, outcome: &Outcome) -> Result<(), Failure> {
    let now = app.now();
    app.database.write(|tx| Box::pin(async move { book(tx, id, outcome, now).await })).await
}

async fn book(
    tx: &Transaction<'_>,
    id: PaymentAttemptId,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<(), Failure> {
    let attempts = payment_attempt::Entity::update_many()
        .col_expr(
            payment_attempt::Column::Checks,
            Expr::col(payment_attempt::Column::Checks).add(1),
        )
        .filter(payment_attempt::Column::Id.eq(id))
        .filter(
            payment_attempt::Column::Status.is_in([AttemptStatus::Pending, AttemptStatus::Unknown]),
        )
        .exec_with_returning(tx)
        .await?;
    let Some(attempt) = attempts.into_iter().next() else { return Ok(()) };
    let missing = || Failure::Broken(format!("attempt {id} has no payout"));
    let payout_id = attempt.payout_id.ok_or_else(missing)?;
    let row = payout::Entity::find_by_id(payout_id).one(tx).await?.ok_or_else(missing)?;
    let mut change: payment_attempt::ActiveModel = transition::no_change();
    match outcome {
        Outcome::Approved { processor_ref } => {
            let sent = payout::ActiveModel {
                connector_ref: Set(Some(processor_ref.clone())),
                next_check_at: Set(Some(now.plus(PROGRESS))),
                ..Default::default()
            };
            let row = transition::payout(tx, &row, PayoutEvent::Sent, now, sent).await?;
            mail::payout_sent(tx, &row, now).await?;
            change.status = Set(AttemptStatus::Succeeded);
            change.connector_ref = Set(Some(processor_ref.clone()));
            change.next_check_at = Set(None);
            change.finished_at = Set(Some(now));
        }
        Outcome::Declined { code, raw_code, .. } => {
            fail(tx, &row, raw_code, now).await?;
            change.status = Set(AttemptStatus::Failed);
            change.decline = Set(Some(*code));
            change.raw_code = Set(Some(raw_code.clone()));
            change.next_check_at = Set(None);
            change.finished_at = Set(Some(now));
        }
        // Promised and not done yet: tried again until the processor takes it or refuses it.
        Outcome::NotAttempted { .. } => {
            change.status = Set(AttemptStatus::Pending);
            change.next_check_at = Set(Some(next_check(now, attempt.checks - 1)));
        }
        Outcome::Unknown { .. } | Outcome::ActionRequired { .. } => {
            change.status = Set(AttemptStatus::Unknown);
            change.next_check_at = Set(Some(next_check(now, attempt.checks - 1)));
        }
        Outcome::Conflicted { reason } => {
            tracing::error!(attempt = %id, reason, "processor and books disagree; held");
            metrics::counter!("payments_conflicts_total").increment(1);
            change.status = Set(AttemptStatus::Unknown);
            change.raw_code = Set(Some(super::settle::CONFLICTED.to_owned()));
            change.next_check_at = Set(None);
        }
    }
    payment_attempt::Entity::update_many()
        .set(change)
        .filter(payment_attempt::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The money did not arrive: it is available again.
async fn fail(
    tx: &Transaction<'_>,
    row: &payout::Model,
    reason: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let change = payout::ActiveModel {
        failure: Set(Some(reason.to_owned())),
        next_check_at: Set(None),
        ..Default::default()
    };
    transition::payout(tx, row, PayoutEvent::Refused, now, change).await?;
    reverse(tx, (SOURCE, row.id.uuid(), "payout"), "payout_failed", now).await?;
    Ok(())
}

/// Finds out what became of a payout nobody has heard of, or makes the call that never was.
pub(crate) async fn check(app: &App, id: PaymentAttemptId) -> Result<(), Failure> {
    let attempt = load(app, id).await?;
    if !attempt.is_open() {
        return progress_of(app, &attempt).await;
    }
    let Ok(connector) = app.connectors.named(&attempt.connector) else { return Ok(()) };
    match connector.payout_progress(id).await {
        Ok(PayoutProgress::NotFound) => send(app, id).await,
        Ok(
            PayoutProgress::InTransit { processor_ref } | PayoutProgress::Paid { processor_ref },
        ) => settle(app, id, &Outcome::Approved { processor_ref }).await,
        Ok(PayoutProgress::Failed { processor_ref, reason }) => {
            let code = crate::connector::DeclineCode::ProcessingError;
            let processor_ref = Some(processor_ref);
            settle(app, id, &Outcome::Declined { processor_ref, code, raw_code: reason }).await
        }
        Err(error) => settle(app, id, &Outcome::Unknown { reason: error.to_string() }).await,
    }
}

async fn progress_of(app: &App, attempt: &payment_attempt::Model) -> Result<(), Failure> {
    let Some(id) = attempt.payout_id else { return Ok(()) };
    let row = payout::Entity::find_by_id(id).one(app.database.read()).await?;
    match row {
        Some(row) if row.status == PayoutStatus::InTransit => follow(app, &row, attempt.id).await,
        _ => Ok(()),
    }
}

/// Looks where the payouts are that are under way; returns how many were looked at.
pub async fn follow_all(app: &App) -> Result<usize, DbErr> {
    let due = payout::Entity::find()
        .filter(payout::Column::Status.eq(PayoutStatus::InTransit))
        .filter(payout::Column::NextCheckAt.lte(app.now()))
        .order_by_asc(payout::Column::NextCheckAt)
        .limit(BATCH)
        .all(app.database.read())
        .await?;
    for row in &due {
        let attempt = payment_attempt::Entity::find()
            .filter(payment_attempt::Column::PayoutId.eq(row.id))
            .one(app.database.read())
            .await?;
        let Some(attempt) = attempt else { continue };
        if let Err(error) = follow(app, row, attempt.id).await {
            tracing::error!(payout = %row.id, %error, "a payout could not be followed");
        }
    }
    Ok(due.len())
}

async fn follow(app: &App, row: &payout::Model, attempt: PaymentAttemptId) -> Result<(), Failure> {
    let Ok(connector) = app.connectors.named(&row.connector) else { return Ok(()) };
    let progress = connector.payout_progress(attempt).await;
    let (now, progress) = (app.now(), &progress);
    app.database
        .write(|tx| {
            Box::pin(async move {
                let row = payout::Entity::find_by_id(row.id).one(tx).await?;
                let Some(row) = row.filter(|row| row.status == PayoutStatus::InTransit) else {
                    return Ok(());
                };
                match progress {
                    Ok(PayoutProgress::Paid { .. }) => arrived(tx, &row, now).await,
                    Ok(PayoutProgress::Failed { reason, .. }) => fail(tx, &row, reason, now).await,
                    Ok(PayoutProgress::InTransit { .. } | PayoutProgress::NotFound) | Err(_) => {
                        let age = now.since(row.created_at) / 4;
                        let pause = age.clamp(PROGRESS, Duration::from_hours(1));
                        wait(tx, &row, now.plus(pause)).await.map_err(Into::into)
                    }
                }
            })
        })
        .await
}

async fn wait(
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    next_check_at: Timestamp,
) -> Result<(), DbErr> {
    payout::Entity::update_many()
        .col_expr(payout::Column::NextCheckAt, Expr::value(next_check_at))
        .filter(payout::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(())
}

async fn arrived(tx: &Transaction<'_>, row: &payout::Model, now: Timestamp) -> Result<(), Failure> {
    let change = payout::ActiveModel {
        arrived_at: Set(Some(now)),
        next_check_at: Set(None),
        ..Default::default()
    };
    let row = transition::payout(tx, row, PayoutEvent::Arrived, now, change).await?;
    let posting = Posting::new(SOURCE, row.id, "payout_paid", now)
        .debit(Account::PayoutsInTransit, row.money())
        .credit(Account::Bank, row.money());
    post(tx, posting).await?;
    Ok(())
}
