//! Many subgraphs to one supergraph.
//!
//! [`compose`] is the table of contents. Each phase collects everything that it finds wrong;
//! the first phase that finds something ends the composition, because later findings would
//! only repeat it. The result does not depend on the order of the subgraphs.

mod contract;
mod hints;
mod merge;
mod post_merge;
mod print;
mod satisfiability;

use apollo_compiler::ast::Document;

pub use contract::{ContractFilter, contract};

use crate::diagnostic::Diagnostic;
use crate::subgraph::metadata::Metadata;
use crate::subgraph::source::Source;
use crate::subgraph::{Parsed, Subgraph, Validated, build, upgrade};

/// A subgraph as its owner hands it in.
#[derive(Clone, Debug)]
pub struct SubgraphSource {
    pub name: String,
    /// Where the subgraph answers; part of the supergraph.
    pub url: String,
    pub sdl: String,
}

/// A supergraph that every query of its API schema can be answered from.
#[derive(Clone, Debug)]
pub struct Composition {
    /// In the join spec's form, as routers read it.
    pub supergraph_sdl: String,
    /// What may surprise, but is no error.
    pub hints: Vec<Diagnostic>,
}

/// Bounds of a composition.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many steps the proof that every query can be answered may take. A step is one look at
    /// whether one subgraph can follow one field from one place.
    pub satisfiability_steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { satisfiability_steps: 20_000_000 }
    }
}

/// The errors are all those of the phase that failed.
pub type CompositionResult = Result<Composition, Vec<Diagnostic>>;

/// Composes the subgraphs.
///
/// ```
/// use federation::composition::{SubgraphSource, compose};
///
/// let subgraph = |name: &str, sdl: &str| SubgraphSource {
///     name: name.into(),
///     url: format!("http://{name}/graphql"),
///     sdl: sdl.into(),
/// };
/// let composition = compose(vec![
///     subgraph("reviews", "type Query { reviews: [String!]! }"),
///     subgraph("users", "type Query { me: String }"),
/// ])
/// .expect("the two have nothing in common");
/// assert!(composition.supergraph_sdl.contains("me: String @join__field(graph: USERS)"));
/// ```
pub fn compose(subgraphs: Vec<SubgraphSource>) -> CompositionResult {
    compose_within(subgraphs, &Limits::default())
}

/// The same with other bounds than the usual ones.
pub fn compose_within(subgraphs: Vec<SubgraphSource>, limits: &Limits) -> CompositionResult {
    let subgraphs = parse(subgraphs)?;
    let subgraphs = build_and_validate(subgraphs)?;
    let subgraphs = upgrade_and_validate(subgraphs)?;
    let (mut merged, mut hints) = merge::merge(&subgraphs)?;
    post_merge::validate(&mut merged, &subgraphs)?;
    hints.extend(satisfiability::validate(&merged, limits)?);
    let supergraph_sdl = print::print(&merged.schema);
    Ok(Composition { supergraph_sdl, hints })
}

/// A subgraph in its final form with what its directives say.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) subgraph: Subgraph<Validated>,
    pub(crate) metadata: Metadata,
}

/// Nothing can be said about the meaning of a graph while some of it cannot be read.
fn parse(mut sources: Vec<SubgraphSource>) -> Result<Vec<ParsedSource>, Vec<Diagnostic>> {
    sources.sort_by(|a, b| (&a.name, &a.url, &a.sdl).cmp(&(&b.name, &b.url, &b.sdl)));
    let mut errors = Vec::new();
    let mut parsed = Vec::new();
    for SubgraphSource { name, url, sdl } in sources {
        let source = Source::new(&name, &sdl);
        let document = build::parse(&source, &sdl);
        collect(
            document.map(|document| ParsedSource { url, source, document }),
            &mut parsed,
            &mut errors,
        );
    }
    if errors.is_empty() { Ok(parsed) } else { Err(errors) }
}

/// A subgraph whose text is GraphQL.
struct ParsedSource {
    url: String,
    source: Source,
    document: Document,
}

/// Federation 2 subgraphs must be valid before their meaning can upgrade the others.
fn build_and_validate(
    sources: Vec<ParsedSource>,
) -> Result<Vec<Subgraph<Parsed>>, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut built = Vec::new();
    for pair in sources.windows(2) {
        if pair[0].source.subgraph == pair[1].source.subgraph {
            errors.push(Diagnostic::error(
                "INVALID_SUBGRAPH_NAME",
                format!("there are two subgraphs named `{}`", pair[0].source.subgraph),
            ));
        }
    }
    if sources.is_empty() {
        errors.push(Diagnostic::error("NO_QUERIES", "there are no subgraphs"));
    }
    for ParsedSource { url, source, document } in sources {
        let name = &source.subgraph;
        if name.is_empty() || name == "_" {
            errors.push(Diagnostic::error(
                "INVALID_SUBGRAPH_NAME",
                format!("`{name}` cannot be the name of a subgraph"),
            ));
            continue;
        }
        collect(Subgraph::build(&url, source, &document), &mut built, &mut errors);
    }
    for subgraph in &built {
        errors.extend(subgraph.clashes.iter().cloned());
        if !subgraph.is_federation_1()
            && let Err(found) = subgraph.check()
        {
            errors.extend(found);
        }
    }
    if errors.is_empty() { Ok(built) } else { Err(errors) }
}

fn collect<T>(
    result: Result<T, Vec<Diagnostic>>,
    values: &mut Vec<T>,
    errors: &mut Vec<Diagnostic>,
) {
    match result {
        Ok(value) => values.push(value),
        Err(found) => errors.extend(found),
    }
}

fn upgrade_and_validate(subgraphs: Vec<Subgraph<Parsed>>) -> Result<Vec<Input>, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut inputs = Vec::new();
    for subgraph in upgrade::upgrade(subgraphs)? {
        let validated =
            subgraph.validate().map(|(subgraph, metadata)| Input { subgraph, metadata });
        collect(validated, &mut inputs, &mut errors);
    }
    if errors.is_empty() { Ok(inputs) } else { Err(errors) }
}
