//! `reviewAnalytics`: figures of a range, as a whole, by interval and by product.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, InputObject, SimpleObject};
use kit::graphql::{DateTime, GraphQlError, bad_request, internal};
use kit::id::ProductId;
use uuid::Uuid;

use super::entities::Product;
use super::types::{AnalyticsInterval, RatingBucket, RatingSummary, buckets, int};
use crate::analytics::{Figures, Stretch, by_product, by_time};
use crate::core::Core;
use crate::domain::analytics::{Interval, median_hours};
use crate::domain::rating::{Histogram, Prior, ratio};

/// Most points of a series.
const MOST_POINTS: usize = 1_000;
const MOST_PRODUCTS: i32 = 100;

#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct AnalyticsRange {
    from: DateTime,
    to: DateTime,
    #[graphql(default_with = "Some(AnalyticsInterval::Day)")]
    interval: Option<AnalyticsInterval>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ProductRanking {
    BayesianAverage,
    ReviewCount,
    LowestRated,
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ReviewAnalytics {
    submitted: i32,
    published: i32,
    rejected: i32,
    pending: i32,
    verified_share: Option<f64>,
    average_rating: Option<f64>,
    response_rate: Option<f64>,
    median_hours_to_publish: Option<f64>,
    series: Vec<ReviewAnalyticsPoint>,
    /// Ratings by product; read only when `topProducts` was asked for.
    #[graphql(skip)]
    products: Arc<[(Uuid, Histogram, i64)]>,
    #[graphql(skip)]
    prior: Prior,
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReviewAnalyticsPoint {
    start: DateTime,
    submitted: i32,
    published: i32,
    rejected: i32,
    average_rating: Option<f64>,
    histogram: Vec<RatingBucket>,
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ProductRank {
    product: Option<Product>,
    summary: RatingSummary,
    rank: i32,
}

#[ComplexObject]
impl ReviewAnalytics {
    async fn top_products(
        &self,
        #[graphql(default_with = "Some(10)")] first: Option<i32>,
        #[graphql(default_with = "Some(ProductRanking::BayesianAverage)")] by: Option<
            ProductRanking,
        >,
    ) -> Vec<ProductRank> {
        let mut products: Vec<&(Uuid, Histogram, i64)> = self.products.iter().collect();
        let mean = |entry: &(Uuid, Histogram, i64)| entry.1.bayesian_average(self.prior);
        match by.unwrap_or(ProductRanking::BayesianAverage) {
            ProductRanking::BayesianAverage => {
                products.sort_by(|a, b| mean(b).total_cmp(&mean(a)).then(a.0.cmp(&b.0)));
            }
            ProductRanking::LowestRated => {
                products.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.0.cmp(&b.0)));
            }
            ProductRanking::ReviewCount => {
                products.sort_by(|a, b| b.1.count().cmp(&a.1.count()).then(a.0.cmp(&b.0)));
            }
        }
        let first = first.unwrap_or(10).clamp(0, MOST_PRODUCTS);
        (1..=first)
            .zip(products)
            .map(|(rank, (product, histogram, verified))| ProductRank {
                product: Some(Product::of(*product)),
                summary: RatingSummary::new(histogram, *verified, self.prior, None),
                rank,
            })
            .collect()
    }
}

pub(crate) async fn analyse(
    ctx: &Context<'_>,
    range: AnalyticsRange,
    product: Option<ProductId>,
) -> Result<ReviewAnalytics, GraphQlError> {
    let core = ctx.data::<Core>()?;
    let conn = core.database.read();
    let interval = Interval::from(range.interval.unwrap_or(AnalyticsInterval::Day));
    let stretch = Stretch { from: range.from.0, to: range.to.0 };
    let starts = starts(interval, stretch)?;
    let product = product.map(|product| product.uuid());
    let by_hour = interval == Interval::Hour;
    let figures =
        by_time(conn, stretch, product, by_hour).await.map_err(|error| internal(&error))?;
    let products = if ctx.look_ahead().field("topProducts").exists() {
        by_product(conn, stretch, product).await.map_err(|error| internal(&error))?
    } else {
        std::collections::BTreeMap::new()
    };

    let mut total = Figures::default();
    let mut points: Vec<(i64, Figures)> =
        starts.into_iter().map(|start| (start, Figures::default())).collect();
    for (at, counted) in &figures {
        total.add(counted);
        let index = points.partition_point(|(start, _)| start <= at);
        if let Some((_, point)) = index.checked_sub(1).and_then(|index| points.get_mut(index)) {
            point.add(counted);
        }
    }
    let products = products
        .into_iter()
        .map(|(product, (histogram, verified))| (product, histogram, verified))
        .collect();
    Ok(report(&total, &points, products, core.prior()))
}

fn starts(interval: Interval, stretch: Stretch) -> Result<Vec<i64>, GraphQlError> {
    if stretch.from >= stretch.to {
        return Err(bad_request("`range.from` must lie before `range.to`"));
    }
    let shortest = match interval {
        Interval::Hour => crate::domain::analytics::HOUR_MS,
        Interval::Day => crate::domain::analytics::DAY_MS,
        Interval::Week => 7 * crate::domain::analytics::DAY_MS,
        Interval::Month => 28 * crate::domain::analytics::DAY_MS,
    };
    let points = stretch.to.saturating_sub(stretch.from) / shortest;
    if usize::try_from(points).unwrap_or(usize::MAX) > MOST_POINTS {
        return Err(bad_request("too many points; ask for a longer interval or a shorter range"));
    }
    Ok(interval.starts(stretch.from, stretch.to))
}

fn report(
    total: &Figures,
    points: &[(i64, Figures)],
    products: Vec<(Uuid, Histogram, i64)>,
    prior: Prior,
) -> ReviewAnalytics {
    let published = total.published();
    let share = |part| (published > 0).then(|| ratio(part, published));
    ReviewAnalytics {
        submitted: int(total.submitted),
        published: int(published),
        rejected: int(total.rejected),
        pending: int(total.pending),
        verified_share: share(total.verified),
        average_rating: total.ratings.average(),
        response_rate: share(total.replied),
        median_hours_to_publish: median_hours(&total.publish_classes),
        series: points.iter().map(|(start, figures)| point(*start, figures)).collect(),
        products: Arc::from(products),
        prior,
    }
}

fn point(start: i64, figures: &Figures) -> ReviewAnalyticsPoint {
    ReviewAnalyticsPoint {
        start: start.into(),
        submitted: int(figures.submitted),
        published: int(figures.published()),
        rejected: int(figures.rejected),
        average_rating: figures.ratings.average(),
        histogram: buckets(&figures.ratings),
    }
}
