//! Giving money back: part of a payment, some lines of an order, or everything that is left.
//!
//! What is promised is set aside in the same transaction (`refund_reserved`), so parallel refunds
//! cannot promise more than was captured.

use std::collections::HashMap;

use kit::{
    Caller, Timestamp, Transaction,
    id::{OrderId, OrderLineId, PaymentAttemptId, PaymentId, RefundId},
};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, PaginatorTrait, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::ExprTrait,
};
use serde::Serialize;

use super::{
    attempt, dispute, earning,
    idempotent::{Claim, Key, Recorded},
    order as orders,
    payment::{self as payments, connector_of},
    transition,
};
use crate::{
    app::{App, key_owner},
    entity::{
        order, order_line,
        payment::{self, PurposeType},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        payment_split,
        refund::{self, RefundReason},
        refund_line, refund_part,
    },
    ledger::{Account, Posting, post},
    money::{Money, allocate, mul_div_half_even},
    refusal::{Failure, Refusal, indexed},
    state::{PaymentStatus, RefundStatus},
};

#[derive(Clone, Debug, Serialize)]
pub struct CreateRefund {
    pub payment_id: PaymentId,
    pub amount: Option<Money>,
    /// Order lines as they came, with quantities.
    pub lines: Option<Vec<(String, i64)>>,
    pub reason: RefundReason,
    pub note: Option<String>,
    pub restock: bool,
}

/// Gives money back to the card it came from.
pub async fn create(
    app: &App,
    caller: &Caller,
    command: CreateRefund,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let key = Key::new(key_owner(caller)?, "refundCreate", idempotency_key, &command)?;
    check_note(command.note.as_deref())?;
    payments::resolve_unknown(app, command.payment_id).await?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Err(recorded));
                }
                transition::wait_for_payment(tx, command.payment_id).await?;
                let row =
                    payment::Entity::find_by_id(command.payment_id).one(tx).await?.ok_or_else(
                        || Refusal::not_found("there is no such payment", &["input", "paymentId"]),
                    )?;
                check_refundable(app, &row, now)?;
                if dispute::blocks_refunds(tx, &row).await? {
                    return Err(Refusal::state("DISPUTED", "refundCreate").into());
                }
                let draft = draft(tx, command, &row, key).await?;
                let (_, attempt) = begin(tx, app, &row, &draft, now).await?;
                Ok::<_, Failure>(Ok(attempt))
            })
        })
        .await?;
    match begun {
        Err(recorded) => Ok(recorded),
        Ok(attempt) => attempt::run_all(app, attempt).await,
    }
}

fn check_note(note: Option<&str>) -> Result<(), Refusal> {
    if note.is_none_or(|note| note.chars().count() <= 500) {
        return Ok(());
    }
    Err(Refusal::invalid("TOO_LONG", "a note has at most 500 characters", &["input", "note"]))
}

fn check_refundable(app: &App, row: &payment::Model, now: Timestamp) -> Result<(), Refusal> {
    let Some(captured_at) = row.captured_at else {
        return Err(Refusal::state(row.status.to_value(), "refundCreate"));
    };
    if captured_at.plus(app.config.orders.refund_window.0) < now {
        let message = "the payment is too old to be refunded";
        return Err(Refusal::invalid("REFUND_WINDOW_CLOSED", message, &["input", "paymentId"]));
    }
    match row.status {
        PaymentStatus::Succeeded | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {
            Ok(())
        }
        status => Err(Refusal::state(status.to_value(), "refundCreate")),
    }
}

/// A refund that has been worked out.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) amount: i64,
    pub(crate) lines: Vec<(OrderLineId, i64)>,
    pub(crate) reason: RefundReason,
    pub(crate) note: Option<String>,
    pub(crate) restock: bool,
    pub(crate) waiting: Option<&'a Key>,
}

async fn draft<'a>(
    tx: &impl ConnectionTrait,
    command: &CreateRefund,
    row: &payment::Model,
    key: &'a Key,
) -> Result<Draft<'a>, Failure> {
    let (amount, lines) = match (&command.amount, &command.lines) {
        (Some(_), Some(_)) => {
            let message = "give an amount or lines, not both";
            return Err(Refusal::invalid("INVALID_INPUT", message, &["input", "lines"]).into());
        }
        (Some(amount), None) => (checked_amount(*amount, row)?, Vec::new()),
        (None, Some(lines)) => of_lines(tx, lines, row).await?,
        (None, None) => (row.refundable(), whole_order(tx, row).await?),
    };
    if amount <= 0 || amount > row.refundable() {
        return Err(Refusal::RefundExceeds { refundable: row.money(row.refundable()) }.into());
    }
    Ok(Draft {
        amount,
        lines,
        reason: command.reason,
        note: command.note.clone(),
        restock: command.restock,
        waiting: Some(key),
    })
}

fn checked_amount(amount: Money, row: &payment::Model) -> Result<i64, Refusal> {
    const PATH: &[&str] = &["input", "amount"];
    if amount.currency != row.currency {
        let message = "a refund is in the payment's currency";
        return Err(Refusal::invalid("CURRENCY_MISMATCH", message, PATH));
    }
    if amount.minor <= 0 {
        return Err(Refusal::invalid("INVALID_AMOUNT", "a refund is more than nothing", PATH));
    }
    Ok(amount.minor)
}

/// What some lines of the order are worth, with their part of the tax.
async fn of_lines(
    tx: &impl ConnectionTrait,
    wanted: &[(String, i64)],
    row: &payment::Model,
) -> Result<(i64, Vec<(OrderLineId, i64)>), Failure> {
    let invalid = |index, leaf, message: &'static str| Refusal::InvalidInput {
        code: "INVALID_LINES".into(),
        message: message.into(),
        path: indexed("input", "lines", index, leaf),
    };
    if row.purpose_type != PurposeType::Order || wanted.is_empty() {
        return Err(invalid(0, "orderLineId", "this payment has no such lines").into());
    }
    let order_id = OrderId(row.purpose_id);
    let order = order::Entity::find_by_id(order_id)
        .one(tx)
        .await?
        .ok_or_else(|| Failure::Broken(format!("payment {} has no order", row.id)))?;
    let known: HashMap<_, _> =
        orders::lines_of(tx, order_id).await?.into_iter().map(|line| (line.id, line)).collect();
    let mut lines: Vec<(OrderLineId, i64)> = Vec::new();
    let mut net = 0_i64;
    for (index, (id, quantity)) in wanted.iter().enumerate() {
        let line = OrderLineId::parse(id).and_then(|id| known.get(&id)).ok_or_else(|| {
            Refusal::NotFound {
                code: "NOT_FOUND".into(),
                message: "the order has no such line".into(),
                path: indexed("input", "lines", index, "orderLineId"),
            }
        })?;
        if lines.iter().any(|(id, _)| *id == line.id) {
            return Err(invalid(index, "orderLineId", "a line is named twice").into());
        }
        if !(1..=line.qty - line.qty_refunded).contains(quantity) {
            return Err(invalid(index, "quantity", "more than is left to refund").into());
        }
        net += line.unit_minor * quantity;
        lines.push((line.id, *quantity));
    }
    let tax = if order.subtotal_minor > 0 {
        mul_div_half_even(order.tax_minor, net, order.subtotal_minor)?
    } else {
        0
    };
    Ok((net + tax, lines))
}

/// Everything of an order that has not been refunded yet.
async fn whole_order(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
) -> Result<Vec<(OrderLineId, i64)>, Failure> {
    if row.purpose_type != PurposeType::Order {
        return Ok(Vec::new());
    }
    let lines = orders::lines_of(tx, OrderId(row.purpose_id)).await?;
    Ok(lines
        .into_iter()
        .map(|line| (line.id, line.qty - line.qty_refunded))
        .filter(|(_, quantity)| *quantity > 0)
        .collect())
}

/// Sets the money and the lines aside, posts the promise and puts the attempt on record.
pub(crate) async fn begin(
    tx: &Transaction<'_>,
    app: &App,
    row: &payment::Model,
    draft: &Draft<'_>,
    now: Timestamp,
) -> Result<(RefundId, PaymentAttemptId), Failure> {
    let reserved = payment::Entity::update_many()
        .col_expr(
            payment::Column::RefundReserved,
            Expr::col(payment::Column::RefundReserved).add(draft.amount),
        )
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .col_expr(payment::Column::UpdatedAt, Expr::value(now))
        .filter(payment::Column::Id.eq(row.id))
        .filter(
            Expr::col(payment::Column::Captured)
                .sub(Expr::col(payment::Column::RefundReserved))
                .gte(draft.amount),
        )
        .exec(tx)
        .await?;
    if reserved.rows_affected != 1 {
        let fresh = payment::Entity::find_by_id(row.id).one(tx).await?;
        let left = fresh.map_or(0, |fresh| fresh.refundable());
        return Err(Refusal::RefundExceeds { refundable: row.money(left) }.into());
    }
    let id = RefundId::new(now);
    let refund = refund::ActiveModel {
        id: Set(id),
        payment_id: Set(row.id),
        amount: Set(draft.amount),
        currency: Set(row.currency),
        status: Set(RefundStatus::Pending),
        reason: Set(draft.reason),
        note: Set(draft.note.clone()),
        restock: Set(draft.restock),
        failure: Set(None),
        connector: Set(connector_of(row)?.to_owned()),
        connector_ref: Set(None),
        created_at: Set(now),
        settled_at: Set(None),
        updated_at: Set(now),
        version: Set(1),
    };
    refund::Entity::insert(refund).exec_without_returning(tx).await?;
    take_lines(tx, id, &draft.lines).await?;
    let parts = insert_parts(tx, row, id, draft.amount).await?;
    post(tx, promise_posting(row, id, draft.amount, &parts, now)).await?;
    let attempt = insert_attempt(tx, app, row, id, draft, now).await?;
    Ok((id, attempt))
}

/// Every split gives its part, the payer is promised the sum.
pub(crate) fn promise_posting(
    row: &payment::Model,
    id: RefundId,
    amount: i64,
    parts: &[(Account, i64)],
    at: Timestamp,
) -> Posting {
    let posting = Posting::new("REFUND", id, "refund", at).payment(row.id);
    let posting = parts
        .iter()
        .fold(posting, |posting, (account, part)| posting.debit(account.clone(), row.money(*part)));
    posting.credit(Account::RefundsPayable, row.money(amount))
}

async fn take_lines(
    tx: &impl ConnectionTrait,
    id: RefundId,
    lines: &[(OrderLineId, i64)],
) -> Result<(), Failure> {
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    for (line, quantity) in sorted {
        let taken = order_line::Entity::update_many()
            .col_expr(
                order_line::Column::QtyRefunded,
                Expr::col(order_line::Column::QtyRefunded).add(quantity),
            )
            .filter(order_line::Column::Id.eq(line))
            .filter(
                Expr::col(order_line::Column::Qty)
                    .sub(Expr::col(order_line::Column::QtyRefunded))
                    .gte(quantity),
            )
            .exec(tx)
            .await?;
        if taken.rows_affected != 1 {
            let message = "more than is left to refund";
            return Err(Refusal::invalid("INVALID_LINES", message, &["input", "lines"]).into());
        }
        let row = refund_line::ActiveModel {
            refund_id: Set(id),
            order_line_id: Set(line),
            qty: Set(quantity),
        };
        refund_line::Entity::insert(row).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Divides a refund among the payment's splits in proportion to what each still has.
async fn insert_parts(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
    id: RefundId,
    amount: i64,
) -> Result<Vec<(Account, i64)>, Failure> {
    let (splits, left) = left_of(tx, row).await?;
    let parts = allocate(amount, &left);
    let mut accounts = Vec::new();
    for (split, part) in splits.iter().zip(parts) {
        if part == 0 {
            continue;
        }
        let refund_part = refund_part::ActiveModel {
            refund_id: Set(id),
            split_seq: Set(split.seq),
            amount: Set(part),
        };
        refund_part::Entity::insert(refund_part).exec_without_returning(tx).await?;
        accounts.push((earning::take_back(tx, row.id, account_of(split)?, part).await?, part));
    }
    Ok(accounts)
}

/// Divides a lost dispute like a refund. What the shares do not cover any more is the platform's.
pub(crate) async fn dispute_parts(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
    amount: i64,
) -> Result<Vec<(Account, i64)>, Failure> {
    let (splits, left) = left_of(tx, row).await?;
    let covered = std::cmp::min(amount, left.iter().sum());
    let mut accounts = Vec::new();
    for (split, part) in splits.iter().zip(allocate(covered, &left)) {
        if part > 0 {
            accounts.push((earning::take_back(tx, row.id, account_of(split)?, part).await?, part));
        }
    }
    accounts.push((Account::PlatformFees, amount - covered));
    Ok(accounts)
}

/// A payment's splits and what each still has after earlier refunds.
async fn left_of(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
) -> Result<(Vec<payment_split::Model>, Vec<i64>), Failure> {
    let splits = payment_split::Entity::find()
        .filter(payment_split::Column::PaymentId.eq(row.id))
        .order_by_asc(payment_split::Column::Seq)
        .all(tx)
        .await?;
    let earlier: Vec<RefundId> = refund::Entity::find()
        .select_only()
        .column(refund::Column::Id)
        .filter(refund::Column::PaymentId.eq(row.id))
        .filter(refund::Column::Status.is_in([RefundStatus::Pending, RefundStatus::Succeeded]))
        .into_tuple()
        .all(tx)
        .await?;
    let given = refund_part::Entity::find()
        .filter(refund_part::Column::RefundId.is_in(earlier))
        .all(tx)
        .await?;
    let left: Vec<i64> = splits
        .iter()
        .map(|split| {
            let taken: i64 = given
                .iter()
                .filter(|part| part.split_seq == split.seq)
                .map(|part| part.amount)
                .sum();
            split.amount - taken
        })
        .collect();
    Ok((splits, left))
}

fn account_of(split: &payment_split::Model) -> Result<Account, Failure> {
    Account::parse(&split.account)
        .ok_or_else(|| Failure::Broken(format!("no account is called {}", split.account)))
}

async fn insert_attempt(
    tx: &impl ConnectionTrait,
    app: &App,
    row: &payment::Model,
    refund_id: RefundId,
    draft: &Draft<'_>,
    now: Timestamp,
) -> Result<PaymentAttemptId, Failure> {
    let seq = payment_attempt::Entity::find()
        .filter(payment_attempt::Column::PaymentId.eq(row.id))
        .count(tx)
        .await?;
    let id = PaymentAttemptId::new(now);
    let attempt = payment_attempt::ActiveModel {
        id: Set(id),
        payment_id: Set(Some(row.id)),
        refund_id: Set(Some(refund_id)),
        payout_id: Set(None),
        chain_id: Set(None),
        user_id: Set(row.payer_id),
        seq: Set(i64::try_from(seq).unwrap_or(i64::MAX) + 1),
        op: Set(AttemptOperation::Refund),
        connector: Set(connector_of(row)?.to_owned()),
        connector_ref: Set(None),
        amount: Set(draft.amount),
        currency: Set(row.currency),
        status: Set(AttemptStatus::Pending),
        decline: Set(None),
        raw_code: Set(None),
        checks: Set(0),
        next_check_at: Set(Some(now.plus(app.config.processing.stale.0))),
        waiting_owner: Set(draft.waiting.map(Key::owner)),
        waiting_operation: Set(draft.waiting.map(|key| key.operation().to_owned())),
        waiting_key: Set(draft.waiting.map(|key| key.text().to_owned())),
        started_at: Set(now),
        finished_at: Set(None),
    };
    payment_attempt::Entity::insert(attempt).exec_without_returning(tx).await?;
    Ok(id)
}

/// Takes a refused refund back: a reversing posting, the money and the lines are free again.
pub(crate) async fn undo(
    tx: &Transaction<'_>,
    row: &payment::Model,
    refund: &refund::Model,
    now: Timestamp,
) -> Result<(), Failure> {
    payment::Entity::update_many()
        .col_expr(
            payment::Column::RefundReserved,
            Expr::col(payment::Column::RefundReserved).sub(refund.amount),
        )
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    let lines = refund_line::Entity::find()
        .filter(refund_line::Column::RefundId.eq(refund.id))
        .all(tx)
        .await?;
    for line in lines {
        order_line::Entity::update_many()
            .col_expr(
                order_line::Column::QtyRefunded,
                Expr::col(order_line::Column::QtyRefunded).sub(line.qty),
            )
            .filter(order_line::Column::Id.eq(line.order_line_id))
            .exec(tx)
            .await?;
    }
    let source = ("REFUND", refund.id.uuid());
    let promised = crate::ledger::entries_of(tx, (source.0, source.1, "refund")).await?;
    crate::ledger::reverse(tx, (source.0, source.1, "refund"), "refund_reversed", now).await?;
    for (account, amount) in &promised {
        earning::give_back(tx, row, (account, amount.minor), source, now).await?;
    }
    Ok(())
}
