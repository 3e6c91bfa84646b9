//! Mails that were given up, for operators: to look at, and to try again.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::status;
use crate::clock::Timestamp;
use crate::entity::outbox::{Column, Entity};
use crate::id::EmailId;

/// A mail that is not tried any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: EmailId,
    pub template: String,
    pub attempts: i32,
    /// `PERMANENT`, `EXHAUSTED` or `TEMPLATE`.
    pub failure: String,
    pub error: String,
    pub since: Timestamp,
}

/// The newest dead mails.
pub async fn dead_letters(
    conn: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<DeadLetter>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Status.eq(status::DEAD))
        .order_by_desc(Column::UpdatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    let letters = rows.into_iter().map(|row| DeadLetter {
        id: EmailId(row.id),
        template: row.template,
        attempts: row.attempts,
        failure: row.failure.unwrap_or_default(),
        error: row.last_error.unwrap_or_default(),
        since: Timestamp(row.updated_at),
    });
    Ok(letters.collect())
}

/// Tries dead mails again: these, or all of them. Returns how many.
pub async fn requeue(
    tx: &impl ConnectionTrait,
    which: Option<&[EmailId]>,
    now: Timestamp,
) -> Result<u64, DbErr> {
    let mut update = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status::QUEUED))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::NextAttemptAt, Expr::value(now.0))
        .col_expr(Column::Failure, Expr::value(Option::<String>::None))
        .col_expr(Column::UpdatedAt, Expr::value(now.0))
        .filter(Column::Status.eq(status::DEAD))
        // What was erased has nobody to go to.
        .filter(Column::Recipient.ne(""));
    if let Some(ids) = which {
        update = update.filter(Column::Id.is_in(ids.iter().map(|id| id.0)));
    }
    Ok(update.exec(tx).await?.rows_affected)
}
