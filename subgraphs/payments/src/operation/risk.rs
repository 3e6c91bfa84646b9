//! Limits on what one person may try to pay: the pattern of a stolen card is many cards, many
//! payments or too much money in a short time.

use std::time::Duration;

use kit::{Timestamp, id::UserId};
use sea_orm::{ConnectionTrait, DbErr, PaginatorTrait, QuerySelect, entity::prelude::*};

use crate::{
    app::App,
    connector::DeclineCode,
    entity::payment_attempt::{self, AttemptOperation, AttemptStatus},
    money::Money,
    refusal::{Failure, Refusal},
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Refuses a payment of this person that would go beyond the limits. Nothing is recorded: the
/// processor never hears of it.
pub(crate) async fn check(
    tx: &impl ConnectionTrait,
    app: &App,
    user: UserId,
    amount: Money,
    now: Timestamp,
) -> Result<(), Failure> {
    let limits = app.config.risk.limits(app.config.kit.environment);
    let hour = || attempts(user).filter(payment_attempt::Column::StartedAt.gt(now.minus(HOUR)));
    let declines = hour()
        .filter(payment_attempt::Column::Status.eq(AttemptStatus::Failed))
        .filter(payment_attempt::Column::Decline.is_not_null())
        .count(tx)
        .await?;
    let payments =
        hour().filter(payment_attempt::Column::Status.ne(AttemptStatus::Failed)).count(tx).await?;
    let fast = declines >= limits.declines_per_hour || payments >= limits.payments_per_hour;
    if fast || over_daily_cap(tx, app, user, amount, now).await? {
        metrics::counter!("payments_risk_refusals_total").increment(1);
        let decline = DeclineCode::VelocityExceeded;
        return Err(Refusal::CardDeclined { decline, raw_code: None }.into());
    }
    Ok(())
}

fn attempts(user: UserId) -> Select<payment_attempt::Entity> {
    payment_attempt::Entity::find()
        .filter(payment_attempt::Column::UserId.eq(user))
        .filter(payment_attempt::Column::Op.eq(AttemptOperation::Authorize))
}

async fn over_daily_cap(
    tx: &impl ConnectionTrait,
    app: &App,
    user: UserId,
    amount: Money,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let Some(cap) = app.config.risk.per_day.get(amount.currency.code()) else { return Ok(false) };
    let amounts: Vec<i64> = attempts(user)
        .select_only()
        .column(payment_attempt::Column::Amount)
        .filter(payment_attempt::Column::StartedAt.gt(now.minus(DAY)))
        .filter(payment_attempt::Column::Currency.eq(amount.currency))
        .filter(payment_attempt::Column::Status.ne(AttemptStatus::Failed))
        .into_tuple()
        .all(tx)
        .await?;
    let spent = amounts.into_iter().fold(amount.minor, i64::saturating_add);
    Ok(spent > *cap)
}
