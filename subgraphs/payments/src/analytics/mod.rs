//! Figures about payments: each is a sum over the rows and the ledger, in UTC.
//!
//! Gross is what was captured, by the time of capture; net is gross less refunds, lost disputes
//! and processors' fees. The authorisation rate counts first attempts only, approved against
//! declined; attempts with an unknown or no outcome count for neither. A dispute counts for the
//! time its payment was captured.
//!
//! Sums are kept while money moves (`kept`) and can be recounted from the rows (`recount`).

mod kept;
mod recount;

use std::collections::BTreeMap;

use kit::{Database, Timestamp, id::ProductId};
use sea_orm::DbErr;

use crate::{connector::DeclineCode, money::Currency};

pub(crate) use kept::{Kept, Sold, attempt_closed, disputed, sold};
use recount::Books;

/// Half-open: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Span {
    /// The part of it that consists of whole units, if there is one.
    fn whole(self, unit: i64) -> Option<Self> {
        let from = Timestamp((self.from.0 + unit - 1).div_euclid(unit) * unit);
        let to = Timestamp(self.to.0.div_euclid(unit) * unit);
        (from < to).then_some(Self { from, to })
    }

    /// What lies before and after `inner`.
    fn around(self, inner: Self) -> impl Iterator<Item = Self> {
        [Self { to: inner.from, ..self }, Self { from: inner.to, ..self }]
            .into_iter()
            .filter(|span| span.from < span.to)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Interval {
    /// The start of the interval that `at` lies in; weeks begin on Monday.
    pub fn start_of(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Hour => Timestamp(at.0.div_euclid(HOUR) * HOUR),
            Self::Day => Timestamp(at.0.div_euclid(DAY) * DAY),
            // 1970-01-01 was a Thursday.
            Self::Week => Timestamp((at.0 + 3 * DAY).div_euclid(7 * DAY) * 7 * DAY - 3 * DAY),
            Self::Month => first_of_month(at, 0),
        }
    }

    fn next(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Hour => Timestamp(start.0 + HOUR),
            Self::Day => Timestamp(start.0 + DAY),
            Self::Week => Timestamp(start.0 + 7 * DAY),
            Self::Month => first_of_month(start, 1),
        }
    }

    /// Hours are grouped by days in the database where no interval is shorter.
    fn grain(self) -> i64 {
        if self == Self::Hour { HOUR } else { DAY }
    }
}

fn first_of_month(at: Timestamp, ahead: i32) -> Timestamp {
    let Ok(date) = time::OffsetDateTime::from_unix_timestamp(at.seconds()) else { return at };
    let months = date.year() * 12 + i32::from(u8::from(date.month())) - 1 + ahead;
    let month =
        u8::try_from(months.rem_euclid(12) + 1).ok().and_then(|m| time::Month::try_from(m).ok());
    let first = month
        .and_then(|month| time::Date::from_calendar_date(months.div_euclid(12), month, 1).ok());
    first
        .map_or(at, |first| Timestamp::from_seconds(first.midnight().assume_utc().unix_timestamp()))
}

/// Approved and declined first attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    pub approved: i64,
    pub declined: i64,
}

impl Attempts {
    /// `None` when there were none.
    pub fn rate(self) -> Option<f64> {
        ratio(self.approved, self.approved + self.declined)
    }
}

/// A share of something; `None` of nothing.
pub fn ratio(part: i64, whole: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    pub gross: i64,
    pub refunded: i64,
    pub payments: i64,
    pub attempts: Attempts,
}

/// What one product sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sales {
    pub product_id: ProductId,
    pub units: i64,
    pub revenue: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub total: Point,
    pub tips: i64,
    pub platform_fees: i64,
    pub processor_fees: i64,
    pub disputed: i64,
    pub paid_out: i64,
    /// Disputes about payments that were captured in the range.
    pub disputes: i64,
    pub declines: Vec<(DeclineCode, i64)>,
    pub series: Vec<(Timestamp, Point)>,
    /// Best first, at most a hundred.
    pub products: Vec<Sales>,
}

impl Figures {
    pub fn net(&self) -> i64 {
        self.total.gross - self.total.refunded - self.disputed - self.processor_fees
    }
}

/// The most points a series may have.
pub const MAX_POINTS: usize = 2000;

/// How many points a series over `span` has.
pub fn points(span: Span, interval: Interval) -> Vec<Timestamp> {
    let mut starts = Vec::new();
    let mut start = interval.start_of(span.from);
    while start < span.to && starts.len() <= MAX_POINTS {
        starts.push(start);
        start = interval.next(start);
    }
    starts
}

/// The figures of a range: whole hours from the kept sums, the rest from the rows themselves.
pub async fn figures(
    database: &Database,
    span: Span,
    interval: Interval,
    currency: Currency,
) -> Result<Figures, DbErr> {
    let mut sum = Sum::new(span, interval);
    match span.whole(HOUR) {
        None => sum.add(&Books::new(database, span, currency).hours().await?),
        Some(inner) => {
            for edge in span.around(inner) {
                sum.add(&Books::new(database, edge, currency).hours().await?);
            }
            sum.add(&kept::hours(database, inner, interval, currency).await?);
        }
    }
    let mut figures = sum.figures();
    figures.products = kept::products(database, span, currency).await?;
    Ok(figures)
}

/// The same figures, counted from the rows alone: slow, and what the kept sums must agree with.
pub async fn recounted(
    database: &Database,
    span: Span,
    interval: Interval,
    currency: Currency,
) -> Result<Figures, DbErr> {
    let books = Books::new(database, span, currency);
    let mut sum = Sum::new(span, interval);
    sum.add(&books.hours().await?);
    let mut figures = sum.figures();
    figures.products = books.products().await?;
    Ok(figures)
}

/// Sums of one hour (or of a longer stretch of whole ones).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hour {
    start: Timestamp,
    gross: i64,
    payments: i64,
    tips: i64,
    refunded: i64,
    approved: i64,
    declined: i64,
    platform_fees: i64,
    processor_fees: i64,
    disputed: i64,
    paid_out: i64,
    disputes: i64,
    declines: Vec<(DeclineCode, i64)>,
}

/// Figures on their way to completion.
struct Sum {
    interval: Interval,
    series: BTreeMap<Timestamp, Point>,
    declines: BTreeMap<DeclineCode, i64>,
    figures: Figures,
}

impl Sum {
    fn new(span: Span, interval: Interval) -> Self {
        let series = points(span, interval).into_iter();
        Self {
            interval,
            series: series.map(|start| (start, Point::default())).collect(),
            declines: BTreeMap::new(),
            figures: Figures::default(),
        }
    }

    fn add(&mut self, hours: &[Hour]) {
        for hour in hours {
            let point = self.series.entry(self.interval.start_of(hour.start)).or_default();
            for point in [point, &mut self.figures.total] {
                point.gross += hour.gross;
                point.payments += hour.payments;
                point.refunded += hour.refunded;
                point.attempts.approved += hour.approved;
                point.attempts.declined += hour.declined;
            }
            let figures = &mut self.figures;
            figures.tips += hour.tips;
            figures.platform_fees += hour.platform_fees;
            figures.processor_fees += hour.processor_fees;
            figures.disputed += hour.disputed;
            figures.paid_out += hour.paid_out;
            figures.disputes += hour.disputes;
            for (code, count) in &hour.declines {
                *self.declines.entry(*code).or_default() += count;
            }
        }
    }

    fn figures(self) -> Figures {
        let mut declines: Vec<_> = self.declines.into_iter().collect();
        declines.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        Figures { declines, series: self.series.into_iter().collect(), ..self.figures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn intervals_start_where_people_expect_it() {
        let moment = at("2026-11-25T13:45:00Z");
        assert_eq!(Interval::Hour.start_of(moment), at("2026-11-25T13:00:00Z"));
        assert_eq!(Interval::Day.start_of(moment), at("2026-11-25T00:00:00Z"));
        assert_eq!(Interval::Week.start_of(moment), at("2026-11-23T00:00:00Z"));
        assert_eq!(Interval::Month.start_of(moment), at("2026-11-01T00:00:00Z"));
        assert_eq!(Interval::Month.next(at("2026-12-01T00:00:00Z")), at("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn a_series_has_no_holes() {
        let span = Span { from: at("2026-11-01T12:00:00Z"), to: at("2026-11-04T00:00:00Z") };
        assert_eq!(points(span, Interval::Day).len(), 3);
    }
}
