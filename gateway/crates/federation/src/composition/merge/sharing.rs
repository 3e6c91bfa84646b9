//! A field that several subgraphs resolve must be shareable in all of them.

use apollo_compiler::Name;

use super::overrides::Overrides;
use super::{Merger, Sources, present};
use crate::subgraph::model::Field;

impl<'a> Merger<'a> {
    pub(super) fn check_sharing(
        &mut self,
        parent: &Name,
        name: &Name,
        sources: &Sources<'a, Field>,
        overrides: &Overrides,
    ) {
        let mut shareable = Vec::new();
        let mut exclusive: Vec<(usize, Name)> = Vec::new();
        // With a label both sides resolve the field, though never in one request.
        let own = present(sources)
            .filter(|(index, _)| {
                !overrides.used.contains(index) && !overrides.unused.contains(index)
            })
            .map(|(index, _)| (index, parent.clone()));
        let resolving: Vec<(usize, Name)> =
            own.chain(self.abstracting_interface_objects(parent, name, sources)).collect();
        for (index, type_name) in resolving {
            let metadata = &self.inputs[index].metadata;
            if metadata.is_fully_external(&type_name, name) {
                continue;
            }
            if metadata.is_shareable(&type_name, name) {
                shareable.push(index);
            } else {
                exclusive.push((index, type_name));
            }
        }
        if exclusive.is_empty() || shareable.len() + exclusive.len() < 2 {
            return;
        }
        let resolving = self
            .names_of(shareable.iter().copied().chain(exclusive.iter().map(|(index, _)| *index)));
        let message = format!(
            "`{parent}.{name}` is resolved in {resolving}, but is not shareable in {}",
            self.names_of(exclusive.iter().map(|(index, _)| *index))
        );
        let places: Vec<(usize, Name)> = exclusive
            .iter()
            .filter_map(|(index, type_name)| {
                let field = self.inputs[*index].subgraph.schema.field(type_name, name)?;
                Some((*index, field.name.clone()))
            })
            .collect();
        let places = places.iter().map(|(index, name)| (*index, name));
        self.error("INVALID_FIELD_SHARING", message, places);
        if let Some(error) = self.errors.last_mut() {
            error.help =
                Some("mark the field @shareable, or @external where it is not resolved".into());
        }
    }

    pub(super) fn check_subscription_field(&mut self, parent: &Name, sources: &Sources<'a, Field>) {
        for (index, field) in present(sources) {
            let subgraph = &self.inputs[index].subgraph;
            let type_marks = subgraph.schema.types.get(parent).map_or(&[][..], |d| &d.directives);
            let by_type = subgraph.applied(type_marks, "shareable").any(|a| a.part == field.part);
            if by_type || subgraph.has(&field.directives, "shareable") {
                let message = format!(
                    "`{parent}.{}` in `{}` is a subscription: it cannot be @shareable",
                    field.name,
                    self.subgraph_name(index)
                );
                self.error("INVALID_FIELD_SHARING", message, [(index, &field.name)]);
            }
        }
    }
}
