//! Changing a status: ask the table, then make one update that holds only if nobody else was
//! faster.

use kit::{Timestamp, id::PaymentId};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, entity::prelude::*};

use crate::{
    entity::{dispute, order, payment, payout, ride},
    refusal::{Failure, Refusal},
    state::{
        DISPUTE_STATES, DisputeEvent, ORDER_STATES, OrderEvent, PAYMENT_STATES, PAYOUT_STATES,
        PaymentEvent, PayoutEvent, RIDE_STATES, RideEvent,
    },
};

/// Moves a payment on and writes `change` with it; returns the row as it is now.
pub async fn payment(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
    event: PaymentEvent,
    attempted: &'static str,
    now: Timestamp,
    change: payment::ActiveModel,
) -> Result<payment::Model, Failure> {
    let status = PAYMENT_STATES
        .next(row.status, event)
        .ok_or_else(|| Refusal::state(row.status.to_value(), attempted))?;
    let change = payment::ActiveModel {
        status: Set(status),
        version: Set(row.version + 1),
        updated_at: Set(now),
        ..change
    };
    let updated = payment::Entity::update_many()
        .set(change)
        .filter(payment::Column::Id.eq(row.id))
        .filter(payment::Column::Status.eq(row.status))
        .filter(payment::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(busy().into());
    }
    find(payment::Entity::find_by_id(row.id).one(tx).await?)
}

/// Marks a payment as changed without moving it on, so that two operations on it cannot both
/// go ahead.
pub async fn touch(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
    now: Timestamp,
    change: payment::ActiveModel,
) -> Result<payment::Model, Failure> {
    let change =
        payment::ActiveModel { version: Set(row.version + 1), updated_at: Set(now), ..change };
    let updated = payment::Entity::update_many()
        .set(change)
        .filter(payment::Column::Id.eq(row.id))
        .filter(payment::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(busy().into());
    }
    find(payment::Entity::find_by_id(row.id).one(tx).await?)
}

/// Waits until nobody else changes this payment and keeps others waiting until the transaction
/// ends, where the engine has row locks. Changes nothing.
pub async fn wait_for_payment(tx: &impl ConnectionTrait, id: PaymentId) -> Result<(), DbErr> {
    payment::Entity::update_many()
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version))
        .filter(payment::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Moves an order on.
pub async fn order(
    tx: &impl ConnectionTrait,
    row: &order::Model,
    event: OrderEvent,
    attempted: &'static str,
    now: Timestamp,
    change: order::ActiveModel,
) -> Result<order::Model, Failure> {
    let status = ORDER_STATES
        .next(row.status, event)
        .ok_or_else(|| Refusal::state(row.status.to_value(), attempted))?;
    let change = order::ActiveModel {
        status: Set(status),
        version: Set(row.version + 1),
        updated_at: Set(now),
        ..change
    };
    let updated = order::Entity::update_many()
        .set(change)
        .filter(order::Column::Id.eq(row.id))
        .filter(order::Column::Status.eq(row.status))
        .filter(order::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(busy().into());
    }
    find(order::Entity::find_by_id(row.id).one(tx).await?)
}

/// Moves a ride on.
pub async fn ride(
    tx: &impl ConnectionTrait,
    row: &ride::Model,
    event: RideEvent,
    attempted: &'static str,
    now: Timestamp,
    change: ride::ActiveModel,
) -> Result<ride::Model, Failure> {
    let status = RIDE_STATES
        .next(row.status, event)
        .ok_or_else(|| Refusal::state(row.status.to_value(), attempted))?;
    update_ride(tx, row, now, ride::ActiveModel { status: Set(status), ..change }).await
}

/// Writes `change` to a ride nobody else has changed meanwhile.
pub async fn update_ride(
    tx: &impl ConnectionTrait,
    row: &ride::Model,
    now: Timestamp,
    change: ride::ActiveModel,
) -> Result<ride::Model, Failure> {
    let change =
        ride::ActiveModel { version: Set(row.version + 1), updated_at: Set(now), ..change };
    let updated = ride::Entity::update_many()
        .set(change)
        .filter(ride::Column::Id.eq(row.id))
        .filter(ride::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(busy().into());
    }
    find(ride::Entity::find_by_id(row.id).one(tx).await?)
}

/// Moves a payout on.
pub async fn payout(
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    event: PayoutEvent,
    now: Timestamp,
    change: payout::ActiveModel,
) -> Result<payout::Model, Failure> {
    let status = PAYOUT_STATES
        .next(row.status, event)
        .ok_or_else(|| Refusal::state(row.status.to_value(), "payout"))?;
    let change = payout::ActiveModel {
        status: Set(status),
        version: Set(row.version + 1),
        updated_at: Set(now),
        ..change
    };
    let updated = payout::Entity::update_many()
        .set(change)
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(row.status))
        .filter(payout::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(busy().into());
    }
    find(payout::Entity::find_by_id(row.id).one(tx).await?)
}

/// Moves a dispute on.
pub async fn dispute(
    tx: &impl ConnectionTrait,
    row: &dispute::Model,
    event: DisputeEvent,
    now: Timestamp,
    change: dispute::ActiveModel,
) -> Result<dispute::Model, Failure> {
    let status = DISPUTE_STATES
        .next(row.status, event)
        .ok_or_else(|| Refusal::state(row.status.to_value(), "disputeRespond"))?;
    let change = dispute::ActiveModel {
        status: Set(status),
        version: Set(row.version + 1),
        updated_at: Set(now),
        ..change
    };
    let updated = dispute::Entity::update_many()
        .set(change)
        .filter(dispute::Column::Id.eq(row.id))
        .filter(dispute::Column::Status.eq(row.status))
        .filter(dispute::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(busy().into());
    }
    find(dispute::Entity::find_by_id(row.id).one(tx).await?)
}

/// Nothing to write besides the status.
pub fn no_change<T: Default>() -> T {
    T::default()
}

fn busy() -> Refusal {
    Refusal::conflict("CONFLICT", "it was changed by somebody else; read it again and retry")
}

fn find<M>(row: Option<M>) -> Result<M, Failure> {
    row.ok_or_else(|| Failure::Broken("a row vanished while it was changed".to_owned()))
}
