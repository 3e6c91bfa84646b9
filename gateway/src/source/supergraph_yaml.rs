//! Rover's `supergraph.yaml`: which subgraphs there are and where their SDL is found.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use super::LoadError;
use super::env::expand;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupergraphYaml {
    /// Accepted for compatibility: composition follows the subgraphs' own `@link`s.
    #[serde(default)]
    #[expect(dead_code, reason = "read so that files written for Rover are accepted")]
    federation_version: Option<serde_yaml_ng::Value>,
    pub(crate) subgraphs: IndexMap<String, SubgraphEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubgraphEntry {
    pub(crate) routing_url: Option<String>,
    pub(crate) schema: SchemaEntry,
    /// Rover's name for a description in newer files; not used for composing.
    #[serde(default)]
    #[expect(dead_code, reason = "read so that files written for Rover are accepted")]
    name: Option<String>,
}

/// Exactly one of `file`, `subgraph_url` and `sdl`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SchemaEntry {
    pub(crate) file: Option<PathBuf>,
    pub(crate) subgraph_url: Option<String>,
    pub(crate) introspection_headers: IndexMap<String, String>,
    pub(crate) sdl: Option<String>,
}

/// Where one subgraph's SDL comes from.
#[derive(Clone, Debug)]
pub(crate) enum SchemaSource {
    File(PathBuf),
    Running { url: String, headers: IndexMap<String, String> },
    Inline(String),
}

impl SupergraphYaml {
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, LoadError> {
        let text = expand(text, |name| std::env::var(name).ok())
            .map_err(|source| LoadError::Expand { path: path.to_owned(), source })?;
        serde_yaml_ng::from_str(&text)
            .map_err(|source| LoadError::Yaml { path: path.to_owned(), source })
    }
}

impl SubgraphEntry {
    /// File names are relative to the folder of the `supergraph.yaml`.
    pub(crate) fn source(&self, name: &str, folder: &Path) -> Result<SchemaSource, LoadError> {
        let SchemaEntry { file, subgraph_url, introspection_headers, sdl } = &self.schema;
        match (file, subgraph_url, sdl) {
            (Some(file), None, None) => Ok(SchemaSource::File(folder.join(file))),
            (None, Some(url), None) => Ok(SchemaSource::Running {
                url: url.clone(),
                headers: introspection_headers.clone(),
            }),
            (None, None, Some(sdl)) => Ok(SchemaSource::Inline(sdl.clone())),
            _ => Err(LoadError::SchemaSource { subgraph: name.to_owned() }),
        }
    }

    /// Where requests go: the routing URL, else the URL the SDL came from.
    pub(crate) fn url(&self) -> String {
        self.routing_url.clone().or_else(|| self.schema.subgraph_url.clone()).unwrap_or_default()
    }
}
