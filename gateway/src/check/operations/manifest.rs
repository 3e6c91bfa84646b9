//! Manifests of persisted queries: Apollo's (`{"operations": [{"id", "name", "type", "body"}]}`)
//! and Relay's (`{"<hash>": "<text>"}`).

use std::path::Path;

use serde_json::Value;

use super::read::{ClientDocument, parse};
use crate::check::CheckError;

pub(super) fn read(file: &Path) -> Result<Vec<ClientDocument>, CheckError> {
    let name = file.display().to_string();
    let failed = |message: String| CheckError::Operations { file: name.clone(), message };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| failed(format!("line {}: not a manifest: {error}", error.line())))?;
    let Value::Object(fields) = json else {
        return Err(failed(NOT_A_MANIFEST.to_owned()));
    };
    let entries = match fields.get("operations") {
        Some(Value::Array(operations)) => {
            operations.iter().enumerate().map(|(index, entry)| apollo(index, entry)).collect()
        }
        Some(_) | None => {
            fields.iter().map(|(id, entry)| relay(id, entry)).collect::<Result<Vec<_>, _>>()
        }
    };
    let entries = entries.map_err(failed)?;
    if entries.is_empty() {
        return Err(failed("holds no operation".to_owned()));
    }
    entries
        .into_iter()
        .map(|Entry { id, name: operation_name, body }| {
            let origin = format!("{name}#{id}");
            Ok(ClientDocument {
                document: parse(&origin, body)?,
                file: origin,
                name: operation_name,
                clients: Vec::new(),
                shares_fragments: false,
            })
        })
        .collect()
}

struct Entry {
    id: String,
    name: Option<String>,
    body: String,
}

const NOT_A_MANIFEST: &str = "not a manifest: expected Apollo's {\"operations\": [{\"id\", \"body\"}]} or Relay's {\"<hash>\": \"<text>\"}";

fn apollo(index: usize, entry: &Value) -> Result<Entry, String> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let body = text("body").ok_or_else(|| format!("operations[{index}] has no `body`"))?;
    let id = text("id").ok_or_else(|| format!("operations[{index}] has no `id`"))?;
    Ok(Entry { id, name: text("name"), body })
}

fn relay(id: &str, entry: &Value) -> Result<Entry, String> {
    match entry {
        Value::String(body) => Ok(Entry { id: id.to_owned(), name: None, body: body.clone() }),
        _ => Err(format!("`{id}` is not a text; {NOT_A_MANIFEST}")),
    }
}
