//! Which operations, valid so far, the new schema would break.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema, ast};
use globset::GlobBuilder;
use serde::Serialize;

use super::CheckError;

/// The result for all operations that were found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct OperationsReport {
    pub(crate) checked: usize,
    pub(crate) broken: Vec<BrokenOperation>,
    /// Not valid for the old schema either, so not the change's fault.
    pub(crate) invalid_before: Vec<BrokenOperation>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BrokenOperation {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) errors: Vec<String>,
}

pub(super) fn check_operations(
    old: &Schema,
    new: &Schema,
    globs: &[String],
) -> Result<OperationsReport, CheckError> {
    // Schemas are compared as they are; operations are checked against them on the same terms.
    let (old, new) = (Valid::assume_valid_ref(old), Valid::assume_valid_ref(new));
    let mut report = OperationsReport::default();
    for file in find_files(globs)? {
        check_file(&mut report, old, new, &file)?;
    }
    Ok(report)
}

/// Documents of one file; fragments are known in the whole file.
fn check_file(
    report: &mut OperationsReport,
    old: &Valid<Schema>,
    new: &Valid<Schema>,
    file: &Path,
) -> Result<(), CheckError> {
    let name = file.display().to_string();
    let failed = |message: String| CheckError::Operations { file: name.clone(), message };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let document = Parser::new()
        .parse_ast(text, &name)
        .map_err(|errors| failed(format!("\n{}", errors.errors)))?;
    for (index, operation) in operations(&document).enumerate() {
        report.checked += 1;
        let single = with_used_fragments(&document, operation);
        let line =
            operation.line_column_range(&document.sources).map_or(1, |range| range.start.line);
        let broken = |errors| BrokenOperation {
            name: operation
                .name
                .as_ref()
                .map_or_else(|| format!("#{}", index + 1), ToString::to_string),
            file: name.clone(),
            line,
            errors,
        };
        if let Err(errors) = validate(&single, old) {
            report.invalid_before.push(broken(errors));
        } else if let Err(errors) = validate(&single, new) {
            report.broken.push(broken(errors));
        }
    }
    Ok(())
}

fn operations(document: &ast::Document) -> impl Iterator<Item = &Node<ast::OperationDefinition>> {
    document.definitions.iter().filter_map(|definition| match definition {
        ast::Definition::OperationDefinition(operation) => Some(operation),
        _ => None,
    })
}

fn validate(document: &ast::Document, schema: &Valid<Schema>) -> Result<(), Vec<String>> {
    match document.to_executable_validate(schema) {
        Ok(_) => Ok(()),
        Err(errors) => Err(errors.errors.iter().map(|error| error.to_json().message).collect()),
    }
}

/// A document with this operation and the fragments it needs, so that what is unused in the file
/// is not reported once per operation.
fn with_used_fragments(
    document: &ast::Document,
    operation: &Node<ast::OperationDefinition>,
) -> ast::Document {
    let mut used = BTreeSet::new();
    collect_spreads(document, &operation.selection_set, &mut used);
    let mut single = ast::Document::new();
    single.sources = document.sources.clone();
    single.definitions.push(ast::Definition::OperationDefinition(operation.clone()));
    let fragments = document.definitions.iter().filter(|definition| {
        matches!(definition, ast::Definition::FragmentDefinition(fragment) if used.contains(&fragment.name))
    });
    single.definitions.extend(fragments.cloned());
    single
}

fn collect_spreads(
    document: &ast::Document,
    selections: &[ast::Selection],
    used: &mut BTreeSet<Name>,
) {
    for selection in selections {
        match selection {
            ast::Selection::Field(field) => collect_spreads(document, &field.selection_set, used),
            ast::Selection::InlineFragment(fragment) => {
                collect_spreads(document, &fragment.selection_set, used);
            }
            ast::Selection::FragmentSpread(spread) => {
                if used.insert(spread.fragment_name.clone()) {
                    let fragment =
                        document.definitions.iter().find_map(|definition| match definition {
                            ast::Definition::FragmentDefinition(fragment)
                                if fragment.name == spread.fragment_name =>
                            {
                                Some(fragment)
                            }
                            _ => None,
                        });
                    if let Some(fragment) = fragment {
                        collect_spreads(document, &fragment.selection_set, used);
                    }
                }
            }
        }
    }
}

/// The files that match, in order. A pattern without any match is an error: otherwise a typo
/// would let every change pass.
fn find_files(globs: &[String]) -> Result<Vec<PathBuf>, CheckError> {
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
        let before = files.len();
        let already = files.iter().any(|file: &PathBuf| matcher.is_match(file));
        if Path::new(glob).is_file() {
            files.insert(PathBuf::from(glob));
        } else {
            let mut found = Vec::new();
            walk(&fixed_folder(glob), &mut found);
            files.extend(found.into_iter().filter(|file| matcher.is_match(file)));
        }
        if files.len() == before && !already {
            return Err(CheckError::NoOperations { glob: glob.clone() });
        }
    }
    Ok(files.into_iter().collect())
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
}
