//! What comes out: fields of objects and interfaces, their types and deprecations.

use apollo_compiler::ast::{DirectiveList, FieldDefinition, Type};
use apollo_compiler::collections::IndexMap;
use apollo_compiler::schema::Component;
use apollo_compiler::{Name, Node, ast};

use super::change::{ChangeType, Criticality};
use super::changes::{Changes, DescriptionTypes};
use super::inputs::arguments;
use super::usages::{UsageTypes, usages};

/// The reason that counts when `@deprecated` gives none.
pub(super) const DEFAULT_REASON: &str = "No longer supported";

/// Every value of the new type is one of the old: only non-null was promised.
fn is_safe_output_change(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::Named(old), Type::Named(new) | Type::NonNullNamed(new)) => old == new,
        (Type::NonNullNamed(old), Type::NonNullNamed(new)) => old == new,
        (Type::List(old), Type::List(new) | Type::NonNullList(new)) => {
            is_safe_output_change(old, new)
        }
        (Type::NonNullList(old), Type::NonNullList(new)) => is_safe_output_change(old, new),
        _ => false,
    }
}

pub(super) fn fields(
    changes: &mut Changes<'_>,
    type_name: &Name,
    old: &IndexMap<Name, Component<FieldDefinition>>,
    new: &IndexMap<Name, Component<FieldDefinition>>,
) {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        let path = format!("{type_name}.{name}");
        let message = format!("field `{path}` was removed");
        changes.breaking(ChangeType::FieldRemoved, &path, message);
    }
    for (name, field) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let path = format!("{type_name}.{name}");
        let message = format!("field `{path}: {}` was added", field.ty);
        changes.safe(ChangeType::FieldAdded, &path, message);
        changes.inside_new(|changes| self::field(changes, &path, &bare(field), field));
    }
    for (name, old) in old {
        if let Some(new) = new.get(name) {
            field(changes, &format!("{type_name}.{name}"), old, new);
        }
    }
}

/// The field as if it had just been given its name and type.
fn bare(field: &FieldDefinition) -> FieldDefinition {
    FieldDefinition {
        description: None,
        name: field.name.clone(),
        arguments: Vec::new(),
        ty: field.ty.clone(),
        directives: DirectiveList::default(),
    }
}

fn field(changes: &mut Changes<'_>, path: &str, old: &FieldDefinition, new: &FieldDefinition) {
    let types = DescriptionTypes {
        what: "field",
        added: ChangeType::FieldDescriptionAdded,
        changed: ChangeType::FieldDescriptionChanged,
        removed: ChangeType::FieldDescriptionRemoved,
    };
    changes.description(types, path, old.description.as_deref(), new.description.as_deref());
    field_deprecation(changes, path, old, new);
    if old.ty != new.ty {
        let criticality = if is_safe_output_change(&old.ty, &new.ty) {
            Criticality::NonBreaking
        } else {
            Criticality::Breaking
        };
        let message = format!("type of field `{path}` changed from `{}` to `{}`", old.ty, new.ty);
        changes.push(ChangeType::FieldTypeChanged, criticality, path.to_owned(), message);
    }
    arguments(changes, path, old, new);
    let types = UsageTypes {
        added: ChangeType::DirectiveUsageFieldDefinitionAdded,
        removed: ChangeType::DirectiveUsageFieldDefinitionRemoved,
    };
    usages(changes, types, path, plain(&old.directives), plain(&new.directives));
}

fn field_deprecation(
    changes: &mut Changes<'_>,
    path: &str,
    old: &FieldDefinition,
    new: &FieldDefinition,
) {
    let at = format!("{path}.@deprecated");
    match (old.directives.get("deprecated"), new.directives.get("deprecated")) {
        (None, Some(_)) => {
            changes.safe(
                ChangeType::FieldDeprecationAdded,
                &at,
                format!("field `{path}` was deprecated"),
            );
        }
        (Some(_), None) => {
            let message = format!("field `{path}` is no longer deprecated");
            changes.safe(ChangeType::FieldDeprecationRemoved, &at, message);
        }
        (Some(old), Some(new)) => {
            let (old, new) = (reason(old), reason(new));
            if old == new {
                return;
            }
            let message = format!("deprecation reason of field `{path}` changed");
            let (change_type, at) = match (old, new) {
                (None | Some(DEFAULT_REASON), _) => (ChangeType::FieldDeprecationReasonAdded, &*at),
                (_, None | Some(DEFAULT_REASON)) => {
                    (ChangeType::FieldDeprecationReasonRemoved, path)
                }
                (_, _) => (ChangeType::FieldDeprecationReasonChanged, &*at),
            };
            changes.safe(change_type, at, message);
        }
        (None, None) => {}
    }
}

/// Why it is deprecated; none for an explicit `null`.
pub(super) fn reason(deprecated: &Node<ast::Directive>) -> Option<&str> {
    match deprecated.specified_argument_by_name("reason") {
        Some(reason) => reason.as_str(),
        None => Some(DEFAULT_REASON),
    }
}

pub(super) fn plain(directives: &DirectiveList) -> impl Iterator<Item = &ast::Directive> {
    directives.iter().map(|directive| &**directive)
}
