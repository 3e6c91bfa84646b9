//! Contracts: a supergraph of which some clients see a part, chosen by `@tag`.
//!
//! Nothing is taken away: what a contract leaves out becomes `@inaccessible`, so that routers
//! can still use it for keys and requirements.

mod mark;
mod reach;

use apollo_compiler::Name;
use apollo_compiler::ast::Value;

use super::post_merge::inaccessible;
use super::print;
use crate::diagnostic::Diagnostic;
use crate::subgraph::build;
use crate::subgraph::link::{self, INACCESSIBLE, Link, Links, SpecUrl, TAG, Version};
use crate::subgraph::model::{Applied, Kind, Schema};
use crate::subgraph::source::Source;
use crate::subgraph::spec;

const CODE: &str = "INVALID_FEDERATION_SUPERGRAPH";

/// Which part of a supergraph a contract shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractFilter {
    /// When there are any: only fields of objects and interfaces, and unions, that bear one of
    /// these tags. A type's tag counts for its fields.
    pub include: Vec<String>,
    /// Nothing that bears one of these tags.
    pub exclude: Vec<String>,
    /// No type that no visible field leads to.
    pub hide_unreachable: bool,
}

/// The supergraph with everything that the filter leaves out marked `@inaccessible`.
///
/// A filter that filters nothing gives the supergraph back as it is printed here.
///
/// ```
/// use federation::composition::{ContractFilter, SubgraphSource, compose, contract};
///
/// let sdl = r#"
///     extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@tag"])
///     type Query { bikes: Int, profit: Int @tag(name: "internal") }
/// "#;
/// let shop = SubgraphSource { name: "shop".into(), url: "http://shop".into(), sdl: sdl.into() };
/// let supergraph = compose(vec![shop]).expect("composes").supergraph_sdl;
/// let filter = ContractFilter { exclude: vec!["internal".into()], ..ContractFilter::default() };
/// let public = contract(&supergraph, &filter).expect("leaves something");
/// assert!(public.contains(r#"profit: Int @tag(name: "internal") @inaccessible"#));
/// ```
pub fn contract(supergraph_sdl: &str, filter: &ContractFilter) -> Result<String, Vec<Diagnostic>> {
    let (mut schema, links) = read(supergraph_sdl)?;
    let names = Names::of(&links);
    let mut hidden = mark::mark(&mut schema, &links, &names, filter);
    if filter.hide_unreachable {
        hidden |= reach::hide_unreachable(&mut schema, &links, &names);
    }
    if hidden && links.get(INACCESSIBLE).is_none() {
        link_inaccessible(&mut schema);
    }
    let mut errors = Vec::new();
    inaccessible::check(&schema, &mut errors);
    if errors.is_empty() { Ok(print::print(&schema)) } else { Err(errors) }
}

/// The names of the two directives in this supergraph.
struct Names {
    tag: Name,
    inaccessible: Name,
}

impl Names {
    fn of(links: &Links) -> Self {
        let local = |identity: &str, directive: &str| {
            let link = links.get(identity);
            let name = link.map_or_else(|| directive.to_owned(), |l| l.directive_name(directive));
            Name::new_unchecked(&name)
        };
        Self { tag: local(TAG, "tag"), inaccessible: local(INACCESSIBLE, "inaccessible") }
    }
}

fn read(sdl: &str) -> Result<(Schema, Links), Vec<Diagnostic>> {
    let source = Source::new("supergraph", sdl);
    let refuse = |errors: Vec<Diagnostic>| {
        let as_supergraph = |error: Diagnostic| Diagnostic { code: CODE.to_owned(), ..error };
        errors.into_iter().map(as_supergraph).collect::<Vec<_>>()
    };
    let document = build::parse(&source, sdl).map_err(refuse)?;
    let schema = build::build(&source, &document).map_err(refuse)?;
    let links = link::read(&schema, &source).map_err(refuse)?;
    let graphs = schema.types.get("join__Graph").is_some_and(|def| def.kind == Kind::Enum);
    if !graphs {
        let why = "this is no supergraph: it has no enum `join__Graph` that names its subgraphs";
        return Err(vec![Diagnostic::error(CODE, why)]);
    }
    Ok((schema, links))
}

fn link_inaccessible(schema: &mut Schema) {
    let link = Link {
        url: SpecUrl {
            identity: INACCESSIBLE.to_owned(),
            name: "inaccessible".to_owned(),
            version: Version::new(0, 2),
        },
        alias: "inaccessible".to_owned(),
        imports: Vec::new(),
        purpose: None,
        applied: Applied::new("link"),
    };
    let applied = Applied::new("link")
        .with_str("url", &link.url.to_string())
        .with("for", Value::Enum(Name::new_static_unchecked("SECURITY")));
    schema.directives.push(applied);
    let (directives, _) = spec::definitions(&link).unwrap_or_default();
    for def in directives {
        schema.directive_definitions.entry(def.name.clone()).or_insert(def);
    }
}
