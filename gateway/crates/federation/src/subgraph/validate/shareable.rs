//! `@shareable` marks fields of objects, once per declaration.

use crate::diagnostic::Diagnostic;
use crate::subgraph::model::Kind;
use crate::subgraph::{Parsed, Subgraph};

const CODE: &str = "INVALID_SHAREABLE_USAGE";

pub(super) fn check(subgraph: &Subgraph<Parsed>, errors: &mut Vec<Diagnostic>) {
    for def in subgraph.schema.types.values() {
        for part in 0..=def.extensions {
            let marks = subgraph.applied(&def.directives, "shareable").filter(|a| a.part == part);
            if marks.count() > 1 {
                errors.push(subgraph.error(
                    CODE,
                    &def.name,
                    format!("one declaration of `{}` is marked @shareable twice", def.name),
                ));
            }
        }
        for field in def.fields.values() {
            let marks = subgraph.applied(&field.directives, "shareable").count();
            if marks > 1 {
                errors.push(subgraph.error(
                    CODE,
                    &field.name,
                    format!("`{}.{}` is marked @shareable twice", def.name, field.name),
                ));
            }
            if marks > 0 && def.kind == Kind::Interface {
                errors.push(subgraph.error(
                    CODE,
                    &field.name,
                    format!(
                        "`{}.{}` is a field of an interface: only objects' fields are resolved \
                         and so can be @shareable",
                        def.name, field.name
                    ),
                ));
            }
        }
    }
}
