//! Merges validated subgraphs into one schema that bears the join spec's marks.
//!
//! Order matters twice: implementations and unions come before fields, because merging field
//! types asks which type is a subtype of which; enums come last, because how they merge depends
//! on where the merged fields and arguments use them.

mod applied;
mod arguments;
mod auth;
mod compose_directive;
mod descriptions;
mod directives;
mod enums;
mod executable;
mod external;
mod fields;
mod input_objects;
mod interface_objects;
mod join;
mod join_fields;
mod overrides;
mod scopes;
mod sharing;
mod types;
mod unions;

use apollo_compiler::Name;
use indexmap::IndexMap;

use super::{Input, hints};
use crate::diagnostic::{Diagnostic, Label};
use crate::subgraph::model::{Field, Schema, TypeDef};
use directives::Composed;

pub(crate) use scopes::Requirement;

/// The merged schema, with all that is needed to look at it by subgraph.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) schema: Schema,
    /// The supergraph's names of the directives that federation gives a meaning.
    pub(crate) composed: IndexMap<&'static str, Name>,
    /// The join spec's enum value of each subgraph.
    pub(crate) graphs: Vec<Name>,
    /// The name of each subgraph.
    pub(crate) names: Vec<String>,
}

/// What several subgraphs say about one thing, in the subgraphs' order.
#[derive(Debug)]
struct Sources<'a, T: ?Sized>(Vec<(usize, &'a T)>);

impl<'a, T: ?Sized> Sources<'a, T> {
    fn none() -> Self {
        Self(Vec::new())
    }

    fn get(&self, index: usize) -> Option<&'a T> {
        let at = self.0.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(self.0[at].1)
    }

    /// A part of each source, where it has one.
    fn parts<U: ?Sized>(&self, part: impl Fn(&'a T) -> Option<&'a U>) -> Sources<'a, U> {
        let parts = self.0.iter().filter_map(|(index, source)| Some((*index, part(source)?)));
        Sources(parts.collect())
    }
}

/// Merges; gives back hints beside the result, or everything that cannot be merged.
pub(crate) fn merge(inputs: &[Input]) -> Result<(Merged, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut merger = Merger::new(inputs);
    merger.hint_implied_versions();
    merger.collect_composed_directives();
    if !merger.errors.is_empty() {
        // Without agreed names the rest would be misread.
        return Err(merger.errors);
    }
    merger.add_types();
    merger.merge_implementations();
    merger.merge_unions();
    merger.merge_roots();
    merger.merge_input_objects();
    merger.merge_interfaces_and_objects();
    merger.merge_executable_directives();
    merger.merge_enums();
    merger.merge_schema_directives();
    merger.add_interface_object_fields();
    merger.propagate_authorization();
    merger.finish()
}

struct Merger<'a> {
    inputs: &'a [Input],
    /// The definitions of each type, and where it is an @interfaceObject.
    types: IndexMap<&'a str, Vec<(usize, &'a TypeDef)>>,
    interface_objects: IndexMap<&'a str, Vec<usize>>,
    graphs: Vec<Name>,
    schema: Schema,
    composed: Vec<Composed>,
    errors: Vec<Diagnostic>,
    hints: Vec<Diagnostic>,
}

impl<'a> Merger<'a> {
    fn new(inputs: &'a [Input]) -> Self {
        let mut types: IndexMap<&str, Vec<(usize, &TypeDef)>> = IndexMap::new();
        let mut interface_objects: IndexMap<&str, Vec<usize>> = IndexMap::new();
        for (index, input) in inputs.iter().enumerate() {
            for (name, def) in &input.subgraph.schema.types {
                types.entry(name).or_default().push((index, def));
                if input.subgraph.is_interface_object(name) {
                    interface_objects.entry(name).or_default().push(index);
                }
            }
        }
        Self {
            inputs,
            types,
            interface_objects,
            graphs: join::graph_names(inputs),
            schema: Schema::default(),
            composed: Vec::new(),
            errors: Vec::new(),
            hints: Vec::new(),
        }
    }

    fn hint_implied_versions(&mut self) {
        for input in self.inputs {
            let subgraph = &input.subgraph;
            let (Some(linked), Some(implied)) = (subgraph.version, subgraph.implied_version())
            else {
                continue;
            };
            let message = format!(
                "`{}` links federation {linked}, but another spec that it links asks for {implied}",
                subgraph.name
            );
            self.hint("IMPLICITLY_UPGRADED_FEDERATION_VERSION", message, []);
        }
    }

    /// The definitions of a type, by subgraph.
    fn type_sources(&self, name: &str) -> Sources<'a, TypeDef> {
        Sources(self.types.get(name).cloned().unwrap_or_default())
    }

    fn field_sources(types: &Sources<'a, TypeDef>, field: &str) -> Sources<'a, Field> {
        types.parts(|def| def.fields.get(field))
    }

    fn subgraph_name(&self, index: usize) -> &'a str {
        &self.inputs[index].subgraph.name
    }

    fn label(&self, index: usize, name: &Name) -> Option<Label> {
        self.inputs[index].subgraph.source.at(name)
    }

    /// Reports an error about something that stands in several subgraphs.
    fn error<'n>(
        &mut self,
        code: &str,
        message: impl Into<String>,
        places: impl IntoIterator<Item = (usize, &'n Name)>,
    ) {
        let labels: Vec<Label> =
            places.into_iter().filter_map(|(index, name)| self.label(index, name)).collect();
        self.errors.push(Diagnostic::error(code, message).label(labels));
    }

    fn hint<'n>(
        &mut self,
        code: &str,
        message: impl Into<String>,
        places: impl IntoIterator<Item = (usize, &'n Name)>,
    ) {
        let labels: Vec<Label> =
            places.into_iter().filter_map(|(index, name)| self.label(index, name)).collect();
        self.hints.push(hints::hint(code, message).label(labels));
    }

    /// The subgraphs by name, for messages.
    fn names_of(&self, indexes: impl IntoIterator<Item = usize>) -> String {
        let names: Vec<String> =
            indexes.into_iter().map(|index| format!("`{}`", self.subgraph_name(index))).collect();
        names.join(", ")
    }

    fn finish(mut self) -> Result<(Merged, Vec<Diagnostic>), Vec<Diagnostic>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        self.add_spec_definitions();
        let names = self.inputs.iter().map(|input| input.subgraph.name.clone()).collect();
        let composed = self
            .composed
            .iter()
            .filter_map(|composed| Some((composed.known?, composed.name.clone())))
            .collect();
        let merged = Merged { schema: self.schema, composed, graphs: self.graphs, names };
        Ok((merged, self.hints))
    }
}

/// Each source with its subgraph's index.
fn present<'a, 's, T: ?Sized>(
    sources: &'s Sources<'a, T>,
) -> impl Iterator<Item = (usize, &'a T)> + 's {
    sources.0.iter().copied()
}
