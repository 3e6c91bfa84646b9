//! Stock: hold, release, commit, take back. Every change is one guarded update and one movement;
//! nothing is read first to decide whether there is enough.

use std::time::Duration;

use kit::{
    Timestamp, Uuid,
    id::{OrderId, ProductId},
};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, QueryOrder, entity::prelude::*, sea_query::ExprTrait,
};

use crate::{
    entity::{
        reservation::{self, ReservationState},
        stock,
        stock_movement::{self, MovementKind},
    },
    refusal::{Failure, Refusal},
};

const RESERVATION: &str = "RESERVATION";

/// One product and how many pieces of it; `index` is its place in the caller's input.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub product_id: ProductId,
    pub quantity: i64,
    pub index: usize,
}

/// Holds stock for an order, or refuses naming the first product there is not enough of.
pub async fn reserve(
    tx: &impl ConnectionTrait,
    order_id: OrderId,
    wanted: &[Wanted],
    now: Timestamp,
    lifetime: Duration,
) -> Result<(), Failure> {
    for item in in_lock_order(wanted) {
        let hold_id = kit::id::new_id(now);
        if !hold(tx, item.product_id, item.quantity, hold_id, now).await? {
            let available = available(tx, item.product_id).await?;
            return Err(Refusal::InsufficientStock {
                product_id: item.product_id,
                available,
                requested: item.quantity,
                path: crate::refusal::indexed("input", "lines", item.index, "quantity"),
            }
            .into());
        }
        let row = reservation::ActiveModel {
            id: Set(kit::id::new_id(now)),
            order_id: Set(order_id),
            product_id: Set(item.product_id),
            qty: Set(item.quantity),
            state: Set(ReservationState::Held),
            hold_id: Set(hold_id),
            expires_at: Set(now.plus(lifetime)),
            created_at: Set(now),
            updated_at: Set(now),
        };
        reservation::Entity::insert(row).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Makes sure that everything of an order is held, renewing what had been given back. `None`
/// when something is gone; then nothing is held that was not held before.
pub async fn hold_again(
    tx: &impl ConnectionTrait,
    order_id: OrderId,
    now: Timestamp,
    lifetime: Duration,
) -> Result<Option<Timestamp>, Failure> {
    let expires_at = now.plus(lifetime);
    let mut renewed = Vec::new();
    for row in of_order(tx, order_id).await? {
        match row.state {
            ReservationState::Committed => {}
            ReservationState::Held => {
                set_state(tx, &row, ReservationState::Held, row.hold_id, expires_at, now).await?;
            }
            ReservationState::Released => {
                let hold_id = kit::id::new_id(now);
                if !hold(tx, row.product_id, row.qty, hold_id, now).await? {
                    for (row, hold_id) in renewed {
                        let row: reservation::Model = row;
                        unhold(tx, &reservation::Model { hold_id, ..row }, now).await?;
                    }
                    return Ok(None);
                }
                set_state(tx, &row, ReservationState::Held, hold_id, expires_at, now).await?;
                renewed.push((row, hold_id));
            }
        }
    }
    Ok(Some(expires_at))
}

/// Gives back what is held for an order.
pub async fn release(
    tx: &impl ConnectionTrait,
    order_id: OrderId,
    now: Timestamp,
) -> Result<(), Failure> {
    for row in of_order(tx, order_id).await? {
        if row.state == ReservationState::Held {
            unhold(tx, &row, now).await?;
        }
    }
    Ok(())
}

/// Takes what is held for an order out of stock for good.
pub async fn commit(
    tx: &impl ConnectionTrait,
    order_id: OrderId,
    now: Timestamp,
) -> Result<(), Failure> {
    for row in of_order(tx, order_id).await? {
        if row.state != ReservationState::Held {
            continue;
        }
        let updated = stock::Entity::update_many()
            .col_expr(stock::Column::OnHand, Expr::col(stock::Column::OnHand).sub(row.qty))
            .col_expr(stock::Column::Reserved, Expr::col(stock::Column::Reserved).sub(row.qty))
            .col_expr(stock::Column::UpdatedAt, Expr::value(now))
            .filter(stock::Column::ProductId.eq(row.product_id))
            .filter(stock::Column::Reserved.gte(row.qty))
            .exec(tx)
            .await?;
        if updated.rows_affected != 1 {
            return Err(Failure::Broken(format!("held stock of {} is gone", row.product_id)));
        }
        let change = Change { kind: MovementKind::Sold, delta: -row.qty, reserved: -row.qty };
        movement(tx, row.product_id, change, RESERVATION, row.hold_id, now).await?;
        set_state(tx, &row, ReservationState::Committed, row.hold_id, row.expires_at, now).await?;
    }
    Ok(())
}

/// Adds pieces, or takes away pieces that nobody has been promised. `Ok(None)` when there are not
/// enough; the source can be used once.
pub async fn adjust(
    tx: &impl ConnectionTrait,
    product_id: ProductId,
    delta: i64,
    kind: MovementKind,
    source: (&str, Uuid),
    now: Timestamp,
) -> Result<bool, Failure> {
    let updated = stock::Entity::update_many()
        .col_expr(stock::Column::OnHand, Expr::col(stock::Column::OnHand).add(delta))
        .col_expr(stock::Column::UpdatedAt, Expr::value(now))
        .filter(stock::Column::ProductId.eq(product_id))
        .filter(
            Expr::col(stock::Column::OnHand)
                .sub(Expr::col(stock::Column::Reserved))
                .gte(std::cmp::max(-delta, 0)),
        )
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Ok(false);
    }
    let change = Change { kind, delta, reserved: 0 };
    movement(tx, product_id, change, source.0, source.1, now).await?;
    Ok(true)
}

/// Pieces that can still be sold.
pub async fn available(tx: &impl ConnectionTrait, product_id: ProductId) -> Result<i64, DbErr> {
    let row = stock::Entity::find_by_id(product_id).one(tx).await?;
    Ok(row.map_or(0, |row| row.on_hand - row.reserved))
}

async fn hold(
    tx: &impl ConnectionTrait,
    product_id: ProductId,
    quantity: i64,
    hold_id: Uuid,
    now: Timestamp,
) -> Result<bool, Failure> {
    let updated = stock::Entity::update_many()
        .col_expr(stock::Column::Reserved, Expr::col(stock::Column::Reserved).add(quantity))
        .col_expr(stock::Column::UpdatedAt, Expr::value(now))
        .filter(stock::Column::ProductId.eq(product_id))
        .filter(
            Expr::col(stock::Column::OnHand).sub(Expr::col(stock::Column::Reserved)).gte(quantity),
        )
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Ok(false);
    }
    let change = Change { kind: MovementKind::Reserved, delta: 0, reserved: quantity };
    movement(tx, product_id, change, RESERVATION, hold_id, now).await?;
    Ok(true)
}

async fn unhold(
    tx: &impl ConnectionTrait,
    row: &reservation::Model,
    now: Timestamp,
) -> Result<(), Failure> {
    let updated = stock::Entity::update_many()
        .col_expr(stock::Column::Reserved, Expr::col(stock::Column::Reserved).sub(row.qty))
        .col_expr(stock::Column::UpdatedAt, Expr::value(now))
        .filter(stock::Column::ProductId.eq(row.product_id))
        .filter(stock::Column::Reserved.gte(row.qty))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(Failure::Broken(format!("held stock of {} is gone", row.product_id)));
    }
    let change = Change { kind: MovementKind::Released, delta: 0, reserved: -row.qty };
    movement(tx, row.product_id, change, RESERVATION, row.hold_id, now).await?;
    set_state(tx, row, ReservationState::Released, row.hold_id, row.expires_at, now).await
}

async fn set_state(
    tx: &impl ConnectionTrait,
    row: &reservation::Model,
    state: ReservationState,
    hold_id: Uuid,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    reservation::Entity::update_many()
        .set(reservation::ActiveModel {
            state: Set(state),
            hold_id: Set(hold_id),
            expires_at: Set(expires_at),
            updated_at: Set(now),
            ..Default::default()
        })
        .filter(reservation::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(())
}

struct Change {
    kind: MovementKind,
    delta: i64,
    reserved: i64,
}

async fn movement(
    tx: &impl ConnectionTrait,
    product_id: ProductId,
    change: Change,
    source_type: &str,
    source_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = stock_movement::ActiveModel {
        id: Set(kit::id::new_id(now)),
        product_id: Set(product_id),
        delta: Set(change.delta),
        reserved_delta: Set(change.reserved),
        kind: Set(change.kind),
        source_type: Set(source_type.to_owned()),
        source_id: Set(source_id),
        created_at: Set(now),
    };
    stock_movement::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// An order's reservations in the order in which stock rows are locked.
async fn of_order(
    tx: &impl ConnectionTrait,
    order_id: OrderId,
) -> Result<Vec<reservation::Model>, DbErr> {
    reservation::Entity::find()
        .filter(reservation::Column::OrderId.eq(order_id))
        .order_by_asc(reservation::Column::ProductId)
        .all(tx)
        .await
}

fn in_lock_order(wanted: &[Wanted]) -> Vec<Wanted> {
    let mut sorted = wanted.to_vec();
    sorted.sort_by_key(|item| item.product_id);
    sorted
}
