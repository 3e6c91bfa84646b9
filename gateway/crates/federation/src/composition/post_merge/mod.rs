//! Rules on the merged schema, before asking whether every query of it can be answered.

mod authorization;
pub(crate) mod inaccessible;
mod interfaces;
mod requires;

use super::Input;
use super::merge::Merged;
use crate::diagnostic::Diagnostic;
use crate::subgraph::expand::GRAPHQL_DIRECTIVES;
use crate::subgraph::graphql;
use crate::subgraph::source::Source;
use crate::subgraph::spec;

/// Checks the merged schema; `Ok` or everything that is wrong.
pub(crate) fn validate(merged: &mut Merged, inputs: &[Input]) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    interfaces::check(&merged.schema, &mut errors);
    requires::check(&merged.schema, inputs, &mut errors);
    authorization::check(merged, inputs, &mut errors);
    if errors.is_empty() {
        check_graphql(merged, &mut errors);
        inaccessible::check(&merged.schema, &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What subgraphs may do apart can still contradict itself together.
fn check_graphql(merged: &Merged, errors: &mut Vec<Diagnostic>) {
    let mut schema = merged.schema.clone();
    for def in spec::parse(GRAPHQL_DIRECTIVES).directive_definitions.into_values() {
        schema.directive_definitions.entry(def.name.clone()).or_insert(def);
    }
    // Names of the merged schema may still bear places in some subgraph: they mean nothing here.
    if let Err(found) = graphql::validate(&schema, &Source::new("supergraph", "")) {
        errors.extend(found.into_iter().map(|mut error| {
            error.labels.clear();
            error
        }));
    }
}
