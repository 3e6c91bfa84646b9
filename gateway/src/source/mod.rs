//! Where schemas come from: supergraph files, `supergraph.yaml`, `name=path` pairs, running
//! subgraphs. Everything ends as SDL text in memory; what it means is `federation`'s business.

pub(crate) mod env;
pub(crate) mod introspect;
pub(crate) mod introspection_json;
mod supergraph_yaml;

use std::path::{Path, PathBuf};

use self::env::ExpandError;
use self::introspect::IntrospectError;
use self::supergraph_yaml::{SchemaSource, SupergraphYaml};
use crate::outbound::HttpClient;

/// One subgraph as it goes into composition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubgraphSource {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) sdl: String,
    /// For messages: the file or URL the SDL came from.
    pub(crate) origin: String,
}

/// What a file that is given as "a schema" holds.
#[derive(Clone, Debug)]
pub(crate) enum SchemaInput {
    /// Supergraph or API schema.
    Sdl(String),
    /// To be composed.
    Subgraphs(Vec<SubgraphSource>),
}

/// Why input could not be loaded (exit code 3).
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Expand { path: PathBuf, source: ExpandError },
    #[error("{}: {source}", path.display())]
    Yaml { path: PathBuf, source: serde_yaml_ng::Error },
    #[error(
        "subgraph `{subgraph}`: `schema` needs exactly one of `file`, `subgraph_url` and `sdl`"
    )]
    SchemaSource { subgraph: String },
    #[error("subgraph `{subgraph}`: {source}")]
    Introspect { subgraph: String, source: IntrospectError },
    #[error("{}: names no subgraph", path.display())]
    NoSubgraphs { path: PathBuf },
    #[error("{}: {source}", path.display())]
    IntrospectionJson { path: PathBuf, source: introspection_json::IntrospectionJsonError },
    #[error("{origin}: {source}")]
    Graph { origin: String, source: IntrospectError },
    #[error("{}: a folder without schema files (*.graphql)", path.display())]
    EmptyFolder { path: PathBuf },
    #[error("git: {message}")]
    Git { message: String },
}

/// Is this the kind of file that lists subgraphs?
pub(crate) fn is_supergraph_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Reads an SDL file, or a `supergraph.yaml` with all that it names.
pub(crate) async fn load(client: &HttpClient, path: &Path) -> Result<SchemaInput, LoadError> {
    let text = read(path)?;
    if is_supergraph_yaml(path) {
        load_subgraphs(client, path, &text, &read).await.map(SchemaInput::Subgraphs)
    } else {
        Ok(SchemaInput::Sdl(text))
    }
}

/// All subgraphs of a `supergraph.yaml` whose text is given; `read_file` is asked for theirs.
pub(crate) async fn load_subgraphs(
    client: &HttpClient,
    path: &Path,
    text: &str,
    read_file: &impl Fn(&Path) -> Result<String, LoadError>,
) -> Result<Vec<SubgraphSource>, LoadError> {
    let yaml = SupergraphYaml::parse(path, text)?;
    if yaml.subgraphs.is_empty() {
        return Err(LoadError::NoSubgraphs { path: path.to_owned() });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut subgraphs = Vec::with_capacity(yaml.subgraphs.len());
    for (name, entry) in &yaml.subgraphs {
        let (sdl, origin) = match entry.source(name, folder)? {
            SchemaSource::File(file) => (read_file(&file)?, file.display().to_string()),
            SchemaSource::Inline(sdl) => (sdl, path.display().to_string()),
            SchemaSource::Running { url, headers } => {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let sdl = introspect::introspect(client, &url, headers)
                    .await
                    .map_err(|source| LoadError::Introspect { subgraph: name.clone(), source })?;
                (sdl, url)
            }
        };
        subgraphs.push(SubgraphSource { name: name.clone(), url: entry.url(), sdl, origin });
    }
    Ok(subgraphs)
}

pub(crate) fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

/// The schema files that a `supergraph.yaml` names; empty for other files and unreadable ones.
pub(crate) fn schema_files(path: &Path) -> Vec<PathBuf> {
    if !is_supergraph_yaml(path) {
        return Vec::new();
    }
    let Ok(yaml) = read(path).and_then(|text| SupergraphYaml::parse(path, &text)) else {
        return Vec::new();
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    yaml.subgraphs
        .values()
        .filter_map(|entry| entry.schema.file.as_ref())
        .map(|file| folder.join(file))
        .collect()
}

/// Whether a `supergraph.yaml` names running subgraphs.
pub(crate) fn has_services(path: &Path) -> bool {
    is_supergraph_yaml(path)
        && read(path).and_then(|text| SupergraphYaml::parse(path, &text)).is_ok_and(|yaml| {
            yaml.subgraphs.values().any(|entry| entry.schema.subgraph_url.is_some())
        })
}
