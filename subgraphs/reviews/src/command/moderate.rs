//! A moderator's decision about a review, or about the edit of one.

use kit::id::{ReviewId, UserId};
use kit::{Timestamp, Transaction};
use sea_orm::DbErr;

use super::consequences::{Grounds, follow, mail_rejected_edit};
use super::edit::show_revision;
use super::{Refusal, report};
use crate::core::Core;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::moderation::Reason;
use crate::domain::status::{Move, Status};
use crate::domain::text::{MAX_NOTE, clean_text};
use crate::entity::review;
use crate::store::{copies, read, write};

#[derive(Clone, Debug)]
pub(crate) struct Ruling {
    pub status: Status,
    pub reason: Option<Reason>,
    pub note: Option<String>,
    pub expected_version: i32,
}

pub(crate) async fn moderate(
    core: &Core,
    moderator: UserId,
    id: ReviewId,
    ruling: Ruling,
) -> Result<review::Model, Refusal> {
    let now = core.now();
    let step = step(&ruling)?;
    let note = clean_text(ruling.note.as_deref().unwrap_or_default(), MAX_NOTE)
        .map_err(|error| Refusal::invalid(error.to_string(), &["decision", "note"]))?;
    let (ruling, note) = (&ruling, note.as_deref());
    core.database
        .write(|tx| {
            Box::pin(async move {
                let before = write::lock(tx, id.uuid())
                    .await?
                    .filter(|review| review.status() != Status::Deleted)
                    .ok_or(Refusal::NotFound("review"))?;
                if before.version != ruling.expected_version {
                    return Err(Refusal::stale(ruling.expected_version, before.version));
                }
                let grounds = Grounds { reason: ruling.reason, note };
                let after = match (before.pending_version, step) {
                    (Some(version), Move::Publish) => {
                        accept_edit(tx, now, &before, version).await?
                    }
                    (Some(_), Move::Reject) => {
                        let after = drop_edit(&before);
                        mail_rejected_edit(tx, now, &after, grounds).await?;
                        after
                    }
                    _ => moved(&before, step, now)?,
                };
                write::save(tx, now, &before, &after).await?;
                report::close(tx, after.id, step != Move::Publish).await?;
                let decision = write::Decision {
                    from: Some(before.status()),
                    to: ruling.status,
                    reason: ruling.reason,
                    note,
                    actor: Some(moderator.uuid()),
                    automatic: false,
                };
                write::log_decision(tx, now, after.id, decision).await?;
                follow(tx, now, Some(&before), &after, grounds).await?;
                Ok(after)
            })
        })
        .await
}

fn step(ruling: &Ruling) -> Result<Move, Refusal> {
    match (ruling.status, ruling.reason) {
        (Status::Published, _) => Ok(Move::Publish),
        (Status::Hidden, _) => Ok(Move::Hide),
        (Status::Rejected, Some(_)) => Ok(Move::Reject),
        (Status::Rejected, None) => {
            let message = "must say why the review is rejected";
            Err(Refusal::invalid(message, &["decision", "reason"]))
        }
        (Status::Pending | Status::Deleted, _) => {
            let message = "must be PUBLISHED, REJECTED or HIDDEN";
            Err(Refusal::invalid(message, &["decision", "status"]))
        }
    }
}

fn moved(before: &review::Model, step: Move, now: Timestamp) -> Result<review::Model, Refusal> {
    let status = before
        .status()
        .after(step)
        .map_err(|illegal| Refusal::conflict("INVALID_STATE", illegal.to_string()))?;
    let mut after = before.clone();
    status.as_str().clone_into(&mut after.status);
    after.version += 1;
    after.queued_at = None;
    after.pending_version = None;
    // The moderator's word stands in for payments' answer.
    review::DONE.clone_into(&mut after.verification);
    after.verify_at = None;
    if status == Status::Published {
        after.published_at = after.published_at.or(Some(now.0));
    }
    Ok(after)
}

async fn accept_edit(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: &review::Model,
    version: i32,
) -> Result<review::Model, DbErr> {
    let mut after = before.clone();
    after.version += 1;
    after.queued_at = None;
    match read::revision(tx, before.id, version).await? {
        Some(revision) => show_revision(&mut after, revision, now),
        None => after.pending_version = None,
    }
    let fingerprint = Fingerprint::of(after.title.as_deref(), after.body.as_deref());
    after.text_hash = fingerprint.map(|fingerprint| fingerprint.exact);
    copies::remember(tx, &after, fingerprint).await?;
    Ok(after)
}

fn drop_edit(before: &review::Model) -> review::Model {
    let mut after = before.clone();
    after.version += 1;
    after.queued_at = None;
    after.pending_version = None;
    after
}
