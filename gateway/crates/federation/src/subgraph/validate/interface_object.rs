//! `@interfaceObject` stands for an interface whose entities this subgraph extends.

use crate::diagnostic::Diagnostic;
use crate::subgraph::{Parsed, Subgraph};

pub(super) fn check(subgraph: &Subgraph<Parsed>, errors: &mut Vec<Diagnostic>) {
    for def in subgraph.schema.types.values() {
        if subgraph.is_interface_object(&def.name) && !subgraph.has(&def.directives, "key") {
            errors.push(
                subgraph
                    .error(
                        "INTERFACE_OBJECT_USAGE_ERROR",
                        &def.name,
                        format!("`{}` is an @interfaceObject and so needs a @key", def.name),
                    )
                    .help("add the @key that the interface has where it is defined"),
            );
        }
    }
}
