//! A person leaves: their reviews lose the author, their votes, reports and replies lose the
//! name behind them, what they bought is forgotten. Counts stay as they are.

use kit::id::UserId;
use kit::{Timestamp, Transaction, mail};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::entity::review;
use crate::store::sql::Sql;
use crate::store::{copies, write};

/// What the person wants done with what they wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    KeepTexts,
    DeleteTexts,
}

/// Erases the person in the caller's transaction. Doing it again changes nothing.
pub(crate) async fn erase(
    tx: &Transaction<'_>,
    now: Timestamp,
    user: UserId,
    choice: Choice,
) -> Result<(), DbErr> {
    let user = user.uuid();
    let written = review::Entity::find()
        .filter(review::Column::AuthorId.eq(user))
        .order_by_asc(review::Column::Id)
        .all(tx)
        .await?;
    for review in written {
        erase_review(tx, now, review.id, choice).await?;
    }
    anonymise(tx, "review_votes", "voter_id", user, now).await?;
    anonymise(tx, "review_reports", "reporter_id", user, now).await?;
    for sql in [
        "UPDATE review_reports SET note = NULL WHERE reporter_id = ?",
        "UPDATE review_replies SET author_id = NULL WHERE author_id = ?",
        "UPDATE review_fingerprints SET author_id = NULL WHERE author_id = ?",
        "DELETE FROM purchases WHERE user_id = ?",
        "DELETE FROM idempotency WHERE user_id = ?",
    ] {
        tx.execute_raw(Sql::new(sql).bind(user).on(tx.get_database_backend())).await?;
    }
    mail::erase_user(tx, user, now).await
}

async fn erase_review(
    tx: &Transaction<'_>,
    now: Timestamp,
    id: Uuid,
    choice: Choice,
) -> Result<(), DbErr> {
    let Some(before) = write::lock(tx, id).await? else { return Ok(()) };
    let mut after = before.clone();
    after.author_id = None;
    after.version += 1;
    // Nobody is left who could be asked about or told of these.
    review::DONE.clone_into(&mut after.verification);
    after.verify_at = None;
    after.pending_version = None;
    if before.is_waiting_for_verification() {
        after.queued_at = Some(now.0);
    }
    if choice == Choice::DeleteTexts {
        after.title = None;
        after.body = None;
        after.text_hash = None;
        copies::remember(tx, &after, None).await?;
        let sql =
            Sql::new("UPDATE review_revisions SET title = NULL, body = NULL WHERE review_id = ?")
                .bind(id);
        tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    }
    write::save(tx, now, &before, &after).await
}

/// Gives each row of the person a random id of its own: still one row per vote, nobody's.
async fn anonymise(
    tx: &Transaction<'_>,
    table: &str,
    column: &str,
    user: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let sql = Sql::new(&format!("SELECT review_id FROM {table} WHERE {column} = ?")).bind(user);
    for row in tx.query_all_raw(sql.on(backend)).await? {
        let review: Uuid = row.try_get("", "review_id")?;
        let sql = Sql::new(&format!(
            "UPDATE {table} SET {column} = ? WHERE {column} = ? AND review_id = ?"
        ))
        .bind(kit::id::new_id(now))
        .bind(user)
        .bind(review);
        tx.execute_raw(sql.on(backend)).await?;
    }
    Ok(())
}
