//! The API schema: the merged schema without anything that belongs to a linked specification and
//! without `@inaccessible` elements. Executable directives stay.

use std::collections::BTreeSet;

use apollo_compiler::ast::{self, Value};
use apollo_compiler::schema::{Component, ComponentName, ExtendedType, FieldDefinition};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema, name};
use indexmap::IndexMap;

use super::SupergraphError;

/// The specifications that a document links, and the names that they own in it.
#[derive(Debug)]
pub(super) struct Specifications {
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    /// Last path segment before the version, e.g. `join`.
    specification: String,
    /// The prefix of names in this document.
    namespace: String,
    /// Imported elements: name in the specification, name here; `@` kept on directives.
    imports: Vec<(String, String)>,
}

impl Specifications {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut links: Vec<Link> = Vec::new();
        for directive in &*schema.schema_definition.directives {
            // `@core(feature:)` is what `@link(url:)` was called in join v0.1 and v0.2.
            let url = match directive.name.as_str() {
                "link" => directive.specified_argument_by_name("url"),
                "core" => directive.specified_argument_by_name("feature"),
                _ => None,
            };
            let Some(url) = url.and_then(|url| url.as_str()) else { continue };
            let Some(specification) = specification_of(url) else { continue };
            let namespace = directive
                .specified_argument_by_name("as")
                .and_then(|name| name.as_str())
                .unwrap_or(&specification)
                .to_owned();
            let imports = directive
                .specified_argument_by_name("import")
                .and_then(|imports| imports.as_list())
                .unwrap_or_default()
                .iter()
                .filter_map(|import| import_of(import))
                .collect();
            links.push(Link { specification, namespace, imports });
        }
        for always in ["join", "link", "core"] {
            if !links.iter().any(|link| link.namespace == always) {
                links.push(Link {
                    specification: always.to_owned(),
                    namespace: always.to_owned(),
                    imports: Vec::new(),
                });
            }
        }
        Self { links }
    }

    /// The name under which a specification's directive is used in this document.
    pub(super) fn local_name(&self, specification: &str, directive: &str) -> Name {
        let local =
            self.links.iter().find(|link| link.specification == specification).map(|link| {
                let imported =
                    link.imports.iter().find(|(name, _)| name.strip_prefix('@') == Some(directive));
                match imported {
                    Some((_, local)) => local.trim_start_matches('@').to_owned(),
                    None if directive == link.specification => link.namespace.clone(),
                    None => format!("{}__{directive}", link.namespace),
                }
            });
        local.and_then(|local| Name::new(&local).ok()).unwrap_or_else(|| {
            Name::new(directive).expect("directive names of specifications are names")
        })
    }

    pub(super) fn owns_type(&self, name: &str) -> bool {
        self.links.iter().any(|link| {
            prefixed(name, &link.namespace) || link.imports.iter().any(|(_, local)| local == name)
        })
    }

    fn owns_directive(&self, name: &str) -> bool {
        self.links.iter().any(|link| link.owns_directive(name))
    }

    /// Whether a directive belongs to a specification that means something here.
    pub(super) fn is_understood(&self, directive: &str) -> bool {
        let mut understood =
            self.links.iter().filter(|link| SUPPORTED.contains(&link.specification.as_str()));
        understood.any(|link| link.owns_directive(directive))
    }
}

impl Link {
    fn owns_directive(&self, name: &str) -> bool {
        name == self.namespace
            || prefixed(name, &self.namespace)
            || self.imports.iter().any(|(_, local)| local.strip_prefix('@') == Some(name))
    }
}

fn prefixed(name: &str, namespace: &str) -> bool {
    name.strip_prefix(namespace).is_some_and(|rest| rest.starts_with("__"))
}

/// Specifications that mean something for serving, and that are understood here.
const SUPPORTED: [&str; 12] = [
    "core",
    "link",
    "join",
    "tag",
    "inaccessible",
    "authenticated",
    "requiresScopes",
    "policy",
    "context",
    "cost",
    "cacheTag",
    "federation",
];

/// The URL of a specification that serving depends on (`for: SECURITY` or `EXECUTION`) and that
/// is not understood here: to ignore it would be wrong.
pub(super) fn unsupported_feature(schema: &Schema) -> Option<String> {
    schema.schema_definition.directives.iter().find_map(|directive| {
        let url = match directive.name.as_str() {
            "link" => directive.specified_argument_by_name("url"),
            "core" => directive.specified_argument_by_name("feature"),
            _ => None,
        }?;
        let url = url.as_str()?;
        let purpose = directive.specified_argument_by_name("for").and_then(|v| v.as_enum())?;
        let matters = matches!(purpose.as_str(), "SECURITY" | "EXECUTION");
        let own = url.strip_prefix("https://specs.apollo.dev/").and_then(specification_of);
        let supported = own.is_some_and(|name| SUPPORTED.contains(&name.as_str()));
        (matters && !supported).then(|| url.to_owned())
    })
}

/// `https://specs.apollo.dev/join/v0.3` is `join`; a URL without a version is its last segment.
fn specification_of(url: &str) -> Option<String> {
    let mut segments = url.trim_end_matches('/').rsplit('/');
    let last = segments.next()?;
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()));
    let name = if is_version { segments.next()? } else { last };
    Name::is_valid_syntax(name).then(|| name.to_owned())
}

fn import_of(import: &Value) -> Option<(String, String)> {
    if let Some(name) = import.as_str() {
        return Some((name.to_owned(), name.to_owned()));
    }
    let fields = import.as_object()?;
    let get = |key: &str| {
        fields.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_str())
    };
    let name = get("name")?;
    Some((name.to_owned(), get("as").unwrap_or(name).to_owned()))
}

pub(super) fn api_schema(
    schema: &Valid<Schema>,
    specifications: &Specifications,
) -> Result<Valid<Schema>, SupergraphError> {
    let inaccessible = specifications.local_name("inaccessible", "inaccessible");
    let mut api = Schema::clone(schema);
    let hidden: BTreeSet<Name> = api
        .types
        .iter()
        .filter(|(name, ty)| specifications.owns_type(name) || ty.directives().has(&inaccessible))
        .map(|(name, _)| name.clone())
        .collect();
    api.types.retain(|name, _| !hidden.contains(name));
    let filter = Filter { inaccessible: &inaccessible, hidden: &hidden };
    for ty in api.types.values_mut() {
        filter.apply(ty);
    }
    api.directive_definitions.retain(|name, definition| {
        let executable = definition.locations.iter().any(|location| is_executable(*location));
        definition.is_built_in() || (executable && !specifications.owns_directive(name))
    });
    // It may be wider in a subgraph, and is not among the definitions that every schema has.
    if api.types.values().any(|ty| ty.directives().has("oneOf")) {
        api.directive_definitions.insert(name!("oneOf"), one_of().into());
    }
    for definition in api.directive_definitions.values_mut() {
        if definition.arguments.iter().any(|argument| argument.directives.has(&inaccessible)) {
            definition
                .make_mut()
                .arguments
                .retain(|argument| !argument.directives.has(&inaccessible));
        }
    }
    let root = api.schema_definition.make_mut();
    root.directives.0.clear();
    for operation in [&mut root.query, &mut root.mutation, &mut root.subscription] {
        if operation.as_ref().is_some_and(|name| hidden.contains(&name.name)) {
            *operation = None;
        }
    }
    api.validate()
        .map_err(|error| SupergraphError::InvalidApiSchema { message: error.errors.to_string() })
}

struct Filter<'a> {
    inaccessible: &'a Name,
    hidden: &'a BTreeSet<Name>,
}

impl Filter<'_> {
    fn apply(&self, ty: &mut ExtendedType) {
        if ty.is_built_in() {
            return;
        }
        match ty {
            ExtendedType::Scalar(scalar) => {
                keep_only(&mut scalar.make_mut().directives.0, &["specifiedBy"]);
            }
            ExtendedType::Object(object) => {
                let object = object.make_mut();
                object.directives.0.clear();
                self.fields(&mut object.fields);
                object.implements_interfaces.retain(|name| self.visible(name));
            }
            ExtendedType::Interface(interface) => {
                let interface = interface.make_mut();
                interface.directives.0.clear();
                self.fields(&mut interface.fields);
                interface.implements_interfaces.retain(|name| self.visible(name));
            }
            ExtendedType::Union(union_) => {
                let union_ = union_.make_mut();
                union_.directives.0.clear();
                union_.members.retain(|name| self.visible(name));
            }
            ExtendedType::Enum(enum_) => {
                let enum_ = enum_.make_mut();
                enum_.directives.0.clear();
                enum_.values.retain(|_, value| !value.directives.has(self.inaccessible));
                for value in enum_.values.values_mut() {
                    keep_deprecated(&mut value.make_mut().directives);
                }
            }
            ExtendedType::InputObject(input) => {
                let input = input.make_mut();
                keep_only(&mut input.directives.0, &["oneOf"]);
                input.fields.retain(|_, field| {
                    !field.directives.has(self.inaccessible)
                        && !self.hidden.contains(field.ty.inner_named_type())
                });
                for field in input.fields.values_mut() {
                    keep_deprecated(&mut field.make_mut().directives);
                }
            }
        }
    }

    fn visible(&self, name: &ComponentName) -> bool {
        !self.hidden.contains(&name.name)
    }

    fn fields(
        &self,
        fields: &mut apollo_compiler::collections::IndexMap<Name, Component<FieldDefinition>>,
    ) {
        fields.retain(|_, field| {
            !field.directives.has(self.inaccessible)
                && !self.hidden.contains(field.ty.inner_named_type())
        });
        for field in fields.values_mut() {
            let field = field.make_mut();
            keep_deprecated(&mut field.directives);
            field.arguments.retain(|argument| {
                !argument.directives.has(self.inaccessible)
                    && !self.hidden.contains(argument.ty.inner_named_type())
            });
            for argument in &mut field.arguments {
                keep_deprecated(&mut argument.make_mut().directives);
            }
        }
    }
}

/// As GraphQL defines it.
fn one_of() -> ast::DirectiveDefinition {
    ast::DirectiveDefinition {
        description: None,
        name: name!("oneOf"),
        arguments: Vec::new(),
        repeatable: false,
        locations: vec![ast::DirectiveLocation::InputObject],
    }
}

/// Of all directives on a type, clients see these.
fn keep_only(directives: &mut Vec<Component<ast::Directive>>, names: &[&str]) {
    directives.retain(|directive| names.contains(&directive.name.as_str()));
}

/// On fields, arguments and values, clients see that they are deprecated.
fn keep_deprecated(directives: &mut ast::DirectiveList) {
    directives.0.retain(|directive| directive.name == "deprecated");
}

fn is_executable(location: ast::DirectiveLocation) -> bool {
    use ast::DirectiveLocation as L;
    matches!(
        location,
        L::Query
            | L::Mutation
            | L::Subscription
            | L::Field
            | L::FragmentDefinition
            | L::FragmentSpread
            | L::InlineFragment
            | L::VariableDefinition
    )
}

/// Types by name, in the schema's order, without built-in ones and those of specifications.
pub(super) fn user_types<'a>(
    schema: &'a Schema,
    specifications: &Specifications,
) -> IndexMap<&'a Name, &'a ExtendedType> {
    schema
        .types
        .iter()
        .filter(|(name, ty)| !ty.is_built_in() && !specifications.owns_type(name))
        .collect()
}
