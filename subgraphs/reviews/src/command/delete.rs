//! Taking one's review back. The row stays (it is history), everything counted goes with it,
//! and the person may write a new one.

use kit::id::{ReviewId, UserId};

use super::consequences::{Grounds, follow};
use super::{Refusal, own};
use crate::core::Core;
use crate::domain::status::Status;
use crate::entity::review;
use crate::store::{copies, search, write};

pub(crate) async fn delete(
    core: &Core,
    author: UserId,
    id: ReviewId,
) -> Result<review::Model, Refusal> {
    let now = core.now();
    core.database
        .write(|tx| {
            Box::pin(async move {
                let before = own(author, write::lock(tx, id.uuid()).await?)?;
                let mut after = before.clone();
                Status::Deleted.as_str().clone_into(&mut after.status);
                review::DONE.clone_into(&mut after.verification);
                after.deleted_at = Some(now.0);
                after.verify_at = None;
                after.pending_version = None;
                after.queued_at = None;
                after.version += 1;
                write::save(tx, now, &before, &after).await?;
                search::index(tx, after.id, None, None).await?;
                copies::remember(tx, &after, None).await?;
                let decision = write::Decision {
                    from: Some(before.status()),
                    to: Status::Deleted,
                    reason: None,
                    note: Some("deleted by its author"),
                    actor: None,
                    automatic: false,
                };
                write::log_decision(tx, now, after.id, decision).await?;
                let grounds = Grounds { reason: None, note: None };
                follow(tx, now, Some(&before), &after, grounds).await?;
                Ok(after)
            })
        })
        .await
}
