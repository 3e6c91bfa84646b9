//! Reads a GraphQL request from an HTTP request (GraphQL over HTTP, section "Request").

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ClientError;
use super::negotiate::is_json;
use crate::config::CsrfConfig;

/// What the client asks for, not yet looked into.
#[derive(Debug, Default)]
pub(crate) struct GraphqlRequest {
    pub(crate) query: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Map<String, Value>,
    pub(crate) method: RequestMethod,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestMethod {
    /// Only queries.
    Get,
    #[default]
    Post,
}

#[derive(Deserialize)]
struct RequestBody {
    query: Option<Value>,
    #[serde(rename = "operationName")]
    operation_name: Option<Value>,
    variables: Option<Value>,
    extensions: Option<Value>,
}

/// Reads the request; the body is refused as soon as it passes `limit` bytes.
pub(crate) async fn read(
    parts: &Parts,
    body: Body,
    limit: usize,
) -> Result<GraphqlRequest, ClientError> {
    match parts.method {
        Method::GET => read_query_string(parts.uri.query().unwrap_or_default()),
        Method::POST if !is_json(&parts.headers) => Err(ClientError::UnsupportedContentType),
        Method::POST => read_json(&collect(body, limit).await?),
        ref method => Err(ClientError::MethodNotAllowed { method: method.clone() }),
    }
}

/// A page can make a browser send a GET with any query string; such a request tells by
/// `Sec-Fetch-Site` where it comes from, and carries none of the headers that need a preflight.
/// A POST that gets this far is JSON, which always needs one.
pub(crate) fn check_csrf(parts: &Parts, config: &CsrfConfig) -> Result<(), ClientError> {
    if !config.enabled || parts.method == Method::POST || is_json(&parts.headers) {
        return Ok(());
    }
    let foreign = parts
        .headers
        .get("sec-fetch-site")
        .is_some_and(|site| site.as_bytes() == b"cross-site" || site.as_bytes() == b"same-site");
    let asked_first =
        config.required_headers.iter().any(|name| parts.headers.contains_key(name.as_str()));
    if foreign && !asked_first {
        let message = format!(
            "a request from another site must show that the browser asked first: send a `{}` header",
            config.required_headers.first().map_or("content-type", String::as_str)
        );
        return Err(ClientError::Csrf { message });
    }
    Ok(())
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, ClientError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(ClientError::BodyTooLarge { limit })
        }
        Err(error) => {
            Err(ClientError::bad_request(format!("request body could not be read: {error}")))
        }
    }
}

fn read_json(body: &[u8]) -> Result<GraphqlRequest, ClientError> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(ClientError::bad_request(
            "batches of operations are not supported; send one operation per request",
        ));
    }
    let body: RequestBody = serde_json::from_slice(body).map_err(|error| {
        ClientError::bad_request(format!("request body is not a JSON object: {error}"))
    })?;
    let RequestBody { query, operation_name, variables, extensions } = body;
    if !matches!(extensions, None | Some(Value::Null | Value::Object(_))) {
        return Err(ClientError::bad_request("`extensions` must be an object"));
    }
    Ok(GraphqlRequest {
        query: match query {
            Some(Value::String(query)) if !query.trim().is_empty() => query,
            None | Some(Value::Null | Value::String(_)) => return Err(missing_query()),
            Some(_) => return Err(ClientError::bad_request("`query` must be a string")),
        },
        operation_name: match operation_name {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => name_of(name),
            Some(_) => return Err(ClientError::bad_request("`operationName` must be a string")),
        },
        variables: variables_of(variables)?,
        method: RequestMethod::Post,
    })
}

fn read_query_string(query_string: &str) -> Result<GraphqlRequest, ClientError> {
    let mut request = GraphqlRequest { method: RequestMethod::Get, ..GraphqlRequest::default() };
    for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
        match name.as_ref() {
            "query" => request.query = value.into_owned(),
            "operationName" => request.operation_name = name_of(value.into_owned()),
            "variables" if !value.is_empty() => {
                let variables = serde_json::from_str(&value).map_err(|error| {
                    ClientError::bad_request(format!("`variables` is not JSON: {error}"))
                })?;
                request.variables = variables_of(Some(variables))?;
            }
            "extensions" if !value.is_empty() => {
                serde_json::from_str::<Map<String, Value>>(&value).map_err(|error| {
                    ClientError::bad_request(format!("`extensions` is not a JSON object: {error}"))
                })?;
            }
            _ => {}
        }
    }
    if request.query.trim().is_empty() { Err(missing_query()) } else { Ok(request) }
}

fn missing_query() -> ClientError {
    ClientError::bad_request("request has no `query`")
}

/// The empty name is how some clients say "none".
fn name_of(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

fn variables_of(variables: Option<Value>) -> Result<Map<String, Value>, ClientError> {
    match variables {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(variables)) => Ok(variables),
        Some(_) => Err(ClientError::bad_request("`variables` must be an object")),
    }
}

/// The token of `Authorization: Bearer <token>`; other schemes are not ours.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, ClientError> {
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = |message: &str| ClientError::Unauthenticated { message: message.to_owned() };
    if values.next().is_some() {
        return Err(malformed("more than one `Authorization` header"));
    }
    let value = value.to_str().map_err(|_| malformed("`Authorization` header is malformed"))?;
    match value.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() =>
        {
            Ok(Some(token.trim()))
        }
        _ => Err(malformed("`Authorization` header must be `Bearer <access token>`")),
    }
}
