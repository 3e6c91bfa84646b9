//! Merging unites `implements`, so a type may come to implement an interface it does not fulfil.

use crate::diagnostic::Diagnostic;
use crate::subgraph::model::Schema;

pub(super) fn check(schema: &Schema, errors: &mut Vec<Diagnostic>) {
    for def in schema.types.values().filter(|def| def.kind.has_fields()) {
        for interface in &def.implements {
            let Some(interface) = schema.types.get(interface) else { continue };
            for field in interface.fields.keys() {
                if !def.fields.contains_key(field) {
                    errors.push(
                        Diagnostic::error(
                            "INTERFACE_FIELD_NO_IMPLEM",
                            format!(
                                "`{}.{field}` is in some subgraph, but `{}`, which implements \
                                 `{}`, has no such field in any",
                                interface.name, def.name, interface.name
                            ),
                        )
                        .help(format!("add the field `{field}` to `{}`", def.name)),
                    );
                }
            }
        }
    }
}
