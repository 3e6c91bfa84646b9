//! SDL text to [`Schema`]: parsing, joining extensions to their types, finding duplicates.
//!
//! Knows GraphQL's grammar and nothing of federation.

use apollo_compiler::ast::{self, Definition, Document, OperationType};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::model::{
    Applied, DirectiveDef, EnumValue, Field, InputValue, Kind, Schema, TypeDef, is_built_in_scalar,
};
use super::source::Source;
use crate::diagnostic::Diagnostic;

const INVALID: &str = "INVALID_GRAPHQL";

/// Parses the text; syntax errors are diagnostics.
pub(crate) fn parse(source: &Source, text: &str) -> Result<Document, Vec<Diagnostic>> {
    Document::parser()
        .recursion_limit(RECURSION_LIMIT)
        .parse_ast(text, &source.subgraph)
        .map_err(|failed| syntax_errors(source, &failed.errors))
}

/// Joins what the document says about each type; duplicate definitions are diagnostics.
pub(crate) fn build(source: &Source, document: &Document) -> Result<Schema, Vec<Diagnostic>> {
    let mut builder =
        Builder { source, schema: Schema::default(), errors: Vec::new(), roots: Vec::new() };
    for definition in &document.definitions {
        builder.definition(definition);
    }
    builder.default_roots();
    if builder.errors.is_empty() { Ok(builder.schema) } else { Err(builder.errors) }
}

/// How deeply values, types and selections may nest.
const RECURSION_LIMIT: usize = 200;

fn syntax_errors(
    source: &Source,
    errors: &apollo_compiler::validation::DiagnosticList,
) -> Vec<Diagnostic> {
    errors
        .iter()
        .map(|error| {
            let message = error.error.to_string();
            source
                .error(INVALID, message)
                .label(error.error.location().map(|span| source.at_span(span)))
        })
        .collect()
}

struct Builder<'a> {
    source: &'a Source,
    schema: Schema,
    errors: Vec<Diagnostic>,
    roots: Vec<OperationType>,
}

/// The parts that a definition or extension of any kind of type may have.
struct Parts<'a> {
    name: &'a Name,
    kind: Kind,
    description: Option<&'a Node<str>>,
    directives: &'a ast::DirectiveList,
    implements: &'a [Name],
    fields: &'a [Node<ast::FieldDefinition>],
    input_fields: &'a [Node<ast::InputValueDefinition>],
    members: &'a [Name],
    values: &'a [Node<ast::EnumValueDefinition>],
    extension: bool,
}

impl<'a> Parts<'a> {
    fn new(name: &'a Name, kind: Kind, directives: &'a ast::DirectiveList) -> Self {
        Self {
            name,
            kind,
            description: None,
            directives,
            implements: &[],
            fields: &[],
            input_fields: &[],
            members: &[],
            values: &[],
            extension: true,
        }
    }

    fn defined(self, description: Option<&'a Node<str>>) -> Self {
        Self { description, extension: false, ..self }
    }
}

impl Builder<'_> {
    fn definition(&mut self, definition: &Definition) {
        match definition {
            Definition::OperationDefinition(_) | Definition::FragmentDefinition(_) => {
                let label = definition.location().map(|span| self.source.at_span(span));
                self.errors.push(
                    self.source
                        .error(INVALID, "executable definitions have no place in a schema")
                        .label(label),
                );
            }
            Definition::DirectiveDefinition(def) => self.directive_definition(def),
            Definition::SchemaDefinition(def) => {
                if self.schema.description.is_none() {
                    self.schema.description = def.description.as_ref().map(text);
                }
                self.schema_parts(&def.directives, &def.root_operations);
            }
            Definition::SchemaExtension(def) => {
                self.schema_parts(&def.directives, &def.root_operations);
            }
            Definition::ScalarTypeDefinition(d) => self.type_parts(
                &Parts::new(&d.name, Kind::Scalar, &d.directives).defined(d.description.as_ref()),
            ),
            Definition::ScalarTypeExtension(d) => {
                self.type_parts(&Parts::new(&d.name, Kind::Scalar, &d.directives));
            }
            Definition::ObjectTypeDefinition(d) => self.type_parts(&Parts {
                implements: &d.implements_interfaces,
                fields: &d.fields,
                ..Parts::new(&d.name, Kind::Object, &d.directives).defined(d.description.as_ref())
            }),
            Definition::ObjectTypeExtension(d) => self.type_parts(&Parts {
                implements: &d.implements_interfaces,
                fields: &d.fields,
                ..Parts::new(&d.name, Kind::Object, &d.directives)
            }),
            Definition::InterfaceTypeDefinition(d) => self.type_parts(&Parts {
                implements: &d.implements_interfaces,
                fields: &d.fields,
                ..Parts::new(&d.name, Kind::Interface, &d.directives)
                    .defined(d.description.as_ref())
            }),
            Definition::InterfaceTypeExtension(d) => self.type_parts(&Parts {
                implements: &d.implements_interfaces,
                fields: &d.fields,
                ..Parts::new(&d.name, Kind::Interface, &d.directives)
            }),
            Definition::UnionTypeDefinition(d) => self.type_parts(&Parts {
                members: &d.members,
                ..Parts::new(&d.name, Kind::Union, &d.directives).defined(d.description.as_ref())
            }),
            Definition::UnionTypeExtension(d) => self.type_parts(&Parts {
                members: &d.members,
                ..Parts::new(&d.name, Kind::Union, &d.directives)
            }),
            Definition::EnumTypeDefinition(d) => self.type_parts(&Parts {
                values: &d.values,
                ..Parts::new(&d.name, Kind::Enum, &d.directives).defined(d.description.as_ref())
            }),
            Definition::EnumTypeExtension(d) => self.type_parts(&Parts {
                values: &d.values,
                ..Parts::new(&d.name, Kind::Enum, &d.directives)
            }),
            Definition::InputObjectTypeDefinition(d) => self.type_parts(&Parts {
                input_fields: &d.fields,
                ..Parts::new(&d.name, Kind::InputObject, &d.directives)
                    .defined(d.description.as_ref())
            }),
            Definition::InputObjectTypeExtension(d) => self.type_parts(&Parts {
                input_fields: &d.fields,
                ..Parts::new(&d.name, Kind::InputObject, &d.directives)
            }),
        }
    }

    fn duplicate(&mut self, what: &str, name: &Name) {
        let error = self
            .source
            .error(INVALID, format!("there can be only one {what} named `{name}`"))
            .label(self.source.at(name));
        self.errors.push(error);
    }

    fn directive_definition(&mut self, def: &Node<ast::DirectiveDefinition>) {
        if self.schema.directive_definitions.contains_key(&def.name) {
            self.duplicate("directive", &def.name);
            return;
        }
        let definition = DirectiveDef {
            name: def.name.clone(),
            description: def.description.as_ref().map(text),
            args: self.input_values("argument", &def.arguments),
            repeatable: def.repeatable,
            locations: def.locations.clone(),
        };
        self.schema.directive_definitions.insert(def.name.clone(), definition);
    }

    fn schema_parts(
        &mut self,
        directives: &ast::DirectiveList,
        roots: &[Node<(OperationType, Name)>],
    ) {
        self.schema.directives.extend(directives.iter().map(|applied| convert(applied, 0)));
        for root in roots {
            let (operation, name) = &**root;
            if self.roots.contains(operation) {
                let error = self
                    .source
                    .error(INVALID, format!("there can be only one {operation} type in the schema"))
                    .label(self.source.at(name));
                self.errors.push(error);
                continue;
            }
            self.roots.push(*operation);
            *self.schema.root_mut(*operation) = Some(name.clone());
        }
    }

    fn default_roots(&mut self) {
        for operation in super::model::ROOTS {
            let name = operation.default_type_name();
            // Types with the default names are roots also when a schema definition leaves them
            // out, unless that definition names other ones.
            let is_object =
                self.schema.types.get(&*name).is_some_and(|def| def.kind == Kind::Object);
            if is_object && !self.roots.contains(&operation) {
                *self.schema.root_mut(operation) = Some(name.clone());
            }
        }
    }

    fn type_parts(&mut self, parts: &Parts<'_>) {
        let Parts { name, kind, description, .. } = *parts;
        if is_built_in_scalar(name) {
            if parts.extension {
                let error = self
                    .source
                    .error(INVALID, format!("cannot extend the built-in type `{name}`"))
                    .label(self.source.at(name));
                self.errors.push(error);
            }
            return;
        }
        if let Some(existing) = self.schema.types.get(name) {
            if !parts.extension && existing.defined {
                return self.duplicate("type", name);
            }
            if existing.kind != kind {
                let error = self
                    .source
                    .error(
                        INVALID,
                        format!(
                            "`{name}` is {} in one place and {} in another",
                            existing.kind.words(),
                            kind.words()
                        ),
                    )
                    .label(self.source.at(&existing.name))
                    .label(self.source.at(name));
                self.errors.push(error);
                return;
            }
        }
        let mut def = self
            .schema
            .types
            .shift_remove(name)
            .map_or_else(|| (TypeDef::new(name.clone(), kind), None), |def| (def, Some(())))
            .0;
        let part = if parts.extension {
            def.extensions += 1;
            def.extensions
        } else {
            def.defined = true;
            def.name = name.clone();
            def.description = description.map(text);
            0
        };
        def.directives.extend(parts.directives.iter().map(|applied| convert(applied, part)));
        for interface in parts.implements {
            if !def.implements.insert(interface.clone()) {
                self.duplicate(&format!("interface of `{name}`"), interface);
            }
        }
        for field in parts.fields {
            if def.fields.contains_key(&field.name) {
                self.duplicate(&format!("field of `{name}`"), &field.name);
                continue;
            }
            let built = Field {
                name: field.name.clone(),
                description: field.description.as_ref().map(text),
                args: self.input_values("argument", &field.arguments),
                ty: field.ty.clone(),
                directives: field.directives.iter().map(|applied| convert(applied, 0)).collect(),
                part,
            };
            def.fields.insert(field.name.clone(), built);
        }
        for (field_name, field) in self.input_values("input field", parts.input_fields) {
            if def.input_fields.contains_key(&field_name) {
                self.duplicate(&format!("input field of `{name}`"), &field_name);
                continue;
            }
            def.input_fields.insert(field_name, field);
        }
        for member in parts.members {
            if !def.members.insert(member.clone()) {
                self.duplicate(&format!("member of `{name}`"), member);
            }
        }
        for value in parts.values {
            if def.values.contains_key(&value.value) {
                self.duplicate(&format!("value of `{name}`"), &value.value);
                continue;
            }
            let built = EnumValue {
                name: value.value.clone(),
                description: value.description.as_ref().map(text),
                directives: value.directives.iter().map(|applied| convert(applied, 0)).collect(),
            };
            def.values.insert(value.value.clone(), built);
        }
        self.schema.types.insert(def.name.clone(), def);
    }

    fn input_values(
        &mut self,
        what: &str,
        values: &[Node<ast::InputValueDefinition>],
    ) -> IndexMap<Name, InputValue> {
        let mut built = IndexMap::new();
        for value in values {
            if built.contains_key(&value.name) {
                self.duplicate(what, &value.name);
                continue;
            }
            built.insert(
                value.name.clone(),
                InputValue {
                    name: value.name.clone(),
                    description: value.description.as_ref().map(text),
                    ty: (*value.ty).clone(),
                    default: value.default_value.clone(),
                    directives: value.directives.iter().map(|a| convert(a, 0)).collect(),
                },
            );
        }
        built
    }
}

fn text(description: &Node<str>) -> String {
    description.as_str().to_owned()
}

fn convert(applied: &Node<ast::Directive>, part: usize) -> Applied {
    Applied {
        name: applied.name.clone(),
        args: applied.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
        part,
    }
}
