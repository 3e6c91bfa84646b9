//! What this service answers besides GraphQL: its keys for whoever verifies tokens, and what
//! only other services may ask.

mod contacts;
mod discovery;
mod export;
mod oauth;
mod revocations;

use std::net::IpAddr;

use axum::{
    Router,
    routing::{get, post},
};
use kit::credential::Credentials;

use crate::{identity::Identity, peers::Peers};

#[derive(Debug, Clone)]
pub(crate) struct Routes {
    identity: Identity,
    credentials: Credentials,
    peers: Peers,
    trusted_proxies: Vec<IpAddr>,
}

pub(crate) fn routes(
    identity: Identity,
    credentials: Credentials,
    peers: Peers,
    trusted_proxies: Vec<IpAddr>,
) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(discovery::jwks))
        .route("/.well-known/openid-configuration", get(discovery::openid_configuration))
        .route("/.well-known/oauth-authorization-server", get(discovery::openid_configuration))
        .route("/account/export", get(export::export))
        .route("/internal/contacts/{id}", get(contacts::contact))
        .route("/oauth/introspect", post(oauth::introspect))
        .route("/oauth/revoke", post(oauth::revoke))
        .route("/internal/revocations", get(revocations::revocations))
        .with_state(Routes { identity, credentials, peers, trusted_proxies })
}
