//! Files as a git revision has them, without touching the work tree.

use std::path::Path;
use std::process::Command;

use crate::source::LoadError;

/// The text of `path` at `revision`. The folder decides which repository is asked.
pub(super) fn show(revision: &str, path: &Path) -> Result<String, LoadError> {
    let failed = |message: String| LoadError::Git { message };
    if revision.is_empty() || revision.starts_with('-') {
        return Err(failed(format!("`{revision}` is not a revision")));
    }
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file =
        path.file_name().ok_or_else(|| failed(format!("{} is not a file", path.display())))?;
    let object = format!("{revision}:./{}", file.to_string_lossy());
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["show", "--end-of-options", &object])
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
