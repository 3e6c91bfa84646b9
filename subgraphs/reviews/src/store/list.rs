//! Pages of reviews, for one list or for many of the same kind in one statement.
//!
//! Each list is read through the index of its order, at most a page's length of it, however
//! many reviews it has: PostgreSQL by a lateral join, SQLite by a correlated subquery.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use super::search;
use super::sql::Sql;
use crate::domain::order::{Direction, Order, Position};
use crate::domain::status::Status;
use crate::domain::subject::SubjectType;
use crate::entity::review;

/// Which reviews of a list are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    pub ratings: Option<Vec<i32>>,
    pub verified_only: bool,
    pub with_text: Option<bool>,
    pub locales: Option<Vec<String>>,
    pub words: Vec<String>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which states are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shown {
    Published,
    /// All but deleted ones: for their author and for moderators.
    Kept,
    /// Those a moderator should look at.
    Queued,
}

/// A page of a list: the `fetch` rows behind `from` in walking direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub order: Order,
    pub shown: Shown,
    pub filter: Filter,
    pub forward: bool,
    pub fetch: u64,
    pub from: Option<Position>,
}

/// Pages of the lists of several subjects of one type, in walking order.
pub(crate) async fn of_subjects(
    conn: &impl ConnectionTrait,
    kind: SubjectType,
    subjects: &[Uuid],
    request: &Request,
) -> Result<HashMap<Uuid, Vec<review::Model>>, DbErr> {
    let rows = of_many(conn, subjects, request, of_subject_type(kind)).await?;
    Ok(grouped(rows, |row| Some(row.subject_id)))
}

fn of_subject_type(kind: SubjectType) -> impl Fn(Sql) -> Sql {
    move |sql| sql.text("x.subject_type = ? AND x.subject_id = s.id").bind(kind.as_str())
}

/// Pages of the lists of several authors, in walking order.
pub(crate) async fn of_authors(
    conn: &impl ConnectionTrait,
    authors: &[Uuid],
    request: &Request,
) -> Result<HashMap<Uuid, Vec<review::Model>>, DbErr> {
    let rows = of_many(conn, authors, request, |sql| sql.text("x.author_id = s.id")).await?;
    Ok(grouped(rows, |row| row.author_id))
}

/// A page of the list of all reviews, in walking order.
pub(crate) async fn of_all(
    conn: &impl ConnectionTrait,
    request: &Request,
) -> Result<Vec<review::Model>, DbErr> {
    let backend = conn.get_database_backend();
    let sql = page(Sql::new("SELECT x.* FROM reviews x WHERE 1 = 1"), backend, request);
    review::Model::find_by_statement(sql.on(backend)).all(conn).await
}

/// How many reviews the lists of several subjects hold under the filter.
pub(crate) async fn count_of_subjects(
    conn: &impl ConnectionTrait,
    kind: SubjectType,
    subjects: &[Uuid],
    filter: &Filter,
) -> Result<HashMap<Uuid, i64>, DbErr> {
    let backend = conn.get_database_backend();
    let sql = Sql::new(
        "SELECT x.subject_id AS id, COUNT(*) AS n FROM reviews x WHERE x.subject_type = ?",
    )
    .bind(kind.as_str())
    .text(" AND x.subject_id IN ")
    .list(subjects.iter().copied());
    let sql = filtered(shown(sql, Shown::Published), backend, filter);
    counts(conn, sql.text(" GROUP BY x.subject_id")).await
}

/// How many reviews the lists of several authors hold.
pub(crate) async fn count_of_authors(
    conn: &impl ConnectionTrait,
    authors: &[Uuid],
    show: Shown,
) -> Result<HashMap<Uuid, i64>, DbErr> {
    let sql =
        Sql::new("SELECT x.author_id AS id, COUNT(*) AS n FROM reviews x WHERE x.author_id IN ")
            .list(authors.iter().copied());
    counts(conn, shown(sql, show).text(" GROUP BY x.author_id")).await
}

/// How many reviews are published, by the subjects' counters.
pub(crate) async fn count_of_visible(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let sql = Sql::new(
        "SELECT CAST(COALESCE(SUM(n1 + n2 + n3 + n4 + n5), 0) AS bigint) AS n FROM rating_summaries",
    );
    let row = conn.query_one_raw(sql.on(conn.get_database_backend())).await?;
    row.map_or(Ok(0), |row| row.try_get("", "n"))
}

/// How many reviews wait for a moderator.
pub(crate) async fn count_of_queue(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let sql = Sql::new("SELECT COUNT(*) AS n FROM reviews x WHERE 1 = 1");
    let sql = shown(sql, Shown::Queued).on(conn.get_database_backend());
    let row = conn.query_one_raw(sql).await?;
    row.map_or(Ok(0), |row| row.try_get("", "n"))
}

async fn counts(conn: &impl ConnectionTrait, sql: Sql) -> Result<HashMap<Uuid, i64>, DbErr> {
    let rows = conn.query_all_raw(sql.on(conn.get_database_backend())).await?;
    rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "n")?))).collect()
}

async fn of_many(
    conn: &impl ConnectionTrait,
    owners: &[Uuid],
    request: &Request,
    owned: impl Fn(Sql) -> Sql,
) -> Result<Vec<review::Model>, DbErr> {
    let statement = pages(conn.get_database_backend(), owners, request, owned);
    review::Model::find_by_statement(statement).all(conn).await
}

/// The statement that reads the same page of many lists.
fn pages(
    backend: DbBackend,
    owners: &[Uuid],
    request: &Request,
    owned: impl Fn(Sql) -> Sql,
) -> Statement {
    let sql = Sql::new("WITH s (id) AS (").rows(owners.iter().copied());
    let sql = if backend == DbBackend::Postgres {
        let sql =
            sql.text(") SELECT r.* FROM s CROSS JOIN LATERAL (SELECT x.* FROM reviews x WHERE ");
        page(owned(sql), backend, request).text(") r")
    } else {
        // The order of a CROSS JOIN is kept by SQLite: owners outside, their pages inside.
        let sql = sql.text(
            ") SELECT r.* FROM s CROSS JOIN reviews r ON r.id IN \
             (SELECT x.id FROM reviews x WHERE ",
        );
        page(owned(sql), backend, request).text(")")
    };
    ordered(sql, "r", request).on(backend)
}

/// Appends everything of a page that does not depend on whose list it is.
fn page(sql: Sql, backend: DbBackend, request: &Request) -> Sql {
    let sql = filtered(shown(sql, request.shown), backend, &request.filter);
    let sql = behind(sql, request);
    let fetch = i64::try_from(request.fetch).unwrap_or(i64::MAX);
    ordered(sql, "x", request).text(" LIMIT ?").bind(fetch)
}

fn shown(sql: Sql, shown: Shown) -> Sql {
    match shown {
        Shown::Published => sql.text(" AND x.status = ?").bind(Status::Published.as_str()),
        Shown::Kept => sql.text(" AND x.status <> ?").bind(Status::Deleted.as_str()),
        Shown::Queued => sql.text(" AND x.queued_at IS NOT NULL"),
    }
}

fn filtered(mut sql: Sql, backend: DbBackend, filter: &Filter) -> Sql {
    let Filter { ratings, verified_only, with_text, locales, words } = filter;
    if let Some(ratings) = ratings {
        sql = sql.text(" AND x.rating IN ").list(ratings.iter().copied());
    }
    if *verified_only {
        sql = sql.text(" AND x.verified = ?").bind(true);
    }
    if let Some(with_text) = with_text {
        sql = sql.text(if *with_text { " AND x.body IS NOT NULL" } else { " AND x.body IS NULL" });
    }
    if let Some(locales) = locales {
        sql = sql.text(" AND x.locale IN ").list(locales.iter().map(String::as_str));
    }
    if words.is_empty() { sql } else { search::condition(sql, backend, words) }
}

/// Appends the comparison with the position the page starts at. The redundant `>=` on the key
/// gives the engines a range to seek in the index.
fn behind(sql: Sql, request: &Request) -> Sql {
    let Some(from) = request.from else { return sql };
    let (key_direction, id_direction) = walking(request);
    let id = beyond(id_direction);
    match request.order.column() {
        None => sql.text(&format!(" AND x.id {id} ?")).bind(from.id),
        Some(column) => {
            let key = beyond(key_direction);
            sql.text(&format!(" AND x.{column} {key}= ? AND (x.{column} {key} ? OR x.id {id} ?)"))
                .bind(from.key)
                .bind(from.key)
                .bind(from.id)
        }
    }
}

fn ordered(sql: Sql, table: &str, request: &Request) -> Sql {
    let (key_direction, id_direction) = walking(request);
    let id = format!("{table}.id {}", id_direction.sql());
    match request.order.column() {
        None => sql.text(&format!(" ORDER BY {id}")),
        Some(column) => {
            sql.text(&format!(" ORDER BY {table}.{column} {}, {id}", key_direction.sql()))
        }
    }
}

fn walking(request: &Request) -> (Direction, Direction) {
    let (key, id) = request.order.directions();
    if request.forward { (key, id) } else { (key.reversed(), id.reversed()) }
}

fn beyond(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    }
}

fn grouped(
    rows: Vec<review::Model>,
    owner: impl Fn(&review::Model) -> Option<Uuid>,
) -> HashMap<Uuid, Vec<review::Model>> {
    let mut lists: HashMap<Uuid, Vec<review::Model>> = HashMap::new();
    for row in rows {
        if let Some(owner) = owner(&row) {
            lists.entry(owner).or_default().push(row);
        }
    }
    lists
}

#[cfg(test)]
mod tests;
