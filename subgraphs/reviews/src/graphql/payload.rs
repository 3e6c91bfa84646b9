//! Payloads of the mutations and the errors that belong to them. What is no business of the
//! payload (not logged in, a fault of ours) becomes a top-level error.
#![expect(clippy::duplicated_attributes, reason = "fields of an interface share their types")]

use async_graphql::{ID, Interface, SimpleObject, Union};
use kit::graphql::{
    ConflictError, GraphQlError, InvalidInputError, NotFoundError, RateLimitedError, forbidden,
    internal, unauthenticated,
};

use super::review::Review;
use super::types::{IneligibilityReason, ModerationReason};
use crate::command::Refusal;
use crate::eligibility::Ineligible;

#[derive(Clone, Debug, Interface)]
#[expect(clippy::large_enum_variant, reason = "members of an interface cannot be boxed")]
#[graphql(
    field(name = "message", ty = "&String"),
    field(name = "code", ty = "&String"),
    field(name = "path", ty = "&Vec<String>")
)]
pub(crate) enum UserError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
    Conflict(ConflictError),
    RateLimited(RateLimitedError),
    Duplicate(DuplicateReviewError),
    NotEligible(NotEligibleError),
    ContentRejected(ContentRejectedError),
    SelfVote(SelfVoteError),
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DuplicateReviewError {
    message: String,
    code: String,
    path: Vec<String>,
    existing: Option<Review>,
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct NotEligibleError {
    message: String,
    code: String,
    path: Vec<String>,
    reason: IneligibilityReason,
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ContentRejectedError {
    message: String,
    code: String,
    path: Vec<String>,
    reason: ModerationReason,
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct SelfVoteError {
    message: String,
    code: String,
    path: Vec<String>,
}

#[derive(Clone, Debug, Union)]
#[expect(clippy::large_enum_variant, reason = "members of a union cannot be boxed")]
pub(crate) enum ReviewCreateError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
    Duplicate(DuplicateReviewError),
    NotEligible(NotEligibleError),
    ContentRejected(ContentRejectedError),
    RateLimited(RateLimitedError),
    Conflict(ConflictError),
}

#[derive(Clone, Debug, Union)]
pub(crate) enum ReviewUpdateError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
    Conflict(ConflictError),
    ContentRejected(ContentRejectedError),
    RateLimited(RateLimitedError),
}

#[derive(Clone, Debug, Union)]
pub(crate) enum ReviewDeleteError {
    NotFound(NotFoundError),
    Conflict(ConflictError),
}

#[derive(Clone, Debug, Union)]
pub(crate) enum ReviewVoteError {
    NotFound(NotFoundError),
    SelfVote(SelfVoteError),
    RateLimited(RateLimitedError),
}

#[derive(Clone, Debug, Union)]
pub(crate) enum ReviewReportError {
    NotFound(NotFoundError),
    Conflict(ConflictError),
    RateLimited(RateLimitedError),
}

#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct ReviewCreatePayload {
    pub review: Option<Review>,
    pub errors: Vec<ReviewCreateError>,
}

#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct ReviewUpdatePayload {
    pub review: Option<Review>,
    pub errors: Vec<ReviewUpdateError>,
}

#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct ReviewDeletePayload {
    pub deleted_id: Option<ID>,
    pub errors: Vec<ReviewDeleteError>,
}

#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct ReviewVotePayload {
    pub review: Option<Review>,
    pub errors: Vec<ReviewVoteError>,
}

#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct ReviewReportPayload {
    pub accepted: bool,
    pub errors: Vec<ReviewReportError>,
}

pub(crate) fn create_error(refusal: Refusal) -> Result<ReviewCreateError, GraphQlError> {
    Ok(match refusal {
        Refusal::Invalid { message, path } => {
            ReviewCreateError::InvalidInput(invalid(message, &path))
        }
        Refusal::NotFound(what) => ReviewCreateError::NotFound(not_found(what)),
        Refusal::Duplicate { existing } => ReviewCreateError::Duplicate(DuplicateReviewError {
            message: "you have reviewed this already; edit that review instead".to_owned(),
            code: "DUPLICATE_REVIEW".to_owned(),
            path: vec!["input".to_owned()],
            existing: existing.map(|existing| (*existing).into()),
        }),
        Refusal::NotEligible(reason) => ReviewCreateError::NotEligible(NotEligibleError {
            message: explain(reason).to_owned(),
            code: "NOT_ELIGIBLE".to_owned(),
            path: vec!["input".to_owned()],
            reason: reason.into(),
        }),
        Refusal::ContentRejected { reason, message, path } => {
            ReviewCreateError::ContentRejected(rejected(reason.into(), message, &path))
        }
        Refusal::RateLimited(seconds) => ReviewCreateError::RateLimited(limited(seconds)),
        Refusal::Conflict { code, message } => {
            ReviewCreateError::Conflict(ConflictError::new(code, message, &["input"]))
        }
        other => return Err(top_level(other)),
    })
}

pub(crate) fn update_error(refusal: Refusal) -> Result<ReviewUpdateError, GraphQlError> {
    Ok(match refusal {
        Refusal::Invalid { message, path } => {
            ReviewUpdateError::InvalidInput(invalid(message, &path))
        }
        Refusal::NotFound(what) => ReviewUpdateError::NotFound(not_found(what)),
        Refusal::ContentRejected { reason, message, path } => {
            ReviewUpdateError::ContentRejected(rejected(reason.into(), message, &path))
        }
        Refusal::RateLimited(seconds) => ReviewUpdateError::RateLimited(limited(seconds)),
        Refusal::Conflict { code, message } => {
            ReviewUpdateError::Conflict(ConflictError::new(code, message, &[]))
        }
        other => return Err(top_level(other)),
    })
}

pub(crate) fn delete_error(refusal: Refusal) -> Result<ReviewDeleteError, GraphQlError> {
    Ok(match refusal {
        Refusal::NotFound(what) => ReviewDeleteError::NotFound(not_found(what)),
        Refusal::Conflict { code, message } => {
            ReviewDeleteError::Conflict(ConflictError::new(code, message, &[]))
        }
        other => return Err(top_level(other)),
    })
}

pub(crate) fn vote_error(refusal: Refusal) -> Result<ReviewVoteError, GraphQlError> {
    Ok(match refusal {
        Refusal::NotFound(what) => ReviewVoteError::NotFound(not_found(what)),
        Refusal::SelfVote => ReviewVoteError::SelfVote(SelfVoteError {
            message: "you cannot vote on your own review".to_owned(),
            code: "SELF_VOTE".to_owned(),
            path: vec!["id".to_owned()],
        }),
        Refusal::RateLimited(seconds) => ReviewVoteError::RateLimited(limited(seconds)),
        other => return Err(top_level(other)),
    })
}

pub(crate) fn report_error(refusal: Refusal) -> Result<ReviewReportError, GraphQlError> {
    Ok(match refusal {
        Refusal::NotFound(what) => ReviewReportError::NotFound(not_found(what)),
        Refusal::RateLimited(seconds) => ReviewReportError::RateLimited(limited(seconds)),
        Refusal::Conflict { code, message } => {
            ReviewReportError::Conflict(ConflictError::new(code, message, &[]))
        }
        other => return Err(top_level(other)),
    })
}

fn top_level(refusal: Refusal) -> GraphQlError {
    match refusal {
        Refusal::Forbidden => forbidden(),
        Refusal::Unauthenticated => unauthenticated(),
        other => internal(&other),
    }
}

fn invalid(message: String, path: &[&str]) -> InvalidInputError {
    InvalidInputError::new("INVALID_INPUT", message, path)
}

fn not_found(what: &str) -> NotFoundError {
    let path: &[&str] = match what {
        "product" => &["input", "productId"],
        "ride" => &["input", "rideId"],
        _ => &["id"],
    };
    NotFoundError::new("NOT_FOUND", format!("there is no such {what}"), path)
}

fn limited(seconds: i32) -> RateLimitedError {
    RateLimitedError::new("too often; try again later", &[], seconds)
}

fn rejected(reason: ModerationReason, message: String, path: &[&str]) -> ContentRejectedError {
    ContentRejectedError {
        message,
        code: "CONTENT_REJECTED".to_owned(),
        path: path.iter().map(|&segment| segment.to_owned()).collect(),
        reason,
    }
}

fn explain(reason: Ineligible) -> &'static str {
    match reason {
        Ineligible::NotAuthenticated => "log in to write a review",
        Ineligible::NotPurchased => "only those who bought or rode it may review it",
        Ineligible::AlreadyReviewed => "you have reviewed this already",
        Ineligible::OwnListing => "you may not review what you sell or drove yourself",
        Ineligible::Suspended => "your account is suspended",
        Ineligible::PurchaseCheckUnavailable => "your purchase cannot be checked right now",
    }
}
