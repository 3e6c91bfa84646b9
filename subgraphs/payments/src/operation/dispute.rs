//! Disputes: the cardholder's bank takes the money first and asks later. The amount is held in
//! the books from the day it was contested; a lost dispute is borne by those who got the shares.

use std::time::Duration;

use kit::{
    Timestamp, Transaction,
    database::is_unique_violation,
    id::{DisputeId, UserId},
};
use sea_orm::{
    ActiveValue::Set, DbErr, PaginatorTrait, QueryOrder, QuerySelect, entity::prelude::*,
};

use super::{refund::dispute_parts, transition};
use crate::{
    analytics,
    app::App,
    connector::{DisputeAnswer, DisputeReport, DisputeVerdict},
    entity::{dispute, order_line, payment, payment::PurposeType, ride},
    ledger::{Account, Posting, post},
    mail,
    refusal::{Failure, Refusal},
    state::{DISPUTE_STATES, DisputeEvent, DisputeStatus},
};

const SOURCE: &str = "DISPUTE";
/// How often an undecided dispute is asked about; messages usually come first.
const CHECK: Duration = Duration::from_secs(30);
const BATCH: u64 = 50;

/// Fetches a dispute from its processor and books what is new about it.
pub(crate) async fn refresh(app: &App, connector: &str, dispute_ref: &str) -> Result<(), Failure> {
    let processor =
        app.connectors.named(connector).map_err(|error| Failure::Broken(error.to_string()))?;
    let report = processor
        .dispute(dispute_ref)
        .await
        .map_err(|error| Failure::Broken(error.to_string()))?
        .ok_or_else(|| Failure::Broken(format!("there is no dispute {dispute_ref}")))?;
    let (now, report) = (app.now(), &report);
    let booked = app
        .database
        .write(|tx| Box::pin(async move { book(tx, connector, report, now).await }))
        .await;
    match booked {
        // Two messages about a new dispute at the same time: one of them has opened it.
        Err(Failure::Storage(error)) if is_unique_violation(&error) => Ok(()),
        booked => booked,
    }
}

async fn book(
    tx: &Transaction<'_>,
    connector: &str,
    report: &DisputeReport,
    now: Timestamp,
) -> Result<(), Failure> {
    let known = dispute::Entity::find()
        .filter(dispute::Column::Connector.eq(connector))
        .filter(dispute::Column::ConnectorRef.eq(&report.dispute_ref))
        .one(tx)
        .await?;
    let row = match known {
        Some(row) => row,
        None => open(tx, connector, report, now).await?,
    };
    let event = match report.verdict {
        DisputeVerdict::NeedsResponse => None,
        DisputeVerdict::UnderReview => Some(DisputeEvent::Contest),
        DisputeVerdict::Won => Some(DisputeEvent::Won),
        DisputeVerdict::Lost => Some(DisputeEvent::Lost),
    };
    match event {
        Some(event) if DISPUTE_STATES.next(row.status, event).is_some() => {
            move_on(tx, &row, event, now, transition::no_change()).await.map(drop)
        }
        _ => Ok(()),
    }
}

async fn open(
    tx: &Transaction<'_>,
    connector: &str,
    report: &DisputeReport,
    now: Timestamp,
) -> Result<dispute::Model, Failure> {
    let payment = payment::Entity::find()
        .filter(payment::Column::Connector.eq(connector))
        .filter(payment::Column::ProcessorRef.eq(&report.processor_ref))
        .one(tx)
        .await?
        .filter(|payment| payment.captured > 0)
        .ok_or_else(|| {
            Failure::Broken(format!("dispute {} is about no payment", report.dispute_ref))
        })?;
    // Refunds of a disputed payment are refused; whoever is in between waits for this row.
    let payment = transition::touch(tx, &payment, now, transition::no_change()).await?;
    if report.amount.currency != payment.currency || report.amount.minor > payment.captured {
        return Err(Failure::Broken(format!("dispute {} is too large", report.dispute_ref)));
    }
    let row = dispute::ActiveModel {
        id: Set(DisputeId::new(now)),
        payment_id: Set(payment.id),
        connector: Set(connector.to_owned()),
        connector_ref: Set(report.dispute_ref.clone()),
        amount: Set(report.amount.minor),
        currency: Set(payment.currency),
        fee: Set(report.fee.minor),
        status: Set(DisputeStatus::NeedsResponse),
        reason: Set(report.reason.clone()),
        evidence: Set(None),
        evidence_due_by: Set(report.evidence_due_by),
        next_check_at: Set(Some(now.plus(CHECK))),
        opened_at: Set(now),
        closed_at: Set(None),
        updated_at: Set(now),
        version: Set(1),
    };
    let row = row.insert(tx).await?;
    let mut posting = Posting::new(SOURCE, row.id, "dispute_opened", now)
        .payment(payment.id)
        .debit(Account::DisputesHeld, row.money(row.amount))
        .credit(Account::PspClearing, row.money(row.amount));
    if row.fee > 0 {
        posting = posting
            .debit(Account::ProcessorFees, row.money(row.fee))
            .credit(Account::PspClearing, row.money(row.fee));
    }
    post(tx, posting).await?;
    analytics::disputed(tx, &payment).await?;
    let sellers = sellers_of(tx, &payment).await?;
    mail::dispute_opened(tx, &payment, &row, &sellers, now).await?;
    metrics::counter!("payments_disputes_total").increment(1);
    Ok(row)
}

/// Who got the money that is contested.
async fn sellers_of(tx: &Transaction<'_>, payment: &payment::Model) -> Result<Vec<UserId>, DbErr> {
    match payment.purpose_type {
        PurposeType::Order => {
            order_line::Entity::find()
                .select_only()
                .column(order_line::Column::SellerId)
                .distinct()
                .filter(order_line::Column::OrderId.eq(payment.purpose_id))
                .order_by_asc(order_line::Column::SellerId)
                .into_tuple()
                .all(tx)
                .await
        }
        PurposeType::Ride => {
            let ride =
                ride::Entity::find_by_id(kit::id::RideId(payment.purpose_id)).one(tx).await?;
            Ok(ride.map(|ride| ride.driver_id).into_iter().collect())
        }
    }
}

async fn move_on(
    tx: &Transaction<'_>,
    row: &dispute::Model,
    event: DisputeEvent,
    now: Timestamp,
    change: dispute::ActiveModel,
) -> Result<dispute::Model, Failure> {
    let ends = event != DisputeEvent::Contest;
    let change = dispute::ActiveModel {
        closed_at: Set(ends.then_some(now)),
        next_check_at: Set((!ends).then(|| now.plus(Duration::from_secs(1)))),
        ..change
    };
    let row = transition::dispute(tx, row, event, now, change).await?;
    match event {
        DisputeEvent::Contest => {}
        DisputeEvent::Won => {
            let posting = Posting::new(SOURCE, row.id, "dispute_won", now)
                .payment(row.payment_id)
                .debit(Account::PspClearing, row.money(row.amount))
                .credit(Account::DisputesHeld, row.money(row.amount));
            post(tx, posting).await?;
        }
        DisputeEvent::Lost | DisputeEvent::Accept | DisputeEvent::Expire => {
            lose(tx, &row, now).await?;
        }
    }
    Ok(row)
}

/// The held money is gone; everybody gives back their part.
async fn lose(tx: &Transaction<'_>, row: &dispute::Model, now: Timestamp) -> Result<(), Failure> {
    let payment = payment::Entity::find_by_id(row.payment_id)
        .one(tx)
        .await?
        .ok_or_else(|| Failure::Broken(format!("dispute {} has no payment", row.id)))?;
    let parts = dispute_parts(tx, &payment, row.amount).await?;
    let posting = Posting::new(SOURCE, row.id, "dispute_lost", now).payment(row.payment_id);
    let posting = parts
        .into_iter()
        .fold(posting, |posting, (account, part)| posting.debit(account, row.money(part)));
    post(tx, posting.credit(Account::DisputesHeld, row.money(row.amount))).await?;
    Ok(())
}

/// Answers a dispute: with evidence, or by letting the cardholder have the money.
pub async fn respond(
    app: &App,
    id: DisputeId,
    accept: bool,
    evidence: Option<String>,
) -> Result<DisputeId, Failure> {
    let row = dispute::Entity::find_by_id(id)
        .one(app.database.read())
        .await?
        .ok_or_else(|| Refusal::not_found("there is no such dispute", &["id"]))?;
    let event = if accept { DisputeEvent::Accept } else { DisputeEvent::Contest };
    let wrong_state = || Refusal::state(row.status.to_value(), "disputeRespond");
    DISPUTE_STATES.next(row.status, event).ok_or_else(wrong_state)?;
    if row.evidence_due_by.is_some_and(|due| due < app.now()) {
        return Err(wrong_state().into());
    }
    let evidence: Option<String> = evidence.map(|text| text.chars().take(20_000).collect());
    let answer = if accept {
        DisputeAnswer::Accept
    } else {
        DisputeAnswer::Contest { evidence: evidence.clone().unwrap_or_default() }
    };
    let (now, evidence) = (app.now(), &evidence);
    // On record first: an answer the processor never got is given again by the follower.
    app.database
        .write(|tx| {
            Box::pin(async move {
                let row = dispute::Entity::find_by_id(id).one(tx).await?;
                let row = row.ok_or_else(|| Failure::Broken(format!("dispute {id} is gone")))?;
                let change =
                    dispute::ActiveModel { evidence: Set(evidence.clone()), ..Default::default() };
                move_on(tx, &row, event, now, change).await
            })
        })
        .await?;
    if let Err(error) = tell(app, &row, answer).await {
        tracing::warn!(dispute = %id, %error, "the processor could not be told of an answer");
    }
    Ok(id)
}

async fn tell(
    app: &App,
    row: &dispute::Model,
    answer: DisputeAnswer,
) -> Result<(), crate::connector::ConnectorError> {
    app.connectors.named(&row.connector)?.answer_dispute(&row.connector_ref, answer).await
}

/// Expires disputes nobody answered and asks about those under review; returns how many.
pub async fn follow_all(app: &App) -> Result<usize, DbErr> {
    let now = app.now();
    let due = dispute::Entity::find()
        .filter(
            dispute::Column::Status
                .is_in([DisputeStatus::NeedsResponse, DisputeStatus::UnderReview]),
        )
        .filter(dispute::Column::NextCheckAt.lte(now))
        .order_by_asc(dispute::Column::NextCheckAt)
        .limit(BATCH)
        .all(app.database.read())
        .await?;
    for row in &due {
        if let Err(error) = follow(app, row, now).await {
            tracing::warn!(dispute = %row.id, %error, "a dispute could not be followed");
        }
    }
    Ok(due.len())
}

async fn follow(app: &App, row: &dispute::Model, now: Timestamp) -> Result<(), Failure> {
    let late = row.evidence_due_by.is_some_and(|due| due < now);
    if late && row.status == DisputeStatus::NeedsResponse {
        return app
            .database
            .write(|tx| {
                Box::pin(async move {
                    let change = transition::no_change();
                    move_on(tx, row, DisputeEvent::Expire, now, change).await.map(drop)
                })
            })
            .await;
    }
    if row.status == DisputeStatus::UnderReview {
        let evidence = row.evidence.clone().unwrap_or_default();
        // Given again in case it never arrived; an answered dispute does not listen.
        tell(app, row, DisputeAnswer::Contest { evidence })
            .await
            .map_err(|error| Failure::Broken(error.to_string()))?;
    }
    refresh(app, &row.connector, &row.connector_ref).await?;
    let pause = (now.since(row.opened_at) / 4).clamp(CHECK, Duration::from_hours(6));
    app.database
        .write(|tx| {
            Box::pin(async move {
                dispute::Entity::update_many()
                    .col_expr(dispute::Column::NextCheckAt, Expr::value(now.plus(pause)))
                    .filter(dispute::Column::Id.eq(row.id))
                    .filter(dispute::Column::ClosedAt.is_null())
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Is any part of a payment contested, or was it lost that way?
pub(crate) async fn blocks_refunds(
    tx: &Transaction<'_>,
    payment: &payment::Model,
) -> Result<bool, DbErr> {
    let disputes = dispute::Entity::find()
        .filter(dispute::Column::PaymentId.eq(payment.id))
        .filter(dispute::Column::Status.ne(DisputeStatus::Won))
        .count(tx)
        .await?;
    Ok(disputes > 0)
}
