//! `@external` says that a field belongs to another subgraph and is only referred to here.

use crate::diagnostic::Diagnostic;
use crate::subgraph::metadata::Metadata;
use crate::subgraph::model::Kind;
use crate::subgraph::{Parsed, Subgraph};

pub(super) fn check(
    subgraph: &Subgraph<Parsed>,
    metadata: &Metadata,
    errors: &mut Vec<Diagnostic>,
) {
    for def in subgraph.schema.types.values() {
        for field in def.fields.values() {
            let coordinate = format!("{}.{}", def.name, field.name);
            if def.kind == Kind::Interface && subgraph.has(&field.directives, "external") {
                errors.push(subgraph.error(
                    "EXTERNAL_ON_INTERFACE",
                    &field.name,
                    format!("`{coordinate}` is a field of an interface: it cannot be @external"),
                ));
            }
            // With @provides it is refused for that.
            if metadata.is_external(&def.name, &field.name)
                && !subgraph.has(&field.directives, "provides")
                && !metadata.is_used(&def.name, &field.name)
            {
                errors.push(
                    subgraph
                        .error(
                            "EXTERNAL_UNUSED",
                            &field.name,
                            format!(
                                "`{coordinate}` is marked @external but no @key, @requires, \
                                 @provides, context or interface refers to it"
                            ),
                        )
                        .help("remove the field, or the mark if this subgraph resolves it"),
                );
            }
        }
    }
}
