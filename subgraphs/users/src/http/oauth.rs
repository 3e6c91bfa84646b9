//! `POST /oauth/introspect` (RFC 7662), for services, and `POST /oauth/revoke` (RFC 7009), for
//! services and for whoever holds the token.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, USER_AGENT},
    },
    response::{IntoResponse, Response},
};
use kit::{RequestOrigin, credential::refusal, service::client_ip};
use serde_json::json;

use super::Routes;
use crate::identity::failure::{Failure, Fault, RateLimited};

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

/// A public client (RFC 7009, section 2.1) shows nothing but the token: holding it is what counts.
/// A credential that is shown has to be good, though.
pub(super) async fn revoke(
    State(routes): State<Routes>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let ip = client_ip(&routes.trusted_proxies, peer, &headers);
    let origin = if headers.contains_key(AUTHORIZATION) {
        if let Err(error) = routes.credentials.authorize(&headers, SCOPE) {
            return error.into_response();
        }
        RequestOrigin::default()
    } else {
        match routes.identity.admit_public_revocation(ip).await {
            Ok(()) => public_origin(ip, &headers),
            Err(Failure::Refused(limited)) => return too_many(limited),
            Err(Failure::Fault(error)) => return unavailable(&error),
        }
    };
    let Some(token) = token(&body) else { return no_token() };
    match routes.identity.revoke_token(&token, &origin).await {
        // The same answer for a token that was none: nothing is left to be afraid of.
        Ok(()) => fresh(Json(json!({}))),
        Err(error) => unavailable(&error),
    }
}

fn public_origin(ip: std::net::IpAddr, headers: &HeaderMap) -> RequestOrigin {
    let user_agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    RequestOrigin {
        ip: Some(ip),
        user_agent: user_agent.map(str::to_owned),
        ..RequestOrigin::default()
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

fn too_many(limited: RateLimited) -> Response {
    let message = "too many tokens from this address; try again later";
    let response = refusal(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message);
    ([(RETRY_AFTER, limited.retry_after_seconds.to_string())], response).into_response()
}

fn unavailable(error: &Fault) -> Response {
    tracing::error!(error = %error, "a token cannot be looked at");
    refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
}
