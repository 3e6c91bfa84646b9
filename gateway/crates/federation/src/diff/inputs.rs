//! What goes in: arguments and input objects. Asking for more breaks clients, asking for less
//! does not.

use apollo_compiler::ast::{DirectiveList, FieldDefinition, InputValueDefinition, Type};
use apollo_compiler::schema::InputObjectType;

use super::change::{ChangeType, Criticality};
use super::changes::{Changes, DescriptionTypes};
use super::default_value::default_value;
use super::fields::plain;
use super::usages::{UsageTypes, usages};

/// Every value that fits the old type fits the new one: only non-null was given up.
pub(super) fn is_safe_input_change(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::Named(old) | Type::NonNullNamed(old), Type::Named(new)) => old == new,
        (Type::NonNullNamed(old), Type::NonNullNamed(new)) => old == new,
        (Type::List(old) | Type::NonNullList(old), Type::List(new)) => {
            is_safe_input_change(old, new)
        }
        (Type::NonNullList(old), Type::NonNullList(new)) => is_safe_input_change(old, new),
        _ => false,
    }
}

pub(super) fn arguments(
    changes: &mut Changes<'_>,
    path: &str,
    old: &FieldDefinition,
    new: &FieldDefinition,
) {
    for argument in &old.arguments {
        if new.argument_by_name(&argument.name).is_none() {
            let path = format!("{path}.{}", argument.name);
            let message = format!("argument `{path}` was removed");
            changes.breaking(ChangeType::FieldArgumentRemoved, &path, message);
        }
    }
    for argument in &new.arguments {
        if old.argument_by_name(&argument.name).is_none() {
            let criticality =
                if argument.is_required() { Criticality::Breaking } else { Criticality::Dangerous };
            let message = format!(
                "argument `{}: {}` was added to field `{path}`",
                argument.name, argument.ty
            );
            let path = format!("{path}.{}", argument.name);
            changes.push(ChangeType::FieldArgumentAdded, criticality, path, message);
        }
    }
    for old in &old.arguments {
        if let Some(new) = new.argument_by_name(&old.name) {
            argument(changes, &format!("{path}.{}", old.name), old, new);
        }
    }
}

/// The value as if it had just been given its name, type and default.
fn bare(value: &InputValueDefinition) -> InputValueDefinition {
    InputValueDefinition {
        description: None,
        directives: DirectiveList::default(),
        ..value.clone()
    }
}

fn argument(
    changes: &mut Changes<'_>,
    path: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) {
    let types = DescriptionTypes::one("argument", ChangeType::FieldArgumentDescriptionChanged);
    changes.description(types, path, old.description.as_deref(), new.description.as_deref());
    if let Some(message) = changes.default_changed("argument", path, old, new) {
        changes.dangerous(ChangeType::FieldArgumentDefaultChanged, path, message);
    }
    value_type(changes, ChangeType::FieldArgumentTypeChanged, "argument", path, (old, new));
    let types = UsageTypes {
        added: ChangeType::DirectiveUsageArgumentDefinitionAdded,
        removed: ChangeType::DirectiveUsageArgumentDefinitionRemoved,
    };
    usages(changes, types, path, plain(&old.directives), plain(&new.directives));
}

fn value_type(
    changes: &mut Changes<'_>,
    change_type: ChangeType,
    what: &str,
    path: &str,
    (old, new): (&InputValueDefinition, &InputValueDefinition),
) {
    if old.ty == new.ty {
        return;
    }
    let criticality = if is_safe_input_change(&old.ty, &new.ty) {
        Criticality::NonBreaking
    } else {
        Criticality::Breaking
    };
    let message = format!("type of {what} `{path}` changed from `{}` to `{}`", old.ty, new.ty);
    changes.push(change_type, criticality, path.to_owned(), message);
}

pub(super) fn input_object(
    changes: &mut Changes<'_>,
    old: &InputObjectType,
    new: &InputObjectType,
) {
    for name in old.fields.keys().filter(|name| !new.fields.contains_key(*name)) {
        let path = format!("{}.{name}", old.name);
        let message = format!("input field `{path}` was removed");
        changes.breaking(ChangeType::InputFieldRemoved, &path, message);
    }
    for (name, field) in &new.fields {
        if old.fields.contains_key(name) {
            continue;
        }
        let criticality = match (field.ty.is_non_null(), default_value(changes.new, field)) {
            (_, Some(_)) => Criticality::Dangerous,
            (true, None) => Criticality::Breaking,
            (false, None) => Criticality::NonBreaking,
        };
        let message = format!("input field `{name}: {}` was added to `{}`", field.ty, new.name);
        let path = format!("{}.{name}", new.name);
        changes.push(ChangeType::InputFieldAdded, criticality, path.clone(), message);
        changes.inside_new(|changes| input_field(changes, &path, &bare(field), field));
    }
    for (name, field) in &old.fields {
        if let Some(new) = new.fields.get(name) {
            input_field(changes, &format!("{}.{name}", old.name), field, new);
        }
    }
}

fn input_field(
    changes: &mut Changes<'_>,
    path: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) {
    let types = DescriptionTypes {
        what: "input field",
        added: ChangeType::InputFieldDescriptionAdded,
        changed: ChangeType::InputFieldDescriptionChanged,
        removed: ChangeType::InputFieldDescriptionRemoved,
    };
    changes.description(types, path, old.description.as_deref(), new.description.as_deref());
    if let Some(message) = changes.default_changed("input field", path, old, new) {
        changes.dangerous(ChangeType::InputFieldDefaultValueChanged, path, message);
    }
    value_type(changes, ChangeType::InputFieldTypeChanged, "input field", path, (old, new));
    let types = UsageTypes {
        added: ChangeType::DirectiveUsageInputFieldDefinitionAdded,
        removed: ChangeType::DirectiveUsageInputFieldDefinitionRemoved,
    };
    usages(changes, types, path, plain(&old.directives), plain(&new.directives));
}
