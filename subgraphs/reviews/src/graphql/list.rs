//! From the arguments of a list field to a connection.

use async_graphql::Context;
use kit::connection::{Page, PageArgs};
use kit::graphql::GraphQlError;

use super::loaders::{CountOf, Owner, PageOf, SummaryOf, load};
use super::review::{ReviewConnection, ReviewEdge};
use super::types::int;
use crate::core::Core;
use crate::domain::order::{Order, Position};
use crate::domain::rating::Histogram;
use crate::entity::{rating_summary, review};
use crate::store::list::{Filter, Request, Shown};

/// Which list, in which order.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub order: Order,
    pub shown: Shown,
    pub filter: Filter,
}

/// A page of one owner's list, read together with the same page of other owners.
pub(crate) async fn of_owner(
    ctx: &Context<'_>,
    owner: Owner,
    listing: Listing,
    args: PageArgs,
) -> Result<ReviewConnection, GraphQlError> {
    let (page, request) = request(ctx, &listing, args)?;
    let rows = load(ctx, PageOf { owner, request });
    let count =
        async { if wants_count(ctx) { count_of_owner(ctx, owner, &listing).await } else { Ok(0) } };
    let (rows, count) = futures::try_join!(rows, count)?;
    connection(ctx, &listing, &page, rows.unwrap_or_default(), count)
}

/// The page to be read, and how.
pub(crate) fn request(
    ctx: &Context<'_>,
    listing: &Listing,
    args: PageArgs,
) -> Result<(Page, Request), GraphQlError> {
    let page = args.validate()?;
    let core = ctx.data::<Core>()?;
    let from: Option<Position> = match &page.cursor {
        Some(cursor) => Some(core.cursors.decode(listing.order.list(), cursor)?),
        None => None,
    };
    let Listing { order, shown, filter } = listing.clone();
    let request =
        Request { order, shown, filter, forward: page.forward, fetch: page.fetch(), from };
    Ok((page, request))
}

pub(crate) fn connection(
    ctx: &Context<'_>,
    listing: &Listing,
    page: &Page,
    rows: Vec<review::Model>,
    total_count: i64,
) -> Result<ReviewConnection, GraphQlError> {
    let core = ctx.data::<Core>()?;
    let (edges, page_info) = page.slice(rows).edges(|row| {
        let position = row.position(listing.order);
        (core.cursors.encode(listing.order.list(), &position), row.into())
    });
    let edges = edges.into_iter().map(|(cursor, node)| ReviewEdge { cursor, node }).collect();
    Ok(ReviewConnection { edges, page_info, total_count: int(total_count) })
}

/// `totalCount` is a number that must not fail, so it is read here, where failing is possible,
/// and only if it was asked for.
pub(crate) fn wants_count(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("totalCount").exists()
}

async fn count_of_owner(
    ctx: &Context<'_>,
    owner: Owner,
    listing: &Listing,
) -> Result<i64, GraphQlError> {
    let Listing { order: _, shown, filter } = listing;
    if let Owner::Subject(subject) = owner
        && filter.count(&Histogram::default(), 0).is_some()
    {
        let summary = load(ctx, SummaryOf(subject)).await?;
        let count = |of: rating_summary::Model| filter.count(&of.histogram(), of.verified_n.into());
        return Ok(summary.and_then(count).unwrap_or_default());
    }
    let key = CountOf { owner, shown: *shown, filter: filter.clone() };
    Ok(load(ctx, key).await?.unwrap_or_default())
}
