//! Compares the operation, the projection and what the fetches bring.

use super::super::Planner;
use super::super::needs::argument_text;
use super::replay::fields_of;
use super::shape::Shape;
use super::{Given, Violation, holds};
use crate::operation::{Field, Operation, SelectionSet};
use crate::plan::{Composite, Output, ProjectedField, ProjectedValue, QueryPlan};

pub(super) fn check(
    planner: &Planner,
    operation: &Operation,
    root: &Shape,
    plan: &QueryPlan,
    given: &Given,
) -> Vec<Violation> {
    let mut checker = Checker { planner, given, violations: Vec::new() };
    let root_type = operation.root_type.as_str();
    checker.object("", root, &operation.selections, &plan.projection.fields, root_type, true);
    checker.violations
}

struct Checker<'a> {
    planner: &'a Planner,
    given: &'a Given,
    violations: Vec<Violation>,
}

impl Checker<'_> {
    fn fail(&mut self, path: &str, reason: String) {
        self.violations.push(Violation::Response { path: path.to_owned(), reason });
    }

    /// One run-time type at one place.
    fn object(
        &mut self,
        path: &str,
        shape: &Shape,
        selections: &SelectionSet,
        projected: &[ProjectedField],
        runtime: &str,
        is_known: bool,
    ) {
        let graph = self.planner.query_graph();
        let id = graph.type_id(runtime);
        let data = fields_of(self.planner, shape, runtime);
        for field in selections.fields.iter().filter(|field| holds(&field.when, self.given)) {
            let applies = id.is_some_and(|id| field.types.contains(id));
            if !applies && (is_known || field.types != selections.possible) {
                if !is_known {
                    self.fail(
                        path,
                        format!(
                            "`{}` needs to know what `{runtime}` really is",
                            field.response_key
                        ),
                    );
                }
                continue;
            }
            let path = format!("{path}.{}", field.response_key);
            let found = projected.iter().find(|other| {
                other.response_key == field.response_key.as_str()
                    && holds(&other.when, self.given)
                    && other
                        .types
                        .as_ref()
                        .is_none_or(|types| !is_known || types.iter().any(|name| name == runtime))
            });
            let Some(found) = found else {
                self.fail(&path, format!("is not projected for `{runtime}`"));
                continue;
            };
            match &found.value {
                ProjectedValue::Data { key, output } => match data.get(key) {
                    None => self.fail(&path, format!("`{runtime}` has no data `{key}`")),
                    Some(brought) => {
                        let arguments = argument_text(&field.arguments);
                        if field.name != brought.name.as_str() || arguments != brought.arguments {
                            let reason = format!("shows `{}{}`", brought.name, brought.arguments);
                            self.fail(&path, reason);
                        }
                        self.below(&path, field, brought.child.as_ref(), output);
                    }
                },
                ProjectedValue::Typename { .. } => {
                    if !is_known {
                        self.fail(&path, format!("the real type of `{runtime}` is not known"));
                    }
                }
                ProjectedValue::Introspection | ProjectedValue::Denied { .. } => {}
            }
        }
    }

    fn below(&mut self, path: &str, field: &Field, shape: Option<&Shape>, output: &Output) {
        let (Some(selections), Some(composite)) = (&field.selections, composite(output)) else {
            return;
        };
        let Some(shape) = shape else { return self.fail(path, "has no selections".to_owned()) };
        if composite.possible.len() != 1 && shape.typename.is_empty() {
            self.fail(path, "has no `__typename`".to_owned());
        }
        let graph = self.planner.query_graph();
        let is_interface =
            |name: &str| graph.type_id(name).is_some_and(|id| !graph.expand(id).contains(id));
        let known = shape.by_type.keys().any(|name| !is_interface(name));
        for name in shape.by_type.keys() {
            if is_interface(name) {
                if !known {
                    self.object(path, shape, selections, &composite.fields, name, false);
                }
            } else if composite.possible.contains(name) {
                self.object(path, shape, selections, &composite.fields, name, true);
            }
        }
    }
}

fn composite(output: &Output) -> Option<&Composite> {
    match output {
        Output::NonNull(inner) | Output::List(inner) => composite(inner),
        Output::Composite(composite) => Some(composite),
        Output::Leaf(_) => None,
    }
}
