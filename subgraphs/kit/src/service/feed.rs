//! `GET /internal/events?after=SEQ&limit=N`: the service's feed, for other services.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::credential::{Credentials, refusal};
use crate::database::Database;
use crate::events;

const MAX_PAGE: u64 = 1000;

#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) database: Database,
    pub(super) credentials: Credentials,
}

#[derive(Debug, Deserialize)]
pub(super) struct Position {
    #[serde(default)]
    after: i64,
    #[serde(default = "default_page")]
    limit: u64,
}

fn default_page() -> u64 {
    100
}

pub(super) async fn events(
    State(feed): State<Feed>,
    headers: HeaderMap,
    position: Result<Query<Position>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if let Err(error) = feed.credentials.authorize(&headers, events::READ_SCOPE) {
        return error.into_response();
    }
    let Ok(Query(position)) = position else {
        return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST", "`after` and `limit` are numbers");
    };
    let limit = position.limit.clamp(1, MAX_PAGE);
    match events::page(feed.database.read(), position.after, limit).await {
        Ok(page) => axum::Json(page).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "the feed cannot be read");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}
