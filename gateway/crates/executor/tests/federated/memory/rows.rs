//! The rows that everybody answers from.

use std::collections::HashMap;

use apollo_compiler::schema::ExtendedType;
use serde_json::{Map, Value};

use super::field_set::FieldSet;
use super::subgraph::Subgraph;

pub(crate) struct Rows {
    rows: Map<String, Value>,
    /// Interfaces and unions that an object type belongs to, in any subgraph.
    supertypes: HashMap<String, Vec<String>>,
}

impl Rows {
    pub(crate) fn new(rows: Value, subgraphs: &[Subgraph]) -> Self {
        let Value::Object(rows) = rows else { panic!("rows are an object") };
        let mut supertypes: HashMap<String, Vec<String>> = HashMap::new();
        for (name, definition) in subgraphs.iter().flat_map(|subgraph| &subgraph.schema.types) {
            match definition {
                ExtendedType::Object(object) => {
                    let interfaces = object.implements_interfaces.iter().map(ToString::to_string);
                    supertypes.entry(name.to_string()).or_default().extend(interfaces);
                }
                ExtendedType::Union(union_) => {
                    for member in &union_.members {
                        supertypes.entry(member.to_string()).or_default().push(name.to_string());
                    }
                }
                _ => {}
            }
        }
        Self { rows, supertypes }
    }

    pub(crate) fn named(&self, name: &str) -> &Map<String, Value> {
        let row = self.rows.get(name).unwrap_or_else(|| panic!("there is no row `{name}`"));
        row.as_object().expect("a row is an object")
    }

    pub(crate) fn root(&self, type_name: &str) -> Option<&Map<String, Value>> {
        self.rows.get(type_name)?.as_object()
    }

    /// The rows of a type, be it an object type or an abstract one.
    pub(crate) fn of_type(&self, type_name: &str) -> Vec<&Map<String, Value>> {
        let is_of_type = |row: &&Map<String, Value>| {
            let Some(row_type) = row.get("__typename").and_then(Value::as_str) else {
                return false;
            };
            let supertypes = self.supertypes.get(row_type);
            row_type == type_name
                || supertypes
                    .is_some_and(|supertypes| supertypes.iter().any(|name| name == type_name))
        };
        self.rows.values().filter_map(Value::as_object).filter(is_of_type).collect()
    }

    /// Whether a row's value is what a representation says it is.
    pub(crate) fn agrees(&self, row: &Value, said: &Value) -> bool {
        match (row, said) {
            (Value::String(name), said) if name.starts_with('&') => {
                self.row_agrees(self.named(&name[1..]), said)
            }
            (Value::Object(failing), Value::Null) => failing.contains_key("!"),
            (Value::Object(row), said) => self.row_agrees(row, said),
            (Value::Array(row), Value::Array(said)) => {
                row.len() == said.len()
                    && row.iter().zip(said).all(|(row, said)| self.agrees(row, said))
            }
            (row, said) => scalar(row) == scalar(said),
        }
    }

    fn row_agrees(&self, row: &Map<String, Value>, said: &Value) -> bool {
        let Value::Object(said) = said else { return false };
        said.iter().all(|(name, said)| self.agrees(row.get(name).unwrap_or(&Value::Null), said))
    }

    /// Whether the representation has the whole key and the row agrees with it.
    pub(crate) fn has_key(
        &self,
        row: &Map<String, Value>,
        FieldSet(key): &FieldSet,
        representation: &Map<String, Value>,
    ) -> bool {
        key.iter().all(|(name, _)| match (row.get(name), representation.get(name)) {
            (Some(row), Some(said)) => !said.is_null() && self.agrees(row, said),
            (_, _) => false,
        })
    }
}

/// Ids may be written as numbers or as strings.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
