//! Changing one's review.
//!
//! Each edit becomes a revision. Of a published review the new text shows at once when the
//! rules let it pass; otherwise the old one stays visible and the edit waits in the queue.

use kit::id::{ReviewId, UserId};
use kit::{Timestamp, Transaction};
use sea_orm::DbErr;

use super::consequences::{Grounds, follow};
use super::create::{Content, decide, log_verdict, verdict};
use super::{Refusal, own};
use crate::core::Core;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::moderation::Verdict;
use crate::domain::status::{Move, Status};
use crate::entity::{review, revision};
use crate::store::{copies, read, write};

/// What becomes of a text in an edit.
#[derive(Clone, Debug)]
pub(crate) enum TextEdit {
    Keep,
    Remove,
    Replace(String),
}

impl TextEdit {
    fn of<'a>(&'a self, old: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Keep => old,
            Self::Remove => None,
            Self::Replace(new) => Some(new),
        }
    }
}

/// What changes.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub rating: Option<i32>,
    pub title: TextEdit,
    pub body: TextEdit,
    pub expected_version: i32,
}

pub(crate) async fn edit(
    core: &Core,
    author: UserId,
    id: ReviewId,
    edit: Edit,
) -> Result<review::Model, Refusal> {
    let now = core.now();
    let edit = &edit;
    core.database
        .write(|tx| {
            Box::pin(async move {
                let before = own(author, write::lock(tx, id.uuid()).await?)?;
                if before.version != edit.expected_version {
                    return Err(Refusal::stale(edit.expected_version, before.version));
                }
                if before.edits >= core.rules.max_edits {
                    let message = format!("a review can be edited {} times", core.rules.max_edits);
                    return Err(Refusal::conflict("EDIT_LIMIT_REACHED", message));
                }
                let base = latest_content(tx, &before).await?;
                let content = merged(&base, edit)?;
                if content == base {
                    return Ok(before);
                }
                apply(tx, now, &before, content).await
            })
        })
        .await
}

/// What the author wrote last, whether it is visible yet or not.
async fn latest_content(tx: &Transaction<'_>, review: &review::Model) -> Result<Content, DbErr> {
    if let Some(version) = review.pending_version
        && let Some(pending) = read::revision(tx, review.id, version).await?
    {
        return Ok(Content { rating: pending.rating, title: pending.title, body: pending.body });
    }
    Ok(visible_content(review))
}

fn visible_content(review: &review::Model) -> Content {
    Content { rating: review.rating, title: review.title.clone(), body: review.body.clone() }
}

fn merged(base: &Content, edit: &Edit) -> Result<Content, Refusal> {
    let Edit { rating, title, body, expected_version: _ } = edit;
    let title = title.of(base.title.as_deref());
    let body = body.of(base.body.as_deref());
    Content::clean(rating.unwrap_or(base.rating), title, body)
}

async fn apply(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: &review::Model,
    content: Content,
) -> Result<review::Model, Refusal> {
    let visible = visible_content(before);
    let same_text = (&content.title, &content.body) == (&visible.title, &visible.body);
    let status = before
        .status()
        .after(Move::Edit)
        .map_err(|illegal| Refusal::conflict("INVALID_STATE", illegal.to_string()))?;

    let mut after = before.clone();
    after.version += 1;
    after.edits += 1;
    after.pending_version = None;
    status.as_str().clone_into(&mut after.status);
    set_content(&mut after, content, now);
    let fingerprint = Fingerprint::of(after.title.as_deref(), after.body.as_deref());
    let verdict = verdict(tx, &after, fingerprint).await?;
    let shows = match before.status() {
        // Stars alone are never a matter for moderation.
        Status::Published => same_text || verdict.publishes(),
        Status::Pending | Status::Rejected | Status::Hidden | Status::Deleted => true,
    };
    write::keep_revision(tx, &after, now).await?;
    if shows {
        place(&mut after, before.status(), &verdict, now);
        after.text_hash = fingerprint.map(|fingerprint| fingerprint.exact);
        copies::remember(tx, &after, fingerprint).await?;
    } else {
        after = hold_back(before, after.version, now);
    }
    write::save(tx, now, before, &after).await?;
    if !same_text {
        log_verdict(tx, now, Some(before.status()), &after, &verdict).await?;
    }
    follow(tx, now, Some(before), &after, Grounds { reason: None, note: None }).await?;
    Ok(after)
}

fn set_content(review: &mut review::Model, content: Content, now: Timestamp) {
    let Content { rating, title, body } = content;
    review.rating = rating;
    review.title = title;
    review.body = body;
    review.edited_at = Some(now.0);
}

/// Where the edited review goes, depending on where it was.
fn place(after: &mut review::Model, was: Status, verdict: &Verdict, now: Timestamp) {
    match was {
        Status::Published => after.queued_at = None,
        Status::Pending => decide(after, verdict, now),
        // An edit after a refusal is an appeal: a person looks at it.
        Status::Rejected | Status::Hidden => after.queued_at = Some(now.0),
        Status::Deleted => {}
    }
}

/// The published review as it was, with the edit waiting as revision `version`.
fn hold_back(before: &review::Model, version: i32, now: Timestamp) -> review::Model {
    let mut after = before.clone();
    after.version = version;
    after.edits += 1;
    after.pending_version = Some(version);
    after.queued_at = Some(now.0);
    after
}

/// Makes a waiting edit the visible content.
pub(super) fn show_revision(review: &mut review::Model, revision: revision::Model, now: Timestamp) {
    let revision::Model { review_id: _, version: _, rating, title, body, created_at: _ } = revision;
    set_content(review, Content { rating, title, body }, now);
    review.pending_version = None;
}
