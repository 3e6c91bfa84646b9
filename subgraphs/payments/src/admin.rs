//! What operators do by hand about attempts nobody knows the end of. Settlement reports are in [`report`](crate::report), endpoints of messages in
//! [`webhook::outgoing`](crate::webhook::outgoing).

use kit::{Timestamp, id::PaymentAttemptId};
use sea_orm::{DbErr, QueryOrder, entity::prelude::*};

use crate::{
    app::App,
    entity::payment_attempt::{self, AttemptStatus},
    operation::reconcile,
    refusal::Failure,
};

/// An attempt whose end is not known.
#[derive(Clone, Debug)]
pub struct OpenAttempt {
    pub id: PaymentAttemptId,
    pub connector: String,
    pub operation: String,
    pub status: AttemptStatus,
    pub checks: i64,
    pub started_at: Timestamp,
    pub next_check_at: Option<Timestamp>,
}

pub async fn open_attempts(app: &App) -> Result<Vec<OpenAttempt>, DbErr> {
    let rows = payment_attempt::Entity::find()
        .filter(
            payment_attempt::Column::Status.is_in([AttemptStatus::Pending, AttemptStatus::Unknown]),
        )
        .order_by_asc(payment_attempt::Column::Id)
        .all(app.database.read())
        .await?;
    let attempt = |row: payment_attempt::Model| OpenAttempt {
        id: row.id,
        connector: row.connector,
        operation: row.op.to_value(),
        status: row.status,
        checks: row.checks,
        started_at: row.started_at,
        next_check_at: row.next_check_at,
    };
    Ok(rows.into_iter().map(attempt).collect())
}

/// Asks the processor now what became of an attempt.
pub async fn retry_attempt(app: &App, id: PaymentAttemptId) -> Result<AttemptStatus, Failure> {
    reconcile::check(app, id).await?;
    let row = payment_attempt::Entity::find_by_id(id).one(app.database.read()).await?;
    row.map(|row| row.status).ok_or_else(|| Failure::Broken(format!("there is no attempt {id}")))
}
