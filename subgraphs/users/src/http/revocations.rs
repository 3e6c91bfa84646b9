//! `GET /internal/revocations?after=SEQ&limit=N`: what the gateway follows, so that a revoked
//! session ends in seconds although its access token lives for minutes.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use kit::{
    Timestamp,
    credential::refusal,
    id::{SessionId, UserId},
};
use serde::{Deserialize, Serialize};

use super::Routes;
use crate::entity::revocation;

const SCOPE: &str = "revocations:read";
const MAX_PAGE: u64 = 1000;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    after: i64,
    limit: u64,
}

impl Default for Position {
    fn default() -> Self {
        Self { after: 0, limit: MAX_PAGE }
    }
}

#[derive(Debug, Serialize)]
struct Feed {
    revocations: Vec<Revocation>,
    next: i64,
    /// The newest number given out; less than `after` when the feed began anew.
    head: i64,
}

/// Tokens of session `sid` are dead; or those of person `sub` issued before `not_before`. With a
/// `not_before` of 0 something else about the person's tokens changed: ask again what they are
/// worth.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Revocation {
    seq: i64,
    sid: Option<SessionId>,
    sub: Option<UserId>,
    /// Seconds since 1970, as `iat` counts.
    not_before: i64,
    /// From then on no access token can be affected any more.
    expires_at: i64,
}

impl From<revocation::Model> for Revocation {
    fn from(row: revocation::Model) -> Self {
        Self {
            seq: row.seq,
            sid: row.session_id.map(SessionId::from),
            sub: row.user_id.map(UserId::from),
            not_before: Timestamp(row.not_before).seconds(),
            expires_at: Timestamp(row.expires_at).seconds(),
        }
    }
}

pub(super) async fn revocations(
    State(routes): State<Routes>,
    headers: HeaderMap,
    position: Result<Query<Position>, QueryRejection>,
) -> Response {
    if let Err(error) = routes.credentials.authorize(&headers, SCOPE) {
        return error.into_response();
    }
    let Ok(Query(position)) = position else {
        return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST", "`after` and `limit` are numbers");
    };
    let limit = position.limit.clamp(1, MAX_PAGE);
    match routes.identity.revocations(position.after, limit).await {
        Ok((rows, head)) => {
            let next = rows.last().map_or(position.after, |row| row.seq);
            let revocations = rows.into_iter().map(Revocation::from).collect();
            Json(Feed { revocations, next, head }).into_response()
        }
        Err(error) => {
            tracing::error!(error = %error, "the revocations cannot be read");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}
