//! "Was this helpful?": one vote per person and review, changed or withdrawn at will.

use kit::id::{ReviewId, UserId};
use kit::{Timestamp, Transaction};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::{Refusal, is_author, rate_key};
use crate::core::Core;
use crate::domain::wilson::lower_bound_ppm;
use crate::entity::review;
use crate::store::limits::{self, Limit, MINUTE_MS};
use crate::store::sql::Sql;
use crate::store::{read, write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    Helpful,
    Unhelpful,
}

impl Vote {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Helpful => "HELPFUL",
            Self::Unhelpful => "UNHELPFUL",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Helpful, Self::Unhelpful].into_iter().find(|vote| vote.as_str() == word)
    }

    /// What it adds to the helpful and unhelpful counts.
    fn counts(vote: Option<Self>) -> (i32, i32) {
        match vote {
            Some(Self::Helpful) => (1, 0),
            Some(Self::Unhelpful) => (0, 1),
            None => (0, 0),
        }
    }
}

/// Casts, changes or (with none) withdraws the person's vote.
pub(crate) async fn vote(
    core: &Core,
    voter: UserId,
    id: ReviewId,
    vote: Option<Vote>,
) -> Result<review::Model, Refusal> {
    let now = core.now();
    core.database
        .write(|tx| {
            Box::pin(async move {
                let review = write::lock(tx, id.uuid())
                    .await?
                    .filter(review::Model::is_published)
                    .ok_or(Refusal::NotFound("review"))?;
                if is_author(Some(voter), &review) {
                    return Err(Refusal::SelfVote);
                }
                let limit = Limit { most: core.rules.votes_per_minute, window_ms: MINUTE_MS };
                limits::hit(tx, &rate_key("votes", voter.uuid()), limit, now)
                    .await?
                    .map_err(Refusal::RateLimited)?;
                let old = read::votes(tx, voter.uuid(), &[review.id]).await?.remove(&review.id);
                let old = old.as_deref().and_then(Vote::from_word);
                if old == vote {
                    return Ok(review);
                }
                store(tx, review.id, voter.uuid(), vote, now).await?;
                Ok(count(tx, review, old, vote).await?)
            })
        })
        .await
}

async fn store(
    tx: &Transaction<'_>,
    review: Uuid,
    voter: Uuid,
    vote: Option<Vote>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let sql = match vote {
        None => Sql::new("DELETE FROM review_votes WHERE review_id = ? AND voter_id = ?")
            .bind(review)
            .bind(voter),
        Some(vote) => Sql::new(
            "INSERT INTO review_votes (review_id, voter_id, kind, voted_at) VALUES (?, ?, ?, ?) \
             ON CONFLICT (review_id, voter_id) DO UPDATE SET kind = excluded.kind, \
             voted_at = excluded.voted_at",
        )
        .bind(review)
        .bind(voter)
        .bind(vote.as_str())
        .bind(now.0),
    };
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}

/// Moves the review's counts and its score; the row is locked since it was read.
async fn count(
    tx: &Transaction<'_>,
    mut review: review::Model,
    old: Option<Vote>,
    new: Option<Vote>,
) -> Result<review::Model, DbErr> {
    let (old_helpful, old_unhelpful) = Vote::counts(old);
    let (new_helpful, new_unhelpful) = Vote::counts(new);
    review.helpful += new_helpful - old_helpful;
    review.unhelpful += new_unhelpful - old_unhelpful;
    review.helpfulness_ppm = lower_bound_ppm(review.helpful, review.unhelpful);
    let sql = Sql::new(
        "UPDATE reviews SET helpful = helpful + ?, unhelpful = unhelpful + ?, \
         helpfulness_ppm = ? WHERE id = ?",
    )
    .bind(new_helpful - old_helpful)
    .bind(new_unhelpful - old_unhelpful)
    .bind(review.helpfulness_ppm)
    .bind(review.id);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(review)
}
