//! Validates thousands of operations: as many as possible together, since most are fine; only a
//! batch with errors is split until the culprits stand alone. All cores take part.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema, ast};
use federation::diff::{OperationUse, operation_use};

/// One result per document.
pub(super) fn validate(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
) -> Vec<Result<(), Vec<String>>> {
    in_parallel(documents, |_, _| (), schema)
}

/// The same, with what the valid ones use.
pub(super) fn validate_and_collect(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
) -> Vec<Result<OperationUse, Vec<String>>> {
    let collect = |document: &ExecutableDocument, name: &Name| {
        let operation = document.operations.get(Some(name)).expect("the batch has this operation");
        operation_use(schema, document, operation)
    };
    in_parallel(documents, collect, schema)
}

type Collect<'c, T> = dyn Fn(&ExecutableDocument, &Name) -> T + Sync + 'c;

fn in_parallel<T: Send>(
    documents: &[&ast::Document],
    collect: impl Fn(&ExecutableDocument, &Name) -> T + Sync,
    schema: &Valid<Schema>,
) -> Vec<Result<T, Vec<String>>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = documents.len().div_ceil(threads).max(1);
    let collect: &Collect<'_, T> = &collect;
    std::thread::scope(|scope| {
        let workers: Vec<_> = documents
            .chunks(share)
            .map(|documents| {
                let work = move || one_share(schema, documents, collect);
                // Deeply nested documents are walked recursively.
                std::thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, work)
                    .expect("threads can be started")
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

const STACK: usize = 16 * 1024 * 1024;

fn one_share<T>(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
    collect: &Collect<'_, T>,
) -> Vec<Result<T, Vec<String>>> {
    let mut results: BTreeMap<usize, Result<T, Vec<String>>> = BTreeMap::new();
    for batch in batches(documents) {
        settle(schema, documents, &batch, collect, &mut results);
    }
    results.into_values().collect()
}

/// Neighbours whose fragments do not contradict each other.
fn batches(documents: &[&ast::Document]) -> Vec<Vec<usize>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut known: BTreeMap<&Name, &Node<ast::FragmentDefinition>> = BTreeMap::new();
    for (index, document) in documents.iter().enumerate() {
        let clash = fragments(document)
            .any(|fragment| known.get(&fragment.name).is_some_and(|known| *known != fragment));
        if clash || batch.len() == MAX_BATCH {
            batches.push(std::mem::take(&mut batch));
            known.clear();
        }
        known.extend(fragments(document).map(|fragment| (&fragment.name, fragment)));
        batch.push(index);
    }
    batches.push(batch);
    batches
}

const MAX_BATCH: usize = 500;

fn fragments(document: &ast::Document) -> impl Iterator<Item = &Node<ast::FragmentDefinition>> {
    document.definitions.iter().filter_map(|definition| match definition {
        ast::Definition::FragmentDefinition(fragment) => Some(fragment),
        _ => None,
    })
}

/// Splits until every part is either valid or a single operation.
fn settle<T>(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
    batch: &[usize],
    collect: &Collect<'_, T>,
    results: &mut BTreeMap<usize, Result<T, Vec<String>>>,
) {
    match joined(documents, batch).to_executable_validate(schema) {
        Ok(valid) => {
            for index in batch {
                results.insert(*index, Ok(collect(&valid, &name_in_batch(*index))));
            }
        }
        Err(_) if batch.len() > 1 => {
            let (left, right) = batch.split_at(batch.len() / 2);
            settle(schema, documents, left, collect, results);
            settle(schema, documents, right, collect, results);
        }
        Err(_) => {
            // Once more in its own words, for messages with its own name.
            let index = batch[0];
            let errors = match documents[index].to_executable_validate(schema) {
                Ok(_) => Vec::new(),
                Err(errors) => errors.errors.iter().map(|error| error.to_json().message).collect(),
            };
            results.insert(index, Err(errors));
        }
    }
}

fn name_in_batch(index: usize) -> Name {
    Name::new_unchecked(&format!("operation_{index}"))
}

fn joined(documents: &[&ast::Document], batch: &[usize]) -> ast::Document {
    let mut joined = ast::Document::new();
    let mut known: BTreeSet<&Name> = BTreeSet::new();
    for index in batch {
        for definition in &documents[*index].definitions {
            match definition {
                ast::Definition::OperationDefinition(operation) => {
                    let mut operation = operation.clone();
                    operation.make_mut().name = Some(name_in_batch(*index));
                    joined.definitions.push(ast::Definition::OperationDefinition(operation));
                }
                ast::Definition::FragmentDefinition(fragment) if known.insert(&fragment.name) => {
                    joined.definitions.push(definition.clone());
                }
                _ => {}
            }
        }
    }
    joined
}
