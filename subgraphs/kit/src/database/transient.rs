//! Which database errors another try may cure, and how long to wait before it.

use std::time::Duration;

use sea_orm::sqlx::Error as SqlxError;
use sea_orm::{DbErr, RuntimeErr};

/// SQLite: busy (5, also as 261 and 517), locked (6, 262). PostgreSQL: serialisation failure,
/// deadlock, lock not available.
const CODES: [&str; 8] = ["5", "261", "517", "6", "262", "40001", "40P01", "55P03"];

pub(super) fn is_transient(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    match error.as_ref() {
        SqlxError::Database(error) => {
            error.code().is_some_and(|code| CODES.contains(&code.as_ref()))
        }
        _ => false,
    }
}

/// Between 10 and 200 ms, so that those who collided do not collide again.
pub(super) fn pause() -> Duration {
    Duration::from_millis(rand::random_range(10..=200))
}
