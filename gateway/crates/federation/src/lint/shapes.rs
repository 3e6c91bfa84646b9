//! Types and how they are used.

use std::collections::BTreeSet;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, FieldDefinition};

use super::element::{Element, Named};
use super::{Context, Root, Rule};

pub(super) fn check(context: &mut Context<'_>) {
    unused_types(context);
    for element in context.elements.clone() {
        match element.named {
            Named::Field(field) => root_field(context, &element, field),
            Named::Type(Definition::InputObjectTypeDefinition(input)) => {
                if !input.directives.has("oneOf") {
                    continue;
                }
                for field in &input.fields {
                    if field.ty.is_non_null() || field.default_value.is_some() {
                        let message = format!(
                            "`{}.{}` must be nullable without a default: `{}` is @oneOf",
                            input.name, field.name, input.name
                        );
                        context.report(Rule::RequireNullableFieldsWithOneof, &element, message);
                    }
                }
            }
            Named::Type(_) => strict_id(context, &element),
            _ => {}
        }
    }
}

/// The named type is defined as an object, interface or union, or not at all.
fn is_composite(context: &Context<'_>, name: &Name) -> bool {
    context.types().filter(|element| element.name == name).any(|element| {
        matches!(
            element.named,
            Named::Type(
                Definition::ObjectTypeDefinition(_)
                    | Definition::ObjectTypeExtension(_)
                    | Definition::InterfaceTypeDefinition(_)
                    | Definition::UnionTypeDefinition(_)
            )
        )
    })
}

fn root_field<'c>(context: &mut Context<'c>, element: &Element<'c>, field: &FieldDefinition) {
    let Some(root) = element.parent.and_then(|parent| context.root_kind(parent)) else { return };
    if field.ty.is_non_null() && root != Root::Subscription {
        let message =
            format!("`{}` is non-null: if it fails, the whole answer is null", element.coordinate);
        context.report(Rule::RequireNullableResultInRoot, element, message);
    }
    if root != Root::Mutation {
        return;
    }
    let result = field.ty.inner_named_type();
    if !is_composite(context, result) {
        let message = format!("`{}` returns a scalar, which cannot grow", element.coordinate);
        context.report(Rule::NoScalarResultTypeOnMutation, element, message);
        return;
    }
    let leads_back = context.types().filter(|element| element.name == result).any(|element| {
        element
            .fields()
            .iter()
            .any(|field| context.root_kind(field.ty.inner_named_type()) == Some(Root::Query))
    });
    if !leads_back {
        let message = format!(
            "`{result}`, the result of `{}`, has no field of the query type",
            element.coordinate
        );
        context.report(Rule::RequireFieldOfTypeQueryInMutationResult, element, message);
    }
}

fn strict_id<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    let root = context.root_kind(element.name).is_some();
    if root || !element.is_object() || element.is_extension() {
        return;
    }
    let name = element.name;
    let exempt = ["Connection", "Edge", "PageInfo", "Payload", "Result", "Error"]
        .iter()
        .any(|suffix| name.ends_with(suffix));
    let ids = element
        .fields()
        .iter()
        .filter(|field| field.name == "id" && field.ty.to_string() == "ID!")
        .count();
    if !exempt && ids != 1 {
        let message = format!("`{name}` has no `id: ID!`");
        context.report(Rule::StrictIdInTypes, element, message);
    }
}

/// Types that nothing refers to. Entities are reached from other subgraphs.
fn unused_types(context: &mut Context<'_>) {
    if !context.is_on(Rule::DefinedTypesAreUnused) {
        return;
    }
    let mut used: BTreeSet<Name> = BTreeSet::new();
    for element in &context.elements {
        if let Some(ty) = element.ty() {
            used.insert(ty.inner_named_type().clone());
        }
        match element.named {
            Named::Type(Definition::ObjectTypeDefinition(object)) => {
                // An object behind an interface can be returned where the interface is.
                if !object.implements_interfaces.is_empty() {
                    used.insert(object.name.clone());
                }
                used.extend(object.implements_interfaces.iter().cloned());
            }
            Named::Type(Definition::InterfaceTypeDefinition(interface)) => {
                used.extend(interface.implements_interfaces.iter().cloned());
            }
            Named::Type(Definition::UnionTypeDefinition(union)) => {
                used.extend(union.members.iter().cloned());
            }
            Named::Type(Definition::UnionTypeExtension(union)) => {
                used.extend(union.members.iter().cloned());
            }
            _ => {}
        }
    }
    let types: Vec<Element<'_>> = context.types().cloned().collect();
    for element in types {
        let name = element.name;
        let reached = used.contains(name)
            || context.root_kind(name).is_some()
            || element.is_extension()
            || element.directives.has("key")
            || element.directives.has("extends");
        if !reached {
            context.report(
                Rule::DefinedTypesAreUnused,
                &element,
                format!("type `{name}` is not used"),
            );
        }
    }
}
