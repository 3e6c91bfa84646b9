//! Taking money that is held.

use kit::{Caller, id::PaymentId};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{
    idempotent::{Claim, Key, Recorded},
    payment::{Begun, Intent, begin_attempt, resolve_unknown},
    transition,
};
use crate::{
    app::{App, key_owner},
    entity::{
        payment::{self, PurposeType},
        payment_attempt::AttemptOperation,
    },
    money::Money,
    refusal::{Failure, Refusal},
    state::PaymentStatus,
};

#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    pub payment_id: PaymentId,
    pub amount: Option<Money>,
}

/// Takes the held money of an order, or a part of it; the rest is let go.
pub async fn capture(
    app: &App,
    caller: &Caller,
    command: Capture,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let key = Key::new(key_owner(caller)?, "paymentCapture", idempotency_key, &command)?;
    resolve_unknown(app, command.payment_id).await?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let row = payment::Entity::find_by_id(command.payment_id)
                    .one(tx)
                    .await?
                    .filter(|row| row.purpose_type == PurposeType::Order)
                    .ok_or_else(|| {
                        Refusal::not_found("there is no such payment", &["input", "paymentId"])
                    })?;
                if row.status != PaymentStatus::RequiresCapture {
                    return Err(Refusal::state(row.status.to_value(), "paymentCapture").into());
                }
                let amount = amount(command, &row)?;
                let row = transition::touch(tx, &row, now, transition::no_change()).await?;
                let intent = Intent { op: AttemptOperation::Capture, amount, waiting: Some(key) };
                begin_attempt(tx, app, &row, intent, now).await.map(Begun::Attempt)
            })
        })
        .await?;
    begun.finish(app).await
}

fn amount(command: &Capture, row: &payment::Model) -> Result<i64, Refusal> {
    const PATH: &[&str] = &["input", "amount"];
    let Some(amount) = command.amount else { return Ok(row.authorized) };
    if amount.currency != row.currency {
        let message = "the amount must be in the payment's currency";
        return Err(Refusal::invalid("CURRENCY_MISMATCH", message, PATH));
    }
    if !(1..=row.authorized).contains(&amount.minor) {
        let message = "between 1 and what is capturable can be captured";
        return Err(Refusal::invalid("INVALID_AMOUNT", message, PATH));
    }
    Ok(amount.minor)
}
