//! Giving back what time has run out for: reservations, held money, card tokens.

use std::time::Duration;

use kit::{
    Timestamp,
    id::{OrderId, PaymentId},
};
use sea_orm::{DbErr, QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    attempt, earning, order as orders,
    payment::{self as payments, CancelReason},
    stock,
};
use crate::{
    app::App,
    entity::{
        order,
        payment::{self, PaymentRole},
        reservation::{self, ReservationState},
        vault_token,
    },
    refusal::Failure,
    state::{OrderEvent, OrderStatus, PaymentStatus},
};

const BATCH: u64 = 100;

/// One round of everything; returns how many things were given back.
pub async fn sweep(app: &App) -> Result<usize, DbErr> {
    let now = app.now();
    let mut count = 0;
    for id in expired_orders(app, now).await? {
        count += 1;
        if let Err(error) = expire_order(app, id, now).await {
            tracing::warn!(order = %id, %error, "an expired order could not be closed");
        }
    }
    for id in expired_captures(app, now).await? {
        count += 1;
        if let Err(error) = let_go(app, id, now).await {
            tracing::warn!(payment = %id, %error, "held money could not be let go");
        }
    }
    match earning::release(app).await {
        Ok(released) => count += released,
        Err(error) => tracing::warn!(%error, "earnings could not be released"),
    }
    forget_tokens(app, now).await?;
    Ok(count)
}

async fn expired_orders(app: &App, now: Timestamp) -> Result<Vec<OrderId>, DbErr> {
    reservation::Entity::find()
        .select_only()
        .column(reservation::Column::OrderId)
        .distinct()
        .filter(reservation::Column::State.eq(ReservationState::Held))
        .filter(reservation::Column::ExpiresAt.lt(now))
        .limit(BATCH)
        .into_tuple()
        .all(app.database.read())
        .await
}

/// Gives the stock back. The order ends too, unless a payment for it is under way: then it may
/// still be paid, if the stock can be held again.
async fn expire_order(app: &App, id: OrderId, now: Timestamp) -> Result<(), Failure> {
    app.database
        .write(|tx| {
            Box::pin(async move {
                let Some(row) = order::Entity::find_by_id(id).one(tx).await? else { return Ok(()) };
                let live = payment::Entity::find()
                    .filter(payment::Column::PurposeId.eq(id.uuid()))
                    .filter(payment::Column::Status.is_in([
                        PaymentStatus::Processing,
                        PaymentStatus::RequiresAction,
                        PaymentStatus::RequiresCapture,
                        PaymentStatus::Unknown,
                    ]))
                    .one(tx)
                    .await?;
                if row.status == OrderStatus::PendingPayment && live.is_none() {
                    orders::give_up(tx, app, &row, OrderEvent::Expire, now).await?;
                    return Ok(());
                }
                stock::release(tx, id, now).await
            })
        })
        .await
}

async fn expired_captures(app: &App, now: Timestamp) -> Result<Vec<PaymentId>, DbErr> {
    payment::Entity::find()
        .select_only()
        .column(payment::Column::Id)
        .filter(payment::Column::Status.eq(PaymentStatus::RequiresCapture))
        .filter(payment::Column::CaptureBefore.lt(now))
        .order_by_asc(payment::Column::CaptureBefore)
        .limit(BATCH)
        .into_tuple()
        .all(app.database.read())
        .await
}

async fn let_go(app: &App, id: PaymentId, now: Timestamp) -> Result<(), Failure> {
    let void = app
        .database
        .write(|tx| {
            Box::pin(async move {
                let row = payment::Entity::find_by_id(id).one(tx).await?;
                let row = row.filter(|row| row.status == PaymentStatus::RequiresCapture);
                let Some(row) = row else { return Ok(None) };
                let reason = match row.role {
                    PaymentRole::Order => CancelReason::OrderExpired,
                    _ => CancelReason::CaptureExpired,
                };
                payments::begin_void(tx, app, &row, reason, None, now).await.map(Some)
            })
        })
        .await?;
    if let Some(attempt) = void {
        attempt::run_all(app, attempt).await?;
    }
    Ok(())
}

/// Card tokens are of no use to anybody a day after they expired.
async fn forget_tokens(app: &App, now: Timestamp) -> Result<(), DbErr> {
    const DAY: Duration = Duration::from_hours(24);
    let old = vault_token::Entity::find()
        .filter(vault_token::Column::ExpiresAt.lt(now.minus(DAY)))
        .one(app.database.read())
        .await?;
    if old.is_none() {
        return Ok(());
    }
    app.database
        .write(|tx| {
            Box::pin(async move {
                vault_token::Entity::delete_many()
                    .filter(vault_token::Column::ExpiresAt.lt(now.minus(DAY)))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}
