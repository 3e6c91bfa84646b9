//! Manifests of persisted queries: Apollo's (`{"operations": [{"id", "name", "type", "body"}]}`)
//! and Relay's (`{"<hash>": "<text>"}`).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::read::{ClientDocument, parse};
use crate::check::CheckError;

pub(super) fn read(file: &Path) -> Result<Vec<ClientDocument>, CheckError> {
    let name = file.display().to_string();
    let failed = |message: String| CheckError::Operations { file: name.clone(), message };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let entries = entries(&text)
        .map_err(|Problem { line, message }| failed(format!("line {line}: {message}")))?;
    if entries.is_empty() {
        return Err(failed("holds no operation".to_owned()));
    }
    entries
        .into_iter()
        .map(|Entry { id, name: operation_name, body, line }| {
            Ok(ClientDocument {
                document: parse(&format!("{name}:{line}#{id}"), body)?,
                file: name.clone(),
                line: Some(line),
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
    /// Where it begins in the manifest.
    line: usize,
}

struct Problem {
    line: usize,
    message: String,
}

const NOT_A_MANIFEST: &str = "not a manifest: expected Apollo's {\"operations\": [{\"id\", \"body\"}]} or Relay's {\"<hash>\": \"<text>\"}";

/// The entries in the order of the file.
fn entries(text: &str) -> Result<Vec<Entry>, Problem> {
    let not_a_manifest = |error: serde_json::Error| {
        let message = if error.is_data() {
            NOT_A_MANIFEST.to_owned()
        } else {
            format!("not a manifest: {error}")
        };
        Problem { line: error.line().max(1), message }
    };
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(not_a_manifest)?;
    let lines = Lines::of(text);
    let entry = |place: &RawValue, entry: Result<(String, Option<String>, String), String>| {
        let line = lines.line_of(place);
        match entry {
            Ok((id, name, body)) => Ok(Entry { id, name, body, line }),
            Err(message) => Err(Problem { line, message }),
        }
    };
    let apollos = fields
        .get("operations")
        .and_then(|operations| serde_json::from_str::<Vec<&RawValue>>(operations.get()).ok());
    let entries: Result<Vec<Entry>, Problem> = match apollos {
        Some(operations) => operations
            .into_iter()
            .enumerate()
            .map(|(index, operation)| entry(operation, apollo(index, operation)))
            .collect(),
        None => fields.iter().map(|(id, text)| entry(text, relay(id, text))).collect(),
    };
    let mut entries = entries?;
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn apollo(index: usize, entry: &RawValue) -> Result<(String, Option<String>, String), String> {
    let entry: Value = serde_json::from_str(entry.get()).map_err(|error| error.to_string())?;
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let body = text("body").ok_or_else(|| format!("operations[{index}] has no `body`"))?;
    let id = text("id").ok_or_else(|| format!("operations[{index}] has no `id`"))?;
    Ok((id, text("name"), body))
}

fn relay(id: &str, entry: &RawValue) -> Result<(String, Option<String>, String), String> {
    match serde_json::from_str(entry.get()) {
        Ok(body) => Ok((id.to_owned(), None, body)),
        Err(_) => Err(format!("`{id}` is not a text; {NOT_A_MANIFEST}")),
    }
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    ends: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { text, ends: ends.map(|(offset, _)| offset).collect() }
    }

    /// The line, from one, of a value that was read from the text without copying it.
    fn line_of(&self, value: &RawValue) -> usize {
        let offset = value.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        self.ends.partition_point(|end| *end < offset) + 1
    }
}
