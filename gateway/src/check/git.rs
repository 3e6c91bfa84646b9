//! Files as a git revision has them, without touching the work tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::LoadError;

/// The text of `path` at `revision`. The folder decides which repository is asked.
pub(super) fn show(revision: &str, path: &Path) -> Result<String, LoadError> {
    let file = path
        .file_name()
        .ok_or_else(|| LoadError::Git { message: format!("{} is not a file", path.display()) })?;
    let object = format!("{revision}:./{}", file.to_string_lossy());
    git(revision, path, folder_of(path), &["show", "--end-of-options", &object])
}

/// The schema files of a folder at `revision`, as paths to ask [`show`] for.
pub(super) fn list(revision: &str, folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let listed = git(
        revision,
        folder,
        folder,
        &["ls-tree", "-r", "-z", "--name-only", revision, "--", "."],
    )?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(|name| folder.join(name)).collect())
}

/// Whether there is such a revision where `path` lies.
pub(super) fn is_revision(revision: &str, path: &Path) -> bool {
    let commit = format!("{revision}^{{commit}}");
    let folder = if path.is_dir() { path } else { folder_of(path) };
    git(revision, path, folder, &["rev-parse", "--quiet", "--verify", "--end-of-options", &commit])
        .is_ok()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn git(
    revision: &str,
    path: &Path,
    folder: &Path,
    arguments: &[&str],
) -> Result<String, LoadError> {
    let failed = |message: String| LoadError::Git { message };
    if revision.is_empty() || revision.starts_with('-') {
        return Err(failed(format!("`{revision}` is not a revision")));
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .map_err(|error| failed(format!("could not be started: {error}")))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.trim().trim_start_matches("fatal: ");
        return Err(failed(format!("{} at `{revision}`: {reason}", path.display())));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| failed(format!("{} at `{revision}` is not text", path.display())))
}
