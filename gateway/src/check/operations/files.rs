//! Which files a pattern means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::check::CheckError;

/// The files that match, in order. A pattern without any match is an error: otherwise a typo
/// would let every change pass.
pub(crate) fn find_files(globs: &[String]) -> Result<Vec<PathBuf>, CheckError> {
    let mut files = BTreeSet::new();
    for glob in globs {
        let matcher = GlobBuilder::new(glob)
            .literal_separator(true)
            .build()
            .map_err(|error| CheckError::Glob {
                glob: glob.clone(),
                reason: error.kind().to_string(),
            })?
            .compile_matcher();
        let path = Path::new(glob);
        let mut found = Vec::new();
        if path.is_file() {
            found.push(path.to_owned());
        } else if path.is_dir() {
            walk(path, &mut found);
            found.retain(|file| is_operations_file(file));
        } else {
            walk(&fixed_folder(glob), &mut found);
            found.retain(|file| matcher.is_match(file));
        }
        if found.is_empty() {
            return Err(CheckError::NoOperations { glob: glob.clone() });
        }
        files.extend(found);
    }
    Ok(files.into_iter().collect())
}

fn is_operations_file(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "graphql" || extension == "gql")
}

/// The part of a pattern before its first special character, up to the last separator.
fn fixed_folder(glob: &str) -> PathBuf {
    let special = glob.find(['*', '?', '[', '{']).unwrap_or(glob.len());
    match glob[..special].rfind('/') {
        Some(0) => PathBuf::from("/"),
        Some(end) => PathBuf::from(&glob[..end]),
        None => PathBuf::new(),
    }
}

/// All files below a folder. Folders that cannot be read hold no operations for us.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(listed) else { return };
    for entry in entries.flatten() {
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, found),
            Ok(kind) if kind.is_file() => found.push(path),
            Ok(_) | Err(_) => {}
        }
    }
    found.sort();
}
