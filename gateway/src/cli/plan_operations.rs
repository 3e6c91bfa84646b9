//! The operations of a folder or of some files, for commands that look at many.

use std::fmt;
use std::path::{Path, PathBuf};

use federation::operation::Document;

use super::Failure;
use crate::source;

/// One operation of one file.
#[derive(Debug)]
pub(super) struct FoundOperation {
    pub(super) file: PathBuf,
    pub(super) document: String,
    pub(super) name: Option<String>,
}

impl fmt::Display for FoundOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.file.display()),
            None => write!(f, "{}", self.file.display()),
        }
    }
}

/// All operations, by file; folders are searched for `*.graphql` and `*.gql`.
pub(super) fn find_operations(paths: &[PathBuf]) -> Result<Vec<FoundOperation>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    files.sort();
    files.dedup();
    let mut found = Vec::new();
    for file in files {
        let document = source::read(&file).map_err(Failure::input)?;
        let parsed = Document::parse(&document).map_err(|error| Failure::Findings {
            message: format!("{}: {error}", file.display()),
        })?;
        let definitions = parsed.ast().definitions.iter();
        let operations: Vec<_> =
            definitions.filter_map(|definition| definition.as_operation_definition()).collect();
        for operation in &operations {
            let name = operation.name.as_ref().map(ToString::to_string);
            found.push(FoundOperation { file: file.clone(), document: document.clone(), name });
        }
    }
    Ok(found)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::input(format!("{}: {error}", path.display()));
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let known = path.extension().is_some_and(|end| end == "graphql" || end == "gql");
        if path.is_dir() || known {
            collect(&path, files)?;
        }
    }
    Ok(())
}
