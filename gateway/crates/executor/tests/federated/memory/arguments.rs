//! What arguments do to a value: scalars differ for different arguments, so that nobody can mix
//! them up unnoticed.

use apollo_compiler::Schema;
use apollo_compiler::ast::{Type, Value as AstValue};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use serde_json::{Map, Value, json};

/// A row's value of a field as it is for these arguments.
pub(crate) fn with_arguments(
    value: Value,
    type_name: &str,
    arguments: &Map<String, Value>,
) -> Value {
    let told = arguments.iter().any(|(name, _)| name != "first");
    if !told {
        return value;
    }
    match (type_name, value) {
        (_, Value::Array(items)) => {
            items.into_iter().map(|item| with_arguments(item, type_name, arguments)).collect()
        }
        ("Int", Value::Number(number)) => {
            let sum: u64 = canonical(&Value::Object(arguments.clone()))
                .bytes()
                .fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 9_973);
            json!(number.as_i64().unwrap() * 10_000 + i64::try_from(sum).unwrap())
        }
        ("String" | "ID" | "Money", Value::String(text)) if !text.starts_with('&') => {
            json!(format!("{text}{}", canonical(&Value::Object(arguments.clone()))))
        }
        (_, value) => value,
    }
}

/// A field set's arguments with the defaults that the schema adds.
pub(crate) fn coerced(
    schema: &Schema,
    definition: &FieldDefinition,
    given: &Map<String, Value>,
) -> Map<String, Value> {
    let mut arguments = Map::new();
    for argument in &definition.arguments {
        let value = given.get(argument.name.as_str()).cloned();
        let default = || argument.default_value.as_ref().map(|value| literal(value));
        if let Some(value) = value.or_else(default) {
            arguments.insert(argument.name.to_string(), complete(schema, &argument.ty, value));
        }
    }
    arguments
}

fn complete(schema: &Schema, ty: &Type, value: Value) -> Value {
    match (value, schema.types.get(ty.inner_named_type())) {
        (Value::Array(items), _) if ty.is_list() => {
            items.into_iter().map(|item| complete(schema, ty.item_type(), item)).collect()
        }
        (Value::Null, _) => Value::Null,
        (value, _) if ty.is_list() => json!([complete(schema, ty.item_type(), value)]),
        (Value::Object(given), Some(ExtendedType::InputObject(object))) => {
            let mut fields = Map::new();
            for (name, field) in &object.fields {
                let value = given.get(name.as_str()).cloned();
                let default = || field.default_value.as_ref().map(|value| literal(value));
                if let Some(value) = value.or_else(default) {
                    fields.insert(name.to_string(), complete(schema, &field.ty, value));
                }
            }
            Value::Object(fields)
        }
        (value, _) => value,
    }
}

fn literal(value: &AstValue) -> Value {
    match value {
        AstValue::Enum(name) => json!(name.as_str()),
        AstValue::String(text) => json!(text),
        AstValue::Int(number) => json!(number.try_to_i32().unwrap()),
        AstValue::Boolean(value) => json!(value),
        _ => Value::Null,
    }
}

/// The same text for the same value, whatever the order of its keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> =
                sorted.iter().map(|(name, value)| format!("{name}:{}", canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        value => value.to_string(),
    }
}
