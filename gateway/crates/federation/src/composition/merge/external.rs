//! External fields: they shape nothing, but must agree with what they refer to.

use apollo_compiler::Name;

use super::directives::is_default_composed;
use super::{Merger, Sources, present};
use crate::subgraph::graphql::values::equal;
use crate::subgraph::model::Field;

impl<'a> Merger<'a> {
    pub(super) fn is_external(&self, index: usize, parent: &str, field: &str) -> bool {
        self.inputs[index].metadata.is_external(parent, field)
    }

    pub(super) fn is_external_everywhere(
        &self,
        parent: &Name,
        name: &Name,
        sources: &Sources<'a, Field>,
    ) -> bool {
        present(sources).all(|(index, _)| self.is_external(index, parent, name))
            && self
                .abstracting_interface_objects(parent, name, sources)
                .into_iter()
                .all(|(index, interface)| self.is_external(index, &interface, name))
    }

    /// The subgraphs' fields that are not external. Directives that would be merged must not be
    /// on external ones: they would be lost.
    pub(super) fn without_external(
        &mut self,
        parent: &Name,
        sources: &Sources<'a, Field>,
    ) -> Sources<'a, Field> {
        let mut resolving = Vec::new();
        for (index, field) in present(sources) {
            if self.is_external(index, parent, &field.name) {
                self.check_no_merged_directives(index, parent, field);
            } else {
                resolving.push((index, field));
            }
        }
        Sources(resolving)
    }

    fn check_no_merged_directives(&mut self, index: usize, parent: &Name, field: &Field) {
        let composed: Vec<Name> = self
            .composed
            .iter()
            .filter(|composed| {
                composed.known.is_none_or(|name| is_default_composed(name) || name == "deprecated")
            })
            .filter_map(|composed| composed.local[index].clone())
            .collect();
        for applied in &field.directives {
            if composed.contains(&applied.name) {
                let message = format!(
                    "[{}] `{parent}.{}` is @external, so @{} on it would have no effect",
                    self.subgraph_name(index),
                    field.name,
                    applied.name
                );
                let code = "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL";
                self.error(code, message, [(index, &applied.name)]);
            }
        }
    }

    pub(super) fn check_externals(
        &mut self,
        parent: &Name,
        merged: &Field,
        sources: &Sources<'a, Field>,
        same_types: bool,
    ) {
        let coordinate = format!("{parent}.{}", merged.name);
        for (index, field) in present(sources) {
            if !self.is_external(index, parent, &field.name) {
                continue;
            }
            let name = self.subgraph_name(index);
            let fits = field.ty == merged.ty
                || (!same_types && self.schema.is_subtype(&field.ty, &merged.ty));
            if !fits {
                let message = format!(
                    "the type `{}` of the external `{coordinate}` in `{name}` differs from `{}`",
                    field.ty, merged.ty
                );
                self.error("EXTERNAL_TYPE_MISMATCH", message, [(index, &field.name)]);
            }
            for arg in merged.args.values() {
                let place = format!("{coordinate}({}:)", arg.name);
                let Some(own) = field.args.get(&arg.name) else {
                    let message = format!("the external `{place}` is missing in `{name}`");
                    self.error("EXTERNAL_ARGUMENT_MISSING", message, [(index, &field.name)]);
                    continue;
                };
                if own.ty != arg.ty && !self.schema.is_subtype(&arg.ty, &own.ty) {
                    let message = format!(
                        "the type `{}` of the external `{place}` in `{name}` differs from `{}`",
                        own.ty, arg.ty
                    );
                    self.error("EXTERNAL_ARGUMENT_TYPE_MISMATCH", message, [(index, &own.name)]);
                }
                let same_default = match (&own.default, &arg.default) {
                    (Some(own), Some(merged)) => equal(own, merged),
                    (None, None) => true,
                    _ => false,
                };
                if !same_default {
                    let message =
                        format!("the default of the external `{place}` in `{name}` differs");
                    self.error("EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", message, [(index, &own.name)]);
                }
            }
        }
    }
}
