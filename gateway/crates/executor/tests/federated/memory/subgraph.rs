//! A subgraph's schema and what its directives allow.

use std::collections::{BTreeSet, HashSet};

use apollo_compiler::Schema;
use apollo_compiler::ast::Directive;
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::validation::Valid;

use super::field_set::FieldSet;

pub(crate) struct Subgraph {
    pub(crate) name: String,
    pub(crate) schema: Valid<Schema>,
    /// `Type.field` that another subgraph has taken over.
    overridden: HashSet<String>,
}

impl Subgraph {
    /// `labels`: the progressive overrides that are on.
    pub(crate) fn parse_all(subgraphs: &[(&str, &str)], labels: &BTreeSet<String>) -> Vec<Self> {
        let mut parsed: Vec<Self> =
            subgraphs.iter().map(|(name, sdl)| Self::parse(name, sdl)).collect();
        let mut taken = Vec::new();
        let names: Vec<&str> = subgraphs.iter().map(|(name, _)| *name).collect();
        for subgraph in &parsed {
            for (type_name, definition) in &subgraph.schema.types {
                let ExtendedType::Object(object) = definition else { continue };
                for (field, definition) in &object.fields {
                    let Some(directive) = definition.directives.get("override") else { continue };
                    let argument = |name: &str| {
                        let value = directive.specified_argument_by_name(name)?;
                        value.as_str().map(str::to_owned)
                    };
                    let on = argument("label").is_none_or(|label| labels.contains(&label));
                    let from = argument("from").unwrap();
                    if !names.contains(&from.as_str()) {
                        continue;
                    }
                    let loser = if on { from } else { subgraph.name.clone() };
                    taken.push((loser, format!("{type_name}.{field}")));
                }
            }
        }
        for (from, coordinate) in taken {
            if let Some(subgraph) = parsed.iter_mut().find(|subgraph| subgraph.name == from) {
                subgraph.overridden.insert(coordinate);
            }
        }
        parsed
    }

    fn parse(name: &str, sdl: &str) -> Self {
        let schema = schema(name, sdl);
        let is_entity = |definition: &ExtendedType| {
            !definition.is_interface() && definition.directives().has("key")
        };
        let entities: Vec<&str> = schema
            .types
            .iter()
            .filter(|(_, definition)| is_entity(definition))
            .map(|(name, _)| name.as_str())
            .collect();
        let entities = entities.join(" | ");
        let schema = if entities.is_empty() {
            schema
        } else {
            let sdl = format!(
                "{sdl} scalar _Any union _Entity = {entities}
                 extend type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}"
            );
            self::schema(name, &sdl)
        };
        // The federation directives are not defined, everything else is for composition to check.
        Self {
            name: name.to_owned(),
            schema: Valid::assume_valid(schema),
            overridden: HashSet::new(),
        }
    }

    pub(crate) fn is_overridden(&self, type_name: &str, field: &str) -> bool {
        self.overridden.contains(&format!("{type_name}.{field}"))
    }

    /// The keys by which a type can be found here.
    pub(crate) fn keys(&self, type_name: &str) -> Vec<FieldSet> {
        let resolvable = |key: &&Component<Directive>| {
            key.specified_argument_by_name("resolvable")
                .is_none_or(|value| value.to_bool() != Some(false))
        };
        self.key_directives(type_name).filter(resolvable).map(|key| FieldSet::of(key)).collect()
    }

    /// Whether a field belongs to any key, so that being external means nothing.
    pub(crate) fn is_key_field(&self, type_name: &str, field: &str) -> bool {
        self.key_directives(type_name).any(|key| FieldSet::of(key).get(field).is_some())
    }

    fn key_directives<'a>(
        &'a self,
        type_name: &str,
    ) -> impl Iterator<Item = &'a Component<Directive>> {
        let definition = self.schema.types.get(type_name);
        definition.into_iter().flat_map(|definition| definition.directives().get_all("key"))
    }
}

fn schema(name: &str, sdl: &str) -> Schema {
    let builder = Schema::builder().adopt_orphan_extensions();
    match builder.parse(sdl, format!("{name}.graphql")).build() {
        Ok(schema) => schema,
        Err(refused) => panic!("`{name}` has no schema: {}", refused.errors),
    }
}
