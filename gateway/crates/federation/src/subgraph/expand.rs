//! Adds the definitions of linked specs to a subgraph, and checks those that the user wrote.

use apollo_compiler::Name;
use apollo_compiler::ast::{Type, Value};

use super::link::{CONNECT, FEDERATION, JOIN, Links};
use super::model::{DirectiveDef, InputValue, Kind, Schema, TypeDef, is_built_in_scalar};
use super::source::Source;
use super::spec;
use crate::diagnostic::Diagnostic;

const DIRECTIVE_INVALID: &str = "DIRECTIVE_DEFINITION_INVALID";
const TYPE_INVALID: &str = "TYPE_DEFINITION_INVALID";

/// Completes the schema with everything that its links define.
pub(crate) fn expand(
    schema: &mut Schema,
    links: &Links,
    source: &Source,
) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    remove_federation_operations(schema, source, &mut errors);
    if links.federation().is_none() {
        expand_federation_1(schema, source, &mut errors);
    }
    for link in links.by_identity.values() {
        if link.url.identity == JOIN {
            continue;
        }
        let Some((directives, types)) = spec::definitions(link) else {
            if link.url.identity == CONNECT {
                errors.push(
                    source
                        .error(
                            "UNSUPPORTED_FEATURE",
                            "connectors (specs.apollo.dev/connect) are not supported",
                        )
                        .label(source.at(&link.applied.name)),
                );
            }
            if link.url.identity == FEDERATION {
                errors.push(
                    source
                        .error(
                            "UNKNOWN_FEDERATION_LINK_VERSION",
                            format!(
                                "version {} of federation is unknown; the newest known is {}",
                                link.url.version,
                                spec::NEWEST_FEDERATION
                            ),
                        )
                        .label(source.at(&link.applied.name)),
                );
            }
            continue;
        };
        for def in types {
            add_type(schema, def, source, &mut errors);
        }
        for def in directives {
            add_directive(schema, def, source, &mut errors);
        }
    }
    for def in spec::parse(GRAPHQL_DIRECTIVES).directive_definitions.into_values() {
        schema.directive_definitions.entry(def.name.clone()).or_insert_with(|| unlocated(def));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

pub(crate) const GRAPHQL_DIRECTIVES: &str = "
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @deprecated(reason: String = \"No longer supported\")
  on FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
directive @specifiedBy(url: String!) on SCALAR
directive @oneOf on INPUT_OBJECT
";

/// Directives of GraphQL itself, which every schema knows.
pub(crate) fn is_graphql_directive(name: &str) -> bool {
    matches!(name, "include" | "skip" | "deprecated" | "specifiedBy" | "oneOf")
}

fn unlocated(mut def: DirectiveDef) -> DirectiveDef {
    def.name = Name::new_unchecked(def.name.as_str());
    def
}

/// Subgraph libraries print these into their SDL; they say nothing about the graph.
fn remove_federation_operations(
    schema: &mut Schema,
    source: &Source,
    errors: &mut Vec<Diagnostic>,
) {
    for (name, kind) in
        [("_Any", Kind::Scalar), ("_Entity", Kind::Union), ("_Service", Kind::Object)]
    {
        let Some(def) = schema.types.get(name) else { continue };
        if def.kind == kind {
            schema.types.shift_remove(name);
        } else {
            errors.push(
                source
                    .error(
                        TYPE_INVALID,
                        format!(
                            "`{name}` belongs to federation and must be {}, not {}",
                            kind.words(),
                            def.kind.words()
                        ),
                    )
                    .label(source.at(&def.name)),
            );
        }
    }
    if let Some(query) = schema.query.clone()
        && let Some(def) = schema.types.get_mut(&query)
    {
        def.fields.shift_remove("_entities");
        def.fields.shift_remove("_service");
    }
}

fn expand_federation_1(schema: &mut Schema, source: &Source, errors: &mut Vec<Diagnostic>) {
    let known = spec::parse(spec::FEDERATION_1_SDL);
    for name in ["key", "requires", "provides"] {
        let Some(def) = schema.directive_definitions.get(name) else { continue };
        for arg in def.args.values() {
            let ty = arg.ty.inner_named_type();
            if schema.kind(ty).is_none() {
                errors.push(
                    source
                        .error("INVALID_GRAPHQL", format!("`@{name}` uses the unknown type `{ty}`"))
                        .label(source.at(ty)),
                );
            }
        }
        let loose = match def.args.get_index(0) {
            None => true,
            Some((_, arg)) => {
                def.args.len() == 1
                    && arg.name == "fields"
                    && matches!(arg.ty.to_string().as_str(), "String" | "_FieldSet" | "FieldSet")
            }
        };
        if loose {
            schema.directive_definitions.shift_remove(name);
        }
    }
    for def in known.types.into_values() {
        add_type(schema, def, source, errors);
    }
    for def in known.directive_definitions.into_values() {
        add_directive(schema, unlocated(def), source, errors);
    }
}

fn add_type(schema: &mut Schema, def: TypeDef, source: &Source, errors: &mut Vec<Diagnostic>) {
    let Some(existing) = schema.types.get(&def.name) else {
        schema.types.insert(def.name.clone(), def);
        return;
    };
    let same_values = existing.values.keys().all(|value| def.values.contains_key(value))
        && def.values.keys().all(|value| existing.values.contains_key(value));
    if existing.kind != def.kind || !same_values {
        errors.push(
            source
                .error(
                    TYPE_INVALID,
                    format!(
                        "`{}` is defined by a linked spec as {}; this definition differs",
                        def.name,
                        def.kind.words()
                    ),
                )
                .label(source.at(&existing.name))
                .help("remove the definition: it is added automatically"),
        );
    }
}

pub(super) fn add_directive(
    schema: &mut Schema,
    def: DirectiveDef,
    source: &Source,
    errors: &mut Vec<Diagnostic>,
) {
    let Some(existing) = schema.directive_definitions.get(&def.name) else {
        schema.directive_definitions.insert(def.name.clone(), def);
        return;
    };
    for problem in incompatibilities(schema, existing, &def) {
        errors.push(
            source
                .error(
                    DIRECTIVE_INVALID,
                    format!("the definition of `@{}` differs from its spec: {problem}", def.name),
                )
                .label(source.at(&existing.name))
                .help("remove the definition: it is added automatically"),
        );
    }
}

fn incompatibilities(
    schema: &Schema,
    existing: &DirectiveDef,
    expected: &DirectiveDef,
) -> Vec<String> {
    let mut problems = Vec::new();
    if existing.repeatable && !expected.repeatable {
        problems.push("it must not be repeatable".to_owned());
    }
    for location in &existing.locations {
        if !expected.locations.contains(location) {
            problems.push(format!("{location} is not among its locations"));
        }
    }
    for arg in expected.args.values() {
        match existing.args.get(&arg.name) {
            None if arg.ty.is_non_null() => {
                problems.push(format!("the required argument `{}` is missing", arg.name));
            }
            None => {}
            Some(actual) => problems.extend(argument_problem(schema, actual, arg)),
        }
    }
    for arg in existing.args.keys() {
        if !expected.args.contains_key(arg) {
            problems.push(format!("it has no argument `{arg}`"));
        }
    }
    problems
}

fn argument_problem(schema: &Schema, actual: &InputValue, expected: &InputValue) -> Option<String> {
    let loosened = if actual.ty.is_non_null() && !expected.ty.is_non_null() {
        actual.ty.clone().nullable()
    } else {
        actual.ty.clone()
    };
    if !may_stand_for(schema, &loosened, &expected.ty) {
        return Some(format!(
            "the argument `{}` has type `{}` instead of `{}`",
            actual.name, actual.ty, expected.ty
        ));
    }
    let is_null = |default: Option<&apollo_compiler::Node<Value>>| {
        default.is_none_or(|value| value.is_null())
    };
    let same_default = match (&actual.default, &expected.default) {
        (Some(actual), Some(expected)) => actual == expected,
        (actual, expected) => is_null(actual.as_ref()) && is_null(expected.as_ref()),
    };
    if !actual.ty.is_non_null() && !same_default {
        return Some(format!("the argument `{}` has another default value", actual.name));
    }
    None
}

/// Anything but another custom scalar may stand where the spec has a scalar of its own.
fn may_stand_for(schema: &Schema, actual: &Type, expected: &Type) -> bool {
    let is_custom_scalar =
        |name: &str| schema.types.get(name).is_some_and(|def| def.kind == Kind::Scalar);
    match (actual, expected) {
        (Type::Named(a), Type::Named(e)) | (Type::NonNullNamed(a), Type::NonNullNamed(e))
            if a == e =>
        {
            true
        }
        (_, Type::Named(e) | Type::NonNullNamed(e)) if !is_built_in_scalar(e) => {
            actual.is_non_null() == expected.is_non_null()
                && !(actual.is_named() && is_custom_scalar(actual.inner_named_type()))
        }
        (Type::List(a), Type::List(e)) | (Type::NonNullList(a), Type::NonNullList(e)) => {
            may_stand_for(schema, a, e)
        }
        _ => false,
    }
}
