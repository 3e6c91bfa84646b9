//! What drivers have earned: pending for a while, then available. Refunds and lost disputes take
//! their part from wherever it is, and an available balance may become negative by that; later
//! earnings make up for it.

use kit::{Timestamp, Transaction, Uuid, id::PaymentId};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::ExprTrait,
};

use crate::{
    app::App,
    entity::{
        driver_earning::{ActiveModel, Column, Entity, Model},
        payment,
    },
    ledger::{Account, Posting, post, post_all},
    refusal::Failure,
};

/// Earnings released in one transaction.
const BATCH: u64 = 200;

/// Notes the driver's shares of a payment that has just been posted.
pub(crate) async fn accrue(
    tx: &impl ConnectionTrait,
    app: &App,
    payment: &payment::Model,
    shares: &[(Account, i64)],
    now: Timestamp,
) -> Result<(), DbErr> {
    let available_at = now.plus(app.config.payouts.hold.0);
    for (account, amount) in shares {
        let Account::DriverPending(driver) = account else { continue };
        let row = ActiveModel {
            payment_id: Set(payment.id),
            driver_id: Set(*driver),
            currency: Set(payment.currency),
            amount: Set(*amount),
            reversed: Set(0),
            available_at: Set(available_at),
            released_at: Set(None),
        };
        Entity::insert(row).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Takes a part back and says from which account: what is released already comes from the
/// available balance. The row is locked until the end of the transaction.
pub(crate) async fn take_back(
    tx: &impl ConnectionTrait,
    payment: PaymentId,
    split: Account,
    part: i64,
) -> Result<Account, Failure> {
    let Account::DriverPending(driver) = split else { return Ok(split) };
    let row = change_reversed(tx, payment, part).await?;
    Ok(if row.released_at.is_some() { Account::DriverAvailable(driver) } else { split })
}

/// Gives a part back after the refund that took it has failed and its posting was reversed.
pub(crate) async fn give_back(
    tx: &impl ConnectionTrait,
    payment: &payment::Model,
    (account, part): (&Account, i64),
    source: (&'static str, Uuid),
    now: Timestamp,
) -> Result<(), Failure> {
    let (Account::DriverPending(driver) | Account::DriverAvailable(driver)) = account else {
        return Ok(());
    };
    let row = change_reversed(tx, payment.id, -part).await?;
    // What was taken while it was pending would have been released since.
    if row.released_at.is_some() && matches!(account, Account::DriverPending(_)) {
        let posting = Posting::new(source.0, source.1, "release_after_reversal", now)
            .payment(payment.id)
            .debit(Account::DriverPending(*driver), payment.money(part))
            .credit(Account::DriverAvailable(*driver), payment.money(part));
        post(tx, posting).await?;
    }
    Ok(())
}

async fn change_reversed(
    tx: &impl ConnectionTrait,
    payment: PaymentId,
    part: i64,
) -> Result<Model, Failure> {
    let rows = Entity::update_many()
        .col_expr(Column::Reversed, Expr::col(Column::Reversed).add(part))
        .filter(Column::PaymentId.eq(payment))
        .exec_with_returning(tx)
        .await?;
    rows.into_iter()
        .next()
        .ok_or_else(|| Failure::Broken(format!("payment {payment} has no driver's earnings")))
}

/// Makes available what has been held long enough; returns how many earnings.
pub async fn release(app: &App) -> Result<usize, Failure> {
    let now = app.now();
    let mut count = 0;
    loop {
        let released =
            app.database.write(|tx| Box::pin(async move { release_batch(tx, now).await })).await?;
        count += released;
        if released < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(count);
        }
    }
}

async fn release_batch(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, Failure> {
    let due: Vec<PaymentId> = Entity::find()
        .select_only()
        .column(Column::PaymentId)
        .filter(Column::ReleasedAt.is_null())
        .filter(Column::AvailableAt.lte(now))
        .order_by_asc(Column::AvailableAt)
        .order_by_asc(Column::PaymentId)
        .limit(BATCH)
        .into_tuple()
        .all(tx)
        .await?;
    if due.is_empty() {
        return Ok(0);
    }
    let found = due.len();
    let rows = Entity::update_many()
        .col_expr(Column::ReleasedAt, Expr::value(now))
        .filter(Column::PaymentId.is_in(due))
        .filter(Column::ReleasedAt.is_null())
        .exec_with_returning(tx)
        .await?;
    let postings: Vec<Posting> = rows
        .into_iter()
        .filter(|row| row.amount > row.reversed)
        .map(|row| {
            let amount = crate::money::Money::new(row.amount - row.reversed, row.currency);
            Posting::new("EARNING", row.payment_id, "release", now)
                .payment(row.payment_id)
                .debit(Account::DriverPending(row.driver_id), amount)
                .credit(Account::DriverAvailable(row.driver_id), amount)
        })
        .collect();
    post_all(tx, &postings).await?;
    Ok(found)
}
