//! Reads the applications of `@link`.

use apollo_compiler::Name;
use apollo_compiler::ast::Value;

use super::add::add;
use super::{CORE, FEDERATION, Import, JOIN, LINK, Link, Links, SpecUrl, USAGE, Version};
use crate::diagnostic::Diagnostic;
use crate::subgraph::expand::is_graphql_directive;
use crate::subgraph::model::{Applied, Schema, each_applied};
use crate::subgraph::source::Source;
use crate::subgraph::spec;

/// A code and a message.
pub(super) type Problem = (&'static str, String);

/// Reads the schema's links.
pub(crate) fn read(schema: &Schema, source: &Source) -> Result<Links, Vec<Diagnostic>> {
    let mut links = Links::default();
    let Some(link_name) = link_directive_name(schema) else { return Ok(links) };
    let applications = || schema.directives.iter().filter(|applied| applied.name == link_name);
    let is_about = |applied: &Applied, identities: &[&str]| {
        let url = applied.str_arg("url").or_else(|| applied.str_arg("feature"));
        url.is_some_and(|url| identities.iter().any(|identity| url.starts_with(identity)))
    };
    let links_itself = applications().any(|applied| is_about(applied, &[LINK, CORE]));
    let links_federation = applications().any(|applied| is_about(applied, &[FEDERATION]));
    if !links_itself {
        let implied = implied_link();
        links.by_identity.insert(implied.url.identity.clone(), implied);
    }
    if !links_itself && !links_federation {
        // Federation 1 has no links: other specs mean nothing to it.
        return Ok(links);
    }
    for applied in applications() {
        if let Err((code, message)) = read_link(applied).and_then(|link| add(&mut links, link)) {
            // Later links may depend on this one.
            let unknown = unknown_directives(schema, &link_name);
            if links_itself && !unknown.is_empty() {
                // Where the link spec is linked itself, nothing is known of other directives.
                return Err(unknown.iter().map(|name| unknown_directive(source, name)).collect());
            }
            let errors = vec![source.error(code, message).label(source.at(&applied.name))];
            return Err(errors);
        }
    }
    if let Some(link) = links.get(LINK)
        && link.url.version != Version::new(1, 0)
    {
        let code = if links_federation { USAGE } else { "UNKNOWN_LINK_VERSION" };
        let message = format!("version {} of the link spec is unknown", link.url.version);
        return Err(vec![source.error(code, message).label(source.at(&link.applied.name))]);
    }
    Ok(links)
}

/// Types of the join spec, which composition adds.
const OF_SUPERGRAPHS: [&str; 5] = [
    "join__Graph",
    "join__FieldSet",
    "join__FieldValue",
    "join__DirectiveArguments",
    "join__ContextArgument",
];

/// What composition writes is nothing that it can compose.
pub(crate) fn refuse_supergraph(
    schema: &Schema,
    links: &Links,
    source: &Source,
) -> Result<(), Vec<Diagnostic>> {
    let remedy = "makes this a supergraph: compose the subgraphs that it was composed of instead";
    if let Some(join) = links.get(JOIN) {
        let message = format!("`{}` {remedy}", join.url);
        return Err(vec![source.error(USAGE, message).label(source.at(&join.applied.name))]);
    }
    let types = OF_SUPERGRAPHS.iter().filter_map(|name| schema.types.get(*name));
    let errors: Vec<Diagnostic> = types
        .map(|def| {
            let message = format!("`{}` {remedy}", def.name);
            source.error("INVALID_GRAPHQL", message).label(source.at(&def.name))
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn unknown_directive(source: &Source, name: &Name) -> Diagnostic {
    source.error("INVALID_GRAPHQL", format!("unknown directive `@{name}`")).label(source.at(name))
}

/// The link spec that every linking schema uses, whether it says so or not.
fn implied_link() -> Link {
    Link {
        url: SpecUrl {
            identity: LINK.to_owned(),
            name: "link".to_owned(),
            version: Version::new(1, 0),
        },
        alias: "link".to_owned(),
        imports: Vec::new(),
        purpose: None,
        applied: Applied::new("link"),
    }
}

/// Directives that neither the document nor federation 1 nor GraphQL defines.
fn unknown_directives(schema: &Schema, link_name: &Name) -> Vec<Name> {
    let federation_1 = spec::parse(spec::FEDERATION_1_SDL);
    let mut unknown = Vec::new();
    each_applied(schema, &mut |applied| {
        let name = &applied.name;
        let known = schema.directive_definitions.contains_key(name)
            || federation_1.directive_definitions.contains_key(name)
            || is_graphql_directive(name)
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
        Value::String(element) => {
            return Ok(Import { element: element.clone(), local: element.clone() });
        }
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
