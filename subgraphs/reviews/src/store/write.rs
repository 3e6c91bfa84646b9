//! Changing one review: lock, change, save. The lock is the row itself, so that what was read
//! stays true until the commit; saving moves all counters by the difference.

use kit::{Timestamp, Transaction};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult,
    IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use super::sql::Sql;
use super::{counters, search};
use crate::domain::contribution::Difference;
use crate::domain::moderation::Reason;
use crate::domain::status::Status;
use crate::entity::{moderation_entry, review, revision};

/// Locks the review until the transaction ends and reads it.
pub(crate) async fn lock(tx: &Transaction<'_>, id: Uuid) -> Result<Option<review::Model>, DbErr> {
    let sql = Sql::new("UPDATE reviews SET updated_at = updated_at WHERE id = ? RETURNING *")
        .bind(id)
        .on(tx.get_database_backend());
    review::Model::find_by_statement(sql).one(tx).await
}

/// Stores a new review and counts it.
pub(crate) async fn insert(
    tx: &Transaction<'_>,
    now: Timestamp,
    review: &review::Model,
) -> Result<(), DbErr> {
    review::Entity::insert(review.clone().into_active_model()).exec_without_returning(tx).await?;
    keep_revision(tx, review, now).await?;
    search::index(tx, review.id, review.title.as_deref(), review.body.as_deref()).await?;
    let difference = Difference::between(None, Some(&review.counted()));
    counters::apply(tx, now, &difference).await
}

/// Stores what changed between a locked review and its new form, and counts the difference.
/// Votes are not touched: they have their own way.
pub(crate) async fn save(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: &review::Model,
    after: &review::Model,
) -> Result<(), DbErr> {
    use review::Column as C;
    let updated = review::Entity::update_many()
        .col_expr(C::AuthorId, Expr::value(after.author_id))
        .col_expr(C::DriverId, Expr::value(after.driver_id))
        .col_expr(C::Rating, Expr::value(after.rating))
        .col_expr(C::Title, Expr::value(after.title.clone()))
        .col_expr(C::Body, Expr::value(after.body.clone()))
        .col_expr(C::Status, Expr::value(after.status.clone()))
        .col_expr(C::Verified, Expr::value(after.verified))
        .col_expr(C::Replied, Expr::value(after.replied))
        .col_expr(C::Edits, Expr::value(after.edits))
        .col_expr(C::Verification, Expr::value(after.verification.clone()))
        .col_expr(C::VerifyAt, Expr::value(after.verify_at))
        .col_expr(C::VerifyAttempts, Expr::value(after.verify_attempts))
        .col_expr(C::PendingVersion, Expr::value(after.pending_version))
        .col_expr(C::QueuedAt, Expr::value(after.queued_at))
        .col_expr(C::TextHash, Expr::value(after.text_hash))
        .col_expr(C::UpdatedAt, Expr::value(now.0))
        .col_expr(C::PublishedAt, Expr::value(after.published_at))
        .col_expr(C::EditedAt, Expr::value(after.edited_at))
        .col_expr(C::DeletedAt, Expr::value(after.deleted_at))
        .col_expr(C::Version, Expr::value(after.version))
        .filter(C::Id.eq(before.id))
        .filter(C::Version.eq(before.version))
        .filter(C::Status.eq(before.status.clone()))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(DbErr::RecordNotUpdated);
    }
    if (&before.title, &before.body) != (&after.title, &after.body) {
        search::index(tx, after.id, after.title.as_deref(), after.body.as_deref()).await?;
    }
    let difference = Difference::between(Some(&before.counted()), Some(&after.counted()));
    counters::apply(tx, now, &difference).await
}

/// Keeps the review's present content as the revision of its present version.
pub(crate) async fn keep_revision(
    tx: &Transaction<'_>,
    review: &review::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    let revision = revision::Model {
        review_id: review.id,
        version: review.version,
        rating: review.rating,
        title: review.title.clone(),
        body: review.body.clone(),
        created_at: now.0,
    };
    insert_revision(tx, revision).await
}

pub(crate) async fn insert_revision(
    tx: &Transaction<'_>,
    revision: revision::Model,
) -> Result<(), DbErr> {
    revision::Entity::insert(revision.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// A decision as it is logged.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    pub from: Option<Status>,
    pub to: Status,
    pub reason: Option<Reason>,
    pub note: Option<&'a str>,
    /// The moderator; none when the rules decided.
    pub actor: Option<Uuid>,
    pub automatic: bool,
}

pub(crate) async fn log_decision(
    tx: &Transaction<'_>,
    now: Timestamp,
    review: Uuid,
    decision: Decision<'_>,
) -> Result<(), DbErr> {
    let Decision { from, to, reason, note, actor, automatic } = decision;
    let entry = moderation_entry::Model {
        id: kit::id::new_id(now),
        review_id: review,
        from_status: from.map(|status| status.as_str().to_owned()),
        to_status: to.as_str().to_owned(),
        reason: reason.map(|reason| reason.as_str().to_owned()),
        note: note.map(str::to_owned),
        actor_id: actor,
        automatic,
        created_at: now.0,
    };
    entry.into_active_model().insert(tx).await?;
    Ok(())
}
