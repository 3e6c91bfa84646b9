//! What operations can reach in a schema.

use std::collections::BTreeSet;

use apollo_compiler::Schema;
use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::schema::{Component, ExtendedType};

/// Names of all types that lead from a root: by fields, arguments, members and implementations.
pub(crate) fn reachable_types(schema: &Schema) -> BTreeSet<&str> {
    let implementers = schema.implementers_map();
    let mut reachable = BTreeSet::new();
    let roots = [
        &schema.schema_definition.query,
        &schema.schema_definition.mutation,
        &schema.schema_definition.subscription,
    ];
    let mut open: Vec<&str> = roots.into_iter().flatten().map(|root| root.name.as_str()).collect();
    while let Some(name) = open.pop() {
        if !reachable.insert(name) {
            continue;
        }
        match schema.types.get(name) {
            Some(ExtendedType::Object(object)) => fields(object.fields.values(), &mut open),
            Some(ExtendedType::Interface(interface)) => {
                fields(interface.fields.values(), &mut open);
                if let Some(implementers) = implementers.get(name) {
                    open.extend(implementers.iter().filter_map(|implementer| {
                        schema.types.get(implementer).map(|ty| ty.name().as_str())
                    }));
                }
            }
            Some(ExtendedType::Union(union)) => {
                open.extend(union.members.iter().map(|member| member.name.as_str()));
            }
            Some(ExtendedType::InputObject(input)) => {
                open.extend(
                    input.fields.values().map(|field| field.ty.inner_named_type().as_str()),
                );
            }
            Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_)) | None => {}
        }
    }
    reachable
}

fn fields<'s>(
    fields: impl Iterator<Item = &'s Component<FieldDefinition>>,
    open: &mut Vec<&'s str>,
) {
    for field in fields {
        open.push(field.ty.inner_named_type().as_str());
        open.extend(field.arguments.iter().map(|argument| argument.ty.inner_named_type().as_str()));
    }
}
