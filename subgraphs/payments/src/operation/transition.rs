//! Changing a status: ask the table, then make one update that holds only if nobody else was
//! faster.

use kit::Timestamp;
use sea_orm::{ActiveValue::Set, ConnectionTrait, entity::prelude::*};

use crate::{
    entity::{order, payment, ride},
    refusal::{Failure, Refusal},
    state::{ORDER_STATES, OrderEvent, PAYMENT_STATES, PaymentEvent, RIDE_STATES, RideEvent},
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
