//! `GET /internal/export/{usr_id}`: everything this service holds about a person, for the copy
//! of their data that users hands out. For service credentials with the scope `export:read`.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use kit::Timestamp;
use kit::credential::{Credentials, refusal};
use kit::id::{ReviewId, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::core::Core;
use crate::entity::{reply, review, revision};
use crate::store::sql::Sql;

const SCOPE: &str = "export:read";

#[derive(Clone)]
struct Export {
    core: Core,
    credentials: Credentials,
}

pub(crate) fn routes(core: Core, credentials: Credentials) -> Router {
    Router::new()
        .route("/internal/export/{user}", get(export))
        .with_state(Export { core, credentials })
}

async fn export(
    State(state): State<Export>,
    headers: HeaderMap,
    Path(user): Path<String>,
) -> Response {
    if let Err(error) = state.credentials.authorize(&headers, SCOPE) {
        return error.into_response();
    }
    let Some(user) = UserId::parse(&user) else {
        return refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "that is no person's id");
    };
    match everything_about(state.core.database.read(), user.uuid()).await {
        Ok(data) => Json(data).into_response(),
        Err(error) => {
            tracing::error!(%error, "an export failed");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}

async fn everything_about(conn: &DatabaseConnection, user: Uuid) -> Result<Value, DbErr> {
    let reviews = review::Entity::find()
        .filter(review::Column::AuthorId.eq(user))
        .order_by_asc(review::Column::Id)
        .all(conn)
        .await?;
    let mut versions: HashMap<Uuid, Vec<Value>> = HashMap::new();
    for row in revision::Entity::find()
        .filter(revision::Column::ReviewId.is_in(reviews.iter().map(|review| review.id)))
        .order_by_asc(revision::Column::Version)
        .all(conn)
        .await?
    {
        let revision::Model { review_id, version, rating, title, body, created_at } = row;
        versions.entry(review_id).or_default().push(json!({
            "version": version, "rating": rating, "title": title, "body": body,
            "createdAt": time(created_at),
        }));
    }
    let reviews: Vec<Value> = reviews
        .into_iter()
        .map(|review| {
            let versions = versions.remove(&review.id).unwrap_or_default();
            json!({
                "id": ReviewId::from(review.id),
                "subject": review.subject().wire_id(),
                "rating": review.rating,
                "title": review.title,
                "body": review.body,
                "locale": review.locale,
                "status": review.status,
                "verifiedPurchase": review.verified,
                "createdAt": time(review.created_at),
                "publishedAt": review.published_at.map(time),
                "editedAt": review.edited_at.map(time),
                "deletedAt": review.deleted_at.map(time),
                "versions": versions,
            })
        })
        .collect();
    let replies = reply::Entity::find()
        .filter(reply::Column::AuthorId.eq(user))
        .order_by_asc(reply::Column::Id)
        .all(conn)
        .await?;
    let replies: Vec<Value> = replies
        .into_iter()
        .map(|reply| {
            json!({
                "review": ReviewId::from(reply.review_id),
                "body": reply.body,
                "createdAt": time(reply.created_at),
                "editedAt": reply.edited_at.map(time),
            })
        })
        .collect();
    let votes = "SELECT review_id, kind AS word, NULL AS note, voted_at AS created_at \
                 FROM review_votes WHERE voter_id = ? ORDER BY voted_at, review_id";
    let reports = "SELECT review_id, reason AS word, note, created_at FROM review_reports \
                   WHERE reporter_id = ? ORDER BY created_at, review_id";
    Ok(json!({
        "reviews": reviews,
        "replies": replies,
        "votes": acts(conn, votes, user, "vote").await?,
        "reports": acts(conn, reports, user, "reason").await?,
    }))
}

/// Votes or reports: what the person did to whose review, and when.
async fn acts(
    conn: &DatabaseConnection,
    sql: &str,
    user: Uuid,
    word: &str,
) -> Result<Vec<Value>, DbErr> {
    let rows = conn.query_all_raw(Sql::new(sql).bind(user).on(conn.get_database_backend())).await?;
    rows.iter()
        .map(|row| {
            let mut act = json!({
                "review": ReviewId::from(row.try_get::<Uuid>("", "review_id")?),
                "at": time(row.try_get("", "created_at")?),
            });
            act[word] = json!(row.try_get::<String>("", "word")?);
            if let Some(note) = row.try_get::<Option<String>>("", "note")? {
                act["note"] = json!(note);
            }
            Ok(act)
        })
        .collect()
}

fn time(at: i64) -> String {
    Timestamp(at).to_string()
}
