//! The mutations: who may, what was sent, which command, which payload.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use kit::graphql::{GraphQlError, Locale, scopes};
use kit::id::{ProductId, ReviewId, RideId, UserId};
use kit::{caller, idempotency, origin};
use serde_json::json;

use super::payload::{
    ReviewCreatePayload, ReviewDeletePayload, ReviewReportPayload, ReviewUpdatePayload,
    ReviewVotePayload, create_error, delete_error, report_error, update_error, vote_error,
};
use super::types::{ModerationReason, ReviewStatus, VoteKind};
use crate::command::{
    self, Edit, MODERATE_SCOPE, NewReview, Refusal, Report, Ruling, TextEdit, person,
};
use crate::core::Core;
use crate::domain::subject::Subject;
use crate::entity::review;

const WRITE_SCOPE: &str = "reviews:write";
const REPLY_SCOPE: &str = "reviews:reply";

#[derive(Debug, InputObject)]
pub(crate) struct ReviewCreateInput {
    product_id: Option<ID>,
    ride_id: Option<ID>,
    rating: i32,
    title: Option<String>,
    body: Option<String>,
    #[graphql(default_with = "Some(Locale::default())")]
    locale: Option<Locale>,
    #[graphql(default_with = "Some(false)")]
    incentivized: Option<bool>,
    idempotency_key: String,
}

#[derive(Debug, InputObject)]
pub(crate) struct ReviewUpdateInput {
    rating: Option<i32>,
    title: MaybeUndefined<String>,
    body: MaybeUndefined<String>,
    expected_version: i32,
}

#[derive(Debug, InputObject)]
pub(crate) struct ModerationInput {
    status: ReviewStatus,
    reason: Option<ModerationReason>,
    note: Option<String>,
    expected_version: i32,
}

#[derive(Debug)]
pub(crate) struct Mutation;

#[Object]
impl Mutation {
    #[graphql(requires_scopes = "reviews:write")]
    async fn review_create(
        &self,
        ctx: &Context<'_>,
        input: ReviewCreateInput,
    ) -> Option<Result<ReviewCreatePayload, GraphQlError>> {
        let outcome = match guard(ctx, WRITE_SCOPE) {
            Ok((core, author)) => create(ctx, core, author, input).await,
            Err(error) => return Some(Err(error)),
        };
        Some(match outcome {
            Ok(review) => {
                Ok(ReviewCreatePayload { review: Some(review.into()), errors: Vec::new() })
            }
            Err(refusal) => create_error(refusal)
                .map(|error| ReviewCreatePayload { review: None, errors: vec![error] }),
        })
    }

    #[graphql(requires_scopes = "reviews:write")]
    async fn review_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ReviewUpdateInput,
    ) -> Option<Result<ReviewUpdatePayload, GraphQlError>> {
        let (core, author) = match guard(ctx, WRITE_SCOPE) {
            Ok(guarded) => guarded,
            Err(error) => return Some(Err(error)),
        };
        let ReviewUpdateInput { rating, title, body, expected_version } = input;
        let edit =
            Edit { rating, title: text_edit(title), body: text_edit(body), expected_version };
        let outcome = match review_id(&id) {
            Ok(id) => command::edit(core, author, id, edit).await,
            Err(refusal) => Err(refusal),
        };
        Some(updated(outcome))
    }

    #[graphql(requires_scopes = "reviews:write")]
    async fn review_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<ReviewDeletePayload, GraphQlError>> {
        let (core, author) = match guard(ctx, WRITE_SCOPE) {
            Ok(guarded) => guarded,
            Err(error) => return Some(Err(error)),
        };
        let outcome = match review_id(&id) {
            Ok(id) => command::delete(core, author, id).await,
            Err(refusal) => Err(refusal),
        };
        Some(match outcome {
            Ok(review) => Ok(ReviewDeletePayload {
                deleted_id: Some(ReviewId(review.id).into()),
                errors: Vec::new(),
            }),
            Err(refusal) => delete_error(refusal)
                .map(|error| ReviewDeletePayload { deleted_id: None, errors: vec![error] }),
        })
    }

    #[graphql(requires_scopes = "reviews:write")]
    async fn review_vote(
        &self,
        ctx: &Context<'_>,
        id: ID,
        vote: Option<VoteKind>,
    ) -> Option<Result<ReviewVotePayload, GraphQlError>> {
        let (core, voter) = match guard(ctx, WRITE_SCOPE) {
            Ok(guarded) => guarded,
            Err(error) => return Some(Err(error)),
        };
        let outcome = match review_id(&id) {
            Ok(id) => command::vote(core, voter, id, vote.map(Into::into)).await,
            Err(refusal) => Err(refusal),
        };
        Some(match outcome {
            Ok(review) => Ok(ReviewVotePayload { review: Some(review.into()), errors: Vec::new() }),
            Err(refusal) => vote_error(refusal)
                .map(|error| ReviewVotePayload { review: None, errors: vec![error] }),
        })
    }

    #[graphql(requires_scopes = "reviews:write")]
    async fn review_report(
        &self,
        ctx: &Context<'_>,
        id: ID,
        reason: ModerationReason,
        note: Option<String>,
    ) -> Option<Result<ReviewReportPayload, GraphQlError>> {
        let (core, reporter) = match guard(ctx, WRITE_SCOPE) {
            Ok(guarded) => guarded,
            Err(error) => return Some(Err(error)),
        };
        let report = Report { reason: reason.into(), note };
        let outcome = match review_id(&id) {
            Ok(id) => command::report(core, reporter, id, report).await,
            Err(refusal) => Err(refusal),
        };
        Some(match outcome {
            Ok(()) => Ok(ReviewReportPayload { accepted: true, errors: Vec::new() }),
            Err(refusal) => report_error(refusal)
                .map(|error| ReviewReportPayload { accepted: false, errors: vec![error] }),
        })
    }

    #[graphql(requires_scopes = "reviews:reply")]
    async fn review_reply(
        &self,
        ctx: &Context<'_>,
        id: ID,
        body: Option<String>,
    ) -> Option<Result<ReviewUpdatePayload, GraphQlError>> {
        let (core, author) = match guard(ctx, REPLY_SCOPE) {
            Ok(guarded) => guarded,
            Err(error) => return Some(Err(error)),
        };
        let outcome = match review_id(&id) {
            Ok(id) => command::reply(core, author, id, body).await,
            Err(refusal) => Err(refusal),
        };
        Some(updated(outcome))
    }

    #[graphql(requires_scopes = "reviews:moderate")]
    async fn review_moderate(
        &self,
        ctx: &Context<'_>,
        id: ID,
        decision: ModerationInput,
    ) -> Option<Result<ReviewUpdatePayload, GraphQlError>> {
        let (core, moderator) = match guard(ctx, MODERATE_SCOPE) {
            Ok(guarded) => guarded,
            Err(error) => return Some(Err(error)),
        };
        let ModerationInput { status, reason, note, expected_version } = decision;
        let ruling = Ruling {
            status: status.into(),
            reason: reason.map(Into::into),
            note,
            expected_version,
        };
        let outcome = match review_id(&id) {
            Ok(id) => command::moderate(core, moderator, id, ruling).await,
            Err(refusal) => Err(refusal),
        };
        Some(updated(outcome))
    }
}

/// The second wall behind the gateway: the scope, and a person who holds it.
fn guard<'ctx>(ctx: &Context<'ctx>, scope: &str) -> Result<(&'ctx Core, UserId), GraphQlError> {
    scopes(ctx, &[scope])?;
    let person = person(caller(ctx)).map_err(|_| kit::graphql::forbidden())?;
    Ok((ctx.data::<Core>()?, person))
}

fn text_edit(text: MaybeUndefined<String>) -> TextEdit {
    match text {
        MaybeUndefined::Undefined => TextEdit::Keep,
        MaybeUndefined::Null => TextEdit::Remove,
        MaybeUndefined::Value(new) => TextEdit::Replace(new),
    }
}

/// Ids of anything else are known to be no review without looking.
fn review_id(id: &ID) -> Result<ReviewId, Refusal> {
    ReviewId::parse(id).ok_or(Refusal::NotFound("review"))
}

fn updated(outcome: Result<review::Model, Refusal>) -> Result<ReviewUpdatePayload, GraphQlError> {
    match outcome {
        Ok(review) => Ok(ReviewUpdatePayload { review: Some(review.into()), errors: Vec::new() }),
        Err(refusal) => update_error(refusal)
            .map(|error| ReviewUpdatePayload { review: None, errors: vec![error] }),
    }
}

async fn create(
    ctx: &Context<'_>,
    core: &Core,
    author: UserId,
    input: ReviewCreateInput,
) -> Result<review::Model, Refusal> {
    let subject = subject(&input)?;
    let locale = input.locale.clone().unwrap_or_default();
    let incentivized = input.incentivized.unwrap_or_default();
    let input_hash = idempotency::input_hash(&json!({
        "productId": input.product_id,
        "rideId": input.ride_id,
        "rating": input.rating,
        "title": input.title,
        "body": input.body,
        "locale": locale,
        "incentivized": incentivized,
    }));
    let new = NewReview {
        subject,
        rating: input.rating,
        title: input.title,
        body: input.body,
        locale: locale.into(),
        incentivized,
        idempotency_key: input.idempotency_key,
        input_hash,
    };
    command::create(core, author, origin(ctx), new).await
}

fn subject(input: &ReviewCreateInput) -> Result<Subject, Refusal> {
    match (&input.product_id, &input.ride_id) {
        (Some(product), None) => ProductId::parse(product)
            .map(|product| Subject::product(product.uuid()))
            .ok_or(Refusal::NotFound("product")),
        (None, Some(ride)) => RideId::parse(ride)
            .map(|ride| Subject::ride(ride.uuid()))
            .ok_or(Refusal::NotFound("ride")),
        (None, None) | (Some(_), Some(_)) => {
            Err(Refusal::invalid("name either a productId or a rideId", &["input"]))
        }
    }
}
