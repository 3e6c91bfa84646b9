//! Whether a constant value fits a type. Custom scalars accept everything.

use apollo_compiler::ast::{Type, Value};

use crate::subgraph::model::{Kind, Schema, TypeDef};

pub(crate) fn is_valid(schema: &Schema, value: &Value, ty: &Type) -> bool {
    match ty {
        Type::NonNullNamed(_) | Type::NonNullList(_) => {
            !value.is_null() && is_valid(schema, value, &ty.clone().nullable())
        }
        _ if value.is_null() => true,
        Type::List(item) => match value {
            Value::List(values) => values.iter().all(|value| is_valid(schema, value, item)),
            single => is_valid(schema, single, item),
        },
        Type::Named(name) => match schema.types.get(name) {
            None => is_valid_built_in(name, value),
            Some(def) => is_valid_named(schema, def, value),
        },
    }
}

fn is_valid_built_in(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("Int", Value::Int(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("Int", Value::Float(number)) => {
            number.try_to_f64().is_ok_and(|number| number.fract() == 0.0)
        }
        ("Float", Value::Int(_) | Value::Float(_)) => true,
        // Federation has always taken a bare name where a string is wanted.
        ("String" | "ID", Value::String(_) | Value::Enum(_))
        | ("ID", Value::Int(_) | Value::Float(_)) => true,
        ("Int" | "Float" | "Boolean" | "String" | "ID", _) => false,
        // An unknown type is reported where it is named.
        _ => true,
    }
}

fn is_valid_named(schema: &Schema, def: &TypeDef, value: &Value) -> bool {
    match def.kind {
        Kind::Enum => match value {
            Value::Enum(name) => def.values.contains_key(name),
            Value::String(name) => def.values.contains_key(name.as_str()),
            _ => false,
        },
        Kind::InputObject => {
            let Value::Object(fields) = value else { return false };
            // Missing required fields are let through, as every composer in use does.
            fields.iter().all(|(name, value)| {
                def.input_fields.get(name).is_some_and(|f| is_valid(schema, value, &f.ty))
            })
        }
        Kind::Scalar | Kind::Object | Kind::Interface | Kind::Union => true,
    }
}

/// Equality of values: the order of an object's keys does not matter.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| {
                    b.iter().find(|(other, _)| other == key).is_some_and(|(_, b)| equal(a, b))
                })
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (a, b) => a == b,
    }
}
