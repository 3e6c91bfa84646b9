//! `@link`: which specs a schema uses, and under which names it knows their elements.

mod add;
mod names;
mod read;

use apollo_compiler::ast::Value;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::model::Applied;

pub(crate) use names::check_names;
pub(crate) use read::{read, refuse_supergraph};

pub(crate) const FEDERATION: &str = "https://specs.apollo.dev/federation";
pub(crate) const LINK: &str = "https://specs.apollo.dev/link";
pub(crate) const CORE: &str = "https://specs.apollo.dev/core";
pub(crate) const CONNECT: &str = "https://specs.apollo.dev/connect";
pub(crate) const TAG: &str = "https://specs.apollo.dev/tag";
pub(crate) const INACCESSIBLE: &str = "https://specs.apollo.dev/inaccessible";
pub(crate) const JOIN: &str = "https://specs.apollo.dev/join";

/// A `@link` that is malformed or clashes.
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
        let (path, version) = path.rsplit_once('/').unwrap_or(("", path));
        let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
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
