//! Plain value types of the contract: enums, inputs, summaries.

use async_graphql::{Enum, InputObject, SimpleObject};
use kit::graphql::{DateTime, Locale};

use crate::command::Vote;
use crate::domain::analytics::Interval;
use crate::domain::moderation::Reason;
use crate::domain::order::Order;
use crate::domain::rating::{Histogram, Prior};
use crate::domain::search::query_words;
use crate::domain::status::Status;
use crate::eligibility::Ineligible;
use crate::entity::rating_summary;
use crate::store::list::Filter;
use crate::store::read::DriverSummary;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub(crate) enum ReviewStatus {
    Pending,
    Published,
    Rejected,
    Hidden,
    Deleted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Reason")]
pub(crate) enum ModerationReason {
    Spam,
    Profanity,
    HateOrHarassment,
    PersonalData,
    OffTopic,
    ConflictOfInterest,
    Fake,
    Legal,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Vote")]
pub(crate) enum VoteKind {
    Helpful,
    Unhelpful,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Ineligible")]
pub(crate) enum IneligibilityReason {
    NotAuthenticated,
    NotPurchased,
    AlreadyReviewed,
    OwnListing,
    Suspended,
    PurchaseCheckUnavailable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Interval")]
pub(crate) enum AnalyticsInterval {
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ReviewSort {
    MostHelpful,
    Newest,
    Oldest,
    HighestRating,
    LowestRating,
}

impl From<ReviewSort> for Order {
    fn from(sort: ReviewSort) -> Self {
        match sort {
            ReviewSort::MostHelpful => Self::MostHelpful,
            ReviewSort::Newest => Self::Newest,
            ReviewSort::Oldest => Self::Oldest,
            ReviewSort::HighestRating => Self::HighestRating,
            ReviewSort::LowestRating => Self::LowestRating,
        }
    }
}

#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct ReviewFilter {
    ratings: Option<Vec<i32>>,
    #[graphql(default_with = "Some(false)")]
    verified_only: Option<bool>,
    with_text: Option<bool>,
    locales: Option<Vec<Locale>>,
    search: Option<String>,
}

impl From<ReviewFilter> for Filter {
    fn from(filter: ReviewFilter) -> Self {
        let ReviewFilter { ratings, verified_only, with_text, locales, search } = filter;
        let sorted = |mut ratings: Vec<i32>| {
            ratings.sort_unstable();
            ratings.dedup();
            ratings
        };
        Self {
            ratings: ratings.map(sorted).filter(|ratings| !ratings.is_empty()),
            verified_only: verified_only.unwrap_or_default(),
            with_text,
            locales: locales
                .map(|locales| locales.into_iter().map(String::from).collect::<Vec<_>>())
                .filter(|locales| !locales.is_empty()),
            words: search.as_deref().map(query_words).unwrap_or_default(),
        }
    }
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub(crate) struct RatingSummary {
    /// Published reviews only
    pub count: i32,
    pub verified_count: i32,
    /// Arithmetic mean, null without reviews
    pub average: Option<f64>,
    /// (C*m + sum) / (C + n): never jumps on the first review; use for ranking
    pub bayesian_average: f64,
    pub histogram: Vec<RatingBucket>,
    pub updated_at: Option<DateTime>,
}

impl RatingSummary {
    pub(crate) fn new(
        histogram: &Histogram,
        verified: i64,
        prior: Prior,
        updated_at: Option<DateTime>,
    ) -> Self {
        Self {
            count: int(histogram.count()),
            verified_count: int(verified),
            average: histogram.average(),
            bayesian_average: histogram.bayesian_average(prior),
            histogram: buckets(histogram),
            updated_at,
        }
    }

    /// The summary of a subject; without a row it has no reviews.
    pub(crate) fn of_subject(row: Option<&rating_summary::Model>, prior: Prior) -> Self {
        match row {
            None => Self::new(&Histogram::default(), 0, prior, None),
            Some(row) => {
                let updated_at = Some(DateTime::from(row.updated_at));
                Self::new(&row.histogram(), i64::from(row.verified_n), prior, updated_at)
            }
        }
    }

    pub(crate) fn of_driver(row: &DriverSummary, prior: Prior) -> Self {
        let histogram = row.histogram();
        Self::new(&histogram, i64::from(row.verified_n), prior, Some(row.updated_at.into()))
    }
}

impl DriverSummary {
    pub(crate) fn histogram(&self) -> Histogram {
        Histogram { counts: [self.n1, self.n2, self.n3, self.n4, self.n5].map(i64::from) }
    }
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub(crate) struct RatingBucket {
    pub rating: i32,
    pub count: i32,
    pub share: f64,
}

pub(crate) fn buckets(histogram: &Histogram) -> Vec<RatingBucket> {
    (1..)
        .zip(histogram.counts)
        .map(|(stars, count)| RatingBucket {
            rating: int(stars),
            count: int(count),
            share: histogram.share(usize::try_from(stars).unwrap_or(1)),
        })
        .collect()
}

#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ReviewEligibility {
    pub allowed: bool,
    pub reason: Option<IneligibilityReason>,
}

/// GraphQL's integers have 32 bits.
pub(crate) fn int(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
