//! Definitions of executable directives: what every subgraph understands.

use apollo_compiler::Name;
use apollo_compiler::ast::DirectiveLocation;
use indexmap::{IndexMap, IndexSet};

use super::arguments::ARGUMENT;
use super::{Merger, Sources, present};
use crate::composition::Input;
use crate::subgraph::expand::is_graphql_directive;
use crate::subgraph::model::{Applied, DirectiveDef, InputValue};

fn is_executable(location: DirectiveLocation) -> bool {
    matches!(
        location,
        DirectiveLocation::Query
            | DirectiveLocation::Mutation
            | DirectiveLocation::Subscription
            | DirectiveLocation::Field
            | DirectiveLocation::FragmentDefinition
            | DirectiveLocation::FragmentSpread
            | DirectiveLocation::InlineFragment
            | DirectiveLocation::VariableDefinition
    )
}

/// Directives of specs that composition knows are not the subgraph's own, nor are those of
/// incremental delivery, which a router offers or not.
fn is_own(input: &Input, name: &str) -> bool {
    if matches!(name, "defer" | "stream") {
        return false;
    }
    let known = input
        .subgraph
        .links
        .directive_origin(name)
        .is_some_and(|origin| crate::subgraph::spec::sdl(&origin.link.url).is_some());
    !known && !is_graphql_directive(name)
}

impl<'a> Merger<'a> {
    pub(super) fn merge_executable_directives(&mut self) {
        let mut names: IndexSet<&'a Name> = IndexSet::new();
        for input in self.inputs {
            for def in input.subgraph.schema.directive_definitions.values() {
                if is_own(input, &def.name) && def.locations.iter().any(|l| is_executable(*l)) {
                    names.insert(&def.name);
                }
            }
        }
        for name in names {
            if !self.schema.directive_definitions.contains_key(name) {
                self.merge_executable_directive(name);
            }
        }
    }

    fn merge_executable_directive(&mut self, name: &Name) {
        let definitions = self.inputs.iter().enumerate().filter_map(|(index, input)| {
            Some((index, input.subgraph.schema.directive_definitions.get(name)?))
        });
        let sources: Sources<'a, DirectiveDef> = Sources(definitions.collect());
        let missing: Vec<usize> =
            (0..self.inputs.len()).filter(|index| sources.get(*index).is_none()).collect();
        if !missing.is_empty() {
            let message =
                format!("`@{name}` is dropped: it is not defined in {}", self.names_of(missing));
            self.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", message, []);
            return;
        }
        let executable = |def: &DirectiveDef| {
            let locations: IndexSet<DirectiveLocation> =
                def.locations.iter().copied().filter(|l| is_executable(*l)).collect();
            locations
        };
        let mut all = present(&sources).map(|(_, def)| executable(def));
        let Some(mut common) = all.next() else { return };
        let mut differ = false;
        for locations in all {
            differ |= locations.len() != common.len() || !locations.is_subset(&common);
            common.retain(|location| locations.contains(location));
        }
        if common.is_empty() {
            let message = format!("`@{name}` is dropped: its definitions have no common location");
            self.hint("NO_EXECUTABLE_DIRECTIVE_INTERSECTION", message, []);
            return;
        }
        if differ {
            let message = format!("only the common locations of `@{name}` are kept");
            self.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", message, []);
        }
        let repeatable = present(&sources).all(|(_, def)| def.repeatable);
        if !repeatable && present(&sources).any(|(_, def)| def.repeatable) {
            let message = format!("`@{name}` is not repeatable everywhere, so it is not");
            self.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", message, []);
        }
        let args = self.merge_directive_arguments(name, &sources);
        let description = self.merge_descriptions(
            &format!("`@{name}`"),
            present(&sources).map(|(_, def)| def.description.as_deref()),
        );
        let name = Name::new_unchecked(name);
        let locations = common.into_iter().collect();
        let def = DirectiveDef { name: name.clone(), description, args, repeatable, locations };
        self.schema.directive_definitions.insert(name, def);
    }

    fn merge_directive_arguments(
        &mut self,
        name: &Name,
        sources: &Sources<'a, DirectiveDef>,
    ) -> IndexMap<Name, InputValue> {
        let names: IndexSet<&Name> =
            present(sources).flat_map(|(_, def)| def.args.keys()).collect();
        let mut merged = IndexMap::new();
        for arg in names {
            let place = format!("@{name}({arg}:)");
            let args: Sources<'a, InputValue> = sources.parts(|def| def.args.get(arg));
            if args.0.len() < sources.0.len() {
                let required: Vec<(usize, &Name)> = present(&args)
                    .filter(|(_, arg)| arg.is_required())
                    .map(|(index, arg)| (index, &arg.name))
                    .collect();
                if required.is_empty() {
                    let message = format!("`{place}` is dropped: it is not defined everywhere");
                    self.hint("INCONSISTENT_ARGUMENT_PRESENCE", message, []);
                } else {
                    let message = format!("`{place}` is required, but not defined everywhere");
                    let code = "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH";
                    self.error(code, message, required);
                }
                continue;
            }
            let value = self.merge_input_value(&place, &args, &ARGUMENT);
            merged.insert(value.name.clone(), value);
        }
        merged
    }

    pub(super) fn merge_schema_directives(&mut self) {
        let directives =
            self.inputs.iter().map(|input| input.subgraph.schema.directives.as_slice());
        let sources: Sources<'a, [Applied]> = Sources(directives.enumerate().collect());
        let merged = self.merge_applied("the schema", &sources);
        self.schema.directives.extend(merged);
        let inputs = self.inputs;
        self.schema.description = self.merge_descriptions(
            "the schema",
            inputs.iter().map(|input| input.subgraph.schema.description.as_deref()),
        );
    }
}
