//! Where a person's mail goes, for the other services' mail workers.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use kit::{credential::refusal, id::UserId};
use serde_json::json;

use super::Routes;
use crate::account::status::UserStatus;

const SCOPE: &str = "contacts:read";

pub(super) async fn contact(
    State(routes): State<Routes>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Err(error) = routes.credentials.authorize(&headers, SCOPE) {
        return error.into_response();
    }
    let nobody = || refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such person");
    let Some(id) = UserId::parse(&id) else { return nobody() };
    match routes.identity.user(id).await {
        Ok(user) => {
            // Only people who proved their address get mail from other services.
            let user = user.filter(|user| {
                user.status != UserStatus::PendingVerification && user.email_verified_at.is_some()
            });
            match user.and_then(|user| Some((user.email?, user.locale, user.display_name))) {
                Some((email, locale, name)) => {
                    Json(json!({ "email": email, "locale": locale, "displayName": name }))
                        .into_response()
                }
                None => nobody(),
            }
        }
        Err(error) => {
            tracing::error!(error = %error, "a contact cannot be read");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}
