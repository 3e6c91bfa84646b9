//! One subgraph: from SDL text to a validated schema in federation 2 form.
//!
//! `Subgraph<Parsed>` has its links read and its definitions completed; `Subgraph<Validated>`
//! keeps every rule that can be checked without looking at other subgraphs.

pub(crate) mod build;
pub(crate) mod expand;
pub(crate) mod field_set;
pub(crate) mod graphql;
pub(crate) mod link;
pub(crate) mod metadata;
pub(crate) mod model;
pub(crate) mod source;
pub(crate) mod spec;
pub(crate) mod upgrade;
pub(crate) mod validate;

use std::marker::PhantomData;

use apollo_compiler::Name;
use apollo_compiler::ast::Document;
use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;
use link::{Links, Version};
use metadata::Metadata;
use model::{Applied, ROOTS, Schema};
use source::Source;

/// The schema is GraphQL, but federation's rules are not checked.
#[derive(Clone, Debug)]
pub(crate) struct Parsed;

/// Every rule on a single subgraph holds.
#[derive(Clone, Debug)]
pub(crate) struct Validated;

/// A subgraph in one of the states above.
#[derive(Clone, Debug)]
pub(crate) struct Subgraph<State> {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) source: Source,
    pub(crate) schema: Schema,
    pub(crate) links: Links,
    /// `None` for federation 1.
    pub(crate) version: Option<Version>,
    /// Types that bear the name of a root without being it.
    pub(crate) clashes: Vec<Diagnostic>,
    names: IndexMap<&'static str, Name>,
    state: PhantomData<State>,
}

const FEDERATION_DIRECTIVES: [&str; 21] = [
    "key",
    "requires",
    "provides",
    "external",
    "extends",
    "shareable",
    "override",
    "tag",
    "inaccessible",
    "composeDirective",
    "interfaceObject",
    "authenticated",
    "requiresScopes",
    "policy",
    "context",
    "fromContext",
    "cost",
    "listSize",
    "cacheTag",
    "deprecated",
    "specifiedBy",
];

impl<State> Subgraph<State> {
    /// The name under which this subgraph knows a directive of federation.
    pub(crate) fn directive(&self, name: &'static str) -> &Name {
        &self.names[name]
    }

    pub(crate) fn applied<'a>(
        &'a self,
        directives: &'a [Applied],
        name: &'static str,
    ) -> impl Iterator<Item = &'a Applied> {
        model::all_of(directives, self.directive(name).as_str())
    }

    pub(crate) fn first<'a>(
        &'a self,
        directives: &'a [Applied],
        name: &'static str,
    ) -> Option<&'a Applied> {
        self.applied(directives, name).next()
    }

    pub(crate) fn has(&self, directives: &[Applied], name: &'static str) -> bool {
        self.first(directives, name).is_some()
    }

    pub(crate) fn is_interface_object(&self, type_name: &str) -> bool {
        self.schema.types.get(type_name).is_some_and(|def| {
            def.kind == model::Kind::Object && self.has(&def.directives, "interfaceObject")
        })
    }

    /// A newer federation version than the one linked, where another linked spec asks for it.
    pub(crate) fn implied_version(&self) -> Option<Version> {
        let links = self.links.by_identity.values();
        let implied = links.filter_map(|link| spec::implied_federation(&link.url)).max()?;
        self.version.is_some_and(|version| version < implied).then_some(implied)
    }

    pub(crate) fn error(&self, code: &str, at: &Name, message: impl AsRef<str>) -> Diagnostic {
        self.source.error(code, message).label(self.source.at(at))
    }

    fn into_state<Next>(self) -> Subgraph<Next> {
        let Self { name, url, source, schema, links, version, clashes, names, state: PhantomData } =
            self;
        Subgraph { name, url, source, schema, links, version, clashes, names, state: PhantomData }
    }
}

impl Subgraph<Parsed> {
    /// Reads the links, adds the definitions they bring, checks GraphQL's rules.
    pub(crate) fn build(
        url: &str,
        source: Source,
        document: &Document,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut schema = build::build(&source, document)?;
        let links = link::read(&schema, &source)?;
        link::refuse_supergraph(&schema, &links, &source)?;
        link::check_names(&schema, &links, &source)?;
        expand::expand(&mut schema, &links, &source)?;
        graphql::validate(&schema, &source)?;
        let clashes = rename_roots(&mut schema, &source);
        let version = links.federation().map(|link| link.url.version);
        let names = directive_names(&links);
        let (name, url) = (source.subgraph.clone(), url.to_owned());
        let state = PhantomData;
        Ok(Self { name, url, source, schema, links, version, clashes, names, state })
    }

    pub(crate) fn is_federation_1(&self) -> bool {
        self.version.is_none()
    }

    /// Checks federation's rules; gives back what composition wants to know about fields.
    pub(crate) fn check(&self) -> Result<Metadata, Vec<Diagnostic>> {
        let metadata = metadata::collect(self);
        validate::validate(self, &metadata)?;
        Ok(metadata)
    }

    /// The same for good.
    pub(crate) fn validate(self) -> Result<(Subgraph<Validated>, Metadata), Vec<Diagnostic>> {
        let metadata = self.check()?;
        Ok((self.into_state(), metadata))
    }
}

fn directive_names(links: &Links) -> IndexMap<&'static str, Name> {
    let local = |name: &'static str| {
        if expand::is_graphql_directive(name) {
            return Name::new_static_unchecked(name);
        }
        match links.federation() {
            Some(federation) => {
                // A spec may also be linked by itself rather than through federation.
                let own = links.by_identity.values().find(|link| {
                    link.url.identity.starts_with("https://specs.apollo.dev/")
                        && (link.url.name == name
                            || (link.url.name == "cost" && name == "listSize")
                            || (link.url.name == "context" && name == "fromContext"))
                });
                Name::new_unchecked(&own.unwrap_or(federation).directive_name(name))
            }
            None => Name::new_static_unchecked(name),
        }
    };
    FEDERATION_DIRECTIVES.into_iter().map(|name| (name, local(name))).collect()
}

/// Roots get their default names, so that they merge whatever each subgraph calls them; the
/// types in the way of that are given back.
fn rename_roots(schema: &mut Schema, source: &Source) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for operation in ROOTS {
        let default = operation.default_type_name();
        let Some(root) = schema.root(operation).cloned() else { continue };
        if root == default || schema.kind(&root) != Some(model::Kind::Object) {
            continue;
        }
        if let Some(clash) = schema.types.get(&default) {
            let code = format!("ROOT_{}_USED", operation.name().to_uppercase());
            errors.push(
                source
                    .error(
                        &code,
                        format!(
                            "`{default}` is not the {operation} root (`{root}` is), \
                             so no type may have that name"
                        ),
                    )
                    .label(source.at(&clash.name)),
            );
            continue;
        }
        rename_type(schema, &root, &default);
    }
    errors
}

fn rename_type(schema: &mut Schema, from: &Name, to: &Name) {
    let rename = |name: &Name| if name == from { to.clone() } else { name.clone() };
    let types = std::mem::take(&mut schema.types);
    for (name, mut def) in types {
        for field in def.fields.values_mut() {
            field.ty = spec::rename_type(&field.ty, &rename);
        }
        def.members = def.members.iter().map(rename).collect();
        if name == *from {
            def.name = to.clone();
        }
        schema.types.insert(rename(&name), def);
    }
    for operation in ROOTS {
        if schema.root(operation) == Some(from) {
            *schema.root_mut(operation) = Some(to.clone());
        }
    }
}
