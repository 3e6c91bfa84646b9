//! Applying the difference a change makes to all counters, in the change's own transaction.
//!
//! Counters only move by `n = n ± ?`. Rows are updated first and created when missing, because
//! the CHECKs (`n >= 0`) would refuse an upsert that carries a negative difference.

use std::collections::BTreeMap;

use kit::{Timestamp, Transaction};
use sea_orm::{ConnectionTrait, DbErr, Value};

use super::sql::Sql;
use crate::domain::contribution::{Daily, Difference, Ratings};
use crate::domain::subject::Subject;
use uuid::Uuid;

/// Subject words of the daily row over everything.
pub(crate) const ALL: &str = "ALL";

pub(crate) async fn apply(
    tx: &Transaction<'_>,
    now: Timestamp,
    difference: &Difference,
) -> Result<(), DbErr> {
    for (subject, ratings) in &difference.summaries {
        let key = [Value::from(subject.kind.as_str()), Value::from(subject.id)];
        change_ratings(tx, now, "rating_summaries", &["subject_type", "subject_id"], key, ratings)
            .await?;
    }
    for (driver, ratings) in &difference.drivers {
        let key = [Value::from(*driver)];
        change_ratings(tx, now, "driver_summaries", &["user_id"], key, ratings).await?;
    }
    for (day, subject, daily) in &difference.days {
        change_day(tx, *day, ALL, Uuid::nil(), daily).await?;
        change_subject_day(tx, *day, *subject, daily).await?;
    }
    Ok(())
}

/// Adds what many new reviews count, several rows of a table with one statement. No difference
/// may be negative: an upsert's values must pass the CHECKs by themselves.
pub(crate) async fn add(
    tx: &Transaction<'_>,
    summaries: &BTreeMap<Subject, (Ratings, i64)>,
    drivers: &BTreeMap<Uuid, (Ratings, i64)>,
    days: &BTreeMap<(i32, Subject), Daily>,
) -> Result<(), DbErr> {
    let rows = summaries.iter().map(|(subject, (ratings, at))| {
        let key = [subject.kind.as_str().into(), subject.id.into()];
        rated(key, ratings, *at)
    });
    upsert(tx, "rating_summaries", &["subject_type", "subject_id"], &RATED, true, rows).await?;
    let rows =
        drivers.iter().map(|(driver, (ratings, at))| rated([(*driver).into()], ratings, *at));
    upsert(tx, "driver_summaries", &["user_id"], &RATED, true, rows).await?;
    let mut all: BTreeMap<i32, Daily> = BTreeMap::new();
    for ((day, _), daily) in days {
        all.entry(*day).or_default().add(daily);
    }
    let key = ["subject_type", "subject_id", "day"];
    let row = |kind: &'static str, id: Uuid, day: i32, daily: &Daily| {
        let key: [Value; 3] = [kind.into(), id.into(), day.into()];
        key.into_iter().chain(values(daily).into_iter().map(Value::from)).collect()
    };
    let every = all.iter().map(|(day, daily)| row(ALL, Uuid::nil(), *day, daily));
    let each = days
        .iter()
        .map(|((day, subject), daily)| row(subject.kind.as_str(), subject.id, *day, daily));
    upsert(tx, "analytics_daily", &key, &DAILY, false, every.chain(each)).await
}

const RATED: [&str; 6] = ["n1", "n2", "n3", "n4", "n5", "verified_n"];

fn rated<const N: usize>(key: [Value; N], ratings: &Ratings, at: i64) -> Vec<Value> {
    let Ratings { counts, verified } = ratings;
    let counts = counts.iter().chain([verified]).map(|count| Value::from(*count));
    key.into_iter().chain(counts).chain([Value::from(at)]).collect()
}

/// Rows of key, counts and, if `dated`, the time of the change.
async fn upsert(
    tx: &Transaction<'_>,
    table: &str,
    key: &[&str],
    counts: &[&str],
    dated: bool,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<(), DbErr> {
    let columns: Vec<&str> =
        key.iter().chain(counts).copied().chain(dated.then_some("updated_at")).collect();
    let sums = counts.iter().map(|count| format!("{count} = {table}.{count} + excluded.{count}"));
    let date = dated.then(|| "updated_at = excluded.updated_at".to_owned());
    let sets: Vec<String> = sums.chain(date).collect();
    let rows: Vec<Vec<Value>> = rows.collect();
    for chunk in rows.chunks(500) {
        let place = format!("({})", vec!["?"; columns.len()].join(", "));
        let sql = Sql::new(&format!(
            "INSERT INTO {table} ({}) VALUES {} ON CONFLICT ({}) DO UPDATE SET {}",
            columns.join(", "),
            vec![place; chunk.len()].join(", "),
            key.join(", "),
            sets.join(", ")
        ));
        let sql = chunk.iter().flatten().fold(sql, |sql, value| sql.bind(value.clone()));
        tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    }
    Ok(())
}

async fn change_subject_day(
    tx: &Transaction<'_>,
    day: i32,
    subject: Subject,
    daily: &Daily,
) -> Result<(), DbErr> {
    change_day(tx, day, subject.kind.as_str(), subject.id, daily).await
}

async fn change_ratings<const N: usize>(
    tx: &Transaction<'_>,
    now: Timestamp,
    table: &str,
    key_columns: &[&str; N],
    key: [Value; N],
    ratings: &Ratings,
) -> Result<(), DbErr> {
    let Ratings { counts, verified } = ratings;
    let update = || {
        let mut sql = Sql::new(&format!(
            "UPDATE {table} SET n1 = n1 + ?, n2 = n2 + ?, n3 = n3 + ?, n4 = n4 + ?, n5 = n5 + ?, \
             verified_n = verified_n + ?, updated_at = ? WHERE {} = ?",
            key_columns.join(" = ? AND ")
        ));
        for count in counts {
            sql = sql.bind(*count);
        }
        sql = sql.bind(*verified).bind(now.0);
        key.iter().fold(sql, |sql, value| sql.bind(value.clone()))
    };
    let create = || {
        let sql = Sql::new(&format!(
            "INSERT INTO {table} ({}, n1, n2, n3, n4, n5, verified_n, updated_at) VALUES ({}\
             0, 0, 0, 0, 0, 0, ?) ON CONFLICT DO NOTHING",
            key_columns.join(", "),
            "?, ".repeat(N)
        ));
        key.iter().fold(sql, |sql, value| sql.bind(value.clone())).bind(now.0)
    };
    change(tx, update, create).await
}

/// Columns of `analytics_daily` that count, in the order of [`values`].
const DAILY: [&str; 20] = [
    "submitted",
    "pending",
    "rejected",
    "n1",
    "n2",
    "n3",
    "n4",
    "n5",
    "verified",
    "replied",
    "h0",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "h7",
    "h8",
    "h9",
];

fn values(daily: &Daily) -> Vec<i32> {
    let Daily { submitted, pending, rejected, counts, verified, replied, publish_classes } = daily;
    let mut values = vec![*submitted, *pending, *rejected];
    values.extend(counts);
    values.extend([*verified, *replied]);
    values.extend(publish_classes);
    values
}

async fn change_day(
    tx: &Transaction<'_>,
    day: i32,
    subject_type: &str,
    subject_id: Uuid,
    daily: &Daily,
) -> Result<(), DbErr> {
    let changes: Vec<(&str, i32)> =
        DAILY.into_iter().zip(values(daily)).filter(|(_, change)| *change != 0).collect();
    let update = || {
        let sets: Vec<String> =
            changes.iter().map(|(column, _)| format!("{column} = {column} + ?")).collect();
        let sql = Sql::new(&format!(
            "UPDATE analytics_daily SET {} WHERE subject_type = ? AND subject_id = ? AND day = ?",
            sets.join(", ")
        ));
        changes
            .iter()
            .fold(sql, |sql, (_, change)| sql.bind(*change))
            .bind(subject_type)
            .bind(subject_id)
            .bind(day)
    };
    let create = || {
        Sql::new(&format!(
            "INSERT INTO analytics_daily (subject_type, subject_id, day, {}) \
             VALUES (?, ?, ?{}) ON CONFLICT DO NOTHING",
            DAILY.join(", "),
            ", 0".repeat(DAILY.len())
        ))
        .bind(subject_type)
        .bind(subject_id)
        .bind(day)
    };
    change(tx, update, create).await
}

async fn change(
    tx: &Transaction<'_>,
    update: impl Fn() -> Sql,
    create: impl Fn() -> Sql,
) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    if tx.execute_raw(update().on(backend)).await?.rows_affected() == 1 {
        return Ok(());
    }
    tx.execute_raw(create().on(backend)).await?;
    if tx.execute_raw(update().on(backend)).await?.rows_affected() == 1 {
        return Ok(());
    }
    Err(DbErr::RecordNotUpdated)
}
