//! A review and what belongs to it.

use async_graphql::{Context, ID, Object, SimpleObject};
use kit::caller;
use kit::connection::{Page, PageArgs, Slice};
use kit::graphql::{
    DateTime, EmailDelivery, GraphQlError, Locale, PageInfo, forbidden, unauthenticated,
};
use kit::id::ReviewId;

use super::entities::{Product, Ride, User};
use super::loaders::{ConfirmationOf, DecisionOn, ReplyTo, RevisionsOf, VoteOn, load};
use super::types::{ModerationReason, ReviewStatus, VoteKind};
use crate::command::{Vote, sees_private};
use crate::core::Core;
use crate::domain::subject::SubjectType;
use crate::entity::{moderation_entry, review, revision};

/// A review as its caller may see it: built only from rows the caller may see.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub row: review::Model,
}

impl From<review::Model> for Review {
    fn from(row: review::Model) -> Self {
        Self { row }
    }
}

#[derive(Clone, Debug, async_graphql::Union)]
pub(crate) enum ReviewSubject {
    Product(Product),
    Ride(Ride),
}

#[Object]
impl Review {
    pub(crate) async fn id(&self) -> ID {
        ReviewId(self.row.id).into()
    }

    async fn subject(&self) -> Option<ReviewSubject> {
        let subject = self.row.subject();
        Some(match subject.kind {
            SubjectType::Product => ReviewSubject::Product(Product::of(subject.id)),
            SubjectType::Ride => ReviewSubject::Ride(Ride::of(subject.id)),
        })
    }

    /// null once the author has been erased
    #[graphql(provides = "displayName")]
    async fn author(&self, ctx: &Context<'_>) -> Option<Result<User, GraphQlError>> {
        let author = self.row.author_id?;
        Some(User::named(ctx, author).await)
    }

    async fn rating(&self) -> i32 {
        self.row.rating
    }

    async fn title(&self) -> Option<&str> {
        self.row.title.as_deref()
    }

    async fn body(&self) -> Option<&str> {
        self.row.body.as_deref()
    }

    async fn locale(&self) -> Locale {
        Locale::parse(&self.row.locale).unwrap_or_default()
    }

    async fn status(&self) -> ReviewStatus {
        self.row.status().into()
    }

    /// Snapshot taken when the review was written; a later refund does not remove it
    async fn verified_purchase(&self) -> bool {
        self.row.verified
    }

    async fn incentivized(&self) -> bool {
        self.row.incentivized
    }

    async fn helpful_count(&self) -> i32 {
        self.row.helpful
    }

    async fn unhelpful_count(&self) -> i32 {
        self.row.unhelpful
    }

    /// Lower bound of the Wilson score interval (95 %) over helpful votes
    async fn helpfulness_score(&self) -> f64 {
        crate::domain::rating::ratio(self.row.helpfulness_ppm, 1_000_000)
    }

    async fn viewer_vote(&self, ctx: &Context<'_>) -> Option<Result<VoteKind, GraphQlError>> {
        caller(ctx).user_id()?;
        let word = load(ctx, VoteOn(self.row.id)).await.transpose()?;
        word.map(|word| Vote::from_word(&word).map(VoteKind::from)).transpose()
    }

    async fn reply(&self, ctx: &Context<'_>) -> Option<Result<ReviewReply, GraphQlError>> {
        if !self.row.replied {
            return None;
        }
        let reply = load(ctx, ReplyTo(self.row.id)).await.transpose()?;
        Some(reply.map(ReviewReply::from))
    }

    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    async fn published_at(&self) -> Option<DateTime> {
        self.row.published_at.map(DateTime::from)
    }

    async fn edited_at(&self) -> Option<DateTime> {
        self.row.edited_at.map(DateTime::from)
    }

    async fn version(&self) -> i32 {
        self.row.version
    }

    /// Author and moderators
    #[graphql(
        tag = "private",
        complexity = "first.unwrap_or(20).max(1) as usize * child_complexity"
    )]
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<ReviewRevisionConnection, GraphQlError>> {
        Some(self.revision_page(ctx, PageArgs::forward(first, after)).await)
    }

    /// Author and moderators
    #[graphql(tag = "private")]
    async fn moderation(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<ModerationDecision, GraphQlError>> {
        if let Err(refusal) = self.check_private(ctx) {
            return Some(Err(refusal));
        }
        let decision = load(ctx, DecisionOn(self.row.id)).await.transpose()?;
        Some(decision.map(ModerationDecision::from))
    }

    /// Author and moderators
    #[graphql(tag = "private")]
    async fn confirmation_email(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<EmailDelivery, GraphQlError>> {
        if let Err(refusal) = self.check_private(ctx) {
            return Some(Err(refusal));
        }
        load(ctx, ConfirmationOf(self.row.id)).await.transpose()
    }
}

impl Review {
    fn check_private(&self, ctx: &Context<'_>) -> Result<(), GraphQlError> {
        let caller = caller(ctx);
        if sees_private(caller, &self.row) {
            Ok(())
        } else if caller.is_anonymous() {
            Err(unauthenticated())
        } else {
            Err(forbidden())
        }
    }

    async fn revision_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> Result<ReviewRevisionConnection, GraphQlError> {
        self.check_private(ctx)?;
        let core = ctx.data::<Core>()?;
        let page: Page = args.validate()?;
        let list = format!("revisions.{}", self.row.id);
        let after = match &page.cursor {
            Some(cursor) => Some(core.cursors.decode::<i32>(&list, cursor)?),
            None => None,
        };
        let key = RevisionsOf { review: self.row.id, after, fetch: page.fetch() };
        let rows = load(ctx, key).await?.unwrap_or_default();
        let slice: Slice<revision::Model> = page.slice(rows);
        Ok(ReviewRevisionConnection::new(slice, |row| {
            (core.cursors.encode(&list, &row.version), row.into())
        }))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ReviewReply {
    row: crate::entity::reply::Model,
}

impl From<crate::entity::reply::Model> for ReviewReply {
    fn from(row: crate::entity::reply::Model) -> Self {
        Self { row }
    }
}

#[Object]
impl ReviewReply {
    async fn id(&self) -> ID {
        ID(kit::id::encode("rpl", self.row.id))
    }

    async fn author(&self, ctx: &Context<'_>) -> Option<Result<User, GraphQlError>> {
        let author = self.row.author_id?;
        Some(User::named(ctx, author).await)
    }

    async fn body(&self) -> &str {
        &self.row.body
    }

    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    async fn edited_at(&self) -> Option<DateTime> {
        self.row.edited_at.map(DateTime::from)
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReviewRevision {
    version: i32,
    rating: i32,
    title: Option<String>,
    body: Option<String>,
    created_at: DateTime,
}

impl From<revision::Model> for ReviewRevision {
    fn from(row: revision::Model) -> Self {
        let revision::Model { review_id: _, version, rating, title, body, created_at } = row;
        Self { version, rating, title, body, created_at: created_at.into() }
    }
}

kit::connection!(ReviewRevisionConnection, ReviewRevisionEdge, ReviewRevision);

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ModerationDecision {
    status: ReviewStatus,
    reason: Option<ModerationReason>,
    note: Option<String>,
    automatic: bool,
    decided_at: DateTime,
}

impl From<moderation_entry::Model> for ModerationDecision {
    fn from(row: moderation_entry::Model) -> Self {
        let status: crate::domain::status::Status =
            row.to_status.parse().expect("the log holds only states of reviews");
        let reason: Option<crate::domain::moderation::Reason> =
            row.reason.and_then(|word| word.parse().ok());
        Self {
            status: status.into(),
            reason: reason.map(ModerationReason::from),
            note: row.note,
            automatic: row.automatic,
            decided_at: row.created_at.into(),
        }
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReviewEdge {
    pub cursor: String,
    pub node: Review,
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReviewConnection {
    pub edges: Vec<ReviewEdge>,
    pub page_info: PageInfo,
    pub total_count: i32,
}
