//! The published keys (RFC 7517) and the discovery document (RFC 8414).

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use kit::credential::refusal;
use serde_json::json;

use super::Routes;
use crate::token::signing_keys::JWKS_MAX_AGE;

pub(super) async fn jwks(State(routes): State<Routes>) -> Response {
    match routes.identity.signing_keys().jwks().await {
        Ok(jwks) => (cacheable(), Json(jwks)).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "the keys cannot be read");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}

pub(super) async fn openid_configuration(State(routes): State<Routes>) -> Response {
    let issuer = routes.identity.issuer();
    let document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "introspection_endpoint": format!("{issuer}/oauth/introspect"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "response_types_supported": ["none"],
        "grant_types_supported": ["refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [routes.identity.signing_keys().algorithm()],
        "claims_supported":
            ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "scope", "roles", "amr", "auth_time"],
        "scopes_supported": crate::account::roles::ALL_SCOPES,
    });
    (cacheable(), Json(document)).into_response()
}

fn cacheable() -> [(axum::http::HeaderName, String); 1] {
    [(CACHE_CONTROL, format!("public, max-age={}", JWKS_MAX_AGE.as_secs()))]
}
