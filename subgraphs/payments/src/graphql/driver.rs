//! What drivers have earned and what of it is on its way to their banks.

use std::{collections::BTreeMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{PageArgs, caller, connection, graphql::DateTime, id::UserId};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    context::app,
    user::{Newest, User, older},
    value::MoneyValue,
};
use crate::{
    app::App,
    entity::{driver_earning, ledger_balance, payout},
    ledger::Account,
    money::{Currency, Money},
    state::PayoutStatus,
};

#[derive(Clone, Debug)]
pub(super) struct DriverAccount {
    driver: UserId,
    balances: Vec<Balance>,
    hold_until: Option<DateTime>,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct Balance {
    available: MoneyValue,
    pending: MoneyValue,
    negative: bool,
}

/// The account of somebody who drives; `None` for everybody else.
pub(super) async fn account(ctx: &Context<'_>, driver: UserId) -> Result<Option<DriverAccount>> {
    let app = app(ctx);
    let balances = balances(app, driver).await?;
    let hold_until = driver_earning::Entity::find()
        .select_only()
        .column(driver_earning::Column::AvailableAt)
        .filter(driver_earning::Column::DriverId.eq(driver))
        .filter(driver_earning::Column::ReleasedAt.is_null())
        .order_by_asc(driver_earning::Column::AvailableAt)
        .limit(1)
        .into_tuple()
        .one(app.database.read())
        .await?;
    let caller = caller(ctx);
    if balances.is_empty() && !caller.has_role("DRIVER") && !caller.has_scope("rides:driver") {
        return Ok(None);
    }
    Ok(Some(DriverAccount { driver, balances, hold_until }))
}

async fn balances(app: &App, driver: UserId) -> Result<Vec<Balance>> {
    let (available, pending) =
        (Account::DriverAvailable(driver).to_string(), Account::DriverPending(driver).to_string());
    let rows = ledger_balance::Entity::find()
        .filter(ledger_balance::Column::Account.is_in([&available, &pending]))
        .all(app.database.read())
        .await?;
    let mut sums: BTreeMap<Currency, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row.currency).or_default();
        let balance = row.credits - row.debits;
        if row.account == available {
            sum.0 += balance;
        } else {
            sum.1 += balance;
        }
    }
    let balance = |(currency, (available, pending)): (Currency, (i64, i64))| Balance {
        available: Money::new(available, currency).into(),
        pending: Money::new(pending, currency).into(),
        negative: available < 0,
    };
    Ok(sums.into_iter().map(balance).collect())
}

#[Object]
impl DriverAccount {
    async fn balances(&self) -> &[Balance] {
        &self.balances
    }

    async fn payouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<String>,
    ) -> PayoutConnection {
        match payouts(ctx, self.driver, PageArgs::new(first, after, None, None)).await {
            Ok(page) => page,
            Err(error) => {
                // The field cannot be null; what is wrong with the arguments is an error beside it.
                ctx.add_error(error.into_server_error(ctx.item.pos));
                let rows: Vec<(String, Payout)> = Vec::new();
                let slice =
                    connection::Slice { rows, has_next_page: false, has_previous_page: false };
                PayoutConnection::new(slice, |row| row)
            }
        }
    }

    async fn payouts_enabled(&self, ctx: &Context<'_>) -> bool {
        app(ctx).config.payouts.enabled
    }

    async fn hold_until(&self) -> Option<DateTime> {
        self.hold_until
    }
}

async fn payouts(ctx: &Context<'_>, driver: UserId, args: PageArgs) -> Result<PayoutConnection> {
    const LIST: &str = "driver/payouts";
    let page = args.validate()?;
    let query = payout::Entity::find().filter(payout::Column::PayeeId.eq(driver));
    let columns = (payout::Column::CreatedAt, payout::Column::Id);
    let rows = older(ctx, query, &page, LIST, columns)?.all(app(ctx).database.read()).await?;
    let cursors = &app(ctx).cursors;
    Ok(PayoutConnection::new(page.slice(rows), |row| {
        let newest = Newest { at: row.created_at, id: row.id.uuid() };
        (cursors.encode(LIST, &newest), Payout(Arc::new(row)))
    }))
}

#[derive(Clone, Debug)]
pub(crate) struct Payout(pub(super) Arc<payout::Model>);

#[Object]
impl Payout {
    pub(super) async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn payee(&self) -> Option<User> {
        Some(User(self.0.payee_id))
    }

    async fn amount(&self) -> MoneyValue {
        self.0.money().into()
    }

    async fn status(&self) -> PayoutStatus {
        self.0.status
    }

    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    async fn created_at(&self) -> DateTime {
        self.0.created_at
    }

    async fn arrived_at(&self) -> Option<DateTime> {
        self.0.arrived_at
    }
}

connection!(PayoutConnection, PayoutEdge, Payout);
