//! A key of an interface must be a key of everything that implements it here.

use crate::diagnostic::Diagnostic;
use crate::subgraph::field_set::{self, FieldSet, Selection};
use crate::subgraph::model::{Applied, Kind, TypeDef};
use crate::subgraph::{Parsed, Subgraph};

pub(super) fn check(subgraph: &Subgraph<Parsed>, errors: &mut Vec<Diagnostic>) {
    for interface in subgraph.schema.types.values().filter(|def| def.kind == Kind::Interface) {
        for key in subgraph.applied(&interface.directives, "key") {
            let Some(fields) = key.str_arg("fields") else { continue };
            let Ok(wanted) = FieldSet::parse(fields) else { continue };
            if field_set::check(&subgraph.schema, &interface.name, &wanted.0).is_err() {
                continue;
            }
            for implementation in subgraph.schema.implementations(&interface.name) {
                let Some(def) = subgraph.schema.types.get(implementation) else { continue };
                check_one(subgraph, interface, (key, &wanted), def, errors);
            }
        }
    }
}

fn check_one(
    subgraph: &Subgraph<Parsed>,
    interface: &TypeDef,
    (key, wanted): (&Applied, &FieldSet),
    def: &TypeDef,
    errors: &mut Vec<Diagnostic>,
) {
    let wanted_fields = normalized(&wanted.0);
    let resolvable = |applied: &Applied| applied.bool_arg("resolvable").unwrap_or(true);
    let same: Vec<&Applied> = subgraph
        .applied(&def.directives, "key")
        .filter(|own| {
            own.str_arg("fields")
                .and_then(|fields| FieldSet::parse(fields).ok())
                .is_some_and(|own| normalized(&own.0) == wanted_fields)
        })
        .collect();
    let problem = if same.is_empty() {
        format!("the key `{wanted}` of the interface `{}` is missing", interface.name)
    } else if resolvable(key) && !same.iter().any(|own| resolvable(own)) {
        format!(
            "the key `{wanted}` is resolvable on the interface `{}`, so it must be here too",
            interface.name
        )
    } else {
        return;
    };
    errors.push(
        subgraph
            .error(
                "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
                &def.name,
                format!("on `{}`: {problem}", def.name),
            )
            .label(subgraph.source.at(&key.name)),
    );
}

/// A printed form that does not depend on the order of selections.
fn normalized(selections: &[Selection]) -> String {
    let mut parts: Vec<String> = selections
        .iter()
        .map(|selection| match selection {
            Selection::Field(field) => format!("{}{{{}}}", field.name, normalized(&field.sub)),
            Selection::Inline { on, sub, directives: _ } => {
                format!("...{}{{{}}}", on.as_deref().unwrap_or_default(), normalized(sub))
            }
        })
        .collect();
    parts.sort();
    parts.dedup();
    parts.join(" ")
}
