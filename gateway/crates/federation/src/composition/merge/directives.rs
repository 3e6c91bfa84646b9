//! Which directives go into the supergraph, and under which names.

use apollo_compiler::Name;
use apollo_compiler::ast::Value;

use super::{Merger, join};
use crate::composition::Input;
use crate::subgraph::expand::GRAPHQL_DIRECTIVES;
use crate::subgraph::link::{
    CORE, FEDERATION, INACCESSIBLE, Import, LINK, Link, SpecUrl, TAG, Version, imports_value,
};
use crate::subgraph::model::{Applied, DirectiveDef, Schema, each_applied};
use crate::subgraph::spec::{self, AUTHENTICATED, CONTEXT, COST, POLICY, REQUIRES_SCOPES};

/// A directive whose applications are copied from subgraphs to the supergraph.
#[derive(Clone, Debug)]
pub(super) struct Composed {
    /// Its name in the supergraph.
    pub(super) name: Name,
    /// Federation's name of it, for those that federation gives a meaning.
    pub(super) known: Option<&'static str>,
    /// Its name in each subgraph; `None` where it is not to be looked for.
    pub(super) local: Vec<Option<Name>>,
    pub(super) definition: DirectiveDef,
}

struct Known {
    directive: &'static str,
    identity: &'static str,
    spec: &'static str,
    version: Version,
    security: bool,
}

const fn known(
    directive: &'static str,
    identity: &'static str,
    spec: &'static str,
    minor: u32,
    security: bool,
) -> Known {
    Known { directive, identity, spec, version: Version::new(0, minor), security }
}

const KNOWN: [Known; 8] = [
    known("tag", TAG, "tag", 3, false),
    known("inaccessible", INACCESSIBLE, "inaccessible", 2, true),
    known("authenticated", AUTHENTICATED, "authenticated", 1, true),
    known("requiresScopes", REQUIRES_SCOPES, "requiresScopes", 1, true),
    known("policy", POLICY, "policy", 1, true),
    known("context", CONTEXT, "context", 1, true),
    known("cost", COST, "cost", 1, false),
    known("listSize", COST, "cost", 1, false),
];

pub(super) fn is_default_composed(directive: &str) -> bool {
    KNOWN.iter().any(|known| known.directive == directive)
}

pub(super) fn is_used(schema: &Schema, directive: &str) -> bool {
    let mut used = false;
    each_applied(schema, &mut |applied| used |= applied.name == directive);
    used
}

impl Merger<'_> {
    pub(super) fn collect_composed_directives(&mut self) {
        self.link_itself();
        let mut links: Vec<Link> = Vec::new();
        for known in &KNOWN {
            self.collect_known(known, &mut links);
        }
        for link in &links {
            let imports = link.imports.iter().filter(|import| {
                let element = import.element.trim_start_matches('@');
                element != link.url.name || import.local != import.element
            });
            let imports: Vec<&Import> = imports.collect();
            let mut applied = Applied::new("link").with_str("url", &link.url.to_string());
            if let Some(purpose) = &link.purpose {
                applied = applied.with("for", Value::Enum(purpose.clone()));
            }
            if !imports.is_empty() {
                applied = applied.with("import", imports_value(imports.into_iter()));
            }
            self.schema.directives.push(applied);
            let (directives, types) = spec::definitions(link).unwrap_or_default();
            for def in directives {
                for composed in &mut self.composed {
                    if composed.name == def.name {
                        composed.definition = def.clone();
                    }
                }
                join::add_directive(&mut self.schema, def);
            }
            for mut def in types {
                // Not merged from subgraphs.
                def.defined = false;
                self.schema.types.insert(def.name.clone(), def);
            }
        }
        let built_in = spec::parse(GRAPHQL_DIRECTIVES);
        for name in ["deprecated", "specifiedBy"] {
            let Some(definition) = built_in.directive_definitions.get(name) else { continue };
            self.composed.push(Composed {
                name: Name::new_static_unchecked(name),
                known: Some(name),
                local: vec![Some(Name::new_static_unchecked(name)); self.inputs.len()],
                definition: definition.clone(),
            });
        }
        self.collect_custom_directives();
    }

    fn link_itself(&mut self) {
        let url = |identity: &str, version: Version| format!("{identity}/{version}");
        let execution = Value::Enum(Name::new_static_unchecked("EXECUTION"));
        let link = Applied::new("link").with_str("url", &url(LINK, Version::new(1, 0)));
        let join = Applied::new("link")
            .with_str("url", &url(crate::subgraph::link::JOIN, join::version(self.inputs)))
            .with("for", execution);
        self.schema.directives.extend([link, join]);
    }

    fn collect_known(&mut self, known: &Known, links: &mut Vec<Link>) {
        let mut names: Vec<(usize, Name)> = Vec::new();
        for (index, input) in self.inputs.iter().enumerate() {
            let local = input.subgraph.directive(known.directive);
            if is_used(&input.subgraph.schema, local) {
                names.push((index, local.clone()));
            }
        }
        let Some((_, first)) = names.first() else { return };
        if names.iter().any(|(_, name)| name != first) {
            let listed: Vec<String> = names
                .iter()
                .map(|(index, name)| format!("`@{name}` in `{}`", self.subgraph_name(*index)))
                .collect();
            let message = format!(
                "`@{}` is imported under different names: {}",
                known.directive,
                listed.join(", ")
            );
            self.error("LINK_IMPORT_NAME_MISMATCH", message, []);
            return;
        }
        let position = links
            .iter()
            .position(|link| link.url.identity == known.identity)
            .unwrap_or_else(|| {
                links.push(Link {
                    url: SpecUrl {
                        identity: known.identity.to_owned(),
                        name: known.spec.to_owned(),
                        version: known.version,
                    },
                    alias: known.spec.to_owned(),
                    imports: Vec::new(),
                    purpose: known.security.then(|| Name::new_static_unchecked("SECURITY")),
                    applied: Applied::new("link"),
                });
                links.len() - 1
            });
        links[position]
            .imports
            .push(Import { element: format!("@{}", known.directive), local: format!("@{first}") });
        let mut local = vec![None; self.inputs.len()];
        for (index, name) in &names {
            local[*index] = Some(name.clone());
        }
        let definition =
            self.inputs[names[0].0].subgraph.schema.directive_definitions[first].clone();
        self.composed.push(Composed {
            name: first.clone(),
            known: Some(known.directive),
            local,
            definition,
        });
    }

    /// Definitions of the link and join specs, which need everything else to be known.
    pub(super) fn add_spec_definitions(&mut self) {
        let link = Link {
            url: SpecUrl {
                identity: LINK.to_owned(),
                name: "link".to_owned(),
                version: Version::new(1, 0),
            },
            alias: "link".to_owned(),
            imports: Vec::new(),
            purpose: None,
            applied: Applied::new("link"),
        };
        let (directives, types) = spec::definitions(&link).unwrap_or_default();
        for def in directives {
            join::add_directive(&mut self.schema, def);
        }
        for def in types {
            self.schema.types.insert(def.name.clone(), def);
        }
        let version = join::version(self.inputs);
        join::define(&mut self.schema, version, self.inputs, &self.graphs);
    }
}

/// Types of these specs are about a subgraph alone and are not merged.
pub(super) fn is_merged_type(input: &Input, type_name: &str) -> bool {
    if type_name.starts_with("__") {
        return false;
    }
    let Some(origin) = input.subgraph.links.type_origin(type_name) else { return true };
    let identity = origin.link.url.identity.as_str();
    ![FEDERATION, LINK, CORE, crate::subgraph::link::CONNECT].contains(&identity)
}
