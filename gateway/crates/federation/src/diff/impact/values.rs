//! Whether what an operation gives still fits where it is given.

use apollo_compiler::Schema;
use apollo_compiler::ast::{InputValueDefinition, Type};

use super::operation_use::Given;
use crate::diff::default_value::fits;

/// `given` is accepted by the new definition. Literals with variables inside are not looked into
/// and count as not fitting.
pub(super) fn is_accepted(
    schema: &Schema,
    given: &Given,
    definition: &InputValueDefinition,
) -> bool {
    match given {
        Given::Literal(literal) => fits(schema, &definition.ty, literal),
        Given::Variable { ty, has_default } => {
            let optional = *has_default || definition.default_value.is_some();
            if definition.ty.is_non_null() && !ty.is_non_null() && optional {
                ty.is_assignable_to(&nullable(&definition.ty))
            } else {
                ty.is_assignable_to(&definition.ty)
            }
        }
    }
}

fn nullable(ty: &Type) -> Type {
    ty.clone().nullable()
}
