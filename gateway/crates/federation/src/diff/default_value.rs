//! Default values as resolvers receive them: literals coerced to the declared type.

use apollo_compiler::Schema;
use apollo_compiler::ast::{InputValueDefinition, Type, Value};
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use serde_json::{Map, Value as Json};

/// The value that stands in for a missing one; none if there is no default, or one that does not
/// fit the type.
pub(super) fn default_value(schema: &Schema, definition: &InputValueDefinition) -> Option<Json> {
    coerced_default(schema, definition, MAX_DEPTH)
}

/// A literal that is accepted where `ty` is asked for.
pub(super) fn fits(schema: &Schema, ty: &Type, literal: &Value) -> bool {
    coerce(schema, ty, literal, MAX_DEPTH).is_some()
}

/// Input objects may refer to themselves in their defaults.
const MAX_DEPTH: usize = 32;

fn coerced_default(
    schema: &Schema,
    definition: &InputValueDefinition,
    depth: usize,
) -> Option<Json> {
    let literal = definition.default_value.as_deref()?;
    coerce(schema, &definition.ty, literal, depth.checked_sub(1)?)
}

fn coerce(schema: &Schema, ty: &Type, literal: &Value, depth: usize) -> Option<Json> {
    match (ty, literal) {
        (_, Value::Variable(_)) => None,
        (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => None,
        (Type::Named(_) | Type::List(_), Value::Null) => Some(Json::Null),
        (Type::List(item) | Type::NonNullList(item), Value::List(items)) => {
            items.iter().map(|literal| coerce(schema, item, literal, depth)).collect()
        }
        (Type::List(item) | Type::NonNullList(item), single) => {
            coerce(schema, item, single, depth).map(|item| Json::Array(vec![item]))
        }
        (Type::Named(name) | Type::NonNullNamed(name), literal) => match schema.types.get(name)? {
            ExtendedType::Scalar(_) => scalar(name, literal),
            ExtendedType::Enum(definition) => enum_value(definition, literal),
            ExtendedType::InputObject(definition) => {
                input_object(schema, definition, literal, depth)
            }
            ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_) => None,
        },
    }
}

fn scalar(name: &str, literal: &Value) -> Option<Json> {
    match (name, literal) {
        ("Int", Value::Int(int)) => int.try_to_i32().ok().map(Json::from),
        ("Float", Value::Int(_) | Value::Float(_)) => untyped(literal),
        ("String", Value::String(_)) | ("Boolean", Value::Boolean(_)) => untyped(literal),
        ("ID", Value::String(text)) => Some(Json::from(text.as_str())),
        ("ID", Value::Int(int)) => Some(Json::from(int.as_str())),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => None,
        (_, literal) => untyped(literal),
    }
}

/// A literal of a scalar that only the server understands.
fn untyped(literal: &Value) -> Option<Json> {
    Some(match literal {
        Value::Null => Json::Null,
        Value::Enum(name) => Json::from(name.as_str()),
        Value::Variable(_) => return None,
        Value::String(text) => Json::from(text.as_str()),
        Value::Float(float) => number(float.as_str())?,
        Value::Int(int) => number(int.as_str())?,
        Value::Boolean(value) => Json::from(*value),
        Value::List(items) => {
            Json::Array(items.iter().map(|item| untyped(item)).collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let field = |(name, value): &(apollo_compiler::Name, apollo_compiler::Node<Value>)| {
                Some((name.to_string(), untyped(value)?))
            };
            Json::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
    })
}

/// `1`, `1.0` and `10e-1` are the same number.
fn number(text: &str) -> Option<Json> {
    text.parse::<f64>().ok().map(Json::from)
}

fn enum_value(definition: &EnumType, literal: &Value) -> Option<Json> {
    let name = literal.as_enum()?;
    definition.values.contains_key(name).then(|| Json::from(name.as_str()))
}

fn input_object(
    schema: &Schema,
    definition: &InputObjectType,
    literal: &Value,
    depth: usize,
) -> Option<Json> {
    let literals = literal.as_object()?;
    let mut coerced = Map::new();
    for (name, field) in &definition.fields {
        let given = literals.iter().find(|(given, _)| given == name);
        let value = match given {
            Some((_, literal)) => Some(coerce(schema, &field.ty, literal, depth)?),
            None => coerced_default(schema, field, depth),
        };
        match value {
            Some(value) => {
                coerced.insert(name.to_string(), value);
            }
            None if field.ty.is_non_null() => return None,
            None => {}
        }
    }
    let one_of = definition.directives.has("oneOf");
    let fits = !one_of || coerced.len() == 1 && coerced.values().all(|value| !value.is_null());
    fits.then_some(Json::Object(coerced))
}
