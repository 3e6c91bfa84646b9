//! Validates thousands of operations: as many as possible together, since most are fine; only a
//! batch with errors is split until the culprits stand alone. All cores take part.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::executable::Operation;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema, ast};
use federation::diff::{OperationUse, operation_use};

/// What is wrong with each document; nothing for most.
pub(super) fn validate(schema: &Valid<Schema>, documents: &[&ast::Document]) -> Vec<Vec<String>> {
    let nothing = |_: &ExecutableDocument, _: &Operation| ();
    in_parallel(documents, nothing, schema).into_iter().map(|(errors, ())| errors).collect()
}

/// The same, with what each operation uses; of invalid ones, as far as they can be understood.
pub(super) fn validate_and_collect(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
) -> Vec<(Vec<String>, OperationUse)> {
    let collect = |document: &ExecutableDocument, operation: &Operation| {
        operation_use(schema, document, operation)
    };
    in_parallel(documents, collect, schema)
}

type Collect<'c, T> = dyn Fn(&ExecutableDocument, &Operation) -> T + Sync + 'c;

/// By index of the document.
type Results<T> = BTreeMap<usize, (Vec<String>, T)>;

fn in_parallel<T: Send + Default>(
    documents: &[&ast::Document],
    collect: impl Fn(&ExecutableDocument, &Operation) -> T + Sync,
    schema: &Valid<Schema>,
) -> Vec<(Vec<String>, T)> {
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

fn one_share<T: Default>(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
    collect: &Collect<'_, T>,
) -> Vec<(Vec<String>, T)> {
    let mut results = Results::new();
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
fn settle<T: Default>(
    schema: &Valid<Schema>,
    documents: &[&ast::Document],
    batch: &[usize],
    collect: &Collect<'_, T>,
    results: &mut Results<T>,
) {
    if let Ok(valid) = joined(documents, batch).to_executable_validate(schema) {
        for index in batch {
            let operation = valid.operations.named.get(&name_in_batch(*index));
            let collected = operation.map(|operation| collect(&valid, operation));
            results.insert(*index, (Vec::new(), collected.unwrap_or_default()));
        }
        return;
    }
    if let [index] = batch {
        // Once more in its own words, for messages with its own name.
        let (document, errors) = match documents[*index].to_executable_validate(schema) {
            Ok(valid) => (valid.into_inner(), Vec::new()),
            Err(invalid) => {
                let messages = invalid.errors.iter().map(|error| error.to_json().message);
                let messages = messages.collect();
                (invalid.partial, messages)
            }
        };
        let operation = document.operations.iter().next();
        let collected = operation.map(|operation| collect(&document, operation));
        results.insert(*index, (errors, collected.unwrap_or_default()));
        return;
    }
    let (left, right) = batch.split_at(batch.len() / 2);
    settle(schema, documents, left, collect, results);
    settle(schema, documents, right, collect, results);
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
