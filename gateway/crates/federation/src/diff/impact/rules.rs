//! Which use of a schema notices which change.

use std::collections::BTreeSet;

use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::executable::OperationType;
use apollo_compiler::schema::{Component, ExtendedType, InputValueDefinition};
use apollo_compiler::{Name, Schema};

use super::Impact;
use super::operation_use::{Arguments, DirectiveUse, Given, OperationUse};
use super::values::is_accepted;
use crate::diff::change::{Change, ChangeType};

/// Another root type: every operation of that kind starts from it.
pub(super) fn root_change(impact: &Impact<'_>, change: &Change) -> Vec<usize> {
    let kind = match change.change_type {
        ChangeType::SchemaQueryTypeChanged => OperationType::Query,
        ChangeType::SchemaMutationTypeChanged => OperationType::Mutation,
        ChangeType::SchemaSubscriptionTypeChanged => OperationType::Subscription,
        _ => return (0..impact.operations.len()).collect(),
    };
    let uses = impact.operations.iter().enumerate();
    uses.filter(|(_, operation)| operation.kind == Some(kind)).map(|(index, _)| index).collect()
}

/// `rest` is the path below the type.
pub(super) fn notices(
    impact: &Impact<'_>,
    change: &Change,
    type_name: &str,
    rest: &[&str],
    operation: &OperationUse,
) -> bool {
    let member = rest.first().copied().unwrap_or_default();
    match change.change_type {
        ChangeType::TypeRemoved | ChangeType::TypeKindChanged => {
            contains(&operation.types, type_name)
        }
        ChangeType::FieldRemoved | ChangeType::FieldTypeChanged => {
            selections(impact, operation, type_name, member).next().is_some()
        }
        ChangeType::FieldArgumentAdded
        | ChangeType::FieldArgumentRemoved
        | ChangeType::FieldArgumentTypeChanged
        | ChangeType::FieldArgumentDefaultChanged => {
            let argument = rest.get(1).copied().unwrap_or_default();
            let definition = field(impact.new, type_name, member)
                .and_then(|field| field.argument_by_name(argument));
            selections(impact, operation, type_name, member).any(|given| {
                value_notices(
                    impact.new,
                    change.change_type,
                    argument,
                    definition.map(|d| &**d),
                    given,
                )
            })
        }
        ChangeType::InputFieldAdded
        | ChangeType::InputFieldRemoved
        | ChangeType::InputFieldTypeChanged
        | ChangeType::InputFieldDefaultValueChanged => {
            let definition = input_field(impact.new, type_name, member);
            contains(&operation.unknown_inputs, type_name)
                || operation.input_literals.get(type_name).into_iter().flatten().any(|given| {
                    value_notices(impact.new, change.change_type, member, definition, given)
                })
        }
        ChangeType::EnumValueRemoved => {
            operation
                .enum_literals
                .iter()
                .any(|(enum_name, value)| enum_name == type_name && value == member)
                || contains(&operation.outputs, type_name)
                || contains(&operation.unknown_inputs, type_name)
        }
        ChangeType::EnumValueAdded | ChangeType::UnionMemberAdded => {
            contains(&operation.outputs, type_name)
        }
        ChangeType::UnionMemberRemoved => {
            change.subject.as_deref().is_some_and(|member| contains(&operation.conditions, member))
        }
        ChangeType::ObjectTypeInterfaceRemoved => {
            let interface = change.subject.as_deref();
            contains(&operation.conditions, type_name)
                || interface.is_some_and(|interface| contains(&operation.conditions, interface))
        }
        ChangeType::ObjectTypeInterfaceAdded => {
            change.subject.as_deref().is_some_and(|interface| contains(&operation.types, interface))
        }
        ChangeType::DirectiveUsageInputObjectAdded
        | ChangeType::DirectiveUsageInputObjectRemoved => {
            contains(&operation.unknown_inputs, type_name)
                || operation.input_literals.contains_key(type_name)
        }
        // Directives in a schema and texts: nothing that an operation could depend on by name,
        // so whoever uses the element counts.
        _ if member.is_empty() || member.starts_with('@') => contains(&operation.types, type_name),
        _ => {
            selections(impact, operation, type_name, member).next().is_some()
                || contains(&operation.unknown_inputs, type_name)
                || operation.input_literals.contains_key(type_name)
                || contains(&operation.outputs, type_name)
        }
    }
}

/// A use of a directive in an operation.
pub(super) fn directive_notices(
    impact: &Impact<'_>,
    change: &Change,
    directive: &str,
    argument: Option<&str>,
    uses: &[DirectiveUse],
) -> bool {
    let new = impact.new.directive_definitions.get(directive);
    match change.change_type {
        ChangeType::DirectiveLocationRemoved => uses.iter().any(|used| {
            new.is_none_or(|definition| !definition.locations.contains(&used.location))
        }),
        ChangeType::DirectiveArgumentAdded => {
            let argument = change.subject.as_deref().unwrap_or_default();
            uses.iter().any(|used| given(&used.arguments, argument).is_none())
        }
        ChangeType::DirectiveArgumentRemoved
        | ChangeType::DirectiveArgumentTypeChanged
        | ChangeType::DirectiveArgumentDefaultValueChanged => {
            let argument = argument.unwrap_or_default();
            let definition = new.and_then(|definition| definition.argument_by_name(argument));
            let definition = definition.map(|definition| &**definition);
            uses.iter().any(|used| {
                value_notices(impact.new, change.change_type, argument, definition, &used.arguments)
            })
        }
        ChangeType::DirectiveRepeatableRemoved => uses.len() > 1,
        _ => true,
    }
}

/// An argument or the field of an input object, in one place where it could be given.
fn value_notices(
    new: &Schema,
    change_type: ChangeType,
    name: &str,
    definition: Option<&InputValueDefinition>,
    arguments: &Arguments,
) -> bool {
    let given = given(arguments, name);
    match (change_type, given, definition) {
        (
            ChangeType::FieldArgumentRemoved
            | ChangeType::InputFieldRemoved
            | ChangeType::DirectiveArgumentRemoved,
            given,
            _,
        ) => given.is_some(),
        (
            ChangeType::FieldArgumentTypeChanged
            | ChangeType::InputFieldTypeChanged
            | ChangeType::DirectiveArgumentTypeChanged,
            Some(given),
            Some(definition),
        ) => !is_accepted(new, given, definition),
        (
            ChangeType::FieldArgumentTypeChanged
            | ChangeType::InputFieldTypeChanged
            | ChangeType::DirectiveArgumentTypeChanged,
            None,
            Some(definition),
        ) => definition.is_required(),
        // New, or with another default: whoever leaves it out gets something else.
        (_, given, _) => given.is_none(),
    }
}

fn given<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a Given> {
    arguments.iter().find(|(given, _)| given == name).map(|(_, value)| value)
}

/// Selections of a field on the type, or on an interface through which it is reached.
fn selections<'o>(
    impact: &'o Impact<'_>,
    operation: &'o OperationUse,
    type_name: &'o str,
    field: &'o str,
) -> impl Iterator<Item = &'o Arguments> {
    impact
        .with_abstract_types(type_name)
        .filter_map(move |parent| operation.selections.get(parent)?.get(field))
        .flatten()
}

fn field<'s>(
    schema: &'s Schema,
    type_name: &str,
    field: &str,
) -> Option<&'s Component<FieldDefinition>> {
    match schema.types.get(type_name)? {
        ExtendedType::Object(object) => object.fields.get(field),
        ExtendedType::Interface(interface) => interface.fields.get(field),
        _ => None,
    }
}

fn input_field<'s>(
    schema: &'s Schema,
    type_name: &str,
    field: &str,
) -> Option<&'s InputValueDefinition> {
    match schema.types.get(type_name)? {
        ExtendedType::InputObject(input) => input.fields.get(field).map(|field| &***field),
        _ => None,
    }
}

fn contains(names: &BTreeSet<Name>, name: &str) -> bool {
    names.contains(name)
}
