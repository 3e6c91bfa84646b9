//! The rows that everybody answers from.

use std::collections::HashMap;

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use serde_json::{Map, Value};

use super::arguments::{coerced, with_arguments};
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
        key.iter().all(|field| match (row.get(&field.name), representation.get(&field.name)) {
            (Some(row), Some(said)) => !said.is_null() && self.agrees(row, said),
            (_, _) => false,
        })
    }
}

impl Rows {
    /// Whether a representation has what is required, with the row's values for these arguments.
    pub(crate) fn fulfils(
        &self,
        row: &Map<String, Value>,
        required: &FieldSet,
        said: &Map<String, Value>,
        schema: &Schema,
        type_name: &str,
    ) -> Result<(), String> {
        let row_type = row.get("__typename").and_then(Value::as_str).unwrap_or(type_name);
        for field in &required.0 {
            let on = field.on.as_deref();
            if on.is_some_and(|on| !self.is_a(row_type, on)) || field.name == "__typename" {
                continue;
            }
            let name = field.name.as_str();
            let Some(said) = said.get(name) else { return Err(format!("`{row_type}.{name}`")) };
            let definition = schema
                .type_field(on.unwrap_or(row_type), name)
                .or_else(|_| schema.type_field(type_name, name))
                .map_err(|_| format!("`{row_type}.{name}`, which it does not know"))?;
            let arguments = coerced(schema, definition, &field.arguments);
            let named = definition.ty.inner_named_type();
            let value = row.get(name).cloned().unwrap_or(Value::Null);
            let mut value = with_arguments(value, named, &arguments);
            let first = arguments.get("first").and_then(Value::as_u64);
            if let (Value::Array(items), Some(first)) = (&mut value, first) {
                items.truncate(usize::try_from(first).unwrap());
            }
            if !self.matches(&value, &field.below, said, schema, named) {
                return Err(format!("`{row_type}.{name}` to be {value}"));
            }
        }
        Ok(())
    }

    fn matches(
        &self,
        value: &Value,
        below: &FieldSet,
        said: &Value,
        schema: &Schema,
        type_name: &str,
    ) -> bool {
        match (value, said) {
            (Value::String(name), Value::Object(said)) if name.starts_with('&') => {
                self.fulfils(self.named(&name[1..]), below, said, schema, type_name).is_ok()
            }
            (Value::Object(row), Value::Object(said)) => {
                self.fulfils(row, below, said, schema, type_name).is_ok()
            }
            (Value::Object(failing), Value::Null) => failing.contains_key("!"),
            (Value::Array(items), Value::Array(said)) => {
                items.len() == said.len()
                    && items
                        .iter()
                        .zip(said)
                        .all(|(item, said)| self.matches(item, below, said, schema, type_name))
            }
            (value, said) => scalar(value) == scalar(said),
        }
    }

    fn is_a(&self, row_type: &str, wanted: &str) -> bool {
        row_type == wanted
            || self
                .supertypes
                .get(row_type)
                .is_some_and(|supertypes| supertypes.iter().any(|name| name == wanted))
    }
}

/// Ids may be written as numbers or as strings.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
