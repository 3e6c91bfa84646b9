//! Reviews taken while payments could not be asked: asking again until it answers, then
//! publishing, queueing or rejecting them.

use kit::id::UserId;
use kit::{Timestamp, Transaction};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Refusal;
use super::consequences::{Grounds, follow};
use super::create::{decide, log_verdict, verdict};
use crate::core::Core;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::moderation::Reason;
use crate::domain::status::Status;
use crate::eligibility::{Ineligible, Standing, standing};
use crate::entity::review;
use crate::store::write;

const BATCH: u64 = 50;
const FIRST_PAUSE_MS: i64 = 5_000;
const LONGEST_PAUSE_MS: i64 = 3_600_000;

/// Asks about every review whose time has come; returns how many were settled.
pub(crate) async fn verify_due(core: &Core) -> Result<usize, DbErr> {
    let due = review::Entity::find()
        .filter(review::Column::VerifyAt.lte(core.now().0))
        .order_by_asc(review::Column::VerifyAt)
        .limit(BATCH)
        .all(core.database.read())
        .await?;
    let mut settled = 0;
    for review in due {
        let Some(author) = review.author_id else { continue };
        let standing = standing(core, UserId(author), review.subject()).await?;
        match settle(core, &review, standing).await {
            Ok(true) => settled += 1,
            Ok(false) => {}
            Err(Refusal::Database(error)) => return Err(error),
            Err(refusal) => tracing::warn!(review = %review.id, %refusal, "cannot settle a review"),
        }
    }
    Ok(settled)
}

async fn settle(core: &Core, review: &review::Model, standing: Standing) -> Result<bool, Refusal> {
    let now = core.now();
    core.database
        .write(|tx| {
            Box::pin(async move {
                let Some(before) = write::lock(tx, review.id)
                    .await?
                    .filter(review::Model::is_waiting_for_verification)
                else {
                    return Ok(false);
                };
                match standing {
                    Standing::Unknown { .. } => {
                        write::save(tx, now, &before, &postponed(&before, now)).await?;
                        Ok(false)
                    }
                    Standing::Eligible { verified, driver } => {
                        let mut after = answered(&before);
                        after.verified = verified;
                        after.driver_id = driver.map(|driver| driver.uuid()).or(after.driver_id);
                        judge(tx, now, &before, after).await?;
                        Ok(true)
                    }
                    Standing::NoSubject => {
                        reject(tx, now, &before, Reason::Other, "there is no such product or ride")
                            .await?;
                        Ok(true)
                    }
                    Standing::Ineligible(ineligible) => {
                        let (reason, note) = grounds(ineligible);
                        reject(tx, now, &before, reason, note).await?;
                        Ok(true)
                    }
                }
            })
        })
        .await
}

fn postponed(before: &review::Model, now: Timestamp) -> review::Model {
    let mut after = before.clone();
    let pause = FIRST_PAUSE_MS << before.verify_attempts.clamp(0, 12);
    after.verify_attempts += 1;
    after.verify_at = Some(now.0 + pause.min(LONGEST_PAUSE_MS));
    after
}

fn answered(before: &review::Model) -> review::Model {
    let mut after = before.clone();
    review::DONE.clone_into(&mut after.verification);
    after.verify_at = None;
    after.version += 1;
    after
}

async fn judge(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: &review::Model,
    mut after: review::Model,
) -> Result<(), Refusal> {
    let fingerprint = Fingerprint::of(after.title.as_deref(), after.body.as_deref());
    let verdict = verdict(tx, &after, fingerprint).await?;
    decide(&mut after, &verdict, now);
    write::save(tx, now, before, &after).await?;
    log_verdict(tx, now, Some(before.status()), &after, &verdict).await?;
    Ok(follow(tx, now, Some(before), &after, Grounds { reason: None, note: None }).await?)
}

async fn reject(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: &review::Model,
    reason: Reason,
    note: &'static str,
) -> Result<(), Refusal> {
    let mut after = answered(before);
    Status::Rejected.as_str().clone_into(&mut after.status);
    write::save(tx, now, before, &after).await?;
    let decision = write::Decision {
        from: Some(before.status()),
        to: Status::Rejected,
        reason: Some(reason),
        note: Some(note),
        actor: None,
        automatic: true,
    };
    write::log_decision(tx, now, after.id, decision).await?;
    let grounds = Grounds { reason: Some(reason), note: Some(note) };
    Ok(follow(tx, now, Some(before), &after, grounds).await?)
}

fn grounds(ineligible: Ineligible) -> (Reason, &'static str) {
    match ineligible {
        Ineligible::OwnListing => {
            (Reason::ConflictOfInterest, "one's own product or ride cannot be reviewed")
        }
        Ineligible::NotPurchased => (Reason::Other, "no purchase of this was found"),
        Ineligible::Suspended => (Reason::Other, "the account is suspended"),
        Ineligible::NotAuthenticated
        | Ineligible::AlreadyReviewed
        | Ineligible::PurchaseCheckUnavailable => (Reason::Other, "the review was not allowed"),
    }
}
