//! Both sides of a check: an API schema, a supergraph, or subgraphs that are composed first.

use std::path::Path;

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use federation::supergraph::Supergraph;

use super::git;
use crate::composing::{compose_subgraphs, sources};
use crate::outbound::HttpClient;
use crate::render::render;
use crate::source::{self, LoadError, SchemaInput, SubgraphSource, is_supergraph_yaml};

/// One side, ready to be compared.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) origin: String,
    pub(super) api_schema: Schema,
    pub(super) supergraph_sdl: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Load { source: LoadError },
    #[error("{origin}: {message}")]
    InvalidSchema { origin: String, message: String },
    /// The head does not compose: a finding.
    #[error("{origin} does not compose\n{rendered}")]
    HeadComposition { origin: String, rendered: String },
    #[error("{origin} does not compose, so there is nothing to compare with\n{rendered}")]
    BaseComposition { origin: String, rendered: String },
    #[error("`{base}` is neither a file nor a revision: {reason}")]
    NoSuchBase { base: String, reason: String },
    #[error("`{glob}` is not a valid pattern: {reason}")]
    Glob { glob: String, reason: String },
    #[error("`{glob}` matches no file")]
    NoOperations { glob: String },
    #[error("{file}: {message}")]
    Operations { file: String, message: String },
}

pub(super) async fn load_head(client: &HttpClient, path: &Path) -> Result<Side, CheckError> {
    let input = source::load(client, path).await.map_err(|source| CheckError::Load { source })?;
    let origin = path.display().to_string();
    build(input, origin.clone(), |rendered| CheckError::HeadComposition { origin, rendered })
}

/// A file if there is one of that name, else the head's file at that git revision.
pub(super) async fn load_base(
    client: &HttpClient,
    base: &str,
    head: &Path,
) -> Result<Side, CheckError> {
    let path = Path::new(base);
    let (input, origin) = if path.exists() {
        let input =
            source::load(client, path).await.map_err(|source| CheckError::Load { source })?;
        (input, base.to_owned())
    } else {
        (load_revision(client, base, head).await?, format!("{base}:{}", head.display()))
    };
    build(input, origin.clone(), |rendered| CheckError::BaseComposition { origin, rendered })
}

async fn load_revision(
    client: &HttpClient,
    revision: &str,
    head: &Path,
) -> Result<SchemaInput, CheckError> {
    let text = git::show(revision, head).map_err(|error| CheckError::NoSuchBase {
        base: revision.to_owned(),
        reason: error.to_string(),
    })?;
    if !is_supergraph_yaml(head) {
        return Ok(SchemaInput::Sdl(text));
    }
    let read_file = |path: &Path| git::show(revision, path);
    source::load_subgraphs(client, head, &text, &read_file)
        .await
        .map(SchemaInput::Subgraphs)
        .map_err(|source| CheckError::Load { source })
}

fn build(
    input: SchemaInput,
    origin: String,
    refuse: impl FnOnce(String) -> CheckError,
) -> Result<Side, CheckError> {
    match input {
        SchemaInput::Sdl(text) if text.trim().is_empty() => {
            Err(CheckError::InvalidSchema { origin, message: NOTHING.to_owned() })
        }
        SchemaInput::Sdl(text) if text.contains("join__Graph") => from_supergraph(origin, text),
        SchemaInput::Sdl(text) => from_api_schema(origin, &text),
        SchemaInput::Subgraphs(subgraphs) => match compose(&subgraphs) {
            Ok(sdl) => from_supergraph(origin, sdl),
            Err(rendered) => Err(refuse(rendered)),
        },
    }
}

fn compose(subgraphs: &[SubgraphSource]) -> Result<String, String> {
    match compose_subgraphs(subgraphs) {
        Ok(composition) => Ok(composition.supergraph_sdl),
        Err(diagnostics) => Err(render(&diagnostics, &sources(subgraphs))),
    }
}

fn from_supergraph(origin: String, sdl: String) -> Result<Side, CheckError> {
    match Supergraph::parse(&sdl) {
        Ok(supergraph) => {
            let api_schema = Schema::clone(supergraph.api_schema());
            Ok(Side { origin, api_schema, supergraph_sdl: Some(sdl) })
        }
        Err(error) => Err(CheckError::InvalidSchema { origin, message: error.to_string() }),
    }
}

/// Built, not validated: a schema that breaks a rule of the specification (no `Query` yet, say)
/// can still be compared, and a pull request that mends it must be possible.
fn from_api_schema(origin: String, sdl: &str) -> Result<Side, CheckError> {
    match Schema::builder().adopt_orphan_extensions().parse(sdl, origin.as_str()).build() {
        Ok(schema) if is_empty(&schema) => {
            Err(CheckError::InvalidSchema { origin, message: NOTHING.to_owned() })
        }
        Ok(api_schema) => Ok(Side { origin, api_schema, supergraph_sdl: None }),
        Err(errors) => {
            Err(CheckError::InvalidSchema { origin, message: format!("\n{}", errors.errors) })
        }
    }
}

const NOTHING: &str = "defines nothing";

/// An empty file is a mistake; compared with it, everything would have been removed.
fn is_empty(schema: &Schema) -> bool {
    schema.types.values().all(ExtendedType::is_built_in)
        && schema.directive_definitions.values().all(apollo_compiler::Node::is_built_in)
}
