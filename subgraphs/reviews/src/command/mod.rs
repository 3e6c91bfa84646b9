//! What people can do to reviews. Each command checks, then changes everything it changes in
//! one transaction: the review, its counters, its history, its mails and its events.

mod consequences;
mod create;
mod delete;
mod edit;
mod moderate;
mod reply;
mod report;
pub(crate) mod verify_later;
mod vote;

use kit::Caller;
use kit::id::UserId;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::domain::moderation::Reason;
use crate::domain::status::Status;
use crate::eligibility::Ineligible;
use crate::entity::review;

pub(crate) use consequences::payload as event_payload;
pub(crate) use create::{NewReview, create};
pub(crate) use delete::delete;
pub(crate) use edit::{Edit, TextEdit, edit};
pub(crate) use moderate::{Ruling, moderate};
pub(crate) use reply::reply;
pub(crate) use report::{Report, report};
pub(crate) use vote::{Vote, vote};

pub(crate) const MODERATE_SCOPE: &str = "reviews:moderate";

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{message}")]
    Invalid { message: String, path: Vec<&'static str> },
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("already reviewed")]
    Duplicate { existing: Option<Box<review::Model>> },
    #[error("may not review this: {0:?}")]
    NotEligible(Ineligible),
    #[error("{message}")]
    ContentRejected { reason: Reason, message: String, path: Vec<&'static str> },
    #[error("too often; wait {0} s")]
    RateLimited(i32),
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    #[error("one's own review")]
    SelfVote,
    #[error("not allowed")]
    Forbidden,
    #[error("not logged in")]
    Unauthenticated,
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Refusal {
    pub(crate) fn invalid(message: impl Into<String>, path: &[&'static str]) -> Self {
        Self::Invalid { message: message.into(), path: path.to_vec() }
    }

    fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// Somebody else changed the review since the caller read it.
    fn stale(expected: i32, current: i32) -> Self {
        Self::conflict(
            "CONFLICT",
            format!("the review is at version {current} by now, not {expected}; read it again"),
        )
    }
}

/// The person behind the call; services and strangers cannot write reviews.
pub(crate) fn person(caller: &Caller) -> Result<UserId, Refusal> {
    match caller {
        Caller::User(user) => Ok(user.id),
        Caller::Anonymous => Err(Refusal::Unauthenticated),
        Caller::Service(_) => Err(Refusal::Forbidden),
    }
}

/// Does this caller see the review? What is not published is for its author and moderators.
pub(crate) fn sees(caller: &Caller, review: &review::Model) -> bool {
    match review.status() {
        Status::Published => true,
        Status::Deleted => false,
        Status::Pending | Status::Rejected | Status::Hidden => sees_private(caller, review),
    }
}

/// Is the caller the author or a moderator?
pub(crate) fn sees_private(caller: &Caller, review: &review::Model) -> bool {
    caller.has_scope(MODERATE_SCOPE) || is_author(caller.user_id(), review)
}

pub(crate) fn is_author(user: Option<UserId>, review: &review::Model) -> bool {
    review.author_id.is_some() && user.map(|user| user.uuid()) == review.author_id
}

/// The review if this person wrote it. Others learn only what they can see anyway.
fn own(user: UserId, review: Option<review::Model>) -> Result<review::Model, Refusal> {
    match review {
        Some(review) if review.status() == Status::Deleted => Err(Refusal::NotFound("review")),
        Some(review) if is_author(Some(user), &review) => Ok(review),
        Some(review) if review.is_published() => Err(Refusal::Forbidden),
        Some(_) | None => Err(Refusal::NotFound("review")),
    }
}

/// A key for counting what a person does.
fn rate_key(what: &str, user: Uuid) -> String {
    format!("{what}:user:{user}")
}
