//! Access control is stated where data is resolved: on objects and their fields.

use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Kind};
use crate::subgraph::{Parsed, Subgraph};

const DIRECTIVES: [&str; 3] = ["authenticated", "requiresScopes", "policy"];

pub(super) fn check(subgraph: &Subgraph<Parsed>, errors: &mut Vec<Diagnostic>) {
    for def in subgraph.schema.types.values() {
        let interface_object = subgraph.is_interface_object(&def.name);
        if def.kind == Kind::Interface || interface_object {
            let what = if interface_object { "an @interfaceObject" } else { "an interface" };
            report(subgraph, &def.directives, &format!("`{}`, {what}", def.name), errors);
        }
        if def.kind == Kind::Interface {
            for field in def.fields.values() {
                let place = format!("`{}.{}`, a field of an interface", def.name, field.name);
                report(subgraph, &field.directives, &place, errors);
            }
        }
    }
}

fn report(
    subgraph: &Subgraph<Parsed>,
    directives: &[Applied],
    place: &str,
    errors: &mut Vec<Diagnostic>,
) {
    for name in DIRECTIVES {
        if let Some(applied) = subgraph.first(directives, name) {
            errors.push(
                subgraph
                    .error(
                        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
                        &applied.name,
                        format!("@{name} cannot be applied on {place}"),
                    )
                    .help("apply it to the implementations or their fields"),
            );
        }
    }
}
