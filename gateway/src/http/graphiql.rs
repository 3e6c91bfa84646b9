//! GraphiQL, served from the binary: no CDN, works without a network.

use axum::Router;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

use crate::config::ServerConfig;

const PAGE: &str = include_str!("../../assets/graphiql.html");

/// Name, media type and content of what the page loads.
const ASSETS: [(&str, &str, &[u8]); 5] = [
    (
        "graphiql.min.css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/graphiql.min.css"),
    ),
    (
        "graphiql.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/graphiql.min.js"),
    ),
    (
        "react.production.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/react.production.min.js"),
    ),
    (
        "react-dom.production.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/react-dom.production.min.js"),
    ),
    ("start.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/start.js")),
];

/// The page at `/` and its files.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(config: &ServerConfig) -> Router<S> {
    let page = PAGE
        .replace("{{ENDPOINT}}", &attribute(&config.path))
        .replace("{{QUERY}}", &attribute(&config.graphiql_query));
    // Everything comes from here, and nothing may frame the page.
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                  font-src 'self' data:; connect-src *; frame-ancestors 'none'";
    let page = move || {
        let page = page.clone();
        async move { ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)) }
    };
    Router::new().route("/", get(page)).route("/graphiql/{file}", get(asset))
}

/// Text inside a quoted HTML attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

async fn asset(Path(file): Path<String>) -> Response {
    match ASSETS.iter().find(|(name, ..)| *name == file) {
        Some((_, media_type, content)) => {
            let headers = [
                (header::CONTENT_TYPE, *media_type),
                (header::CACHE_CONTROL, "public, max-age=3600"),
            ];
            (headers, *content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
