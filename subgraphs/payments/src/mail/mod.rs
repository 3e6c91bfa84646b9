//! The mails this service sends: queued here in the transaction of what they tell about, turned
//! into letters by [`Letters`] when they are sent.
//!
//! Mails are addressed to a person's id; the address is looked up at sending time, so none is
//! stored here.

mod letter;

use kit::{
    Timestamp, Uuid,
    id::UserId,
    mail::{NewMail, enqueue},
};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Value, json};

use crate::{
    entity::{dispute, order, order_line, payment, payout, refund, ride},
    fare::Fare,
    money::Money,
};

pub(crate) use letter::Letters;

pub(crate) const ORDER_RECEIPT: &str = "order_receipt";
pub(crate) const PAYMENT_AUTHORIZED: &str = "payment_authorized";
pub(crate) const PAYMENT_RECEIPT: &str = "payment_receipt";
pub(crate) const REFUND_RECEIPT: &str = "refund_receipt";
pub(crate) const RIDE_RECEIPT: &str = "ride_receipt";
pub(crate) const DISPUTE_OPENED: &str = "dispute_opened";
pub(crate) const PAYOUT_SENT: &str = "payout_sent";
pub(crate) const TIP_RECEIVED: &str = "tip_received";

struct Mail {
    template: &'static str,
    to: UserId,
    about: Uuid,
    data: Value,
}

/// The payer of a contested payment, and everybody who got a share of it.
pub(crate) async fn dispute_opened(
    tx: &impl ConnectionTrait,
    payment: &payment::Model,
    dispute: &dispute::Model,
    sellers: &[UserId],
    now: Timestamp,
) -> Result<(), DbErr> {
    let readers = std::iter::once((payment.payer_id, "payer"))
        .chain(sellers.iter().map(|seller| (*seller, "seller")));
    for (version, (to, side)) in (1..).zip(readers) {
        let data = json!({
            "payment": payment.id,
            "amount": dispute.money(dispute.amount).to_string(),
            "reason": dispute.reason,
            "answerBy": dispute.evidence_due_by.map(|at| at.to_string()),
            "side": side,
        });
        let mail = Mail { template: DISPUTE_OPENED, to, about: dispute.id.uuid(), data };
        queue_version(tx, now, mail, version).await?;
    }
    Ok(())
}

pub(crate) async fn payout_sent(
    tx: &impl ConnectionTrait,
    payout: &payout::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    let data = json!({ "payout": payout.id, "amount": payout.money().to_string() });
    let (to, about) = (payout.payee_id, payout.id.uuid());
    queue(tx, now, Mail { template: PAYOUT_SENT, to, about, data }).await
}

async fn queue(tx: &impl ConnectionTrait, now: Timestamp, mail: Mail) -> Result<(), DbErr> {
    queue_version(tx, now, mail, 1).await
}

/// The same template about the same thing goes to several people under different versions.
async fn queue_version(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    mail: Mail,
    entity_version: i64,
) -> Result<(), DbErr> {
    let to = mail.to.to_string();
    let mail = NewMail {
        template: mail.template,
        to: &to,
        locale: "en",
        entity: mail.about,
        entity_version,
        data: mail.data,
        user: Some(mail.to.uuid()),
    };
    enqueue(tx, now, mail).await?;
    Ok(())
}

pub(crate) async fn order_receipt(
    tx: &impl ConnectionTrait,
    order: &order::Model,
    lines: &[order_line::Model],
    now: Timestamp,
) -> Result<(), DbErr> {
    let items: Vec<Value> = lines
        .iter()
        .map(|line| {
            let total = Money::new(line.unit_minor * line.qty, order.currency);
            json!({ "title": line.title, "quantity": line.qty, "total": total.to_string() })
        })
        .collect();
    let data = json!({
        "number": order.number,
        "items": items,
        "shipping": order.money(order.shipping_minor).to_string(),
        "tax": order.money(order.tax_minor).to_string(),
        "total": order.money(order.total_minor).to_string(),
    });
    let mail = Mail { template: ORDER_RECEIPT, to: order.buyer_id, about: order.id.uuid(), data };
    queue(tx, now, mail).await
}

pub(crate) async fn payment_authorized(
    tx: &impl ConnectionTrait,
    payment: &payment::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    let data = json!({
        "payment": payment.id,
        "amount": payment.money(payment.authorized).to_string(),
        "captureBefore": payment.capture_before.map(|at| at.to_string()),
    });
    let (to, about) = (payment.payer_id, payment.id.uuid());
    queue(tx, now, Mail { template: PAYMENT_AUTHORIZED, to, about, data }).await
}

pub(crate) async fn payment_receipt(
    tx: &impl ConnectionTrait,
    payment: &payment::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    let data = json!({
        "payment": payment.id,
        "amount": payment.money(payment.captured).to_string(),
    });
    let (to, about) = (payment.payer_id, payment.id.uuid());
    queue(tx, now, Mail { template: PAYMENT_RECEIPT, to, about, data }).await
}

pub(crate) async fn refund_receipt(
    tx: &impl ConnectionTrait,
    payment: &payment::Model,
    refund: &refund::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    let data = json!({
        "payment": payment.id,
        "amount": payment.money(refund.amount).to_string(),
        "note": refund.note,
    });
    let (to, about) = (payment.payer_id, refund.id.uuid());
    queue(tx, now, Mail { template: REFUND_RECEIPT, to, about, data }).await
}

pub(crate) async fn ride_receipt(
    tx: &impl ConnectionTrait,
    ride: &ride::Model,
    fare: &Fare,
    now: Timestamp,
) -> Result<(), DbErr> {
    let text = |minor: i64| ride.money(minor).to_string();
    let data = json!({
        "base": text(fare.base),
        "distance": text(fare.distance),
        "time": text(fare.time),
        "surge": text(fare.surge),
        "tolls": text(fare.tolls),
        "tax": text(fare.tax),
        "total": text(fare.total),
    });
    let (to, about) = (ride.rider_id, ride.id.uuid());
    queue(tx, now, Mail { template: RIDE_RECEIPT, to, about, data }).await
}

pub(crate) async fn tip_received(
    tx: &impl ConnectionTrait,
    ride: &ride::Model,
    payment: &payment::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    let data = json!({ "amount": payment.money(payment.captured).to_string() });
    let (to, about) = (ride.driver_id, payment.id.uuid());
    queue(tx, now, Mail { template: TIP_RECEIVED, to, about, data }).await
}
