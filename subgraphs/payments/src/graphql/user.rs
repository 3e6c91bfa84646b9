//! What this service adds to a person: their orders, payments, cards and rides.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use kit::{Page, PageArgs, Timestamp, Uuid, id::UserId};
use sea_orm::{
    Condition, QueryOrder, QuerySelect, Select, entity::prelude::*, sea_query::ExprTrait,
};
use serde::{Deserialize, Serialize};

use super::{
    context::{app, fresh, loaders, owner, owner_or_support},
    driver::{self, DriverAccount},
    int,
    method::PaymentMethod,
    order::{Order, OrderConnection},
    payment::{Payment, PaymentConnection},
    reader::{CompletedRides, PaidOrders},
    ride::{Ride, RideConnection},
};
use crate::{
    entity::{
        order, payment, payment_method,
        ride::{self, RideParty},
    },
    state::{OrderStatus, PaymentStatus},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct User(pub(super) UserId);

#[Object]
impl User {
    async fn id(&self) -> ID {
        self.0.into()
    }

    async fn paid_order_count(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        let count = loaders(ctx).load(PaidOrders(self.0)).await;
        Some(count.map(|count| int(count.unwrap_or(0))).map_err(Into::into))
    }

    async fn completed_ride_count(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        let count = loaders(ctx).load(CompletedRides(self.0)).await;
        Some(count.map(|count| int(count.unwrap_or(0))).map_err(Into::into))
    }

    /// Owner and SUPPORT/ADMIN only
    #[graphql(tag = "private")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<String>,
        status: Option<OrderStatus>,
    ) -> Option<Result<OrderConnection>> {
        Some(orders(ctx, self.0, PageArgs::new(first, after, None, None), status).await)
    }

    /// Owner and SUPPORT/ADMIN only
    #[graphql(tag = "private")]
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<String>,
        status: Option<PaymentStatus>,
    ) -> Option<Result<PaymentConnection>> {
        Some(payments(ctx, self.0, PageArgs::new(first, after, None, None), status).await)
    }

    /// Owner only
    #[graphql(tag = "private")]
    async fn payment_methods(&self, ctx: &Context<'_>) -> Option<Result<Vec<PaymentMethod>>> {
        Some(payment_methods(ctx, self.0).await)
    }

    /// Owner only
    #[graphql(tag = "private")]
    async fn rides(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "as", default_with = "Some(RideParty::Rider)")] party: Option<RideParty>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<RideConnection>> {
        let party = party.unwrap_or(RideParty::Rider);
        Some(rides(ctx, self.0, PageArgs::new(first, after, None, None), party).await)
    }

    /// Owner only; null for non-drivers
    #[graphql(tag = "private")]
    async fn driver_account(&self, ctx: &Context<'_>) -> Option<Result<DriverAccount>> {
        match owner(ctx, &self.0) {
            Ok(()) => driver::account(ctx, self.0).await.transpose(),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Where a row stands in a list that shows the newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Newest {
    pub(super) at: Timestamp,
    pub(super) id: Uuid,
}

/// Rows older than the cursor's.
pub(super) fn older<E: EntityTrait>(
    ctx: &Context<'_>,
    query: Select<E>,
    page: &Page,
    list: &str,
    (created_at, id): (E::Column, E::Column),
) -> Result<Select<E>> {
    let query = match &page.cursor {
        None => query,
        Some(cursor) => {
            let newest: Newest = app(ctx).cursors.decode(list, cursor)?;
            query.filter(
                Condition::any()
                    .add(created_at.lt(newest.at))
                    .add(created_at.eq(newest.at).and(id.lt(newest.id))),
            )
        }
    };
    Ok(query.order_by_desc(created_at).order_by_desc(id).limit(page.fetch()))
}

async fn orders(
    ctx: &Context<'_>,
    user: UserId,
    args: PageArgs,
    status: Option<OrderStatus>,
) -> Result<OrderConnection> {
    const LIST: &str = "user/orders";
    owner_or_support(ctx, &user)?;
    let page = args.validate()?;
    let mut query = order::Entity::find().filter(order::Column::BuyerId.eq(user));
    if let Some(status) = status {
        query = query.filter(order::Column::Status.eq(status));
    }
    let query = older(ctx, query, &page, LIST, (order::Column::CreatedAt, order::Column::Id))?;
    let rows = fresh(ctx).with_lines(query.all(app(ctx).database.read()).await?).await?;
    let rows =
        rows.into_iter().map(|row| Ok((row.order.created_at, row.order.id, Order::new(row)?)));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let cursors = &app(ctx).cursors;
    Ok(OrderConnection::new(page.slice(rows), |(at, id, order)| {
        (cursors.encode(LIST, &Newest { at, id: id.uuid() }), order)
    }))
}

async fn payments(
    ctx: &Context<'_>,
    user: UserId,
    args: PageArgs,
    status: Option<PaymentStatus>,
) -> Result<PaymentConnection> {
    const LIST: &str = "user/payments";
    owner_or_support(ctx, &user)?;
    let page = args.validate()?;
    let mut query = payment::Entity::find().filter(payment::Column::PayerId.eq(user));
    if let Some(status) = status {
        query = query.filter(payment::Column::Status.eq(status));
    }
    let columns = (payment::Column::CreatedAt, payment::Column::Id);
    let query = older(ctx, query, &page, LIST, columns)?;
    let rows = fresh(ctx).with_details(query.all(app(ctx).database.read()).await?).await?;
    let cursors = &app(ctx).cursors;
    Ok(PaymentConnection::new(page.slice(rows), |row| {
        let newest = Newest { at: row.payment.created_at, id: row.payment.id.uuid() };
        (cursors.encode(LIST, &newest), Payment(row))
    }))
}

async fn payment_methods(ctx: &Context<'_>, user: UserId) -> Result<Vec<PaymentMethod>> {
    owner(ctx, &user)?;
    let rows = payment_method::Entity::find()
        .filter(payment_method::Column::UserId.eq(user))
        .filter(payment_method::Column::DetachedAt.is_null())
        .order_by_desc(payment_method::Column::IsDefault)
        .order_by_desc(payment_method::Column::CreatedAt)
        .all(app(ctx).database.read())
        .await?;
    let now = app(ctx).now();
    Ok(rows.into_iter().map(|row| PaymentMethod { row: Arc::new(row), now }).collect())
}

async fn rides(
    ctx: &Context<'_>,
    user: UserId,
    args: PageArgs,
    party: RideParty,
) -> Result<RideConnection> {
    owner(ctx, &user)?;
    let page = args.validate()?;
    let (column, list) = match party {
        RideParty::Rider => (ride::Column::RiderId, "user/rides/rider"),
        RideParty::Driver => (ride::Column::DriverId, "user/rides/driver"),
    };
    let query = ride::Entity::find().filter(column.eq(user));
    let query = older(ctx, query, &page, list, (ride::Column::CreatedAt, ride::Column::Id))?;
    let rows = query.all(app(ctx).database.read()).await?;
    let cursors = &app(ctx).cursors;
    Ok(RideConnection::new(page.slice(rows), |row| {
        let newest = Newest { at: row.created_at, id: row.id.uuid() };
        (cursors.encode(list, &newest), Ride::new(Arc::new(row)))
    }))
}
