//! From loaded sources to a supergraph: the bridge between `source` and `federation`.

use std::path::Path;

use federation::composition::{self, Composition, compose};
use federation::diagnostic::Diagnostic;

use crate::outbound::HttpClient;
use crate::render::{Source, render};
use crate::source::{self, LoadError, SchemaInput, SubgraphSource};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error(transparent)]
    Load { source: LoadError },
    #[error("{rendered}")]
    Composition { diagnostics: Vec<Diagnostic>, rendered: String },
}

/// The SDL of a supergraph file, or of what a `supergraph.yaml` composes to.
pub(crate) async fn supergraph_sdl(
    client: &HttpClient,
    file: &Path,
) -> Result<String, ComposeError> {
    match source::load(client, file).await.map_err(|source| ComposeError::Load { source })? {
        SchemaInput::Sdl(text) => Ok(text),
        SchemaInput::Subgraphs(subgraphs) => match compose_subgraphs(&subgraphs) {
            Ok(composed) => Ok(composed.supergraph_sdl),
            Err(diagnostics) => {
                let rendered = render(&diagnostics, &sources(&subgraphs));
                Err(ComposeError::Composition { diagnostics, rendered })
            }
        },
    }
}

pub(crate) fn compose_subgraphs(
    subgraphs: &[SubgraphSource],
) -> Result<Composition, Vec<Diagnostic>> {
    let input = |subgraph: &SubgraphSource| {
        let SubgraphSource { name, url, sdl, origin: _ } = subgraph.clone();
        composition::SubgraphSource { name, url, sdl }
    };
    compose(subgraphs.iter().map(input).collect())
}

/// For snippets in diagnostics.
pub(crate) fn sources(subgraphs: &[SubgraphSource]) -> Vec<Source<'_>> {
    subgraphs
        .iter()
        .map(|SubgraphSource { name, origin, sdl: text, url: _ }| Source { name, origin, text })
        .collect()
}
