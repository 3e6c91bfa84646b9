//! `@override`: a field moves from one subgraph to another, at once or by a label's share.

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::{Merger, Sources, present};
use crate::subgraph::model::{Applied, Field, Kind, TypeDef};

/// What overrides mean for one field, by subgraph.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// Overridden, but still read by the subgraph's own keys, requires and interfaces.
    pub(super) used: IndexSet<usize>,
    /// Overridden and dead.
    pub(super) unused: IndexSet<usize>,
    pub(super) labels: IndexMap<usize, String>,
}

impl<'a> Merger<'a> {
    fn override_of(&self, index: usize, field: &'a Field) -> Option<&'a Applied> {
        let name = self.inputs[index].subgraph.directive("override");
        field.directives.iter().find(|applied| applied.name == *name)
    }

    pub(super) fn check_overrides(
        &mut self,
        parent: &Name,
        name: &Name,
        types: &Sources<'a, TypeDef>,
        sources: &Sources<'a, Field>,
    ) -> Overrides {
        let mut overrides = Overrides::default();
        let overriding: Vec<(usize, &'a Field, &'a Applied)> = present(sources)
            .filter_map(|(index, field)| Some((index, field, self.override_of(index, field)?)))
            .collect();
        for (index, field, applied) in &overriding {
            let coordinate = format!("{parent}.{name}");
            let own_name = self.subgraph_name(*index);
            if types.get(*index).is_some_and(|def| def.kind == Kind::Interface) {
                let message = format!(
                    "@override cannot be applied on `{coordinate}` in `{own_name}`: \
                     it is a field of an interface"
                );
                self.error("OVERRIDE_ON_INTERFACE", message, [(*index, &applied.name)]);
                continue;
            }
            if self.inputs[*index].subgraph.is_interface_object(parent) {
                let message = format!(
                    "@override cannot be applied on `{coordinate}` in `{own_name}`: \
                     it is a field of an @interfaceObject"
                );
                self.collision(message, *index, applied);
                continue;
            }
            let from = applied.str_arg("from").unwrap_or_default();
            if from == own_name {
                let message = format!("`{coordinate}` in `{own_name}` overrides itself");
                self.error("OVERRIDE_FROM_SELF_ERROR", message, [(*index, &applied.name)]);
                continue;
            }
            let source = self.inputs.iter().position(|input| input.subgraph.name == from);
            let Some(source) = source else {
                let message = format!(
                    "`{coordinate}` in `{own_name}` overrides `{from}`, which is no subgraph"
                );
                self.hint("FROM_SUBGRAPH_DOES_NOT_EXIST", message, [(*index, &applied.name)]);
                continue;
            };
            if overriding.iter().any(|(other, _, _)| *other == source) {
                let message = format!(
                    "`{coordinate}` in `{own_name}` overrides `{from}`, which overrides it too"
                );
                self.error("OVERRIDE_SOURCE_HAS_OVERRIDE", message, [(*index, &applied.name)]);
                continue;
            }
            let Some(source_field) = sources.get(source) else {
                let stand_ins = self.abstracting_interface_objects(parent, name, sources);
                if stand_ins.iter().any(|(index, _)| *index == source) {
                    let message = format!(
                        "`{coordinate}` in `{own_name}` overrides `{from}`, which provides it \
                         through an @interfaceObject"
                    );
                    self.collision(message, *index, applied);
                    continue;
                }
                self.hint_removable(&coordinate, *index, applied, from);
                continue;
            };
            if self.conflicts(&coordinate, (*index, field, applied), (source, source_field)) {
                continue;
            }
            if self.is_external(source, parent, name) {
                self.hint_removable(&coordinate, *index, applied, from);
                continue;
            }
            let used = self.inputs[source].metadata.is_used(parent, name);
            if used {
                overrides.used.insert(source);
            } else {
                overrides.unused.insert(source);
            }
            match applied.str_arg("label") {
                None => {
                    let message = format!(
                        "`{coordinate}` in `{from}` is overridden by `{own_name}`{}",
                        if used { ", though still referred to" } else { " and can be removed" }
                    );
                    let code = "OVERRIDDEN_FIELD_CAN_BE_REMOVED";
                    self.hint(code, message, [(source, &source_field.name)]);
                }
                Some(label) if is_valid_label(label) => {
                    overrides.labels.insert(*index, label.to_owned());
                    overrides.labels.insert(source, label.to_owned());
                    let message =
                        format!("`{coordinate}` moves from `{from}` to `{own_name}` by `{label}`");
                    let code = "OVERRIDE_MIGRATION_IN_PROGRESS";
                    self.hint(code, message, [(source, &source_field.name)]);
                }
                Some(label) => {
                    let message = format!(
                        "the override label `{label}` of `{coordinate}` in `{own_name}` is \
                         neither a name nor `percent(x)` with x from 0 to 100"
                    );
                    self.error("OVERRIDE_LABEL_INVALID", message, [(*index, &applied.name)]);
                }
            }
        }
        overrides
    }

    fn collision(&mut self, message: String, index: usize, applied: &Applied) {
        let code = "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE";
        self.error(code, message, [(index, &applied.name)]);
    }

    fn hint_removable(&mut self, coordinate: &str, index: usize, applied: &Applied, from: &str) {
        let message = format!(
            "`{coordinate}` is no longer resolved in `{from}`: @override in `{}` can be removed",
            self.subgraph_name(index)
        );
        self.hint("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", message, [(index, &applied.name)]);
    }

    fn conflicts(
        &mut self,
        coordinate: &str,
        (index, field, applied): (usize, &Field, &Applied),
        (source, source_field): (usize, &Field),
    ) -> bool {
        let subgraph = &self.inputs[source].subgraph;
        let conflicting = if subgraph.has(&source_field.directives, "requires") {
            Some((source, "requires"))
        } else if subgraph.has(&source_field.directives, "provides") {
            Some((source, "provides"))
        } else if self.inputs[index].subgraph.has(&field.directives, "external") {
            Some((index, "external"))
        } else {
            None
        };
        let Some((owner, directive)) = conflicting else { return false };
        let message = format!(
            "`{coordinate}` has @override in `{}` and @{directive} in `{}`: they exclude each other",
            self.subgraph_name(index),
            self.subgraph_name(owner)
        );
        self.collision(message, index, applied);
        true
    }
}

/// A name such as `beta:team-a`, or `percent(12.5)`.
fn is_valid_label(label: &str) -> bool {
    if let Some(number) = label.strip_prefix("percent(").and_then(|rest| rest.strip_suffix(')')) {
        return is_valid_percentage(number);
    }
    let mut chars = label.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "_-:./".contains(c))
}

fn is_valid_percentage(number: &str) -> bool {
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(w, f)| (w, Some(f)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && whole.len() <= 3
        && fraction.is_none_or(|fraction| digits(fraction) && fraction.len() <= 8)
        && number.parse::<f64>().is_ok_and(|share| share <= 100.0)
}
