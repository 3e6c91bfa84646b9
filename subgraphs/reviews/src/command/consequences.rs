//! What follows from a change of a review: mails to its author and events for others. Runs at
//! the end of the change's transaction.

use kit::id::{ProductId, ReviewId, RideId, UserId};
use kit::mail::{self, NewMail};
use kit::{Timestamp, Transaction, events};
use sea_orm::DbErr;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::moderation::Reason;
use crate::domain::status::Status;
use crate::domain::subject::{Subject, SubjectType};
use crate::entity::review;
use crate::store::read;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewEvent {
    id: ReviewId,
    subject_type: &'static str,
    subject_id: String,
    author_id: Option<UserId>,
    rating: i32,
    verified: bool,
    status: &'static str,
    published_at: Option<i64>,
}

/// Why a review was turned down, for the author's mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grounds<'a> {
    pub reason: Option<Reason>,
    pub note: Option<&'a str>,
}

/// Mails and events for the step from `before` (none: just written) to `after`.
pub(super) async fn follow(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: Option<&review::Model>,
    after: &review::Model,
    grounds: Grounds<'_>,
) -> Result<(), DbErr> {
    let was = before.map(review::Model::status);
    let is = after.status();
    if before.is_none() {
        mail_author(tx, now, "review_received", after, grounds).await?;
    }
    if was != Some(is) {
        match is {
            Status::Published => mail_author(tx, now, "review_published", after, grounds).await?,
            Status::Rejected => mail_author(tx, now, "review_rejected", after, grounds).await?,
            Status::Pending | Status::Hidden | Status::Deleted => {}
        }
    }
    match (was == Some(Status::Published), is == Status::Published) {
        (false, true) => announce(tx, now, "review.published", after).await,
        (true, false) => announce(tx, now, "review.hidden", after).await,
        _ => Ok(()),
    }
}

/// Tells the author that an edit was turned down while the review stays as it was.
pub(super) async fn mail_rejected_edit(
    tx: &Transaction<'_>,
    now: Timestamp,
    review: &review::Model,
    grounds: Grounds<'_>,
) -> Result<(), DbErr> {
    mail_author(tx, now, "review_rejected", review, grounds).await
}

/// Tells the author that somebody replied.
pub(super) async fn mail_reply(
    tx: &Transaction<'_>,
    now: Timestamp,
    review: &review::Model,
    reply_id: Uuid,
    reply_version: i32,
    reply: &str,
) -> Result<(), DbErr> {
    let Some(author) = review.author_id else { return Ok(()) };
    let mut data = facts(tx, author, review).await?;
    data["reply"] = json!(reply);
    queue(tx, now, "reply_received", author, &review.locale, (reply_id, reply_version), data).await
}

async fn mail_author(
    tx: &Transaction<'_>,
    now: Timestamp,
    template: &'static str,
    review: &review::Model,
    grounds: Grounds<'_>,
) -> Result<(), DbErr> {
    let Some(author) = review.author_id else { return Ok(()) };
    let mut data = facts(tx, author, review).await?;
    data["reason"] = json!(grounds.reason.map(Reason::as_str));
    data["note"] = json!(grounds.note);
    queue(tx, now, template, author, &review.locale, (review.id, review.version), data).await
}

/// What the templates show of a review.
async fn facts(
    tx: &Transaction<'_>,
    author: Uuid,
    review: &review::Model,
) -> Result<serde_json::Value, DbErr> {
    let name = read::people(tx, &[author]).await?.remove(&author).map(|person| person.display_name);
    let subject = review.subject();
    let about = read::subjects(tx, &[subject]).await?.remove(&subject).and_then(|row| row.title);
    Ok(json!({
        "displayName": name,
        "subject": about,
        "subjectType": subject.kind.as_str(),
        "rating": review.rating,
        "title": review.title,
        "reviewId": ReviewId(review.id),
    }))
}

/// The recipient is named by id: the mail worker asks users for the address when it sends, so
/// no address is ever stored here.
async fn queue(
    tx: &Transaction<'_>,
    now: Timestamp,
    template: &'static str,
    user: Uuid,
    locale: &str,
    (entity, version): (Uuid, i32),
    data: serde_json::Value,
) -> Result<(), DbErr> {
    let to = UserId(user).to_string();
    let mail = NewMail {
        template,
        to: &to,
        locale,
        entity,
        entity_version: i64::from(version),
        data,
        user: Some(user),
    };
    mail::enqueue(tx, now, mail).await?;
    Ok(())
}

async fn announce(
    tx: &Transaction<'_>,
    now: Timestamp,
    kind: &'static str,
    review: &review::Model,
) -> Result<(), DbErr> {
    let event = event_of(review);
    events::append(tx, now, kind, &event.id.to_string(), &event).await?;
    Ok(())
}

/// The payload of `review.published` and `review.hidden`.
pub(crate) fn payload(review: &review::Model) -> serde_json::Value {
    serde_json::to_value(event_of(review)).expect("an event is plain data")
}

fn event_of(review: &review::Model) -> ReviewEvent {
    let subject = review.subject();
    ReviewEvent {
        id: ReviewId(review.id),
        subject_type: subject.kind.as_str(),
        subject_id: wire_id(subject),
        author_id: review.author_id.map(UserId),
        rating: review.rating,
        verified: review.verified,
        status: review.status().as_str(),
        published_at: review.published_at,
    }
}

fn wire_id(subject: Subject) -> String {
    match subject.kind {
        SubjectType::Product => ProductId(subject.id).to_string(),
        SubjectType::Ride => RideId(subject.id).to_string(),
    }
}
