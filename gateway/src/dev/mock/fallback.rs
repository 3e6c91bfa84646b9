//! Asks the real subgraph, and fills what it could not answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, header};
use http_body_util::Full;
use serde_json::Value;

use crate::outbound::{Bounds, HttpClient};

/// Belong to one connection, not to the request.
const OF_CONNECTION: [HeaderName; 4] =
    [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

/// The real answer, if there is one.
pub(super) async fn ask(
    client: &HttpClient,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Option<Value> {
    let mut request = Request::post(url).body(Full::new(body)).ok()?;
    for (name, value) in headers.iter().filter(|(name, _)| !OF_CONNECTION.contains(name)) {
        request.headers_mut().append(name, value.clone());
    }
    let answer = client.send(request, Bounds::default()).await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// Real data, with made-up values where an error has left a gap.
pub(super) fn fill(mut real: Value, made_up: Value) -> Value {
    if !real.get("data").is_some_and(Value::is_object) {
        return made_up;
    }
    let Some(Value::Array(errors)) = real.get_mut("errors").map(Value::take) else {
        return real;
    };
    let mut unfilled = Vec::new();
    for error in errors {
        let path = error.get("path").and_then(Value::as_array).cloned().unwrap_or_default();
        let filled = !path.is_empty()
            && fill_gap(real.get_mut("data"), made_up.get("data"), &path).is_some();
        if !filled {
            unfilled.push(error);
        }
    }
    if let Some(answer) = real.as_object_mut() {
        answer.remove("errors");
        if !unfilled.is_empty() {
            answer.insert("errors".to_owned(), Value::Array(unfilled));
        }
    }
    real
}

/// Replaces the null on the way to `path` (it may have moved up) by what was made up there.
fn fill_gap(real: Option<&mut Value>, made_up: Option<&Value>, path: &[Value]) -> Option<()> {
    let (real, made_up) = (real?, made_up?);
    if real.is_null() {
        *real = made_up.clone();
        return Some(());
    }
    let (first, rest) = path.split_first()?;
    if let Some(key) = first.as_str() {
        return fill_gap(real.get_mut(key), made_up.get(key), rest);
    }
    let index = usize::try_from(first.as_u64()?).ok()?;
    fill_gap(real.get_mut(index), made_up.get(index), rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_gaps_are_filled() {
        let real = json!({
            "data": { "a": 1, "b": null, "list": [{ "c": null }] },
            "errors": [{ "message": "x", "path": ["b"] }, { "message": "y", "path": ["list", 0, "c"] }, { "message": "z" }],
        });
        let made_up = json!({ "data": { "a": 7, "b": 8, "list": [{ "c": 9 }] } });
        assert_eq!(
            fill(real, made_up),
            json!({ "data": { "a": 1, "b": 8, "list": [{ "c": 9 }] }, "errors": [{ "message": "z" }] })
        );
    }

    #[test]
    fn an_answer_without_data_is_made_up() {
        let made_up = json!({ "data": { "a": 7 } });
        assert_eq!(
            fill(json!({ "errors": [{ "message": "unknown field" }] }), made_up.clone()),
            made_up
        );
    }
}
