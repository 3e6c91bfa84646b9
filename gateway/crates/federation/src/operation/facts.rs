//! Sizes of an operation, for limits, counted on the syntax tree: cheap, before validation.
//!
//! Fragments count wherever they are spread; a fragment is measured once, so that documents whose
//! fragments multiply do not take long to measure. Sums saturate.

use std::collections::BTreeMap;

use apollo_compiler::ast::{self, Definition, Selection};

/// How big an operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Of the whole document, in bytes.
    pub document_bytes: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Fields in all, with fragments spelled out.
    pub fields: usize,
    pub aliases: usize,
    pub root_fields: usize,
    pub directives: usize,
}

impl Facts {
    pub(super) fn of(
        document: &ast::Document,
        operation_name: Option<&str>,
        document_bytes: usize,
    ) -> Self {
        let mut counter = Counter::new(document);
        let operations: Vec<_> =
            document.definitions.iter().filter_map(Definition::as_operation_definition).collect();
        let chosen = match operation_name {
            None => operations.first(),
            Some(name) => operations
                .iter()
                .find(|operation| operation.name.as_ref().is_some_and(|own| own == name)),
        };
        let Some(operation) = chosen else { return Self { document_bytes, ..Self::default() } };
        let count = counter.selections(&operation.selection_set);
        Self {
            document_bytes,
            depth: count.depth,
            fields: count.fields,
            aliases: count.aliases,
            root_fields: count.root_fields,
            directives: count.directives.saturating_add(operation.directives.len()),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    depth: usize,
    fields: usize,
    aliases: usize,
    root_fields: usize,
    directives: usize,
}

/// Fields of the largest operation or fragment: what validation may have to go through.
pub(super) fn most_fields(document: &ast::Document) -> usize {
    let mut counter = Counter::new(document);
    let fields = document.definitions.iter().map(|definition| match definition {
        Definition::OperationDefinition(operation) => {
            counter.selections(&operation.selection_set).fields
        }
        Definition::FragmentDefinition(fragment) => counter.fragment(fragment.name.as_str()).fields,
        _ => 0,
    });
    fields.max().unwrap_or(0)
}

struct Counter<'a> {
    fragments: BTreeMap<&'a str, &'a [Selection]>,
    /// `None` while it is being measured: spreads in a circle are for validation to refuse.
    known: BTreeMap<&'a str, Option<Count>>,
}

impl<'a> Counter<'a> {
    fn new(document: &'a ast::Document) -> Self {
        let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
        let fragments =
            fragments.map(|fragment| (fragment.name.as_str(), fragment.selection_set.as_slice()));
        Self { fragments: fragments.collect(), known: BTreeMap::new() }
    }

    fn selections(&mut self, selections: &'a [Selection]) -> Count {
        let mut total = Count::default();
        for selection in selections {
            let (below, directives) = match selection {
                Selection::Field(field) => {
                    let mut below = self.selections(&field.selection_set);
                    below.depth += 1;
                    below.fields = below.fields.saturating_add(1);
                    below.aliases =
                        below.aliases.saturating_add(usize::from(field.alias.is_some()));
                    below.root_fields = 1;
                    (below, field.directives.len())
                }
                Selection::InlineFragment(fragment) => {
                    (self.selections(&fragment.selection_set), fragment.directives.len())
                }
                Selection::FragmentSpread(spread) => {
                    (self.fragment(spread.fragment_name.as_str()), spread.directives.len())
                }
            };
            total.depth = total.depth.max(below.depth);
            total.fields = total.fields.saturating_add(below.fields);
            total.aliases = total.aliases.saturating_add(below.aliases);
            total.root_fields = total.root_fields.saturating_add(below.root_fields);
            total.directives =
                total.directives.saturating_add(below.directives).saturating_add(directives);
        }
        total
    }

    fn fragment(&mut self, name: &'a str) -> Count {
        if let Some(known) = self.known.get(name) {
            return known.unwrap_or_default();
        }
        let Some(selections) = self.fragments.get(name).copied() else { return Count::default() };
        self.known.insert(name, None);
        let count = self.selections(selections);
        self.known.insert(name, Some(count));
        count
    }
}
