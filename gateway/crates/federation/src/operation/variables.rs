//! Coercion of variable values (spec section 6.1.2 and the input coercion rules of section 3).

use apollo_compiler::Schema;
use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use serde_json::{Map, Number, Value};

use super::selection::VariableDefinition;

/// Why a variable's value does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Variable \"${variable}\"{}: {reason}", at(.path))]
pub struct VariableError {
    pub variable: String,
    /// Inside the value, e.g. `lines.0.quantity`; empty for the value itself.
    pub path: String,
    pub reason: String,
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at \"{path}\"") }
}

/// The variables that the operation defines, with defaults filled in and values in their types'
/// form. Values for variables that the operation does not define are left out.
pub fn coerce_variables(
    schema: &Schema,
    definitions: &[VariableDefinition],
    values: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<VariableError>> {
    let mut coerced = Map::new();
    let mut errors = Vec::new();
    for definition in definitions {
        let name = definition.name.as_str();
        let mut coercion = Coercion { schema, variable: name, errors: &mut errors };
        match values.get(name) {
            None => match &definition.default {
                Some(default) => {
                    coerced.insert(name.to_owned(), coercion.literal(&definition.ty, default));
                }
                None if definition.ty.is_non_null() => {
                    let reason = format!("a value of type \"{}\" is required", definition.ty);
                    coercion.fail(&Path::Root, reason);
                }
                None => {}
            },
            Some(value) => {
                if let Some(value) = coercion.value(&definition.ty, value, &Path::Root) {
                    coerced.insert(name.to_owned(), value);
                }
            }
        }
    }
    if errors.is_empty() { Ok(coerced) } else { Err(errors) }
}

enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        let (parent, own) = match self {
            Path::Root => return String::new(),
            Path::Field(parent, name) => (parent.text(), (*name).to_owned()),
            Path::Item(parent, index) => (parent.text(), index.to_string()),
        };
        if parent.is_empty() { own } else { format!("{parent}.{own}") }
    }
}

struct Coercion<'a> {
    schema: &'a Schema,
    variable: &'a str,
    errors: &'a mut Vec<VariableError>,
}

impl Coercion<'_> {
    fn fail(&mut self, path: &Path<'_>, reason: String) {
        self.errors.push(VariableError {
            variable: self.variable.to_owned(),
            path: path.text(),
            reason,
        });
    }

    /// `None` after an error has been noted.
    fn value(&mut self, ty: &Type, value: &Value, path: &Path<'_>) -> Option<Value> {
        if value.is_null() {
            if ty.is_non_null() {
                self.fail(path, format!("expected a value of type \"{ty}\", found null"));
                return None;
            }
            return Some(Value::Null);
        }
        match ty {
            Type::List(item) | Type::NonNullList(item) => match value {
                Value::Array(values) => {
                    let coerced: Vec<Option<Value>> = values
                        .iter()
                        .enumerate()
                        .map(|(index, value)| self.value(item, value, &Path::Item(path, index)))
                        .collect();
                    coerced.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
                }
                single => self.value(item, single, path).map(|value| Value::Array(vec![value])),
            },
            Type::Named(name) | Type::NonNullNamed(name) => match self.schema.types.get(name) {
                Some(ExtendedType::Scalar(_)) => self.scalar(name, value, path),
                Some(ExtendedType::Enum(definition)) => match value.as_str() {
                    Some(text) if definition.values.contains_key(text) => Some(value.clone()),
                    _ => {
                        self.fail(
                            path,
                            format!("{} is not a value of enum \"{name}\"", describe(value)),
                        );
                        None
                    }
                },
                Some(ExtendedType::InputObject(definition)) => {
                    self.input_object(definition, value, path)
                }
                Some(
                    ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_),
                )
                | None => {
                    self.fail(path, format!("\"{name}\" is not an input type"));
                    None
                }
            },
        }
    }

    fn scalar(&mut self, name: &str, value: &Value, path: &Path<'_>) -> Option<Value> {
        let coerced = match (name, value) {
            ("Int", Value::Number(number)) => int(number),
            ("Float", Value::Number(_))
            | ("String" | "ID", Value::String(_))
            | ("Boolean", Value::Bool(_)) => Some(value.clone()),
            ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Some(Value::String(number.to_string()))
            }
            ("Int" | "Float" | "String" | "Boolean" | "ID", _) => None,
            // What a custom scalar accepts is for the subgraph to say.
            _ => Some(value.clone()),
        };
        if coerced.is_none() {
            self.fail(path, format!("expected type \"{name}\", found {}", describe(value)));
        }
        coerced
    }

    fn input_object(
        &mut self,
        definition: &InputObjectType,
        value: &Value,
        path: &Path<'_>,
    ) -> Option<Value> {
        let Value::Object(given) = value else {
            self.fail(
                path,
                format!(
                    "expected an object of type \"{}\", found {}",
                    definition.name,
                    describe(value)
                ),
            );
            return None;
        };
        let before = self.errors.len();
        for unknown in given.keys().filter(|key| !definition.fields.contains_key(key.as_str())) {
            self.fail(
                path,
                format!("field \"{unknown}\" is not defined by type \"{}\"", definition.name),
            );
        }
        if definition.directives.has("oneOf")
            && (given.len() != 1 || given.values().any(Value::is_null))
        {
            self.fail(
                path,
                format!("exactly one field of \"{}\" must be given, and not null", definition.name),
            );
        }
        let mut coerced = Map::new();
        for (name, field) in &definition.fields {
            match given.get(name.as_str()) {
                Some(value) => {
                    if let Some(value) = self.value(&field.ty, value, &Path::Field(path, name)) {
                        coerced.insert(name.to_string(), value);
                    }
                }
                None => match &field.default_value {
                    Some(default) => {
                        coerced.insert(name.to_string(), self.literal(&field.ty, default));
                    }
                    None if field.ty.is_non_null() => {
                        self.fail(
                            &Path::Field(path, name),
                            format!("a value of type \"{}\" is required", field.ty),
                        );
                    }
                    None => {}
                },
            }
        }
        (self.errors.len() == before).then_some(Value::Object(coerced))
    }

    /// A default value, which validation has found to fit its type.
    fn literal(&self, ty: &Type, literal: &Literal) -> Value {
        if let (Type::List(item) | Type::NonNullList(item), false) = (ty, literal.is_null()) {
            return Value::Array(match literal {
                Literal::List(items) => {
                    items.iter().map(|value| self.literal(item, value)).collect()
                }
                single => vec![self.literal(item, single)],
            });
        }
        match literal {
            Literal::Null | Literal::Variable(_) => Value::Null,
            Literal::Enum(name) => Value::String(name.to_string()),
            Literal::String(text) => Value::String(text.clone()),
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Int(value) if ty.inner_named_type() == "ID" => {
                Value::String(value.as_str().to_owned())
            }
            Literal::Int(value) => number(value.as_str()),
            Literal::Float(value) => number(value.as_str()),
            Literal::List(items) => {
                Value::Array(items.iter().map(|value| self.literal(ty, value)).collect())
            }
            Literal::Object(fields) => self.literal_object(ty, fields),
        }
    }

    fn literal_object(
        &self,
        ty: &Type,
        given: &[(apollo_compiler::Name, apollo_compiler::Node<Literal>)],
    ) -> Value {
        let get = |name: &str| given.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        let Some(definition) = self.schema.get_input_object(ty.inner_named_type()) else {
            // A custom scalar: as written.
            let fields =
                given.iter().map(|(name, value)| (name.to_string(), self.literal(ty, value)));
            return Value::Object(fields.collect());
        };
        let mut object = Map::new();
        for (name, field) in &definition.fields {
            if let Some(value) = get(name).or(field.default_value.as_ref()) {
                object.insert(name.to_string(), self.literal(&field.ty, value));
            }
        }
        Value::Object(object)
    }
}

/// An integer of 32 bits. JSON does not tell `1` from `1.0`.
fn int(number: &Number) -> Option<Value> {
    let value = number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be a whole number of 32 bits"
        )]
        let whole = (float.fract() == 0.0 && float.abs() < 2_147_483_648.5).then_some(float as i64);
        whole
    })?;
    i32::try_from(value).ok().map(|value| Value::Number(value.into()))
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Says what kind of value stands there. Its text is left out where it may be a secret.
fn describe(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
