//! Finding out what became of attempts nobody has heard of again.

use kit::{Timestamp, id::PaymentAttemptId};
use sea_orm::{DbErr, QueryOrder, QuerySelect, entity::prelude::*};

use super::{attempt, dispute, payout};
use crate::{
    app::App,
    entity::payment_attempt::{self, AttemptOperation, AttemptStatus},
    refusal::Failure,
};

/// How many attempts are looked into in one round.
const BATCH: u64 = 50;

/// Looks into every attempt that is due; returns how many there were.
pub async fn reconcile(app: &App) -> Result<usize, DbErr> {
    let due = due(app, app.now()).await?;
    for id in &due {
        // One attempt that cannot be settled must not stop the others.
        if let Err(error) = check(app, *id).await {
            tracing::error!(attempt = %id, %error, "an attempt could not be reconciled");
        }
    }
    Ok(due.len() + payout::follow_all(app).await? + dispute::follow_all(app).await?)
}

/// Finds out what became of one attempt, whatever it was for.
pub(crate) async fn check(app: &App, id: PaymentAttemptId) -> Result<(), Failure> {
    let attempt = payment_attempt::Entity::find_by_id(id).one(app.database.read()).await?;
    match attempt {
        Some(attempt) if attempt.op == AttemptOperation::Payout => payout::check(app, id).await,
        Some(_) => attempt::check(app, id).await.map(drop),
        None => Ok(()),
    }
}

async fn due(app: &App, now: Timestamp) -> Result<Vec<PaymentAttemptId>, DbErr> {
    payment_attempt::Entity::find()
        .select_only()
        .column(payment_attempt::Column::Id)
        .filter(
            payment_attempt::Column::Status.is_in([AttemptStatus::Pending, AttemptStatus::Unknown]),
        )
        .filter(payment_attempt::Column::NextCheckAt.lte(now))
        .order_by_asc(payment_attempt::Column::NextCheckAt)
        .limit(BATCH)
        .into_tuple()
        .all(app.database.read())
        .await
}
