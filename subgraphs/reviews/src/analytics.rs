//! Figures about reviews over time.
//!
//! Whole days come from the pre-aggregated `analytics_daily`, whatever is cut by the range's
//! ends from the reviews themselves; both count the same things, so every figure equals a
//! recount. A review counts as submitted, pending or rejected in the bucket it was written in,
//! and as published in the bucket it was published in.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use crate::domain::analytics::{CLASSES, DAY_MS, HOUR_MS, PUBLISH_CLASSES};
use crate::domain::rating::Histogram;
use crate::store::counters::ALL;
use crate::store::sql::Sql;

/// What was counted in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub submitted: i64,
    pub pending: i64,
    pub rejected: i64,
    pub ratings: Histogram,
    pub verified: i64,
    pub replied: i64,
    pub publish_classes: [i64; CLASSES],
}

impl Figures {
    pub(crate) fn published(&self) -> i64 {
        self.ratings.count()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let Self { submitted, pending, rejected, ratings, verified, replied, publish_classes } =
            other;
        self.submitted += submitted;
        self.pending += pending;
        self.rejected += rejected;
        self.verified += verified;
        self.replied += replied;
        add_each(&mut self.ratings.counts, &ratings.counts);
        add_each(&mut self.publish_classes, publish_classes);
    }
}

fn add_each(sums: &mut [i64], others: &[i64]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
}

/// A half-open stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub from: i64,
    pub to: i64,
}

impl Stretch {
    /// The part before, of and behind the whole days in it.
    fn split(self) -> (Self, Self, Self) {
        let first = (self.from + DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS;
        let last = self.to.div_euclid(DAY_MS) * DAY_MS;
        if first >= last {
            let empty = Self { from: self.to, to: self.to };
            return (self, empty, empty);
        }
        let part = |from, to| Self { from, to };
        (part(self.from, first), part(first, last), part(last, self.to))
    }

    fn is_empty(self) -> bool {
        self.from >= self.to
    }
}

/// Figures by time, as finely as asked: by hour, or by day where days are enough.
pub(crate) async fn by_time(
    conn: &impl ConnectionTrait,
    stretch: Stretch,
    product: Option<Uuid>,
    by_hour: bool,
) -> Result<BTreeMap<i64, Figures>, DbErr> {
    if by_hour {
        return recounted(conn, stretch, product, HOUR_MS).await;
    }
    let (head, days, tail) = stretch.split();
    let mut figures = aggregated(conn, days, product).await?;
    for part in [head, tail] {
        for (at, counted) in recounted(conn, part, product, DAY_MS).await? {
            figures.entry(at).or_default().add(&counted);
        }
    }
    Ok(figures)
}

/// Ratings published in the stretch, by product.
pub(crate) async fn by_product(
    conn: &impl ConnectionTrait,
    stretch: Stretch,
    product: Option<Uuid>,
) -> Result<BTreeMap<Uuid, (Histogram, i64)>, DbErr> {
    let (head, days, tail) = stretch.split();
    let mut products = BTreeMap::new();
    if !days.is_empty() {
        let sql = Sql::new(
            "SELECT subject_id, SUM(n1) AS n1, SUM(n2) AS n2, SUM(n3) AS n3, SUM(n4) AS n4, \
             SUM(n5) AS n5, SUM(verified) AS verified FROM analytics_daily \
             WHERE subject_type = 'PRODUCT' AND day >= ? AND day < ?",
        )
        .bind(days.from / DAY_MS)
        .bind(days.to / DAY_MS);
        add_products(conn, &mut products, of_product(sql, product)).await?;
    }
    for part in [head, tail] {
        if part.is_empty() {
            continue;
        }
        let sql = Sql::new(&format!(
            "SELECT subject_id, {RATING_SUMS}, SUM(CASE WHEN verified THEN 1 ELSE 0 END) AS verified \
             FROM reviews WHERE subject_type = 'PRODUCT' AND status = 'PUBLISHED' \
             AND published_at >= ? AND published_at < ?"
        ))
        .bind(part.from)
        .bind(part.to);
        add_products(conn, &mut products, of_product(sql, product)).await?;
    }
    products.retain(|_, (histogram, _)| histogram.count() > 0);
    Ok(products)
}

const RATING_SUMS: &str = "SUM(CASE WHEN rating = 1 THEN 1 ELSE 0 END) AS n1, \
    SUM(CASE WHEN rating = 2 THEN 1 ELSE 0 END) AS n2, \
    SUM(CASE WHEN rating = 3 THEN 1 ELSE 0 END) AS n3, \
    SUM(CASE WHEN rating = 4 THEN 1 ELSE 0 END) AS n4, \
    SUM(CASE WHEN rating = 5 THEN 1 ELSE 0 END) AS n5";

fn of_product(sql: Sql, product: Option<Uuid>) -> Sql {
    let sql = match product {
        Some(product) => sql.text(" AND subject_id = ?").bind(product),
        None => sql,
    };
    sql.text(" GROUP BY subject_id")
}

#[derive(Debug, FromQueryResult)]
struct ProductRow {
    subject_id: Uuid,
    n1: i64,
    n2: i64,
    n3: i64,
    n4: i64,
    n5: i64,
    verified: i64,
}

async fn add_products(
    conn: &impl ConnectionTrait,
    products: &mut BTreeMap<Uuid, (Histogram, i64)>,
    sql: Sql,
) -> Result<(), DbErr> {
    let statement = sql.on(conn.get_database_backend());
    for row in ProductRow::find_by_statement(statement).all(conn).await? {
        let (histogram, verified) = products.entry(row.subject_id).or_default();
        add_each(&mut histogram.counts, &[row.n1, row.n2, row.n3, row.n4, row.n5]);
        *verified += row.verified;
    }
    Ok(())
}

#[derive(Debug, FromQueryResult)]
struct DayRow {
    day: i32,
    submitted: i32,
    pending: i32,
    rejected: i32,
    n1: i32,
    n2: i32,
    n3: i32,
    n4: i32,
    n5: i32,
    verified: i32,
    replied: i32,
    h0: i32,
    h1: i32,
    h2: i32,
    h3: i32,
    h4: i32,
    h5: i32,
    h6: i32,
    h7: i32,
    h8: i32,
    h9: i32,
}

async fn aggregated(
    conn: &impl ConnectionTrait,
    days: Stretch,
    product: Option<Uuid>,
) -> Result<BTreeMap<i64, Figures>, DbErr> {
    if days.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = Sql::new(
        "SELECT * FROM analytics_daily WHERE subject_type = ? AND subject_id = ? \
         AND day >= ? AND day < ?",
    )
    .bind(if product.is_some() { "PRODUCT" } else { ALL })
    .bind(product.unwrap_or_default())
    .bind(days.from / DAY_MS)
    .bind(days.to / DAY_MS);
    let statement = sql.on(conn.get_database_backend());
    let rows = DayRow::find_by_statement(statement).all(conn).await?;
    Ok(rows.iter().map(|row| (i64::from(row.day) * DAY_MS, row.figures())).collect())
}

impl DayRow {
    fn figures(&self) -> Figures {
        Figures {
            submitted: self.submitted.into(),
            pending: self.pending.into(),
            rejected: self.rejected.into(),
            ratings: Histogram {
                counts: [self.n1, self.n2, self.n3, self.n4, self.n5].map(i64::from),
            },
            verified: self.verified.into(),
            replied: self.replied.into(),
            publish_classes: [
                self.h0, self.h1, self.h2, self.h3, self.h4, self.h5, self.h6, self.h7, self.h8,
                self.h9,
            ]
            .map(i64::from),
        }
    }
}

/// Counts the reviews themselves, in buckets of `unit` milliseconds.
async fn recounted(
    conn: &impl ConnectionTrait,
    stretch: Stretch,
    product: Option<Uuid>,
    unit: i64,
) -> Result<BTreeMap<i64, Figures>, DbErr> {
    let mut figures: BTreeMap<i64, Figures> = BTreeMap::new();
    if stretch.is_empty() {
        return Ok(figures);
    }
    let backend = conn.get_database_backend();
    let within = |sql: Sql, column: &str| {
        let sql = sql.text(&format!(" WHERE {column} >= ? AND {column} < ?"));
        let sql = sql.bind(stretch.from).bind(stretch.to);
        match product {
            Some(product) => {
                sql.text(" AND subject_type = 'PRODUCT' AND subject_id = ?").bind(product)
            }
            None => sql,
        }
    };
    let written = Sql::new(&format!(
        "SELECT created_at / {unit} AS bucket, COUNT(*) AS submitted, \
         SUM(CASE WHEN status = 'PENDING' THEN 1 ELSE 0 END) AS pending, \
         SUM(CASE WHEN status = 'REJECTED' THEN 1 ELSE 0 END) AS rejected FROM reviews"
    ));
    let statement = within(written, "created_at").text(" GROUP BY 1").on(backend);
    for row in conn.query_all_raw(statement).await? {
        let bucket: i64 = row.try_get("", "bucket")?;
        let entry = figures.entry(bucket * unit).or_default();
        entry.submitted += row.try_get::<i64>("", "submitted")?;
        entry.pending += row.try_get::<i64>("", "pending")?;
        entry.rejected += row.try_get::<i64>("", "rejected")?;
    }
    let published = Sql::new(&format!(
        "SELECT published_at / {unit} AS bucket, {RATING_SUMS}, \
         SUM(CASE WHEN verified THEN 1 ELSE 0 END) AS verified, \
         SUM(CASE WHEN replied THEN 1 ELSE 0 END) AS replied, {} FROM reviews",
        class_sums()
    ));
    let statement =
        within(published, "published_at").text(" AND status = 'PUBLISHED' GROUP BY 1").on(backend);
    for row in conn.query_all_raw(statement).await? {
        let bucket: i64 = row.try_get("", "bucket")?;
        let entry = figures.entry(bucket * unit).or_default();
        for (at, count) in entry.ratings.counts.iter_mut().enumerate() {
            *count += row.try_get::<i64>("", &format!("n{}", at + 1))?;
        }
        entry.verified += row.try_get::<i64>("", "verified")?;
        entry.replied += row.try_get::<i64>("", "replied")?;
        for (class, count) in entry.publish_classes.iter_mut().enumerate() {
            *count += row.try_get::<i64>("", &format!("h{class}"))?;
        }
    }
    Ok(figures)
}

/// Sums over the classes of the time to publication, as `h0`, `h1`, ….
pub(crate) fn class_sums() -> String {
    let elapsed = "published_at - created_at";
    let sums: Vec<String> = (0..CLASSES)
        .map(|class| {
            let above = class.checked_sub(1).map(|below| PUBLISH_CLASSES[below]);
            let conditions: Vec<String> = above
                .map(|start| format!("{elapsed} >= {start}"))
                .into_iter()
                .chain(PUBLISH_CLASSES.get(class).map(|end| format!("{elapsed} < {end}")))
                .collect();
            format!("SUM(CASE WHEN {} THEN 1 ELSE 0 END) AS h{class}", conditions.join(" AND "))
        })
        .collect();
    sums.join(", ")
}
