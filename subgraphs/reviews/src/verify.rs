//! Recounting everything from the reviews and comparing it with the counters.
//!
//! The recount is SQL over whole tables and shares nothing with the code that keeps the
//! counters, so that a mistake there cannot hide here.

use std::collections::BTreeMap;

use kit::Database;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use crate::analytics::class_sums;
use crate::domain::analytics::DAY_MS;
use crate::domain::wilson::lower_bound_ppm;
use crate::store::sql::Sql;

/// A counter that differs from its recount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Table and key.
    pub counter: String,
    pub stored: Vec<i64>,
    pub recounted: Vec<i64>,
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { counter, stored, recounted } = self;
        write!(f, "{counter}: stored {stored:?}, recounted {recounted:?}")
    }
}

type Counts = BTreeMap<String, Vec<i64>>;

/// Compares every counter with a recount; an empty list means that all are right.
pub async fn verify(database: &Database) -> Result<Vec<Drift>, DbErr> {
    // One snapshot: on a running service counters and reviews must be read at the same time.
    database.write(|tx| Box::pin(async move { compare_all(tx).await })).await
}

async fn compare_all(conn: &impl ConnectionTrait) -> Result<Vec<Drift>, DbErr> {
    let mut drift = Vec::new();
    compare(&mut drift, "rating_summaries", summaries(conn).await?);
    compare(&mut drift, "driver_summaries", drivers(conn).await?);
    compare(&mut drift, "analytics_daily", days(conn).await?);
    compare(&mut drift, "votes of review", votes(conn).await?);
    compare(&mut drift, "helpfulness of review", helpfulness(conn).await?);
    compare(&mut drift, "reply of review", replies(conn).await?);
    Ok(drift)
}

fn compare(drift: &mut Vec<Drift>, table: &str, (stored, recounted): (Counts, Counts)) {
    let zero = |counts: &Vec<i64>| counts.iter().all(|count| *count == 0);
    let empty = Vec::new();
    let keys = stored.keys().chain(recounted.keys().filter(|key| !stored.contains_key(*key)));
    for key in keys {
        let left = stored.get(key).unwrap_or(&empty);
        let right = recounted.get(key).unwrap_or(&empty);
        let equal = left == right || (zero(left) && zero(right));
        if !equal {
            drift.push(Drift {
                counter: format!("{table} {key}"),
                stored: left.clone(),
                recounted: right.clone(),
            });
        }
    }
}

const STARS: &str = "SUM(CASE WHEN rating = 1 THEN 1 ELSE 0 END) AS a1, \
    SUM(CASE WHEN rating = 2 THEN 1 ELSE 0 END) AS a2, \
    SUM(CASE WHEN rating = 3 THEN 1 ELSE 0 END) AS a3, \
    SUM(CASE WHEN rating = 4 THEN 1 ELSE 0 END) AS a4, \
    SUM(CASE WHEN rating = 5 THEN 1 ELSE 0 END) AS a5, \
    SUM(CASE WHEN verified THEN 1 ELSE 0 END) AS a6";

const STAR_COLUMNS: [&str; 6] = ["a1", "a2", "a3", "a4", "a5", "a6"];

const STORED_STARS: &str = "CAST(n1 AS bigint) AS a1, CAST(n2 AS bigint) AS a2, \
    CAST(n3 AS bigint) AS a3, CAST(n4 AS bigint) AS a4, CAST(n5 AS bigint) AS a5, \
    CAST(verified_n AS bigint) AS a6";

async fn summaries(conn: &impl ConnectionTrait) -> Result<(Counts, Counts), DbErr> {
    let key = |row: &QueryResult| -> Result<String, DbErr> {
        let kind: String = row.try_get("", "subject_type")?;
        let id: Uuid = row.try_get("", "subject_id")?;
        Ok(format!("{kind} {id}"))
    };
    let stored = format!("SELECT subject_type, subject_id, {STORED_STARS} FROM rating_summaries");
    let recounted = format!(
        "SELECT subject_type, subject_id, {STARS} FROM reviews WHERE status = 'PUBLISHED' \
         GROUP BY subject_type, subject_id"
    );
    Ok((
        counts(conn, &stored, &STAR_COLUMNS, key).await?,
        counts(conn, &recounted, &STAR_COLUMNS, key).await?,
    ))
}

async fn drivers(conn: &impl ConnectionTrait) -> Result<(Counts, Counts), DbErr> {
    let key = |row: &QueryResult| -> Result<String, DbErr> {
        Ok(row.try_get::<Uuid>("", "driver")?.to_string())
    };
    let stored = format!("SELECT user_id AS driver, {STORED_STARS} FROM driver_summaries");
    let recounted = format!(
        "SELECT driver_id AS driver, {STARS} FROM reviews \
         WHERE status = 'PUBLISHED' AND driver_id IS NOT NULL GROUP BY driver_id"
    );
    Ok((
        counts(conn, &stored, &STAR_COLUMNS, key).await?,
        counts(conn, &recounted, &STAR_COLUMNS, key).await?,
    ))
}

const WRITTEN_COLUMNS: [&str; 3] = ["submitted", "pending", "rejected"];

const PUBLISHED_COLUMNS: [&str; 17] = [
    "a1", "a2", "a3", "a4", "a5", "a6", "replied", "h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7",
    "h8", "h9",
];

/// Days by subject and of all subjects: the written part, then the published part.
async fn days(conn: &impl ConnectionTrait) -> Result<(Counts, Counts), DbErr> {
    let key = |part: &'static str| {
        move |row: &QueryResult| -> Result<String, DbErr> {
            let kind: String = row.try_get("", "subject_type")?;
            let id: Uuid = row.try_get("", "subject_id")?;
            let day: i64 = row.try_get("", "d")?;
            Ok(format!("{part} {kind} {id} day {day}"))
        }
    };
    let big = |columns: &[&str]| -> String {
        let cast: Vec<String> =
            columns.iter().map(|column| format!("CAST({column} AS bigint) AS {column}")).collect();
        cast.join(", ")
    };
    let from = "CAST(day AS bigint) AS d FROM analytics_daily";
    let written = format!("SELECT subject_type, subject_id, {}, {from}", big(&WRITTEN_COLUMNS));
    let published = format!(
        "SELECT subject_type, subject_id, CAST(n1 AS bigint) AS a1, CAST(n2 AS bigint) AS a2, \
         CAST(n3 AS bigint) AS a3, CAST(n4 AS bigint) AS a4, CAST(n5 AS bigint) AS a5, \
         CAST(verified AS bigint) AS a6, {}, {from}",
        big(&PUBLISHED_COLUMNS[6..])
    );
    let mut stored = counts(conn, &written, &WRITTEN_COLUMNS, key("written")).await?;
    stored.extend(counts(conn, &published, &PUBLISHED_COLUMNS, key("published")).await?);

    let mut recounted = Counts::new();
    for (subject, group) in [
        ("subject_type, subject_id", "subject_type, subject_id, "),
        (
            "'ALL' AS subject_type, (SELECT subject_id FROM analytics_daily WHERE subject_type = 'ALL' LIMIT 1) AS subject_id",
            "",
        ),
    ] {
        let written = format!(
            "SELECT {subject}, created_at / {DAY_MS} AS d, COUNT(*) AS submitted, \
             SUM(CASE WHEN status = 'PENDING' THEN 1 ELSE 0 END) AS pending, \
             SUM(CASE WHEN status = 'REJECTED' THEN 1 ELSE 0 END) AS rejected \
             FROM reviews GROUP BY {group}created_at / {DAY_MS}"
        );
        recounted.extend(counts(conn, &written, &WRITTEN_COLUMNS, key("written")).await?);
        let published = format!(
            "SELECT {subject}, published_at / {DAY_MS} AS d, {STARS}, \
             SUM(CASE WHEN replied THEN 1 ELSE 0 END) AS replied, {} FROM reviews \
             WHERE status = 'PUBLISHED' GROUP BY {group}published_at / {DAY_MS}",
            class_sums()
        );
        recounted.extend(counts(conn, &published, &PUBLISHED_COLUMNS, key("published")).await?);
    }
    Ok((stored, recounted))
}

async fn votes(conn: &impl ConnectionTrait) -> Result<(Counts, Counts), DbErr> {
    let key = |row: &QueryResult| -> Result<String, DbErr> {
        Ok(row.try_get::<Uuid>("", "review")?.to_string())
    };
    let columns = ["helpful", "unhelpful"];
    let stored = "SELECT id AS review, CAST(helpful AS bigint) AS helpful, \
         CAST(unhelpful AS bigint) AS unhelpful FROM reviews WHERE helpful + unhelpful > 0";
    let recounted = "SELECT review_id AS review, \
         SUM(CASE WHEN kind = 'HELPFUL' THEN 1 ELSE 0 END) AS helpful, \
         SUM(CASE WHEN kind = 'UNHELPFUL' THEN 1 ELSE 0 END) AS unhelpful \
         FROM review_votes GROUP BY review_id";
    Ok((counts(conn, stored, &columns, key).await?, counts(conn, recounted, &columns, key).await?))
}

async fn helpfulness(conn: &impl ConnectionTrait) -> Result<(Counts, Counts), DbErr> {
    let sql = Sql::new(
        "SELECT id, helpful, unhelpful, helpfulness_ppm FROM reviews \
        WHERE helpful + unhelpful > 0 OR helpfulness_ppm > 0",
    );
    let (mut stored, mut recounted) = (Counts::new(), Counts::new());
    for row in conn.query_all_raw(sql.on(conn.get_database_backend())).await? {
        let key = row.try_get::<Uuid>("", "id")?.to_string();
        let score = lower_bound_ppm(row.try_get("", "helpful")?, row.try_get("", "unhelpful")?);
        stored.insert(key.clone(), vec![row.try_get("", "helpfulness_ppm")?]);
        recounted.insert(key, vec![score]);
    }
    Ok((stored, recounted))
}

async fn replies(conn: &impl ConnectionTrait) -> Result<(Counts, Counts), DbErr> {
    let key = |row: &QueryResult| -> Result<String, DbErr> {
        Ok(row.try_get::<Uuid>("", "review")?.to_string())
    };
    let stored = "SELECT id AS review, CAST(1 AS bigint) AS replied FROM reviews WHERE replied";
    let recounted = "SELECT review_id AS review, COUNT(*) AS replied FROM review_replies \
         WHERE status = 'PUBLISHED' GROUP BY review_id";
    Ok((
        counts(conn, stored, &["replied"], key).await?,
        counts(conn, recounted, &["replied"], key).await?,
    ))
}

async fn counts(
    conn: &impl ConnectionTrait,
    sql: &str,
    columns: &[&str],
    key: impl Fn(&QueryResult) -> Result<String, DbErr>,
) -> Result<Counts, DbErr> {
    let rows = conn.query_all_raw(Sql::new(sql).on(conn.get_database_backend())).await?;
    rows.iter()
        .map(|row| {
            let values: Result<Vec<i64>, DbErr> =
                columns.iter().map(|column| row.try_get("", column)).collect();
            Ok((key(row)?, values?))
        })
        .collect()
}
