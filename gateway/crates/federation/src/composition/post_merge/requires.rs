//! `@requires` selects from other subgraphs, whose arguments may have come and gone in merging.

use crate::composition::Input;
use crate::diagnostic::Diagnostic;
use crate::subgraph::field_set::{self, FieldSet};
use crate::subgraph::model::Schema;

pub(super) fn check(schema: &Schema, inputs: &[Input], errors: &mut Vec<Diagnostic>) {
    for input in inputs {
        let subgraph = &input.subgraph;
        for def in subgraph.schema.types.values() {
            for field in def.fields.values() {
                let Some(applied) = subgraph.first(&field.directives, "requires") else { continue };
                let Some(text) = applied.str_arg("fields") else { continue };
                let Ok(fields) = FieldSet::parse(text) else { continue };
                if let Err(why) = field_set::check(schema, &def.name, &fields.0) {
                    errors.push(subgraph.error(
                        "REQUIRES_INVALID_FIELDS",
                        &applied.name,
                        format!(
                            "@requires(fields: \"{fields}\") on `{}.{}` cannot be made on the \
                             supergraph: {why}",
                            def.name, field.name
                        ),
                    ));
                }
            }
        }
    }
}
