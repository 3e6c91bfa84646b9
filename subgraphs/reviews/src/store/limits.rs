//! Counting how often somebody does something, in windows of fixed length. The count is part of
//! the action's transaction: what is rolled back was not done.

use kit::{Timestamp, Transaction};
use sea_orm::{ConnectionTrait, DbErr};

use super::sql::Sql;

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const DAY_MS: i64 = 86_400_000;

/// At most `most` times in each window of `window_ms`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub most: i32,
    pub window_ms: i64,
}

/// Counts one more for `key`. `Err(seconds)` inside says how long to wait: the limit is reached.
pub(crate) async fn hit(
    tx: &Transaction<'_>,
    key: &str,
    limit: Limit,
    now: Timestamp,
) -> Result<Result<(), i32>, DbErr> {
    let end = (now.0.div_euclid(limit.window_ms) + 1) * limit.window_ms;
    let counted = Sql::new(
        "INSERT INTO rate_windows (key, window_end, n) VALUES (?, ?, 1) \
         ON CONFLICT (key, window_end) DO UPDATE SET n = rate_windows.n + 1 \
         WHERE rate_windows.n < ?",
    )
    .bind(key)
    .bind(end)
    .bind(limit.most);
    let done = tx.execute_raw(counted.on(tx.get_database_backend())).await?;
    if done.rows_affected() == 1 && limit.most > 0 {
        return Ok(Ok(()));
    }
    let seconds = (end - now.0).div_euclid(1000) + 1;
    Ok(Err(i32::try_from(seconds).unwrap_or(i32::MAX)))
}

/// Deletes windows that are over.
pub(crate) async fn sweep(conn: &impl ConnectionTrait, now: Timestamp) -> Result<u64, DbErr> {
    let sql = Sql::new("DELETE FROM rate_windows WHERE window_end < ?").bind(now.0);
    Ok(conn.execute_raw(sql.on(conn.get_database_backend())).await?.rows_affected())
}
