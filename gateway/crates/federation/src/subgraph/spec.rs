//! The specs that composition knows: their directives and types, by version.
//!
//! The definitions are written in SDL, in the spec's own names; [`definitions`] translates them
//! to the names under which a schema links them.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;

use super::build;
use super::link::{FEDERATION, INACCESSIBLE, LINK, Link, SpecUrl, TAG, Version};
use super::model::{DirectiveDef, InputValue, Schema, TypeDef};
use super::source::Source;

pub(crate) const COST: &str = "https://specs.apollo.dev/cost";
pub(crate) const CONTEXT: &str = "https://specs.apollo.dev/context";
pub(crate) const AUTHENTICATED: &str = "https://specs.apollo.dev/authenticated";
pub(crate) const REQUIRES_SCOPES: &str = "https://specs.apollo.dev/requiresScopes";
pub(crate) const POLICY: &str = "https://specs.apollo.dev/policy";
pub(crate) const CACHE_TAG: &str = "https://specs.apollo.dev/cacheTag";

/// The newest federation version known.
pub(crate) const NEWEST_FEDERATION: Version = Version::new(2, 14);

const AUTH_ON: &str = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM";
const ANYWHERE: &str = "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION \
     | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION";

/// Directives and scalars of federation, each with the version it appeared in.
fn federation_sdl(version: Version) -> String {
    let since = |minor: u32, sdl: &str| {
        if version >= Version::new(2, minor) { format!("{sdl}\n") } else { String::new() }
    };
    let on_schema = if version >= Version::new(2, 3) { " | SCHEMA" } else { "" };
    let repeatable = if version >= Version::new(2, 2) { " repeatable" } else { "" };
    let label = if version >= Version::new(2, 7) { ", label: String" } else { "" };
    [
        "directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable \
         on OBJECT | INTERFACE\n"
            .to_owned(),
        "directive @requires(fields: FieldSet!) on FIELD_DEFINITION\n".to_owned(),
        "directive @provides(fields: FieldSet!) on FIELD_DEFINITION\n".to_owned(),
        "directive @external(reason: String) on OBJECT | FIELD_DEFINITION\n".to_owned(),
        format!("directive @tag(name: String!) repeatable on {ANYWHERE}{on_schema}\n"),
        "directive @extends on OBJECT | INTERFACE\n".to_owned(),
        format!("directive @shareable{repeatable} on OBJECT | FIELD_DEFINITION\n"),
        format!("directive @inaccessible on {ANYWHERE}\n"),
        format!("directive @override(from: String!{label}) on FIELD_DEFINITION\n"),
        "scalar FieldSet\n".to_owned(),
        since(1, "directive @composeDirective(name: String) repeatable on SCHEMA"),
        since(3, "directive @interfaceObject on OBJECT"),
        since(5, &format!("directive @authenticated on {AUTH_ON}")),
        since(5, &format!("directive @requiresScopes(scopes: [[Scope!]!]!) on {AUTH_ON}")),
        since(5, "scalar Scope"),
        since(6, &format!("directive @policy(policies: [[Policy!]!]!) on {AUTH_ON}")),
        since(6, "scalar Policy"),
        since(8, "directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION"),
        since(8, "directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION"),
        since(8, "scalar ContextFieldValue"),
        since(9, COST_SDL),
        since(9, LIST_SIZE_SDL),
        since(12, "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"),
    ]
    .concat()
}

const COST_SDL: &str = "directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM \
     | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR";
const LIST_SIZE_SDL: &str = "directive @listSize(assumedSize: Int, slicingArguments: [String!], \
     sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION";

pub(crate) const FEDERATION_1_SDL: &str = "
directive @key(fields: _FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @requires(fields: _FieldSet!) on FIELD_DEFINITION
directive @provides(fields: _FieldSet!) on FIELD_DEFINITION
directive @external(reason: String) on OBJECT | FIELD_DEFINITION
directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION \
     | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @extends on OBJECT | INTERFACE
scalar _FieldSet
";

const LINK_SDL: &str = "
directive @link(url: String, as: String, for: Purpose, import: [Import]) repeatable on SCHEMA
scalar Import
enum Purpose {
  \"`SECURITY` features provide metadata necessary to securely resolve fields.\"
  SECURITY
  \"`EXECUTION` features provide metadata necessary for operation execution.\"
  EXECUTION
}";

/// The SDL of a spec's version; `None` for specs that we do not know.
pub(crate) fn sdl(url: &SpecUrl) -> Option<String> {
    let version = url.version;
    let since_0 = |newest: u32| version.major == 0 && (1..=newest).contains(&version.minor);
    Some(match url.identity.as_str() {
        FEDERATION if (Version::new(2, 0)..=NEWEST_FEDERATION).contains(&version) => {
            federation_sdl(version)
        }
        LINK if version == Version::new(1, 0) => LINK_SDL.to_owned(),
        TAG if since_0(3) => {
            let on = match version.minor {
                1 => "FIELD_DEFINITION | OBJECT | INTERFACE | UNION".to_owned(),
                2 => ANYWHERE.to_owned(),
                _ => format!("{ANYWHERE} | SCHEMA"),
            };
            format!("directive @tag(name: String!) repeatable on {on}")
        }
        INACCESSIBLE if since_0(2) => {
            let on = match version.minor {
                1 => "FIELD_DEFINITION | OBJECT | INTERFACE | UNION".to_owned(),
                _ => ANYWHERE.to_owned(),
            };
            format!("directive @inaccessible on {on}")
        }
        COST if since_0(1) => format!("{COST_SDL}\n{LIST_SIZE_SDL}"),
        AUTHENTICATED if since_0(1) => format!("directive @authenticated on {AUTH_ON}"),
        REQUIRES_SCOPES if since_0(1) => {
            format!("directive @requiresScopes(scopes: [[Scope!]!]!) on {AUTH_ON} scalar Scope")
        }
        POLICY if since_0(1) => {
            format!("directive @policy(policies: [[Policy!]!]!) on {AUTH_ON} scalar Policy")
        }
        CONTEXT if since_0(1) => "directive @context(name: String!) repeatable \
             on INTERFACE | OBJECT | UNION \
             directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION \
             scalar ContextFieldValue"
            .to_owned(),
        CACHE_TAG if since_0(1) => {
            "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"
                .to_owned()
        }
        _ => return None,
    })
}

/// The federation version that brought a spec, where linking the spec alone asks for it.
pub(crate) fn implied_federation(url: &SpecUrl) -> Option<Version> {
    match url.identity.as_str() {
        COST => Some(Version::new(2, 9)),
        AUTHENTICATED => Some(Version::new(2, 5)),
        _ => None,
    }
}

/// Every element of a known spec, directives with `@`.
pub(crate) fn elements(url: &SpecUrl) -> Option<Vec<String>> {
    let schema = parse(&sdl(url)?);
    let directives = schema.directive_definitions.keys().map(|name| format!("@{name}"));
    Some(directives.chain(schema.types.keys().map(ToString::to_string)).collect())
}

pub(crate) fn parse(sdl: &str) -> Schema {
    let source = Source::new("", sdl);
    build::parse(&source, sdl)
        .and_then(|document| build::build(&source, &document))
        .expect("our own definitions are valid")
}

/// A spec's definitions under the names that `link` gives them.
pub(crate) fn definitions(link: &Link) -> Option<(Vec<DirectiveDef>, Vec<TypeDef>)> {
    let schema = parse(&sdl(&link.url)?);
    let rename = |name: &Name| {
        if schema.types.contains_key(name) {
            Name::new_unchecked(&link.type_name(name))
        } else {
            unlocated(name)
        }
    };
    let directives = schema
        .directive_definitions
        .values()
        .map(|def| {
            let mut def = def.clone();
            def.name = Name::new_unchecked(&link.directive_name(&def.name));
            def.args = def
                .args
                .into_values()
                .map(|arg| {
                    let ty = rename_type(&arg.ty, &rename);
                    (unlocated(&arg.name), InputValue { name: unlocated(&arg.name), ty, ..arg })
                })
                .collect();
            def
        })
        .collect();
    let types = schema
        .types
        .values()
        .map(|def| {
            let mut def = def.clone();
            def.name = Name::new_unchecked(&link.type_name(&def.name));
            def
        })
        .collect();
    Some((directives, types))
}

/// A name without a place: our own definitions are not part of the user's text.
fn unlocated(name: &Name) -> Name {
    Name::new_unchecked(name.as_str())
}

pub(crate) fn rename_type(ty: &Type, rename: &impl Fn(&Name) -> Name) -> Type {
    match ty {
        Type::Named(name) => Type::Named(rename(name)),
        Type::NonNullNamed(name) => Type::NonNullNamed(rename(name)),
        Type::List(item) => Type::List(Box::new(rename_type(item, rename))),
        Type::NonNullList(item) => Type::NonNullList(Box::new(rename_type(item, rename))),
    }
}
