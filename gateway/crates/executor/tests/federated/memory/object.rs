//! A row as an object that resolves its fields.

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use serde_json::{Map, Value};

use super::arguments::with_arguments;
use super::field_set::FieldSet;
use super::rows::Rows;
use super::subgraph::Subgraph;

#[derive(Clone, Copy)]
pub(crate) struct Scope<'w> {
    pub(crate) rows: &'w Rows,
    /// None: as if there were one service that has everything.
    pub(crate) subgraph: Option<&'w Subgraph>,
}

pub(crate) struct Object<'w> {
    scope: Scope<'w>,
    type_name: String,
    row: Option<&'w Map<String, Value>>,
    /// What the gateway sent, for entities.
    representation: Option<Map<String, Value>>,
    /// External fields that the path to this object provides.
    provided: FieldSet,
}

impl<'w> Object<'w> {
    pub(crate) fn root(scope: Scope<'w>, type_name: &str) -> Self {
        Self {
            scope,
            type_name: type_name.to_owned(),
            row: scope.rows.root(type_name),
            representation: None,
            provided: FieldSet::default(),
        }
    }

    fn entity(
        scope: Scope<'w>,
        subgraph: &Subgraph,
        representation: Map<String, Value>,
    ) -> Result<Option<Self>, FieldError> {
        let type_name = representation.get("__typename").and_then(Value::as_str);
        let type_name =
            type_name.ok_or_else(|| error("a representation without __typename"))?.to_owned();
        let keys = subgraph.keys(&type_name);
        let row = scope
            .rows
            .of_type(&type_name)
            .into_iter()
            .find(|row| keys.iter().any(|key| scope.rows.has_key(row, key, &representation)));
        let known =
            |key: &FieldSet| key.0.iter().all(|field| representation.contains_key(&field.name));
        let Some(row) = row else {
            return if keys.iter().any(known) {
                Ok(None)
            } else {
                Err(error(format!("no key of `{type_name}` in {representation:?}")))
            };
        };
        // Rows that a subgraph does not know say so.
        if row.get("?").and_then(Value::as_str) == Some(&subgraph.name) {
            return Ok(None);
        }
        let type_name = concrete(&subgraph.schema, row, &type_name);
        let provided = FieldSet::default();
        Ok(Some(Self {
            scope,
            type_name,
            row: Some(row),
            representation: Some(representation),
            provided,
        }))
    }

    /// What a real subgraph could not answer truthfully.
    fn refuse(&self, definition: &FieldDefinition) -> Result<(), FieldError> {
        let Some(subgraph) = self.scope.subgraph else { return Ok(()) };
        let (type_name, field) = (&self.type_name, definition.name.as_str());
        if subgraph.is_overridden(type_name, field) {
            return Err(error(format!("`{type_name}.{field}` has been overridden")));
        }
        let whole_type = subgraph.schema.types.get(type_name.as_str());
        let external = definition.directives.has("external")
            || whole_type.is_some_and(|definition| definition.directives().has("external"));
        if external
            && !subgraph.is_key_field(type_name, field)
            && self.provided.get(field).is_none()
        {
            return Err(error(format!("`{type_name}.{field}` is external")));
        }
        if let Some(requires) = definition.directives.get("requires") {
            let said = self.representation.clone().unwrap_or_default();
            let row = self.row.cloned().unwrap_or_default();
            let required = FieldSet::of(requires);
            self.scope.rows.fulfils(&row, &required, &said, &subgraph.schema, type_name).map_err(
                |reason| error(format!("`{type_name}.{field}` requires {reason}: {said:?}")),
            )?;
        }
        Ok(())
    }

    fn value(&self, info: &ResolveInfo<'_>) -> Option<Value> {
        let arguments = serde_json::to_value(info.arguments()).ok()?;
        let arguments = arguments.as_object()?;
        let given: Vec<String> =
            arguments.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let field = info.field_name();
        let exact = self.row.and_then(|row| row.get(&format!("{field}({})", given.join(","))));
        let value = exact.or_else(|| self.row.and_then(|row| row.get(field)));
        match (value, arguments.get("first").and_then(Value::as_u64)) {
            (Some(Value::Array(items)), Some(first)) => {
                Some(items.iter().take(usize::try_from(first).ok()?).cloned().collect())
            }
            (Some(value), _) if exact.is_some() => Some(value.clone()),
            (Some(value), _) => {
                let type_name = info.field_definition().ty.inner_named_type();
                Some(with_arguments(value.clone(), type_name, arguments))
            }
            (None, _) if arguments.is_empty() => None,
            (None, _) => {
                let type_name = info.field_definition().ty.inner_named_type();
                let agrees = |row: &&Map<String, Value>| {
                    let has = |(name, value): (&String, &Value)| {
                        row.get(name).is_some_and(|row| self.scope.rows.agrees(row, value))
                    };
                    arguments.iter().all(has)
                };
                self.scope
                    .rows
                    .of_type(type_name)
                    .into_iter()
                    .find(agrees)
                    .map(|row| Value::Object(row.clone()))
            }
        }
    }

    fn resolve<'a>(
        &self,
        value: Value,
        ty: &Type,
        schema: &Schema,
        provided: &FieldSet,
    ) -> Result<ResolvedValue<'a>, FieldError>
    where
        'w: 'a,
    {
        match value {
            Value::Object(failing) if failing.contains_key("!") => {
                Err(error(failing["!"].as_str().unwrap_or("fails")))
            }
            Value::Array(items) if ty.is_list() => {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|item| self.resolve(item, ty.item_type(), schema, provided))
                    .collect();
                Ok(ResolvedValue::List(Box::new(items.into_iter())))
            }
            value if is_leaf(schema, ty) => Ok(ResolvedValue::leaf(to_json(&value))),
            Value::String(name) if name.starts_with('&') => {
                let row = self.scope.rows.named(&name[1..]);
                Ok(ResolvedValue::object(self.child(row, ty, schema, provided)))
            }
            Value::Object(inline) => {
                // Rows live as long as the world; values inside of them are looked up again.
                let row: &'static Map<String, Value> = Box::leak(Box::new(inline));
                Ok(ResolvedValue::object(self.child(row, ty, schema, provided)))
            }
            _ => Ok(ResolvedValue::null()),
        }
    }

    fn child(
        &self,
        row: &'w Map<String, Value>,
        ty: &Type,
        schema: &Schema,
        provided: &FieldSet,
    ) -> Self {
        Self {
            scope: self.scope,
            type_name: concrete(schema, row, ty.inner_named_type()),
            row: Some(row),
            representation: None,
            provided: provided.clone(),
        }
    }
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        if let (Some(subgraph), "_entities") = (self.scope.subgraph, info.field_name()) {
            let representations = serde_json::to_value(info.arguments()).unwrap_or_default();
            let Some(Value::Array(representations)) =
                representations.get("representations").cloned()
            else {
                return Err(error("no representations"));
            };
            let entities =
                representations.into_iter().map(move |representation| match representation {
                    Value::Object(representation) => {
                        Self::entity(self.scope, subgraph, representation)
                            .map(ResolvedValue::nullable_object)
                    }
                    _ => Err(error("a representation that is no object")),
                });
            return Ok(ResolvedValue::List(Box::new(entities)));
        }
        let definition = info.field_definition();
        self.refuse(definition)?;
        let Some(value) = self.value(info) else { return Ok(ResolvedValue::null()) };
        let mut provided = self.provided.all_below(info.field_name()).unwrap_or_default();
        provided.0.extend(
            definition
                .directives
                .get("provides")
                .map(|set| FieldSet::of(set))
                .unwrap_or_default()
                .0,
        );
        self.resolve(value, &definition.ty, info.schema(), &provided)
    }
}

/// The object type that a row has in a schema. Where the schema has an object type in place of
/// the interface (`@interfaceObject`), it is that.
fn concrete(schema: &Schema, row: &Map<String, Value>, declared: &str) -> String {
    let own = row.get("__typename").and_then(Value::as_str);
    match own {
        Some(own) if schema.get_object(declared).is_none() => own.to_owned(),
        _ => declared.to_owned(),
    }
}

fn is_leaf(schema: &Schema, ty: &Type) -> bool {
    schema.types.get(ty.inner_named_type()).is_none_or(ExtendedType::is_leaf)
}

fn to_json(value: &Value) -> JsonValue {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn error(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}
