//! Made-up objects, as the executor asks for their fields.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use serde_json::{Map, Value};

use super::overrides::Overrides;
use super::values::{Seed, leaf};

/// What all objects of an answer share.
#[derive(Debug)]
pub(super) struct World<'w> {
    pub(super) overrides: &'w Overrides,
    pub(super) list_length: usize,
}

/// An object with an identity: what it is asked for follows from that.
#[derive(Debug)]
pub(super) struct MockObject<'w> {
    world: &'w World<'w>,
    type_name: String,
    seed: Seed,
    /// Fields that are known already: keys of entities, arguments it was found by, overrides.
    known: Map<String, Value>,
}

impl<'w> MockObject<'w> {
    pub(super) fn root(world: &'w World<'w>, type_name: &str) -> Self {
        Self { world, type_name: type_name.to_owned(), seed: Seed::of("root"), known: Map::new() }
    }

    /// Entities with the same key are the same object.
    fn entity(&self, representation: &Value) -> Option<ResolvedValue<'w>> {
        let known = representation.as_object()?.clone();
        let type_name = known.get("__typename")?.as_str()?.to_owned();
        let seed = Seed::of(&type_name).and(&identity(&known));
        Some(ResolvedValue::object(MockObject { world: self.world, type_name, seed, known }))
    }

    fn make(
        &self,
        info: &ResolveInfo<'_>,
        ty: &Type,
        seed: Seed,
        fixed: Option<&Value>,
    ) -> ResolvedValue<'w> {
        match (ty, fixed) {
            (_, Some(Value::Null)) => ResolvedValue::null(),
            (Type::List(item) | Type::NonNullList(item), Some(Value::Array(items))) => {
                let made: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(index, fixed)| Ok(self.make(info, item, seed.at(index), Some(fixed))))
                    .collect();
                ResolvedValue::List(Box::new(made.into_iter()))
            }
            (Type::List(item) | Type::NonNullList(item), fixed) => {
                let length = limit(info.arguments()).unwrap_or(self.world.list_length);
                let made: Vec<_> = (0..length)
                    .map(|index| Ok(self.make(info, item, seed.at(index), fixed)))
                    .collect();
                ResolvedValue::List(Box::new(made.into_iter()))
            }
            (Type::Named(name) | Type::NonNullNamed(name), fixed) => {
                self.make_named(info, name, seed, fixed)
            }
        }
    }

    fn make_named(
        &self,
        info: &ResolveInfo<'_>,
        name: &str,
        seed: Seed,
        fixed: Option<&Value>,
    ) -> ResolvedValue<'w> {
        // A list of fixed values for something single: one of them.
        let fixed = match fixed {
            Some(Value::Array(choices)) if !choices.is_empty() => {
                choices.get(seed.below(choices.len()))
            }
            other => other,
        };
        match info.schema().types.get(name) {
            Some(ExtendedType::Object(_)) => self.object(info, name.to_owned(), seed, fixed),
            Some(ExtendedType::Interface(interface)) => {
                let objects = info
                    .implementers_map()
                    .get(&interface.name)
                    .map(|implementers| {
                        implementers.objects.iter().map(ToString::to_string).collect()
                    })
                    .unwrap_or_default();
                self.one_of(info, objects, seed, fixed)
            }
            Some(ExtendedType::Union(union)) => {
                let members = union.members.iter().map(ToString::to_string).collect();
                self.one_of(info, members, seed, fixed)
            }
            Some(ExtendedType::Enum(definition)) => {
                let values: Vec<&str> = definition.values.keys().map(Name::as_str).collect();
                let value = fixed.cloned().unwrap_or_else(|| match values.len() {
                    0 => Value::Null,
                    length => Value::from(values[seed.below(length)]),
                });
                ResolvedValue::leaf(value)
            }
            _ => {
                let fixed = fixed.or_else(|| self.world.overrides.scalar(name));
                let field = info.field_name();
                ResolvedValue::leaf(
                    fixed.cloned().unwrap_or_else(|| leaf(name, field, &self.type_name, seed)),
                )
            }
        }
    }

    fn one_of(
        &self,
        info: &ResolveInfo<'_>,
        mut types: Vec<String>,
        seed: Seed,
        fixed: Option<&Value>,
    ) -> ResolvedValue<'w> {
        let named = fixed.and_then(|fixed| fixed.get("__typename")).and_then(Value::as_str);
        match named {
            Some(name) => self.object(info, name.to_owned(), seed, fixed),
            None if types.is_empty() => ResolvedValue::null(),
            None => {
                let chosen = types.swap_remove(seed.below(types.len()));
                self.object(info, chosen, seed, fixed)
            }
        }
    }

    /// `product(id: "7")` has the id 7.
    fn object(
        &self,
        info: &ResolveInfo<'_>,
        type_name: String,
        seed: Seed,
        fixed: Option<&Value>,
    ) -> ResolvedValue<'w> {
        let mut known = fixed.and_then(Value::as_object).cloned().unwrap_or_default();
        if let Some(ExtendedType::Object(object)) = info.schema().types.get(type_name.as_str()) {
            for (argument, value) in to_map(info.arguments()) {
                let leaf = !value.is_object() && !value.is_array() && !value.is_null();
                if leaf && object.fields.contains_key(argument.as_str()) {
                    known.entry(argument).or_insert(value);
                }
            }
        }
        ResolvedValue::object(MockObject { world: self.world, type_name, seed, known })
    }
}

impl ObjectValue for MockObject<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let name = info.field_name();
        if name == "_entities" {
            let arguments = to_map(info.arguments());
            let representations = arguments.get("representations").and_then(Value::as_array);
            let entities: Vec<_> = representations
                .into_iter()
                .flatten()
                .map(|one| Ok(self.entity(one).unwrap_or_else(ResolvedValue::null)))
                .collect();
            return Ok(ResolvedValue::List(Box::new(entities.into_iter())));
        }
        let arguments = to_map(info.arguments());
        let seed = self.seed.and(name).and(&identity(&arguments));
        let fixed =
            self.known.get(name).or_else(|| self.world.overrides.field(&self.type_name, name));
        Ok(self.make(info, &info.field_definition().ty, seed, fixed))
    }
}

fn to_map(map: &JsonMap) -> Map<String, Value> {
    match serde_json::to_value(map) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

fn identity(values: &Map<String, Value>) -> String {
    serde_json::to_string(values).unwrap_or_default()
}

/// What the client asks for at most.
fn limit(arguments: &JsonMap) -> Option<usize> {
    let arguments = to_map(arguments);
    ["first", "last", "limit", "take", "pageSize"]
        .iter()
        .find_map(|name| arguments.get(*name)?.as_u64())
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX).min(MAX_LENGTH))
}

const MAX_LENGTH: usize = 100;
