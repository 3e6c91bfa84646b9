//! Money has been taken: who gets which part, the posting, and what was bought.

use std::collections::BTreeMap;

use kit::{
    events,
    id::{PaymentAttemptId, UserId},
};
use sea_orm::{ActiveValue::Set, entity::prelude::*};
use serde_json::json;

use super::{Scope, fare};
use crate::{
    analytics,
    entity::{
        order, order_line,
        payment::{self, PaymentRole},
        payment_split::{self, SplitParty},
        refund::RefundReason,
    },
    ledger::{Account, Posting, post},
    mail,
    money::allocate,
    operation::{
        earning, order as orders, payment as payments,
        refund::{self, Draft},
        stock, transition,
    },
    refusal::Failure,
    state::{OrderEvent, OrderStatus},
};

/// One part of a payment on its way to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) payee: SplitParty,
    pub(crate) user_id: Option<UserId>,
    pub(crate) account: Account,
    pub(crate) amount: i64,
}

/// Books a capture; returns the attempts that have to follow.
pub(super) async fn book(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<Vec<PaymentAttemptId>, Failure> {
    let follow_ups = match payment.role {
        PaymentRole::Order => order_paid(scope, payment).await?,
        PaymentRole::Fare => fare::captured(scope, payment).await?,
        PaymentRole::FareRest => {
            fare::rest_paid(scope, payment).await?;
            Vec::new()
        }
        PaymentRole::Tip => {
            fare::tip_paid(scope, payment).await?;
            Vec::new()
        }
    };
    mail::payment_receipt(scope.tx, payment, scope.now).await?;
    Ok(follow_ups)
}

async fn order_paid(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<Vec<PaymentAttemptId>, Failure> {
    let order = payments::order_of(scope.tx, payment).await?;
    let lines = orders::lines_of(scope.tx, order.id).await?;
    let shares = order_shares(&order, &lines, payment.captured);
    insert_splits(scope, payment, &shares).await?;
    post_capture(scope, payment, &shares).await?;

    let lifetime = scope.app.config.orders.reservation.0;
    let deliverable = order.status == OrderStatus::PendingPayment
        && stock::hold_again(scope.tx, order.id, scope.now, lifetime).await?.is_some();
    if !deliverable {
        return too_late(scope, payment, &order).await;
    }
    stock::commit(scope.tx, order.id, scope.now).await?;
    let change = order::ActiveModel {
        paid_at: Set(Some(scope.now)),
        saga_step: Set("DONE".to_owned()),
        reservation_expires_at: Set(None),
        ..Default::default()
    };
    let event = OrderEvent::Paid;
    let order = transition::order(scope.tx, &order, event, "settle", scope.now, change).await?;
    analytics::sold(scope.tx, &order, &lines, scope.now).await?;
    mail::order_receipt(scope.tx, &order, &lines, scope.now).await?;
    let payload = order_paid_event(&order, &lines);
    let key = order.id.to_string();
    events::append(scope.tx, scope.now, "order.paid", &key, &payload).await?;
    Ok(Vec::new())
}

/// What the feed says about a paid order.
pub(crate) fn order_paid_event(
    order: &order::Model,
    lines: &[order_line::Model],
) -> serde_json::Value {
    let products: Vec<_> = lines.iter().map(|line| line.product_id).collect();
    json!({
        "userId": order.buyer_id,
        "orderId": order.id,
        "productIds": products,
        "paidAt": order.paid_at.map(|at| at.to_string()),
    })
}

/// The money came when the goods were gone: the order ends and the money goes back.
async fn too_late(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    order: &order::Model,
) -> Result<Vec<PaymentAttemptId>, Failure> {
    if order.status == OrderStatus::PendingPayment {
        orders::end(scope.tx, order, OrderEvent::Expire, scope.now).await?;
    }
    let draft = Draft {
        amount: payment.captured,
        lines: Vec::new(),
        reason: RefundReason::Other,
        note: Some("The goods were sold out before the payment arrived.".to_owned()),
        restock: false,
        waiting: None,
    };
    let (_, attempt) = refund::begin(scope.tx, scope.app, payment, &draft, scope.now).await?;
    Ok(vec![attempt])
}

/// Sellers in the order of their ids, then shipping, then tax; exact for a partial capture too.
pub(crate) fn order_shares(
    order: &order::Model,
    lines: &[order_line::Model],
    captured: i64,
) -> Vec<Share> {
    let mut sellers: BTreeMap<UserId, i64> = BTreeMap::new();
    for line in lines {
        *sellers.entry(line.seller_id).or_default() += line.unit_minor * line.qty;
    }
    let mut shares: Vec<Share> = sellers
        .into_iter()
        .map(|(seller, amount)| Share {
            payee: SplitParty::Seller,
            user_id: Some(seller),
            account: Account::MerchantRevenue,
            amount,
        })
        .collect();
    let plain = |payee, account, amount| Share { payee, user_id: None, account, amount };
    shares.push(plain(SplitParty::Platform, Account::ShippingRevenue, order.shipping_minor));
    shares.push(plain(SplitParty::Tax, Account::TaxPayable, order.tax_minor));
    scaled(shares, captured)
}

/// The same proportions for another total; parts of nothing are left out.
pub(crate) fn scaled(mut shares: Vec<Share>, total: i64) -> Vec<Share> {
    let weights: Vec<i64> = shares.iter().map(|share| share.amount).collect();
    if weights.iter().sum::<i64>() != total {
        for (share, amount) in shares.iter_mut().zip(allocate(total, &weights)) {
            share.amount = amount;
        }
    }
    shares.retain(|share| share.amount > 0);
    shares
}

pub(super) async fn insert_splits(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    shares: &[Share],
) -> Result<(), Failure> {
    if shares.is_empty() {
        return Ok(());
    }
    payment_split::Entity::insert_many(split_rows(payment.id, shares))
        .exec_without_returning(scope.tx)
        .await?;
    Ok(())
}

pub(crate) fn split_rows(
    payment_id: kit::id::PaymentId,
    shares: &[Share],
) -> Vec<payment_split::ActiveModel> {
    (1..)
        .zip(shares)
        .map(|(seq, share)| payment_split::ActiveModel {
            payment_id: Set(payment_id),
            seq: Set(seq),
            payee: Set(share.payee),
            user_id: Set(share.user_id),
            account: Set(share.account.to_string()),
            amount: Set(share.amount),
        })
        .collect()
}

pub(super) async fn post_capture(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    shares: &[Share],
) -> Result<(), Failure> {
    post(scope.tx, capture_posting(payment, shares, scope.now)).await?;
    let earned: Vec<_> = shares.iter().map(|share| (share.account.clone(), share.amount)).collect();
    earning::accrue(scope.tx, scope.app, payment, &earned, scope.now).await?;
    Ok(())
}

/// What was taken, from the processor to everybody who gets a share.
pub(crate) fn capture_posting(
    payment: &payment::Model,
    shares: &[Share],
    at: kit::Timestamp,
) -> Posting {
    let posting = Posting::new("PAYMENT", payment.id, "capture", at)
        .payment(payment.id)
        .tip(payment.role == PaymentRole::Tip)
        .debit(Account::PspClearing, payment.money(payment.captured));
    shares.iter().fold(posting, |posting, share| {
        posting.credit(share.account.clone(), payment.money(share.amount))
    })
}
