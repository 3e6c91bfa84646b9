//! The checked-in `schema/` folder: what the services print, and what it composes to.
//!
//! `cargo run --bin schema` writes it; a test fails while it is stale. Clients, schema checks in
//! CI and other routers read these files without building anything.

use std::io;
use std::path::Path;

use federation::diagnostic::Diagnostic;
use federation::supergraph::{Supergraph, SupergraphError};

use crate::supergraph::{Addresses, subgraphs, supergraph};

/// A file of the folder with what it should say.
#[derive(Debug, PartialEq, Eq)]
pub struct SchemaFile {
    pub name: String,
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SchemaFilesError {
    #[error("the services' schemas do not compose: {}", messages(diagnostics))]
    Composition { diagnostics: Vec<Diagnostic> },
    #[error("the composed supergraph cannot be read back: {0}")]
    Supergraph(#[from] SupergraphError),
    #[error("schema/{name}: {source}")]
    File { name: String, source: io::Error },
}

fn messages(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message))
        .collect();
    lines.join("; ")
}

/// What the folder should hold.
pub fn expected() -> Result<Vec<SchemaFile>, SchemaFilesError> {
    let composition = supergraph(&Addresses::development())
        .map_err(|diagnostics| SchemaFilesError::Composition { diagnostics })?;
    let api = Supergraph::parse(&composition.supergraph_sdl)?.api_schema().to_string();
    let mut files: Vec<SchemaFile> = subgraphs()
        .into_iter()
        .map(|(name, text)| SchemaFile { name: format!("{name}.graphql"), text })
        .collect();
    files.push(SchemaFile {
        name: "supergraph.graphql".to_owned(),
        text: composition.supergraph_sdl,
    });
    files.push(SchemaFile { name: "api.graphql".to_owned(), text: api });
    Ok(files)
}

/// Names of the files that do not say what they should.
pub fn stale(folder: &Path) -> Result<Vec<String>, SchemaFilesError> {
    let mut stale = Vec::new();
    for file in expected()? {
        match std::fs::read_to_string(folder.join(&file.name)) {
            Ok(text) if text == file.text => {}
            Ok(_) => stale.push(file.name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => stale.push(file.name),
            Err(source) => return Err(SchemaFilesError::File { name: file.name, source }),
        }
    }
    Ok(stale)
}

/// Writes the folder.
pub fn write(folder: &Path) -> Result<(), SchemaFilesError> {
    for file in expected()? {
        std::fs::write(folder.join(&file.name), &file.text)
            .map_err(|source| SchemaFilesError::File { name: file.name, source })?;
    }
    Ok(())
}
