//! Figures about payments: each is a sum over the rows and the ledger, in UTC.
//!
//! Gross is what was captured, by the time of capture; net is gross less refunds, lost disputes
//! and processors' fees. The authorisation rate counts first attempts only, approved against
//! declined; attempts with an unknown or no outcome count for neither.

use std::collections::BTreeMap;

use kit::{Database, Timestamp, id::ProductId};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, TryGetable};

use crate::{connector::DeclineCode, money::Currency};

/// Half-open: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
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

    /// Rows are grouped by hours or days in the database and by intervals here.
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

pub async fn figures(
    database: &Database,
    span: Span,
    interval: Interval,
    currency: Currency,
) -> Result<Figures, DbErr> {
    let books = Books { database, span, grain: interval.grain(), code: currency.code() };
    let mut series: BTreeMap<Timestamp, Point> =
        points(span, interval).into_iter().map(|start| (start, Point::default())).collect();
    let mut figures = Figures::default();

    for row in books.captures().await? {
        let point = series.entry(interval.start_of(row.start())).or_default();
        point.gross += row.amount;
        point.payments += row.n;
        figures.tips += row.extra;
    }
    for row in books.refunds().await? {
        series.entry(interval.start_of(row.start())).or_default().refunded += row.amount;
    }
    for row in books.first_attempts().await? {
        let point = series.entry(interval.start_of(row.start())).or_default();
        point.attempts.approved += row.amount;
        point.attempts.declined += row.extra;
    }
    for point in series.values() {
        figures.total.gross += point.gross;
        figures.total.refunded += point.refunded;
        figures.total.payments += point.payments;
        figures.total.attempts.approved += point.attempts.approved;
        figures.total.attempts.declined += point.attempts.declined;
    }
    figures.series = series.into_iter().collect();
    books.ledger_sums(&mut figures).await?;
    figures.declines = books.declines().await?;
    figures.products = books.products().await?;
    Ok(figures)
}

/// Queries of one range and currency. Numbers are written into the text: they are integers and a
/// code of a closed list, never a caller's text.
struct Books<'a> {
    database: &'a Database,
    span: Span,
    grain: i64,
    code: &'static str,
}

#[derive(FromQueryResult)]
struct Bucket {
    start: i64,
    amount: i64,
    extra: i64,
    n: i64,
}

impl Bucket {
    fn start(&self) -> Timestamp {
        Timestamp(self.start)
    }
}

impl Books<'_> {
    async fn buckets(&self, sql: String) -> Result<Vec<Bucket>, DbErr> {
        Bucket::find_by_statement(Statement::from_string(self.database.backend(), sql))
            .all(self.database.read())
            .await
    }

    /// `column` within the range.
    fn within(&self, column: &str) -> String {
        format!("{column} >= {} AND {column} < {}", self.span.from.0, self.span.to.0)
    }

    fn bucket(&self, column: &str) -> String {
        format!("({column} / {grain}) * {grain}", grain = self.grain)
    }

    async fn captures(&self) -> Result<Vec<Bucket>, DbErr> {
        self.buckets(format!(
            "SELECT {bucket} AS start, CAST(SUM(captured) AS BIGINT) AS amount,
                    CAST(SUM(CASE WHEN role = 'TIP' THEN captured ELSE 0 END) AS BIGINT) AS extra,
                    COUNT(*) AS n
               FROM payments WHERE currency = '{code}' AND {within} GROUP BY 1",
            bucket = self.bucket("captured_at"),
            within = self.within("captured_at"),
            code = self.code,
        ))
        .await
    }

    async fn refunds(&self) -> Result<Vec<Bucket>, DbErr> {
        self.buckets(format!(
            "SELECT {bucket} AS start, CAST(SUM(amount) AS BIGINT) AS amount,
                    CAST(0 AS BIGINT) AS extra, COUNT(*) AS n
               FROM refunds
              WHERE status = 'SUCCEEDED' AND currency = '{code}' AND {within} GROUP BY 1",
            bucket = self.bucket("settled_at"),
            within = self.within("settled_at"),
            code = self.code,
        ))
        .await
    }

    async fn first_attempts(&self) -> Result<Vec<Bucket>, DbErr> {
        self.buckets(format!(
            "SELECT {bucket} AS start,
                    CAST(SUM(CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END) AS BIGINT) AS amount,
                    CAST(SUM(CASE WHEN status = 'FAILED' AND decline IS NOT NULL THEN 1 ELSE 0 END)
                         AS BIGINT) AS extra,
                    COUNT(*) AS n
               FROM payment_attempts
              WHERE op = 'AUTHORIZE' AND seq = 1 AND currency = '{code}' AND {within} GROUP BY 1",
            bucket = self.bucket("started_at"),
            within = self.within("started_at"),
            code = self.code,
        ))
        .await
    }

    async fn ledger_sums(&self, figures: &mut Figures) -> Result<(), DbErr> {
        let sql = format!(
            "SELECT e.account AS account, t.kind AS kind,
                    CAST(SUM(e.debit) - SUM(e.credit) AS BIGINT) AS amount
               FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.tx_id
              WHERE e.currency = '{code}' AND {within}
                AND e.account IN ('platform_fees', 'processor_fees', 'disputes_held', 'bank')
              GROUP BY e.account, t.kind",
            within = self.within("e.at"),
            code = self.code,
        );
        let statement = Statement::from_string(self.database.backend(), sql);
        for row in self.database.read().query_all_raw(statement).await? {
            let account: String = row.try_get("", "account")?;
            let kind: String = row.try_get("", "kind")?;
            let amount: i64 = row.try_get("", "amount")?;
            match (account.as_str(), kind.as_str()) {
                ("platform_fees", _) => figures.platform_fees -= amount,
                ("processor_fees", _) => figures.processor_fees += amount,
                ("disputes_held", "dispute_lost") => figures.disputed -= amount,
                ("bank", "payout_paid") => figures.paid_out -= amount,
                _ => {}
            }
        }
        Ok(())
    }

    async fn declines(&self) -> Result<Vec<(DeclineCode, i64)>, DbErr> {
        let sql = format!(
            "SELECT decline, COUNT(*) AS n FROM payment_attempts
              WHERE op = 'AUTHORIZE' AND status = 'FAILED' AND decline IS NOT NULL
                AND currency = '{code}' AND {within}
              GROUP BY decline ORDER BY n DESC, decline",
            within = self.within("started_at"),
            code = self.code,
        );
        let statement = Statement::from_string(self.database.backend(), sql);
        let rows = self.database.read().query_all_raw(statement).await?;
        rows.iter()
            .map(|row| Ok((DeclineCode::try_get(row, "", "decline")?, row.try_get("", "n")?)))
            .collect()
    }

    async fn products(&self) -> Result<Vec<Sales>, DbErr> {
        let sql = format!(
            "SELECT l.product_id AS product_id, CAST(SUM(l.qty) AS BIGINT) AS units,
                    CAST(SUM(l.qty * l.unit_minor) AS BIGINT) AS revenue
               FROM orders o JOIN order_lines l ON l.order_id = o.id
              WHERE o.currency = '{code}' AND {within}
              GROUP BY l.product_id ORDER BY revenue DESC, units DESC, product_id LIMIT 100",
            within = self.within("o.paid_at"),
            code = self.code,
        );
        let statement = Statement::from_string(self.database.backend(), sql);
        let rows = self.database.read().query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                Ok(Sales {
                    product_id: row.try_get("", "product_id")?,
                    units: row.try_get("", "units")?,
                    revenue: row.try_get("", "revenue")?,
                })
            })
            .collect()
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
