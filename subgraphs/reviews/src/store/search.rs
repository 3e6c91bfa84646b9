//! The search index: folded text of each review that has any.

use kit::Transaction;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use uuid::Uuid;

use super::sql::Sql;
use crate::domain::search::{fold, fts5_query, tsquery};

/// Makes the review findable by its present text, or unfindable when there is none.
pub(crate) async fn index(
    tx: &Transaction<'_>,
    review: Uuid,
    title: Option<&str>,
    body: Option<&str>,
) -> Result<(), DbErr> {
    let text = fold(&format!("{} {}", title.unwrap_or_default(), body.unwrap_or_default()));
    let sql = if text.is_empty() {
        Sql::new("DELETE FROM review_search WHERE review_id = ?").bind(review)
    } else {
        Sql::new(
            "INSERT INTO review_search (review_id, text) VALUES (?, ?) \
             ON CONFLICT (review_id) DO UPDATE SET text = excluded.text",
        )
        .bind(review)
        .bind(text)
    };
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}

/// Which reviews hold the words of a search, of all there are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// These and no others.
    Few(Vec<Uuid>),
    /// So many that it is quicker to look at the text of each review of a list, in the list's
    /// order: a page is full soon.
    Many,
}

/// Above so many, matches are not listed.
const FEW: usize = 1_000;

/// Looks the words up in the search index.
pub(crate) async fn find(conn: &impl ConnectionTrait, words: &[String]) -> Result<Found, DbErr> {
    let backend = conn.get_database_backend();
    let limit = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
    let rows = conn.query_all_raw(lookup(backend, words).bind(limit).on(backend)).await?;
    if rows.len() > FEW {
        return Ok(Found::Many);
    }
    let ids: Result<Vec<Uuid>, DbErr> =
        rows.iter().map(|row| row.try_get("", "review_id")).collect();
    ids.map(Found::Few)
}

pub(super) fn lookup(backend: DbBackend, words: &[String]) -> Sql {
    if backend == DbBackend::Postgres {
        Sql::new(
            "SELECT d.review_id FROM review_search d \
             WHERE d.words @@ to_tsquery('simple', ?) LIMIT ?",
        )
        .bind(tsquery(words))
    } else {
        Sql::new(
            "SELECT d.review_id FROM review_search_index i \
             JOIN review_search d ON d.docid = i.rowid WHERE review_search_index MATCH ? LIMIT ?",
        )
        .bind(fts5_query(words))
    }
}

/// Appends the condition that the text of the review `x` holds all the words; it is looked at
/// whatever the search index could tell.
pub(super) fn holds(sql: Sql, backend: DbBackend, words: &[String]) -> Sql {
    let sql = sql.text(" AND (SELECT ");
    let sql = if backend == DbBackend::Postgres {
        sql.text("d.words @@ to_tsquery('simple', ?)").bind(tsquery(words))
    } else {
        let last = words.len().saturating_sub(1);
        words.iter().enumerate().fold(sql, |sql, (at, word)| {
            let (and, end) = (if at > 0 { " AND " } else { "" }, if at < last { " " } else { "" });
            sql.text(and).text("instr(' ' || d.text || ' ', ?) > 0").bind(format!(" {word}{end}"))
        })
    };
    sql.text(" FROM review_search d WHERE d.review_id = x.id)")
}
