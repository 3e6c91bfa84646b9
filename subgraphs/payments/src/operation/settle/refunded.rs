//! Booking the answer to a refund.

use kit::{
    events,
    id::{OrderId, ProductId},
};
use sea_orm::{ActiveValue::Set, entity::prelude::*};
use serde_json::json;

use super::{Ending, Scope, Settled, answer, close, hold_conflict, keep_open};
use crate::{
    connector::Outcome,
    entity::{
        order, order_line,
        payment::{self, PurposeType},
        payment_attempt::{self, AttemptStatus},
        refund, refund_line,
        stock_movement::MovementKind,
    },
    ledger::{Account, Posting, post},
    mail,
    operation::{refund as refunds, stock, transition},
    refusal::Failure,
    state::{ORDER_STATES, OrderEvent, PaymentEvent, REFUND_STATES, RefundEvent, RefundStatus},
};

pub(super) async fn settle(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
    payment: payment::Model,
    outcome: &Outcome,
) -> Result<Settled, Failure> {
    let refund = refund_of(scope, attempt).await?;
    match outcome {
        Outcome::Approved { processor_ref } => {
            let ending = Ending {
                status: AttemptStatus::Succeeded,
                processor_ref: Some(processor_ref),
                decline: None,
            };
            close(scope, attempt, ending).await?;
            let refund = succeed(scope, &refund, processor_ref).await?;
            let payment = give_back(scope, &payment, &refund).await?;
            tell(scope, &payment, &refund).await?;
            answer(scope, attempt, &payment, None).await.map(Settled::only)
        }
        Outcome::Declined { processor_ref, code, raw_code } => {
            let ending = Ending {
                status: AttemptStatus::Failed,
                processor_ref: processor_ref.as_deref(),
                decline: Some((*code, raw_code)),
            };
            close(scope, attempt, ending).await?;
            fail(scope, &payment, &refund, raw_code).await?;
            answer(scope, attempt, &payment, None).await.map(Settled::only)
        }
        Outcome::Conflicted { reason } => {
            hold_conflict(scope, attempt, reason).await?;
            answer(scope, attempt, &payment, None).await.map(Settled::only)
        }
        // Promised and not done yet: the reconciler goes on.
        Outcome::NotAttempted { .. } | Outcome::ActionRequired { .. } | Outcome::Unknown { .. } => {
            keep_open(scope, attempt, AttemptStatus::Pending).await?;
            answer(scope, attempt, &payment, None).await.map(Settled::only)
        }
    }
}

async fn refund_of(
    scope: &Scope<'_, '_>,
    attempt: &payment_attempt::Model,
) -> Result<refund::Model, Failure> {
    let broken = || Failure::Broken(format!("attempt {} has no refund", attempt.id));
    let id = attempt.refund_id.ok_or_else(broken)?;
    refund::Entity::find_by_id(id).one(scope.tx).await?.ok_or_else(broken)
}

async fn succeed(
    scope: &Scope<'_, '_>,
    refund: &refund::Model,
    processor_ref: &str,
) -> Result<refund::Model, Failure> {
    let change = refund::ActiveModel {
        connector_ref: Set(Some(processor_ref.to_owned())),
        settled_at: Set(Some(scope.now)),
        ..Default::default()
    };
    move_on(scope, refund, RefundEvent::Settled, change).await
}

async fn move_on(
    scope: &Scope<'_, '_>,
    refund: &refund::Model,
    event: RefundEvent,
    change: refund::ActiveModel,
) -> Result<refund::Model, Failure> {
    let broken = || Failure::Broken(format!("refund {} is already settled", refund.id));
    let status = REFUND_STATES.next(refund.status, event).ok_or_else(broken)?;
    let change = refund::ActiveModel {
        status: Set(status),
        version: Set(refund.version + 1),
        updated_at: Set(scope.now),
        ..change
    };
    let updated = refund::Entity::update_many()
        .set(change)
        .filter(refund::Column::Id.eq(refund.id))
        .filter(refund::Column::Status.eq(RefundStatus::Pending))
        .exec(scope.tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(broken());
    }
    refund::Entity::find_by_id(refund.id).one(scope.tx).await?.ok_or_else(broken)
}

/// The money is back with the payer.
async fn give_back(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    refund: &refund::Model,
) -> Result<payment::Model, Failure> {
    let refunded = payment.refunded + refund.amount;
    let event = if refunded == payment.captured {
        PaymentEvent::RefundedFully
    } else {
        PaymentEvent::RefundedPartly
    };
    let change = payment::ActiveModel { refunded: Set(refunded), ..Default::default() };
    let payment =
        transition::payment(scope.tx, payment, event, "settle", scope.now, change).await?;
    post(scope.tx, settled_posting(&payment, refund, scope.now)).await?;
    Ok(payment)
}

pub(crate) fn settled_posting(
    payment: &payment::Model,
    refund: &refund::Model,
    at: kit::Timestamp,
) -> Posting {
    Posting::new("REFUND", refund.id, "refund_settled", at)
        .payment(payment.id)
        .debit(Account::RefundsPayable, payment.money(refund.amount))
        .credit(Account::PspClearing, payment.money(refund.amount))
}

/// Order, stock, mail and feed learn of it.
async fn tell(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    refund: &refund::Model,
) -> Result<(), Failure> {
    mail::refund_receipt(scope.tx, payment, refund, scope.now).await?;
    if payment.purpose_type != PurposeType::Order {
        return Ok(());
    }
    let products = restock(scope, refund).await?;
    let order = order::Entity::find_by_id(OrderId(payment.purpose_id)).one(scope.tx).await?;
    let Some(order) = order else { return Ok(()) };
    let whole = payment.refunded == payment.captured;
    let event = if whole { OrderEvent::RefundedFully } else { OrderEvent::RefundedPartly };
    // An order that was never paid (its goods were sold out) stays as it ended.
    if ORDER_STATES.next(order.status, event).is_none() {
        return Ok(());
    }
    let change = transition::no_change();
    transition::order(scope.tx, &order, event, "settle", scope.now, change).await?;
    let payload = order_refunded_event(&order, refund, &products, whole);
    events::append(scope.tx, scope.now, "order.refunded", &order.id.to_string(), &payload).await?;
    Ok(())
}

/// What the feed says about a refunded order.
pub(crate) fn order_refunded_event(
    order: &order::Model,
    refund: &refund::Model,
    products: &[ProductId],
    whole: bool,
) -> serde_json::Value {
    json!({
        "userId": order.buyer_id,
        "orderId": order.id,
        "refundId": refund.id,
        "productIds": products,
        "whole": whole,
        "refundedAt": refund.settled_at.map(|at| at.to_string()),
    })
}

/// Puts the refunded pieces back on the shelf, if that was asked for.
async fn restock(scope: &Scope<'_, '_>, refund: &refund::Model) -> Result<Vec<ProductId>, Failure> {
    let lines = refund_line::Entity::find()
        .filter(refund_line::Column::RefundId.eq(refund.id))
        .all(scope.tx)
        .await?;
    let ids = lines.iter().map(|line| line.order_line_id);
    let order_lines =
        order_line::Entity::find().filter(order_line::Column::Id.is_in(ids)).all(scope.tx).await?;
    let mut returned: Vec<(ProductId, i64)> = lines
        .iter()
        .filter_map(|line| {
            let of = order_lines.iter().find(|row| row.id == line.order_line_id)?;
            Some((of.product_id, line.qty))
        })
        .collect();
    returned.sort_unstable();
    if refund.restock {
        for (product, quantity) in &returned {
            let source = ("REFUND", refund.id.uuid());
            let kind = MovementKind::Returned;
            stock::adjust(scope.tx, *product, *quantity, kind, source, scope.now).await?;
        }
    }
    Ok(returned.into_iter().map(|(product, _)| product).collect())
}

/// The processor refused: what was set aside for the refund is free again.
async fn fail(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    refund: &refund::Model,
    raw_code: &str,
) -> Result<(), Failure> {
    let change = refund::ActiveModel {
        failure: Set(Some(raw_code.to_owned())),
        settled_at: Set(Some(scope.now)),
        ..Default::default()
    };
    let refund = move_on(scope, refund, RefundEvent::Refused, change).await?;
    refunds::undo(scope.tx, payment, &refund, scope.now).await
}
