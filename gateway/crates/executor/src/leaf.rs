//! Result coercion of leaves (spec section 3.5): from a subgraph's JSON text to the client's.
//!
//! Texts are copied as they came wherever they already are what the type demands.

use federation::plan::Leaf;

use crate::data::{Data, Value};
use crate::json::unquote;

/// The value is not one of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid value")]
pub(crate) struct NotCoercible;

/// Appends a value that is not null.
pub(crate) fn write(
    out: &mut Vec<u8>,
    data: &Data,
    leaf: &Leaf,
    value: Value,
) -> Result<(), NotCoercible> {
    match (leaf, value) {
        (Leaf::Int, Value::Number(text)) => write_int(out, data.text(text)),
        (Leaf::Float, Value::Number(text)) => {
            copy_if(out, data.text(text), |text| parse(text).is_some())
        }
        (Leaf::String | Leaf::Id, Value::String(text)) => copy_if(out, data.text(text), |_| true),
        (Leaf::Boolean, Value::Boolean(value)) => {
            out.extend_from_slice(if value { b"true" } else { b"false" });
            Ok(())
        }
        (Leaf::Id, Value::Number(text)) => write_numeric_id(out, data.text(text)),
        (Leaf::Enum { name: _, values }, Value::String(text)) => {
            copy_if(out, data.text(text), |text| {
                let name = unquote(text);
                values.binary_search_by(|value| value.as_bytes().cmp(&name)).is_ok()
            })
        }
        (Leaf::CustomScalar { name: _ }, value) => {
            copy_if(out, data.json(value).ok_or(NotCoercible)?, |_| true)
        }
        (
            Leaf::Int | Leaf::Float | Leaf::String | Leaf::Boolean | Leaf::Id | Leaf::Enum { .. },
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Object(_)
            | Value::OwnedList(_)
            | Value::OwnedObject(_)
            | Value::Conflict,
        ) => Err(NotCoercible),
    }
}

/// The type's name as error messages have it.
pub(crate) fn type_name(leaf: &Leaf) -> &str {
    match leaf {
        Leaf::Int => "Int",
        Leaf::Float => "Float",
        Leaf::String => "String",
        Leaf::Boolean => "Boolean",
        Leaf::Id => "ID",
        Leaf::Enum { name, values: _ } | Leaf::CustomScalar { name } => name,
    }
}

fn copy_if(
    out: &mut Vec<u8>,
    text: &[u8],
    valid: impl FnOnce(&[u8]) -> bool,
) -> Result<(), NotCoercible> {
    if valid(text) {
        out.extend_from_slice(text);
        Ok(())
    } else {
        Err(NotCoercible)
    }
}

/// Accepts other spellings of a whole number (`1.0`, `1e3`) and writes them out.
fn write_int(out: &mut Vec<u8>, text: &[u8]) -> Result<(), NotCoercible> {
    let digits = std::str::from_utf8(text).map_err(|_| NotCoercible)?;
    if digits.parse::<i32>().is_ok() {
        out.extend_from_slice(text);
        return Ok(());
    }
    let number = parse(text).ok_or(NotCoercible)?;
    if number.fract() != 0.0 || !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        return Err(NotCoercible);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number in the range of i32")]
    let number = number as i32;
    out.extend_from_slice(number.to_string().as_bytes());
    Ok(())
}

fn write_numeric_id(out: &mut Vec<u8>, text: &[u8]) -> Result<(), NotCoercible> {
    if text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return Err(NotCoercible);
    }
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
    Ok(())
}

fn parse(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}
