//! Many subgraphs to one supergraph.
//!
//! [`compose`] is the table of contents. Each phase collects everything that it finds wrong;
//! the first phase that finds something ends the composition, because later findings would
//! only repeat it. The result does not depend on the order of the subgraphs.

mod hints;
mod merge;
mod post_merge;
mod print;
mod satisfiability;

use crate::diagnostic::Diagnostic;
use crate::subgraph::metadata::Metadata;
use crate::subgraph::{Parsed, Subgraph, Validated, upgrade};

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
    let subgraphs = parse_and_validate(subgraphs)?;
    let subgraphs = upgrade_and_validate(subgraphs)?;
    let (mut merged, mut hints) = merge::merge(&subgraphs)?;
    post_merge::validate(&mut merged, &subgraphs)?;
    hints.extend(satisfiability::validate(&merged)?);
    let supergraph_sdl = print::print(&merged.schema);
    Ok(Composition { supergraph_sdl, hints })
}

/// A subgraph in its final form with what its directives say.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) subgraph: Subgraph<Validated>,
    pub(crate) metadata: Metadata,
}

/// Federation 2 subgraphs must be valid before their meaning can upgrade the others.
fn parse_and_validate(
    mut sources: Vec<SubgraphSource>,
) -> Result<Vec<Subgraph<Parsed>>, Vec<Diagnostic>> {
    sources.sort_by(|a, b| (&a.name, &a.url, &a.sdl).cmp(&(&b.name, &b.url, &b.sdl)));
    let mut errors = Vec::new();
    let mut parsed = Vec::new();
    for pair in sources.windows(2) {
        if pair[0].name == pair[1].name {
            errors.push(Diagnostic::error(
                "INVALID_SUBGRAPH_NAME",
                format!("there are two subgraphs named `{}`", pair[0].name),
            ));
        }
    }
    for SubgraphSource { name, url, sdl } in &sources {
        if name.is_empty() || name == "_" {
            errors.push(Diagnostic::error(
                "INVALID_SUBGRAPH_NAME",
                format!("`{name}` cannot be the name of a subgraph"),
            ));
            continue;
        }
        collect(Subgraph::parse(name, url, sdl), &mut parsed, &mut errors);
    }
    if sources.is_empty() {
        errors.push(Diagnostic::error("NO_QUERIES", "there are no subgraphs"));
    }
    for subgraph in parsed.iter().filter(|subgraph| !subgraph.is_federation_1()) {
        if let Err(found) = subgraph.clone().validate() {
            errors.extend(found);
        }
    }
    if errors.is_empty() { Ok(parsed) } else { Err(errors) }
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
