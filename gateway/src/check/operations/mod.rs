//! The operations of clients: from files, manifests and the usage log; which of them the new
//! schema would break.

mod files;
mod manifest;
mod read;
mod validate;

use apollo_compiler::validation::Valid;
use apollo_compiler::{Schema, ast};
use federation::diff::OperationUse;
use serde::Serialize;

pub(crate) use files::find_files;
pub(super) use read::read_text;

use super::CheckError;

/// One operation with the fragments that it needs.
#[derive(Clone, Debug)]
pub(crate) struct ClientOperation {
    pub(crate) name: String,
    /// The file, or what else it came from.
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) document: ast::Document,
    /// Who has sent it, if that is known.
    pub(crate) clients: Vec<ClientCount>,
}

/// How often a client has sent an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ClientCount {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) count: u64,
}

impl ClientOperation {
    pub(crate) fn count(&self) -> u64 {
        self.clients.iter().map(|client| client.count).sum()
    }
}

/// The result for all operations that were found.
#[derive(Debug)]
pub(crate) struct OperationsReport {
    pub(crate) operations: Vec<ClientOperation>,
    /// Seen too rarely to count.
    pub(crate) below_threshold: usize,
    /// Valid so far, but not for the new schema, with what is wrong.
    pub(crate) broken: Vec<(usize, Vec<String>)>,
    /// Not valid for the old schema either, so not the change's fault.
    pub(crate) invalid_before: Vec<(usize, Vec<String>)>,
    /// What they use, in the same order; handed on to the impact analysis.
    pub(super) uses: Vec<OperationUse>,
}

/// Operations from files and manifests. Naming nothing but files without operations is an error:
/// otherwise a typo would let every change pass.
pub(super) fn load_operations(globs: &[String]) -> Result<Vec<ClientOperation>, CheckError> {
    let mut documents = Vec::new();
    for file in find_files(globs)? {
        let is_manifest = file.extension().is_some_and(|extension| extension == "json");
        if is_manifest {
            documents.extend(manifest::read(&file)?);
        } else {
            documents.push(read::read(&file)?);
        }
    }
    let operations = read::operations(&documents)?;
    if operations.is_empty() && !globs.is_empty() {
        return Err(CheckError::EmptyOperations { globs: globs.join("`, `") });
    }
    Ok(operations)
}

pub(super) fn check_operations(
    old: &Schema,
    new: &Schema,
    operations: Vec<ClientOperation>,
    below_threshold: usize,
) -> OperationsReport {
    // Schemas are compared as they are; operations are checked against them on the same terms.
    let (old, new) = (Valid::assume_valid_ref(old), Valid::assume_valid_ref(new));
    let mut report = OperationsReport {
        operations: Vec::new(),
        below_threshold,
        broken: Vec::new(),
        invalid_before: Vec::new(),
        uses: Vec::new(),
    };
    let documents: Vec<&ast::Document> =
        operations.iter().map(|operation| &operation.document).collect();
    let before = validate::validate_and_collect(old, &documents);
    let after = validate::validate(new, &documents);
    for (index, ((before, used), after)) in before.into_iter().zip(after).enumerate() {
        report.uses.push(used);
        if !before.is_empty() {
            report.invalid_before.push((index, before));
        } else if !after.is_empty() {
            report.broken.push((index, after));
        }
    }
    report.operations = operations;
    report
}
