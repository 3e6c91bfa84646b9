//! What reviews adds to the other services' products, rides and people.
#![expect(clippy::duplicated_attributes, reason = "arguments of an interface share their types")]

use async_graphql::{Context, ID, Interface, Object};
use kit::caller;
use kit::connection::PageArgs;
use kit::graphql::GraphQlError;
use kit::id::{ProductId, RideId, UserId};
use uuid::Uuid;

use super::list::{self, Listing};
use super::loaders::{
    DriverSummaryOf, FactsOf, OwnReviewOf, Owner, PersonOf, PurchaseOf, RatingOfRide, SummaryOf,
    TotalsOf, load,
};
use super::review::{Review, ReviewConnection};
use super::types::{RatingSummary, ReviewEligibility, ReviewFilter, ReviewSort, int};
use crate::command::MODERATE_SCOPE;
use crate::core::Core;
use crate::domain::order::Order;
use crate::domain::subject::Subject;
use crate::eligibility::{Ineligible, is_suspended};
use crate::store::list::{Filter, Shown};

/// Anything that can be reviewed
#[derive(Clone, Debug, Interface)]
#[graphql(
    field(name = "id", ty = "ID"),
    field(name = "rating_summary", ty = "Option<Result<RatingSummary, GraphQlError>>"),
    field(
        name = "reviews",
        ty = "Option<Result<ReviewConnection, GraphQlError>>",
        arg(name = "first", ty = "Option<i32>", default_with = "Some(20)"),
        arg(name = "after", ty = "Option<String>"),
        arg(name = "last", ty = "Option<i32>"),
        arg(name = "before", ty = "Option<String>"),
        arg(name = "filter", ty = "Option<ReviewFilter>"),
        arg(
            name = "sort",
            ty = "Option<ReviewSort>",
            default_with = "Some(ReviewSort::MostHelpful)"
        )
    )
)]
pub(crate) enum Reviewable {
    Product(Product),
    Ride(Ride),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    id: Uuid,
    viewer_has_purchased: Option<bool>,
}

impl Product {
    pub(crate) fn of(id: Uuid) -> Self {
        Self { id, viewer_has_purchased: None }
    }

    /// The product of a representation; none when the id is not a product's.
    pub(crate) fn represented(id: &ID, viewer_has_purchased: Option<bool>) -> Option<Self> {
        let id = ProductId::parse(id)?.uuid();
        Some(Self { id, viewer_has_purchased })
    }

    fn subject(self) -> Subject {
        Subject::product(self.id)
    }
}

#[Object]
impl Product {
    pub(crate) async fn id(&self) -> ID {
        ProductId(self.id).into()
    }

    pub(crate) async fn rating_summary(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<RatingSummary, GraphQlError>> {
        Some(summary(ctx, self.subject()).await)
    }

    #[graphql(complexity = "first.unwrap_or(20).max(1) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the contract's arguments")]
    pub(crate) async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ReviewFilter>,
        #[graphql(default_with = "Some(ReviewSort::MostHelpful)")] sort: Option<ReviewSort>,
    ) -> Option<Result<ReviewConnection, GraphQlError>> {
        let args = PageArgs::new(first, after, last, before);
        Some(reviews_of(ctx, self.subject(), args, filter, sort).await)
    }

    /// The caller's own review, in any state; null when none or anonymous
    async fn viewer_review(&self, ctx: &Context<'_>) -> Option<Result<Review, GraphQlError>> {
        caller(ctx).user_id()?;
        let own = load(ctx, OwnReviewOf(self.subject())).await.transpose()?;
        Some(own.map(Review::from))
    }

    /// May the caller review this now, and if not, why not
    #[graphql(requires = "viewerHasPurchased")]
    async fn viewer_review_eligibility(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<ReviewEligibility, GraphQlError>> {
        let reason = ineligibility(ctx, *self).await;
        Some(reason.map(|reason| ReviewEligibility {
            allowed: reason.is_none(),
            reason: reason.map(Into::into),
        }))
    }

    #[graphql(external)]
    async fn viewer_has_purchased(&self) -> Option<bool> {
        self.viewer_has_purchased
    }
}

/// Why the caller may not review the product now; none when they may.
async fn ineligibility(
    ctx: &Context<'_>,
    product: Product,
) -> Result<Option<Ineligible>, GraphQlError> {
    let core = ctx.data::<Core>()?;
    let Some(user) = caller(ctx).user_id() else {
        return Ok(Some(Ineligible::NotAuthenticated));
    };
    let subject = product.subject();
    let (person, own, facts, bought) = futures::try_join!(
        load(ctx, PersonOf(user.uuid())),
        load(ctx, OwnReviewOf(subject)),
        load(ctx, FactsOf(subject)),
        load(ctx, PurchaseOf(subject)),
    )?;
    if person.is_some_and(|person| is_suspended(&person)) {
        return Ok(Some(Ineligible::Suspended));
    }
    if facts.and_then(|facts| facts.seller_id) == Some(user.uuid()) {
        return Ok(Some(Ineligible::OwnListing));
    }
    if own.is_some() {
        return Ok(Some(Ineligible::AlreadyReviewed));
    }
    if !core.rules.products_require_purchase || bought.is_some() {
        return Ok(None);
    }
    Ok(match product.viewer_has_purchased {
        Some(true) => None,
        Some(false) => Some(Ineligible::NotPurchased),
        None => Some(Ineligible::PurchaseCheckUnavailable),
    })
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ride {
    id: Uuid,
}

impl Ride {
    pub(crate) fn of(id: Uuid) -> Self {
        Self { id }
    }

    pub(crate) fn represented(id: &ID) -> Option<Self> {
        Some(Self { id: RideId::parse(id)?.uuid() })
    }

    fn subject(self) -> Subject {
        Subject::ride(self.id)
    }
}

#[Object]
impl Ride {
    pub(crate) async fn id(&self) -> ID {
        RideId(self.id).into()
    }

    pub(crate) async fn rating_summary(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<RatingSummary, GraphQlError>> {
        Some(summary(ctx, self.subject()).await)
    }

    #[graphql(complexity = "first.unwrap_or(20).max(1) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the contract's arguments")]
    pub(crate) async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ReviewFilter>,
        #[graphql(default_with = "Some(ReviewSort::MostHelpful)")] sort: Option<ReviewSort>,
    ) -> Option<Result<ReviewConnection, GraphQlError>> {
        let args = PageArgs::new(first, after, last, before);
        Some(reviews_of(ctx, self.subject(), args, filter, sort).await)
    }

    /// The rider's rating of the driver for this ride
    async fn driver_rating(&self, ctx: &Context<'_>) -> Option<Result<i32, GraphQlError>> {
        let rating = load(ctx, RatingOfRide(self.id)).await.transpose()?;
        match rating {
            // A driver sees averages only, so that a rider can be honest.
            Ok((_, driver)) if driver.is_some() && driver == viewer(ctx) => None,
            rating => Some(rating.map(|(stars, _)| stars)),
        }
    }
}

fn viewer(ctx: &Context<'_>) -> Option<Uuid> {
    caller(ctx).user_id().map(|user| user.uuid())
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    id: Uuid,
    display_name: Option<String>,
}

/// Shown until the feed of users has told the name.
const UNKNOWN_NAME: &str = "Member";

impl User {
    /// The person of a representation. The name is read only if it is asked for.
    pub(crate) async fn represented(
        ctx: &Context<'_>,
        id: &ID,
    ) -> Result<Option<Self>, GraphQlError> {
        let Some(id) = UserId::parse(id) else { return Ok(None) };
        Self::named(ctx, id.uuid()).await.map(Some)
    }

    /// The person with the name from our replica, which `@provides` promises.
    pub(crate) async fn named(ctx: &Context<'_>, id: Uuid) -> Result<Self, GraphQlError> {
        let wanted = ctx.look_ahead().field("displayName").exists();
        let person = if wanted { load(ctx, PersonOf(id)).await? } else { None };
        Ok(Self { id, display_name: person.map(|person| person.display_name) })
    }
}

#[Object]
impl User {
    pub(crate) async fn id(&self) -> ID {
        UserId(self.id).into()
    }

    /// Replicated from users so that a page of reviews needs no second hop
    #[graphql(external)]
    async fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(UNKNOWN_NAME)
    }

    #[graphql(complexity = "first.unwrap_or(20).max(1) as usize * child_complexity")]
    async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<ReviewConnection, GraphQlError>> {
        let caller = caller(ctx);
        let all = caller.is(&UserId(self.id)) || caller.has_scope(MODERATE_SCOPE);
        let shown = if all { Shown::Kept } else { Shown::Published };
        let listing = Listing { order: Order::Created, shown, filter: Filter::default() };
        let args = PageArgs::forward(first, after);
        Some(list::of_owner(ctx, Owner::Author(self.id), listing, args).await)
    }

    async fn published_review_count(&self, ctx: &Context<'_>) -> Option<Result<i32, GraphQlError>> {
        let totals = load(ctx, TotalsOf(self.id)).await;
        Some(totals.map(|totals| int(totals.unwrap_or_default().published)))
    }

    async fn helpful_votes_received(&self, ctx: &Context<'_>) -> Option<Result<i32, GraphQlError>> {
        let totals = load(ctx, TotalsOf(self.id)).await;
        Some(totals.map(|totals| int(totals.unwrap_or_default().helpful)))
    }

    /// Rating as a driver; null for people who never drove
    async fn driver_rating_summary(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<RatingSummary, GraphQlError>> {
        driver_summary(ctx, self.id).await.transpose()
    }
}

/// A driver's summary, once enough rides stand behind it that none can be singled out.
async fn driver_summary(
    ctx: &Context<'_>,
    driver: Uuid,
) -> Result<Option<RatingSummary>, GraphQlError> {
    let core = ctx.data::<Core>()?;
    let row = load(ctx, DriverSummaryOf(driver)).await?;
    let enough = row.filter(|row| row.histogram().count() >= core.rules.driver_privacy_floor);
    Ok(enough.map(|row| RatingSummary::of_driver(&row, core.prior())))
}

async fn summary(ctx: &Context<'_>, subject: Subject) -> Result<RatingSummary, GraphQlError> {
    let row = load(ctx, SummaryOf(subject)).await?;
    Ok(RatingSummary::of_subject(row.as_ref(), ctx.data::<Core>()?.prior()))
}

async fn reviews_of(
    ctx: &Context<'_>,
    subject: Subject,
    args: PageArgs,
    filter: Option<ReviewFilter>,
    sort: Option<ReviewSort>,
) -> Result<ReviewConnection, GraphQlError> {
    let listing = Listing {
        order: sort.unwrap_or(ReviewSort::MostHelpful).into(),
        shown: Shown::Published,
        filter: filter.unwrap_or_default().into(),
    };
    list::of_owner(ctx, Owner::Subject(subject), listing, args).await
}
