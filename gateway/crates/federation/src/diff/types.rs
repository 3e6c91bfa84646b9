//! Types by kind.

use apollo_compiler::ast;
use apollo_compiler::collections::IndexSet;
use apollo_compiler::schema::{
    ComponentName, DirectiveList, EnumType, EnumValueDefinition, ExtendedType, UnionType,
};

use super::change::ChangeType;
use super::changes::{Changes, DescriptionTypes};
use super::fields::{DEFAULT_REASON, fields, plain, reason};
use super::inputs::input_object;
use super::usages::{UsageTypes, usages};

pub(super) fn types(changes: &mut Changes<'_>) {
    let (old, new) = (changes.old, changes.new);
    for (name, ty) in &old.types {
        if !ty.is_built_in() && !new.types.contains_key(name) {
            changes.breaking(ChangeType::TypeRemoved, name, format!("type `{name}` was removed"));
        }
    }
    for (name, ty) in &new.types {
        if !ty.is_built_in() && !old.types.contains_key(name) {
            changes.safe(ChangeType::TypeAdded, name, format!("type `{name}` was added"));
            changes.inside_new(|changes| type_in_both(changes, &bare(ty), ty));
        }
    }
    for (name, ty) in old.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        if let Some(new) = new.types.get(name) {
            type_in_both(changes, ty, new);
        }
    }
}

/// The type as if it had just been given its name and kind.
fn bare(ty: &ExtendedType) -> ExtendedType {
    let mut bare = ty.clone();
    match &mut bare {
        ExtendedType::Scalar(scalar) => {
            let scalar = scalar.make_mut();
            (scalar.description, scalar.directives) = (None, DirectiveList::default());
        }
        ExtendedType::Object(object) => {
            let object = object.make_mut();
            (object.description, object.directives) = (None, DirectiveList::default());
            object.implements_interfaces.clear();
            object.fields.clear();
        }
        ExtendedType::Interface(interface) => {
            let interface = interface.make_mut();
            (interface.description, interface.directives) = (None, DirectiveList::default());
            interface.implements_interfaces.clear();
            interface.fields.clear();
        }
        ExtendedType::Union(union) => {
            let union = union.make_mut();
            (union.description, union.directives) = (None, DirectiveList::default());
            union.members.clear();
        }
        ExtendedType::Enum(definition) => {
            let definition = definition.make_mut();
            (definition.description, definition.directives) = (None, DirectiveList::default());
            definition.values.clear();
        }
        ExtendedType::InputObject(input) => {
            let input = input.make_mut();
            (input.description, input.directives) = (None, DirectiveList::default());
            input.fields.clear();
        }
    }
    bare
}

fn type_in_both(changes: &mut Changes<'_>, old: &ExtendedType, new: &ExtendedType) {
    let name = new.name();
    match (old, new) {
        (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {
            type_usages(
                changes,
                ChangeType::DirectiveUsageScalarAdded,
                ChangeType::DirectiveUsageScalarRemoved,
                old,
                new,
            );
        }
        (ExtendedType::Object(a), ExtendedType::Object(b)) => {
            interfaces(changes, name, &a.implements_interfaces, &b.implements_interfaces);
            fields(changes, name, &a.fields, &b.fields);
            type_usages(
                changes,
                ChangeType::DirectiveUsageObjectAdded,
                ChangeType::DirectiveUsageObjectRemoved,
                old,
                new,
            );
        }
        (ExtendedType::Interface(a), ExtendedType::Interface(b)) => {
            interfaces(changes, name, &a.implements_interfaces, &b.implements_interfaces);
            fields(changes, name, &a.fields, &b.fields);
            let added = ChangeType::DirectiveUsageInterfaceAdded;
            type_usages(changes, added, ChangeType::DirectiveUsageInterfaceRemoved, old, new);
        }
        (ExtendedType::Union(a), ExtendedType::Union(b)) => {
            members(changes, a, b);
            let added = ChangeType::DirectiveUsageUnionMemberAdded;
            type_usages(changes, added, ChangeType::DirectiveUsageUnionMemberRemoved, old, new);
        }
        (ExtendedType::Enum(a), ExtendedType::Enum(b)) => {
            values(changes, a, b);
            type_usages(
                changes,
                ChangeType::DirectiveUsageEnumAdded,
                ChangeType::DirectiveUsageEnumRemoved,
                old,
                new,
            );
        }
        (ExtendedType::InputObject(a), ExtendedType::InputObject(b)) => {
            input_object(changes, a, b);
            let added = ChangeType::DirectiveUsageInputObjectAdded;
            type_usages(changes, added, ChangeType::DirectiveUsageInputObjectRemoved, old, new);
        }
        (old, new) => {
            let message = format!("type `{name}` changed from {} to {}", kind(old), kind(new));
            changes.breaking(ChangeType::TypeKindChanged, name, message);
        }
    }
    let types = DescriptionTypes {
        what: "type",
        added: ChangeType::TypeDescriptionAdded,
        changed: ChangeType::TypeDescriptionChanged,
        removed: ChangeType::TypeDescriptionRemoved,
    };
    let description = |ty: &'_ ExtendedType| ty.description().map(ToString::to_string);
    changes.description(types, name, description(old).as_deref(), description(new).as_deref());
}

fn kind(ty: &ExtendedType) -> &'static str {
    match ty {
        ExtendedType::Scalar(_) => "a scalar",
        ExtendedType::Object(_) => "an object",
        ExtendedType::Interface(_) => "an interface",
        ExtendedType::Union(_) => "a union",
        ExtendedType::Enum(_) => "an enum",
        ExtendedType::InputObject(_) => "an input object",
    }
}

fn type_usages(
    changes: &mut Changes<'_>,
    added: ChangeType,
    removed: ChangeType,
    old: &ExtendedType,
    new: &ExtendedType,
) {
    let plain = |directives: &'_ DirectiveList| -> Vec<ast::Directive> {
        directives.iter().map(|directive| ast::Directive::clone(directive)).collect()
    };
    let (old, name, new) = (plain(old.directives()), new.name(), plain(new.directives()));
    usages(changes, UsageTypes { added, removed }, name, old.iter(), new.iter());
}

fn interfaces(
    changes: &mut Changes<'_>,
    name: &str,
    old: &IndexSet<ComponentName>,
    new: &IndexSet<ComponentName>,
) {
    for interface in old.iter().filter(|interface| !new.contains(*interface)) {
        let message = format!("`{name}` no longer implements interface `{interface}`");
        changes.breaking(ChangeType::ObjectTypeInterfaceRemoved, name, message);
        changes.about(interface);
    }
    for interface in new.iter().filter(|interface| !old.contains(*interface)) {
        let message = format!("`{name}` implements interface `{interface}` now");
        changes.dangerous(ChangeType::ObjectTypeInterfaceAdded, name, message);
        changes.about(interface);
    }
}

fn members(changes: &mut Changes<'_>, old: &UnionType, new: &UnionType) {
    let name = &new.name;
    for member in old.members.iter().filter(|member| !new.members.contains(*member)) {
        let message = format!("member `{member}` was removed from union `{name}`");
        changes.breaking(ChangeType::UnionMemberRemoved, name, message);
        changes.about(member);
    }
    for member in new.members.iter().filter(|member| !old.members.contains(*member)) {
        let message = format!("member `{member}` was added to union `{name}`");
        changes.dangerous(ChangeType::UnionMemberAdded, name, message);
        changes.about(member);
    }
}

fn values(changes: &mut Changes<'_>, old: &EnumType, new: &EnumType) {
    for name in old.values.keys().filter(|name| !new.values.contains_key(*name)) {
        let path = format!("{}.{name}", new.name);
        let message = format!("enum value `{path}` was removed");
        changes.breaking(ChangeType::EnumValueRemoved, &path, message);
    }
    for (name, added) in new.values.iter().filter(|(name, _)| !old.values.contains_key(*name)) {
        let path = format!("{}.{name}", new.name);
        let message = format!("enum value `{path}` was added");
        changes.dangerous(ChangeType::EnumValueAdded, &path, message);
        let bare = EnumValueDefinition {
            description: None,
            value: name.clone(),
            directives: ast::DirectiveList::default(),
        };
        changes.inside_new(|changes| value(changes, &path, &bare, added));
    }
    let enum_name = &new.name;
    for (name, old) in &old.values {
        if let Some(new) = new.values.get(name) {
            value(changes, &format!("{enum_name}.{name}"), old, new);
        }
    }
}

fn value(
    changes: &mut Changes<'_>,
    path: &str,
    old: &EnumValueDefinition,
    new: &EnumValueDefinition,
) {
    let types = DescriptionTypes::one("enum value", ChangeType::EnumValueDescriptionChanged);
    changes.description(types, path, old.description.as_deref(), new.description.as_deref());
    value_deprecation(changes, path, old, new);
    let types = UsageTypes {
        added: ChangeType::DirectiveUsageEnumValueAdded,
        removed: ChangeType::DirectiveUsageEnumValueRemoved,
    };
    usages(changes, types, path, plain(&old.directives), plain(&new.directives));
}

fn value_deprecation(
    changes: &mut Changes<'_>,
    path: &str,
    old: &EnumValueDefinition,
    new: &EnumValueDefinition,
) {
    let reason_of = |value: &'_ EnumValueDefinition| {
        value.directives.get("deprecated").and_then(reason).map(str::to_owned)
    };
    let (old, new) = (reason_of(old), reason_of(new));
    if old.as_deref().unwrap_or_default() == new.as_deref().unwrap_or_default() {
        return;
    }
    let at = format!("{path}.@deprecated");
    match (old.as_deref(), new.as_deref()) {
        (None | Some(DEFAULT_REASON), new) => {
            let happened = if new.is_some() { "was deprecated" } else { "is no longer deprecated" };
            let message = format!("enum value `{path}` {happened}");
            changes.safe(ChangeType::EnumValueDeprecationReasonAdded, &at, message);
        }
        (Some(_), None) => {
            let message = format!("enum value `{path}` is no longer deprecated");
            changes.safe(ChangeType::EnumValueDeprecationReasonRemoved, path, message);
        }
        (Some(_), Some(DEFAULT_REASON)) => {
            let message = format!("deprecation reason of enum value `{path}` was removed");
            changes.safe(ChangeType::EnumValueDeprecationReasonRemoved, path, message);
        }
        (Some(_), Some(_)) => {
            let message = format!("deprecation reason of enum value `{path}` changed");
            changes.safe(ChangeType::EnumValueDeprecationReasonChanged, &at, message);
        }
    }
}
