//! Reporting abuse: once per person and review. Enough reports hide the review until a
//! moderator has looked; reports of brand-new accounts weigh half.

use std::time::Duration;

use kit::id::{ReviewId, UserId};
use kit::{Timestamp, Transaction};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::consequences::{Grounds, follow};
use super::{Refusal, is_author, rate_key};
use crate::core::Core;
use crate::domain::moderation::Reason;
use crate::domain::status::{Move, Status};
use crate::domain::text::{MAX_NOTE, clean_text};
use crate::entity::review;
use crate::store::limits::{self, DAY_MS, Limit};
use crate::store::sql::Sql;
use crate::store::write;

/// Weight of a report by an account that is not new.
const FULL_WEIGHT: i32 = 100;

#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub reason: Reason,
    pub note: Option<String>,
}

pub(crate) async fn report(
    core: &Core,
    reporter: UserId,
    id: ReviewId,
    report: Report,
) -> Result<(), Refusal> {
    let now = core.now();
    let note = clean_text(report.note.as_deref().unwrap_or_default(), MAX_NOTE)
        .map_err(|error| Refusal::conflict("NOTE_TOO_LONG", format!("the note {error}")))?;
    let (reason, note) = (report.reason, &note);
    core.database
        .write(|tx| {
            Box::pin(async move {
                let review = write::lock(tx, id.uuid())
                    .await?
                    .filter(review::Model::is_published)
                    .ok_or(Refusal::NotFound("review"))?;
                if is_author(Some(reporter), &review) {
                    return Err(Refusal::conflict("OWN_REVIEW", "this is your own review"));
                }
                let weight = weight(core, reporter, now);
                if !store(tx, &review, reporter.uuid(), reason, note.as_deref(), weight, now)
                    .await?
                {
                    let message = "you have reported this review before";
                    return Err(Refusal::conflict("ALREADY_REPORTED", message));
                }
                let limit = Limit { most: core.rules.reports_per_day, window_ms: DAY_MS };
                limits::hit(tx, &rate_key("reports", reporter.uuid()), limit, now)
                    .await?
                    .map_err(Refusal::RateLimited)?;
                let (people, weight) = open_reports(tx, review.id).await?;
                let needed = i64::from(core.rules.reporters_to_hide);
                if people >= needed && weight >= needed * i64::from(FULL_WEIGHT) {
                    hide(tx, now, &review, reason, people).await?;
                }
                Ok(())
            })
        })
        .await
}

/// An account's age is in its id.
fn weight(core: &Core, reporter: UserId, now: Timestamp) -> i32 {
    let millis = reporter.uuid().as_u128() >> 80;
    let created = Timestamp(i64::try_from(millis).unwrap_or(i64::MAX));
    let young: Duration = core.rules.young_account.0;
    if now.since(created) < young { FULL_WEIGHT / 2 } else { FULL_WEIGHT }
}

/// False when the person had reported the review before.
async fn store(
    tx: &Transaction<'_>,
    review: &review::Model,
    reporter: Uuid,
    reason: Reason,
    note: Option<&str>,
    weight: i32,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let sql = Sql::new(
        "INSERT INTO review_reports \
         (review_id, reporter_id, reason, note, weight, state, created_at) \
         VALUES (?, ?, ?, ?, ?, 'OPEN', ?) ON CONFLICT (review_id, reporter_id) DO NOTHING",
    )
    .bind(review.id)
    .bind(reporter)
    .bind(reason.as_str())
    .bind(note)
    .bind(weight)
    .bind(now.0);
    Ok(tx.execute_raw(sql.on(tx.get_database_backend())).await?.rows_affected() == 1)
}

async fn open_reports(tx: &Transaction<'_>, review: Uuid) -> Result<(i64, i64), DbErr> {
    let sql = Sql::new(
        "SELECT COUNT(*) AS people, CAST(COALESCE(SUM(weight), 0) AS bigint) AS weight \
         FROM review_reports WHERE review_id = ? AND state = 'OPEN'",
    )
    .bind(review);
    let row = tx.query_one_raw(sql.on(tx.get_database_backend())).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.try_get("", "people")?, row.try_get("", "weight")?)))
}

async fn hide(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: &review::Model,
    reason: Reason,
    people: i64,
) -> Result<(), Refusal> {
    let status = before
        .status()
        .after(Move::Hide)
        .map_err(|illegal| Refusal::conflict("INVALID_STATE", illegal.to_string()))?;
    let mut after = before.clone();
    status.as_str().clone_into(&mut after.status);
    after.queued_at = Some(now.0);
    after.pending_version = None;
    after.version += 1;
    write::save(tx, now, before, &after).await?;
    let note = format!("reported by {people} people");
    let decision = write::Decision {
        from: Some(Status::Published),
        to: status,
        reason: Some(reason),
        note: Some(&note),
        actor: None,
        automatic: true,
    };
    write::log_decision(tx, now, after.id, decision).await?;
    Ok(follow(tx, now, Some(before), &after, Grounds { reason: None, note: None }).await?)
}

/// Closes the open reports of a review after a moderator's decision.
pub(super) async fn close(tx: &Transaction<'_>, review: Uuid, upheld: bool) -> Result<(), DbErr> {
    let sql =
        Sql::new("UPDATE review_reports SET state = ? WHERE review_id = ? AND state = 'OPEN'")
            .bind(if upheld { "UPHELD" } else { "DISMISSED" })
            .bind(review);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}
