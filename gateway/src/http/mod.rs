//! The HTTP surface: routes, browsers' rules, and the GraphQL endpoint as the GraphQL-over-HTTP
//! specification has it. What an operation means is the [`crate::pipeline`]'s business.

pub(crate) mod client_address;
pub(crate) mod error;
pub(crate) mod front;
mod graphiql;
pub(crate) mod graphql;
mod negotiate;
pub(crate) mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{any, get};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::app::Gateway;
use crate::config::{CorsConfig, ServerConfig};
use crate::subgraph_client::REQUEST_ID;

#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    #[error("`server.path`: `{path}` must start with `/` and must not be `/` itself")]
    Path { path: String },
    #[error("`server.cors.origins`: `{origin}` is not an origin such as https://shop.example")]
    Origin { origin: String },
}

/// All routes, and the layers in the order in which a request passes them.
pub(crate) fn router(gateway: Arc<Gateway>, config: &ServerConfig) -> Result<Router, RouterError> {
    if !config.path.starts_with('/') || config.path.len() < 2 {
        return Err(RouterError::Path { path: config.path.clone() });
    }
    let mut routes = Router::new()
        .route(&config.path, any(graphql::graphql))
        .route("/health", get(ready))
        .route("/health/ready", get(ready))
        .route("/health/live", get(live))
        .route("/metrics", get(metrics))
        .route("/.well-known/jwks.json", get(jwks));
    if config.graphiql {
        routes = routes.merge(graphiql::routes(config)).route("/graphiql/banner", get(banner));
    }
    let mut router = routes.with_state(gateway);
    if config.compression.enabled {
        let worth_it = SizeAbove::new(config.compression.min_bytes.into());
        router = router.layer(CompressionLayer::new().compress_when(worth_it));
    }
    if config.cors.enabled {
        router = router.layer(cors(&config.cors)?);
    }
    Ok(router.layer(CatchPanicLayer::custom(|_| panicked())))
}

fn cors(config: &CorsConfig) -> Result<CorsLayer, RouterError> {
    let origin = |origin: &String| {
        let plain = origin.starts_with("http") && !origin.ends_with('/');
        let value = HeaderValue::try_from(origin.as_str()).ok().filter(|_| plain);
        value.ok_or_else(|| RouterError::Origin { origin: origin.clone() })
    };
    let origins = config.origins.iter().map(origin).collect::<Result<Vec<_>, _>>()?;
    let allowed = if origins.is_empty() { AllowOrigin::any() } else { AllowOrigin::list(origins) };
    Ok(CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, HeaderName::from_static("retry-after")])
        .max_age(Duration::from_hours(1)))
}

/// A bug of ours: the panic hook has written what happened, the client learns nothing of it.
fn panicked() -> Response {
    let error = error::ClientError::Internal;
    (error.status(false), Json(error.body())).into_response()
}

async fn live() -> Json<Value> {
    Json(json!({ "status": "UP" }))
}

async fn ready(State(gateway): State<Arc<Gateway>>) -> (StatusCode, Json<Value>) {
    if gateway.is_stopping() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "DOWN", "reason": "stopping" })),
        );
    }
    (StatusCode::OK, Json(json!({ "status": "UP" })))
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        gateway.telemetry.render(),
    )
}

/// What GraphiQL is to show while the graph is developed; elsewhere there is nothing to show.
async fn banner(State(gateway): State<Arc<Gateway>>) -> Response {
    match gateway.banner.load_full() {
        Some(banner) => ([(header::CACHE_CONTROL, "no-store")], Json(banner)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The key that passports are signed with.
async fn jwks(State(gateway): State<Arc<Gateway>>) -> Response {
    match &gateway.passports {
        Some(office) => {
            ([(header::CACHE_CONTROL, "public, max-age=60")], Json(office.jwks())).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
