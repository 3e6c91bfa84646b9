//! Asks a running subgraph for its SDL (`{ _service { sdl } }`), or a graph for its schema.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::Full;
use serde::Deserialize;

use super::introspection_json;
use crate::outbound::{Answer, Bounds, HttpClient, OutboundError};

const SERVICE_QUERY: &str =
    r#"{"query":"query SubgraphSdl { _service { sdl } }","operationName":"SubgraphSdl"}"#;

#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    #[error("`{header}` is not a valid header; write `Name: value`")]
    Header { header: String },
    #[error("`{url}` is not a valid URL")]
    Url { url: String },
    #[error("{url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error(
        "{url}: HTTP {status} without an SDL; does it need a header, and is it a federation subgraph?"
    )]
    NoSdl { url: String, status: u16 },
    #[error("{url}: {message}")]
    Refused { url: String, message: String },
}

#[derive(Deserialize)]
struct ServiceAnswer {
    #[serde(default)]
    data: Option<ServiceData>,
    #[serde(default)]
    errors: Vec<ServiceError>,
}

#[derive(Deserialize)]
struct ServiceData {
    #[serde(rename = "_service")]
    service: Option<Service>,
}

#[derive(Deserialize)]
struct Service {
    sdl: Option<String>,
}

#[derive(Deserialize)]
struct ServiceError {
    message: String,
}

/// The schema of the graph that answers at `url`, by GraphQL's own introspection.
pub(crate) async fn introspect_graph(
    client: &HttpClient,
    url: &str,
) -> Result<String, IntrospectError> {
    let body = serde_json::json!({ "query": introspection_json::QUERY }).to_string();
    let answer = ask(client, url, std::iter::empty(), Bytes::from(body)).await?;
    let text = String::from_utf8_lossy(&answer.body);
    introspection_json::to_sdl(&text).map_err(|source| IntrospectError::Refused {
        url: url.to_owned(),
        message: format!("HTTP {}: {source}", answer.status.as_u16()),
    })
}

/// The SDL of the subgraph that answers at `url`.
pub(crate) async fn introspect(
    client: &HttpClient,
    url: &str,
    headers: impl IntoIterator<Item = (&str, &str)>,
) -> Result<String, IntrospectError> {
    let answer = ask(client, url, headers, Bytes::from_static(SERVICE_QUERY.as_bytes())).await?;
    let no_sdl = || IntrospectError::NoSdl { url: url.to_owned(), status: answer.status.as_u16() };
    let parsed: ServiceAnswer = serde_json::from_slice(&answer.body).map_err(|_| no_sdl())?;
    if let Some(sdl) = parsed.data.and_then(|data| data.service).and_then(|service| service.sdl) {
        return Ok(sdl);
    }
    match parsed.errors.into_iter().next() {
        Some(ServiceError { message }) => {
            Err(IntrospectError::Refused { url: url.to_owned(), message })
        }
        None => Err(no_sdl()),
    }
}

async fn ask(
    client: &HttpClient,
    url: &str,
    headers: impl IntoIterator<Item = (&str, &str)>,
    body: Bytes,
) -> Result<Answer, IntrospectError> {
    let mut request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .body(Full::new(body))
        .map_err(|_| IntrospectError::Url { url: url.to_owned() })?;
    for (name, value) in headers {
        let invalid = || IntrospectError::Header { header: format!("{name}: {value}") };
        let name = HeaderName::try_from(name.trim()).map_err(|_| invalid())?;
        let value = HeaderValue::try_from(value.trim()).map_err(|_| invalid())?;
        request.headers_mut().insert(name, value);
    }
    client.send(request, Bounds::default()).await.map_err(|error: OutboundError| {
        IntrospectError::Unreachable { url: url.to_owned(), reason: error.to_string() }
    })
}
