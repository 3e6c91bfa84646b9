//! Pages of reviews, for one list or for many of the same kind in one statement.
//!
//! Each list is read through the index of its order, at most a page's length of it, however
//! many reviews it has: PostgreSQL by a lateral join, SQLite by a correlated subquery. Where
//! only few reviews hold the words of a search, those are read instead.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use super::search::{self, Found};
use super::sql::Sql;
use crate::domain::order::{Direction, Order, Position};
use crate::domain::rating::Histogram;
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
    /// How many of the counted reviews pass, where the counters tell it.
    pub(crate) fn count(&self, histogram: &Histogram, verified: i64) -> Option<i64> {
        let Self { ratings, verified_only, with_text: None, locales: None, words } = self else {
            return None;
        };
        match (ratings, verified_only) {
            _ if !words.is_empty() => None,
            (None, false) => Some(histogram.count()),
            (None, true) => Some(verified),
            (Some(ratings), false) => {
                let counted = (1..=5).zip(histogram.counts);
                Some(counted.filter(|(stars, _)| ratings.contains(stars)).map(|it| it.1).sum())
            }
            (Some(_), true) => None,
        }
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
    let found = found(conn, &request.filter).await?;
    if found == Some(Found::Few(Vec::new())) {
        return Ok(HashMap::new());
    }
    let backend = conn.get_database_backend();
    let asked = pages(backend, subjects, request, found.as_ref(), of_subject_type(kind));
    let rows = review::Model::find_by_statement(asked).all(conn).await?;
    Ok(grouped(rows, |row| Some(row.subject_id)))
}

fn of_subject_type(kind: SubjectType) -> impl Fn(Sql) -> Sql {
    move |sql| sql.text("x.subject_type = ? AND x.subject_id = s.id").bind(kind.as_str())
}

/// What the search index says of the filter's words, if there are any.
async fn found(conn: &impl ConnectionTrait, filter: &Filter) -> Result<Option<Found>, DbErr> {
    match filter.words.as_slice() {
        [] => Ok(None),
        words => search::find(conn, words).await.map(Some),
    }
}

/// Pages of the lists of several authors, in walking order. They are not searched.
pub(crate) async fn of_authors(
    conn: &impl ConnectionTrait,
    authors: &[Uuid],
    request: &Request,
) -> Result<HashMap<Uuid, Vec<review::Model>>, DbErr> {
    let owned = |sql: Sql| sql.text("x.author_id = s.id");
    let asked = pages(conn.get_database_backend(), authors, request, None, owned);
    let rows = review::Model::find_by_statement(asked).all(conn).await?;
    Ok(grouped(rows, |row| row.author_id))
}

/// A page of the list of all reviews, in walking order. It is not searched.
pub(crate) async fn of_all(
    conn: &impl ConnectionTrait,
    request: &Request,
) -> Result<Vec<review::Model>, DbErr> {
    let backend = conn.get_database_backend();
    let sql = page(Sql::new("SELECT x.* FROM reviews x WHERE 1 = 1"), backend, request, None);
    review::Model::find_by_statement(sql.on(backend)).all(conn).await
}

/// How many reviews the lists of several subjects hold under the filter.
pub(crate) async fn count_of_subjects(
    conn: &impl ConnectionTrait,
    kind: SubjectType,
    subjects: &[Uuid],
    filter: &Filter,
) -> Result<HashMap<Uuid, i64>, DbErr> {
    let found = found(conn, filter).await?;
    if found == Some(Found::Few(Vec::new())) {
        return Ok(HashMap::new());
    }
    let asked = counting(conn.get_database_backend(), kind, subjects, filter, found.as_ref());
    counts(conn, asked).await
}

fn counting(
    backend: DbBackend,
    kind: SubjectType,
    subjects: &[Uuid],
    filter: &Filter,
    found: Option<&Found>,
) -> Statement {
    let sql = listed(Sql::default(), "WITH ", found)
        .text("SELECT x.subject_id AS id, COUNT(*) AS n FROM ")
        .text(candidates(found))
        .text("x.subject_type = ?")
        .bind(kind.as_str())
        .text(" AND x.subject_id IN ")
        .list(subjects.iter().copied());
    let sql = filtered(shown(sql, Shown::Published), backend, filter, found);
    sql.text(" GROUP BY x.subject_id").on(backend)
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
    let sql = shown(sql, show).text(" GROUP BY x.author_id");
    counts(conn, sql.on(conn.get_database_backend())).await
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

async fn counts(
    conn: &impl ConnectionTrait,
    asked: Statement,
) -> Result<HashMap<Uuid, i64>, DbErr> {
    let rows = conn.query_all_raw(asked).await?;
    rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "n")?))).collect()
}

/// The statement that reads the same page of many lists.
fn pages(
    backend: DbBackend,
    owners: &[Uuid],
    request: &Request,
    found: Option<&Found>,
    owned: impl Fn(Sql) -> Sql,
) -> Statement {
    let sql = Sql::new("WITH s (id) AS (").rows(owners.iter().copied()).text(")");
    let sql = listed(sql, ", ", found);
    let from = candidates(found);
    let sql = if backend == DbBackend::Postgres {
        let sql = sql.text("SELECT r.* FROM s CROSS JOIN LATERAL (SELECT x.* FROM ").text(from);
        page(owned(sql), backend, request, found).text(") r")
    } else {
        // The order of a CROSS JOIN is kept by SQLite: owners outside, their pages inside.
        let sql = sql.text("SELECT r.* FROM s CROSS JOIN reviews r ON r.id IN (SELECT x.id FROM ");
        page(owned(sql.text(from)), backend, request, found).text(")")
    };
    ordered(sql, "r", request).on(backend)
}

/// Appends the ids of the few reviews that were found, as `f`.
fn listed(sql: Sql, with: &str, found: Option<&Found>) -> Sql {
    match found {
        Some(Found::Few(ids)) => {
            sql.text(with).text("f (id) AS (").rows(ids.iter().copied()).text(") ")
        }
        Some(Found::Many) | None => sql.text(" "),
    }
}

/// The reviews `x` of which some make up a list: those found, if they are few.
fn candidates(found: Option<&Found>) -> &'static str {
    match found {
        Some(Found::Few(_)) => "f CROSS JOIN reviews x WHERE x.id = f.id AND ",
        Some(Found::Many) | None => "reviews x WHERE ",
    }
}

/// Appends everything of a page that does not depend on whose list it is.
fn page(sql: Sql, backend: DbBackend, request: &Request, found: Option<&Found>) -> Sql {
    let sql = filtered(shown(sql, request.shown), backend, &request.filter, found);
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

fn filtered(mut sql: Sql, backend: DbBackend, filter: &Filter, found: Option<&Found>) -> Sql {
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
    if found == Some(&Found::Many) { search::holds(sql, backend, words) } else { sql }
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
