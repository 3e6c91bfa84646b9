//! `POST /oauth/introspect` (RFC 7662) and `POST /oauth/revoke` (RFC 7009), for services only.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use kit::credential::refusal;
use serde_json::json;

use super::Routes;

/// For both: whoever ends a token has to hold it, and that is the greater power.
const SCOPE: &str = "tokens:introspect";
/// Longer than any token of ours.
const MAX_TOKEN: usize = 8192;

pub(super) async fn introspect(
    State(routes): State<Routes>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Err(error) = routes.credentials.authorize(&headers, SCOPE) {
        return error.into_response();
    }
    let Some(token) = token(&body) else { return no_token() };
    match routes.identity.introspect(&token).await {
        Ok(Some(introspection)) => fresh(Json(introspection)),
        Ok(None) => fresh(Json(json!({ "active": false }))),
        Err(error) => unavailable(&error),
    }
}

pub(super) async fn revoke(
    State(routes): State<Routes>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Err(error) = routes.credentials.authorize(&headers, SCOPE) {
        return error.into_response();
    }
    let Some(token) = token(&body) else { return no_token() };
    match routes.identity.revoke_token(&token).await {
        // The same answer for a token that was none: nothing is left to be afraid of.
        Ok(()) => fresh(Json(json!({}))),
        Err(error) => unavailable(&error),
    }
}

/// The `token` of a form, once.
fn token(body: &str) -> Option<String> {
    if body.len() > 2 * MAX_TOKEN {
        return None;
    }
    let mut tokens = url::form_urlencoded::parse(body.as_bytes()).filter(|(key, _)| key == "token");
    let (_, token) = tokens.next()?;
    (tokens.next().is_none() && !token.is_empty() && token.len() <= MAX_TOKEN)
        .then(|| token.into_owned())
}

fn fresh(body: impl IntoResponse) -> Response {
    ([(CACHE_CONTROL, "no-store")], body).into_response()
}

fn no_token() -> Response {
    let message = "send `token` once, as a form";
    // The member `error` is RFC 6749's, section 5.2.
    let body = json!({
        "error": "invalid_request",
        "error_description": message,
        "errors": [{ "code": "invalid_request", "message": message, "path": ["token"] }],
    });
    (StatusCode::BAD_REQUEST, fresh(Json(body))).into_response()
}

fn unavailable(error: &crate::identity::failure::Fault) -> Response {
    tracing::error!(error = %error, "a token cannot be looked at");
    refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
}
