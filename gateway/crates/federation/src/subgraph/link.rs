//! `@link`: which specs a schema uses, and under which names it knows their elements.

use apollo_compiler::ast::Value;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::model::{Applied, Schema};
use super::source::Source;
use super::spec;
use crate::diagnostic::Diagnostic;

pub(crate) const FEDERATION: &str = "https://specs.apollo.dev/federation";
pub(crate) const LINK: &str = "https://specs.apollo.dev/link";
pub(crate) const CORE: &str = "https://specs.apollo.dev/core";
pub(crate) const CONNECT: &str = "https://specs.apollo.dev/connect";
pub(crate) const TAG: &str = "https://specs.apollo.dev/tag";
pub(crate) const INACCESSIBLE: &str = "https://specs.apollo.dev/inaccessible";
pub(crate) const JOIN: &str = "https://specs.apollo.dev/join";

const USAGE: &str = "INVALID_LINK_DIRECTIVE_USAGE";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
        let digits = |part: &str| {
            (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse().ok())
        };
        Some(Self { major: digits(major)??, minor: digits(minor)?? })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}.{}", self.major, self.minor)
    }
}

/// The parts of a spec's URL: `https://specs.apollo.dev/federation` + `v2.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecUrl {
    /// Everything but the version.
    pub(crate) identity: String,
    pub(crate) name: String,
    pub(crate) version: Version,
}

impl SpecUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| format!("`{text}` is not a URL"))?;
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (host, path) =
            rest.split_once('/').ok_or_else(|| format!("the URL `{text}` has no path"))?;
        let mut segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let version = segments.pop().ok_or_else(|| format!("the URL `{text}` names no version"))?;
        let version = Version::parse(version)
            .ok_or_else(|| format!("`{version}` in `{text}` is not a version such as v1.2"))?;
        let name =
            (*segments.last().ok_or_else(|| format!("the URL `{text}` names no spec"))?).to_owned();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Ok(Self { identity: format!("{scheme}://{host}/{}", segments.join("/")), name, version })
    }
}

impl std::fmt::Display for SpecUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.identity, self.version)
    }
}

/// One imported element; directives carry their `@` in both names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) element: String,
    pub(crate) local: String,
}

/// One linked spec.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) url: SpecUrl,
    /// The name under which this schema knows the spec.
    pub(crate) alias: String,
    pub(crate) imports: Vec<Import>,
    pub(crate) purpose: Option<Name>,
    /// The application of `@link`.
    pub(crate) applied: Applied,
}

impl Link {
    /// The local name (without `@`) of one of the spec's directives.
    pub(crate) fn directive_name(&self, directive: &str) -> String {
        for import in &self.imports {
            if import.element.strip_prefix('@') == Some(directive) {
                return import.local.trim_start_matches('@').to_owned();
            }
        }
        if directive == self.url.name {
            return self.alias.clone();
        }
        format!("{}__{directive}", self.alias)
    }

    pub(crate) fn type_name(&self, type_name: &str) -> String {
        for import in &self.imports {
            if import.element == type_name {
                return import.local.clone();
            }
        }
        format!("{}__{type_name}", self.alias)
    }
}

/// All links of a schema, by identity. Empty for federation 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) by_identity: IndexMap<String, Link>,
}

/// Where an element of a schema comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a, 'n> {
    pub(crate) link: &'a Link,
    /// Its name in the spec, without `@`.
    pub(crate) element: &'n str,
}

impl Links {
    pub(crate) fn get(&self, identity: &str) -> Option<&Link> {
        self.by_identity.get(identity)
    }

    pub(crate) fn federation(&self) -> Option<&Link> {
        self.get(FEDERATION)
    }

    /// The spec that a directive of this (local) name belongs to.
    pub(crate) fn directive_origin<'a, 'n>(&'a self, local: &'n str) -> Option<Origin<'a, 'n>>
    where
        'a: 'n,
    {
        for link in self.by_identity.values() {
            let import =
                link.imports.iter().find(|import| import.local.strip_prefix('@') == Some(local));
            if let Some(import) = import {
                return Some(Origin { link, element: import.element.trim_start_matches('@') });
            }
        }
        for link in self.by_identity.values() {
            if link.alias == local {
                return Some(Origin { link, element: &link.url.name });
            }
        }
        self.prefixed(local)
    }

    pub(crate) fn type_origin<'a, 'n>(&'a self, local: &'n str) -> Option<Origin<'a, 'n>>
    where
        'a: 'n,
    {
        for link in self.by_identity.values() {
            if let Some(import) = link.imports.iter().find(|import| import.local == local) {
                return Some(Origin { link, element: &import.element });
            }
        }
        self.prefixed(local)
    }

    fn prefixed<'a, 'n>(&'a self, local: &'n str) -> Option<Origin<'a, 'n>>
    where
        'a: 'n,
    {
        let (prefix, element) = local.split_once("__")?;
        let link = self.by_identity.values().find(|link| link.alias == prefix)?;
        Some(Origin { link, element })
    }
}

/// Reads the schema's links.
pub(crate) fn read(schema: &Schema, source: &Source) -> Result<Links, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut links = Links::default();
    let Some(link_name) = link_directive_name(schema) else { return Ok(links) };
    for applied in schema.directives.iter().filter(|applied| applied.name == link_name) {
        match read_link(applied) {
            Ok(link) => {
                if let Err((code, message)) = add(&mut links, link) {
                    errors.push(source.error(code, message).label(source.at(&applied.name)));
                }
            }
            Err((code, message)) => {
                errors.push(source.error(code, message).label(source.at(&applied.name)));
            }
        }
    }
    if links.get(LINK).is_some() && !errors.is_empty() {
        // Where the link spec is linked itself, a failed link leaves its directives unknown.
        let unknown = unknown_directives(schema, &link_name);
        if !unknown.is_empty() {
            errors = unknown
                .into_iter()
                .map(|name| {
                    source
                        .error("INVALID_GRAPHQL", format!("unknown directive `@{name}`"))
                        .label(source.at(&name))
                })
                .collect();
        }
    }
    if let Some(link) = links.get(LINK)
        && link.url.version != Version::new(1, 0)
    {
        errors.push(
            source
                .error(
                    "UNKNOWN_LINK_VERSION",
                    format!("version {} of the link spec is unknown", link.url.version),
                )
                .label(source.at(&link.applied.name)),
        );
    }
    if errors.is_empty() { Ok(links) } else { Err(errors) }
}

/// Directives that neither the document nor federation 1 nor GraphQL defines.
fn unknown_directives(schema: &Schema, link_name: &Name) -> Vec<Name> {
    let federation_1 = spec::parse(spec::FEDERATION_1_SDL);
    let mut unknown = Vec::new();
    super::model::each_applied(schema, &mut |applied| {
        let name = &applied.name;
        let known = schema.directive_definitions.contains_key(name)
            || federation_1.directive_definitions.contains_key(name)
            || super::expand::is_graphql_directive(name)
            || name == link_name;
        if !known {
            unknown.push(name.clone());
        }
    });
    unknown
}

/// The name of `@link` here: its own link may rename it. `None` when nothing is linked.
fn link_directive_name(schema: &Schema) -> Option<Name> {
    for applied in &schema.directives {
        let Ok(link) = read_link(applied) else { continue };
        if matches!(link.url.identity.as_str(), LINK | CORE) {
            let local = if link.url.identity == LINK {
                link.directive_name("link")
            } else {
                link.directive_name("core")
            };
            if applied.name == local.as_str() {
                return Some(applied.name.clone());
            }
        }
    }
    // A `@link` that is defined by the user as something else is not ours.
    schema.directives.iter().map(|applied| &applied.name).find(|name| *name == "link").cloned()
}

type Problem = (&'static str, String);

fn read_link(applied: &Applied) -> Result<Link, Problem> {
    let url = match applied.arg("url").or_else(|| applied.arg("feature")) {
        None => return Err((USAGE, "@link needs the argument `url`".to_owned())),
        Some(value) => match &**value {
            Value::String(url) => {
                SpecUrl::parse(url).map_err(|why| ("INVALID_LINK_IDENTIFIER", why))?
            }
            _ => return Err((USAGE, "the argument `url` of @link must be a string".to_owned())),
        },
    };
    let alias = match applied.arg("as").map(|value| &**value) {
        None | Some(Value::Null) => url.name.clone(),
        Some(Value::String(alias)) => alias.clone(),
        Some(_) => return Err((USAGE, "the argument `as` of @link must be a string".to_owned())),
    };
    let imports = match applied.arg("import").map(|value| &**value) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(elements)) => {
            elements.iter().map(|element| read_import(element)).collect::<Result<_, _>>()?
        }
        Some(single) => vec![read_import(single)?],
    };
    let purpose = applied.arg("for").and_then(|value| value.as_enum().cloned());
    Ok(Link { url, alias, imports, purpose, applied: applied.clone() })
}

fn read_import(value: &Value) -> Result<Import, Problem> {
    let usage = |message: String| (USAGE, message);
    let import = match value {
        Value::String(element) => Import { element: element.clone(), local: element.clone() },
        Value::Object(fields) => {
            let (mut element, mut local) = (None, None);
            for (key, value) in fields {
                let Some(text) = value.as_str() else {
                    return Err(usage(format!("`{key}` of an import must be a string")));
                };
                match key.as_str() {
                    "name" => element = Some(text.to_owned()),
                    "as" => local = Some(text.to_owned()),
                    _ => return Err(usage(format!("an import has no field `{key}`"))),
                }
            }
            let element = element.ok_or_else(|| usage("an import needs a `name`".to_owned()))?;
            let local = local.unwrap_or_else(|| element.clone());
            Import { element, local }
        }
        _ => {
            return Err(usage(format!(
                "`{value}` is not an import: give a name or {{ name: \"...\", as: \"...\" }}"
            )));
        }
    };
    for name in [&import.element, &import.local] {
        if !Name::is_valid_syntax(name.strip_prefix('@').unwrap_or(name)) {
            return Err(usage(format!("the import `{name}` is not a GraphQL name")));
        }
    }
    if import.element.starts_with('@') != import.local.starts_with('@') {
        return Err(usage(format!(
            "`{}` cannot be imported as `{}`: either both are directives (with @) or neither is",
            import.element, import.local
        )));
    }
    Ok(import)
}

/// Splits `alias__name` at the first double underscore that is not at the start.
fn split_prefixed(name: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = name.split_once("__")?;
    (!prefix.is_empty() && !rest.is_empty()).then_some((prefix, rest))
}

fn add(links: &mut Links, link: Link) -> Result<(), Problem> {
    let usage = |message: String| Err((USAGE, message));
    let identity = &link.url.identity;
    let alias = &link.alias;
    if links.by_identity.contains_key(identity) {
        return usage(format!("`{identity}` is linked twice"));
    }
    let excused = matches!(
        (identity.as_str(), alias.as_str()),
        (TAG, "federation__tag") | (INACCESSIBLE, "federation__inaccessible")
    ) && link.imports.is_empty();
    if (alias.contains("__") && !excused) || alias.ends_with('_') || !Name::is_valid_syntax(alias) {
        return usage(format!(
            "`{identity}` cannot be linked as `{alias}`: choose a GraphQL name without `__` \
             and without `_` at its end"
        ));
    }
    if let Some(known) = spec::elements(&link.url) {
        for import in &link.imports {
            if !known.contains(&import.element) {
                return usage(format!("`{}` has no element `{}`", link.url, import.element));
            }
        }
    }
    let confusable = |import: &Import| {
        format!(
            "the import `{}` can be taken for a name of another linked spec: rename one with `as`",
            import.local
        )
    };
    for other in links.by_identity.values() {
        if other.alias == *alias {
            return usage(format!(
                "`{identity}` and `{}` are both linked as `{alias}`: rename one with `as`",
                other.url.identity
            ));
        }
        for (importer, owner) in [(other, &link), (&link, other)] {
            for import in &importer.imports {
                let local = import.local.trim_start_matches('@');
                let is_directive = import.local.starts_with('@');
                let prefixed = split_prefixed(local).is_some_and(|(p, _)| p == owner.alias);
                if prefixed || (is_directive && local == owner.alias) {
                    return usage(confusable(import));
                }
            }
        }
    }
    let mut seen: IndexMap<&str, &Import> = IndexMap::new();
    for import in &link.imports {
        let local = import.local.trim_start_matches('@');
        let element = import.element.trim_start_matches('@');
        if let Some((prefix, rest)) = split_prefixed(local)
            && prefix == alias
            && rest != element
        {
            return usage(confusable(import));
        }
        if import.local.starts_with('@') && local == alias && element != link.url.name {
            return usage(confusable(import));
        }
        let clash = seen.insert(&import.local, import).filter(|earlier| *earlier != import);
        let twice = link.imports.iter().find(|o| o.element == import.element && *o != import);
        let elsewhere = links
            .by_identity
            .values()
            .flat_map(|other| &other.imports)
            .find(|other| other.local == import.local);
        if clash.is_some() || twice.is_some() || elsewhere.is_some() {
            return usage(format!(
                "the import `{}` clashes with another import: keep one of them",
                import.local
            ));
        }
    }
    links.by_identity.insert(identity.clone(), link);
    Ok(())
}

/// The value of `import:` that renders these imports again.
pub(crate) fn imports_value<'a>(imports: impl Iterator<Item = &'a Import>) -> Node<Value> {
    let string = |text: &str| Node::new(Value::String(text.to_owned()));
    let elements = imports
        .map(|import| {
            if import.element == import.local {
                string(&import.element)
            } else {
                Node::new(Value::Object(vec![
                    (Name::new_static_unchecked("name"), string(&import.element)),
                    (Name::new_static_unchecked("as"), string(&import.local)),
                ]))
            }
        })
        .collect();
    Node::new(Value::List(elements))
}
