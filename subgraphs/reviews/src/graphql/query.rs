//! The root queries, and the entities other subgraphs send us.

use async_graphql::{Context, ID, Interface, Object};
use kit::caller;
use kit::connection::PageArgs;
use kit::graphql::{GraphQlError, internal, scopes};
use kit::id::{ProductId, ReviewId};

use super::analytics::{AnalyticsRange, ReviewAnalytics, analyse};
use super::entities::{Product, Ride, User};
use super::list::{self, Listing};
use super::loaders::{ReviewById, load};
use super::review::{Review, ReviewConnection};
use crate::command::{MODERATE_SCOPE, sees};
use crate::core::Core;
use crate::domain::order::Order;
use crate::store::list::{Filter, Shown, count_of_queue, count_of_visible, of_all};

const ANALYTICS_SCOPE: &str = "reviews:analytics";

#[derive(Clone, Debug, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub(crate) enum Node {
    Review(Review),
}

#[derive(Debug)]
pub(crate) struct Query;

#[Object]
impl Query {
    async fn review(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Review, GraphQlError>> {
        visible(ctx, &id).await
    }

    #[graphql(complexity = "first.unwrap_or(20).max(1) as usize * child_complexity")]
    async fn latest_reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<ReviewConnection, GraphQlError>> {
        let listing =
            Listing { order: Order::Newest, shown: Shown::Published, filter: Filter::default() };
        Some(page(ctx, listing, PageArgs::forward(first, after)).await)
    }

    #[graphql(
        requires_scopes = "reviews:moderate",
        complexity = "first.unwrap_or(20).max(1) as usize * child_complexity"
    )]
    async fn moderation_queue(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<ReviewConnection, GraphQlError>> {
        if let Err(error) = scopes(ctx, &[MODERATE_SCOPE]) {
            return Some(Err(error));
        }
        let listing =
            Listing { order: Order::Queue, shown: Shown::Queued, filter: Filter::default() };
        Some(page(ctx, listing, PageArgs::forward(first, after)).await)
    }

    #[graphql(requires_scopes = "reviews:analytics")]
    async fn review_analytics(
        &self,
        ctx: &Context<'_>,
        range: AnalyticsRange,
        product_id: Option<ID>,
    ) -> Option<Result<ReviewAnalytics, GraphQlError>> {
        if let Err(error) = scopes(ctx, &[ANALYTICS_SCOPE]) {
            return Some(Err(error));
        }
        let product = match product_id.as_ref().map(|id| ProductId::parse(id)) {
            // An id that is no product's: nothing to analyse.
            Some(None) => return None,
            Some(Some(product)) => Some(product),
            None => None,
        };
        Some(analyse(ctx, range, product).await)
    }

    #[graphql(entity)]
    async fn find_review_by_id(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<Review, GraphQlError>> {
        visible(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_product_by_id(
        &self,
        #[graphql(key)] id: ID,
        viewer_has_purchased: Option<bool>,
    ) -> Option<Product> {
        Product::represented(&id, viewer_has_purchased)
    }

    #[graphql(entity)]
    async fn find_ride_by_id(&self, id: ID) -> Option<Ride> {
        Ride::represented(&id)
    }

    #[graphql(entity)]
    async fn find_user_by_id(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<User, GraphQlError>> {
        User::represented(ctx, &id).await.transpose()
    }
}

/// The review, if the caller may see it.
async fn visible(ctx: &Context<'_>, id: &ID) -> Option<Result<Review, GraphQlError>> {
    let id = ReviewId::parse(id)?;
    let found = load(ctx, ReviewById(id.uuid())).await.transpose()?;
    match found {
        Ok(row) if !sees(caller(ctx), &row) => None,
        found => Some(found.map(Review::from)),
    }
}

async fn page(
    ctx: &Context<'_>,
    listing: Listing,
    args: PageArgs,
) -> Result<ReviewConnection, GraphQlError> {
    let (page, request) = list::request(ctx, &listing, args)?;
    let conn = ctx.data::<Core>()?.database.read();
    let rows = of_all(conn, &request).await.map_err(|error| internal(&error))?;
    let count = if list::wants_count(ctx) {
        let count = match listing.shown {
            Shown::Queued => count_of_queue(conn).await,
            Shown::Published | Shown::Kept => count_of_visible(conn).await,
        };
        count.map_err(|error| internal(&error))?
    } else {
        0
    };
    list::connection(ctx, &listing, &page, rows, count)
}
