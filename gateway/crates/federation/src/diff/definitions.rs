//! The schema definition and the definitions of directives.

use apollo_compiler::Schema;
use apollo_compiler::ast::InputValueDefinition;
use apollo_compiler::schema::{ComponentName, DirectiveDefinition};

use super::change::{ChangeType, Criticality};
use super::changes::{Changes, DescriptionTypes};
use super::inputs::is_safe_input_change;
use super::usages::{UsageTypes, usages};

pub(super) fn root_types(changes: &mut Changes<'_>) {
    let (old, new) = (&changes.old.schema_definition, &changes.new.schema_definition);
    let roots = [
        ("query", ChangeType::SchemaQueryTypeChanged, &old.query, &new.query),
        ("mutation", ChangeType::SchemaMutationTypeChanged, &old.mutation, &new.mutation),
        (
            "subscription",
            ChangeType::SchemaSubscriptionTypeChanged,
            &old.subscription,
            &new.subscription,
        ),
    ];
    for (root, change_type, old, new) in roots {
        let name = |root: &Option<ComponentName>| root.as_ref().map(|name| name.name.to_string());
        let (old, new) = (name(old), name(new));
        if old == new {
            continue;
        }
        let criticality =
            if old.is_none() { Criticality::NonBreaking } else { Criticality::Breaking };
        let shown = |name: Option<String>| {
            name.map_or_else(|| "none".to_owned(), |name| format!("`{name}`"))
        };
        let message = format!("{root} root type changed from {} to {}", shown(old), shown(new));
        changes.push(change_type, criticality, None, message);
    }
}

pub(super) fn schema_directives(changes: &mut Changes<'_>) {
    let (old, new) = (&changes.old.schema_definition, &changes.new.schema_definition);
    let types = UsageTypes {
        added: ChangeType::DirectiveUsageSchemaAdded,
        removed: ChangeType::DirectiveUsageSchemaRemoved,
    };
    usages(
        changes,
        types,
        "",
        old.directives.iter().map(|d| &***d),
        new.directives.iter().map(|d| &***d),
    );
}

/// Directives of the specification are not part of a comparison, whoever defines them.
fn is_custom(definition: &DirectiveDefinition) -> bool {
    !matches!(definition.name.as_str(), "skip" | "include" | "deprecated" | "specifiedBy" | "oneOf")
}

pub(super) fn directive_definitions(changes: &mut Changes<'_>) {
    let custom = |schema: &'_ Schema, name: &str| {
        schema.directive_definitions.get(name).is_some_and(|definition| is_custom(definition))
    };
    let (old, new) = (changes.old, changes.new);
    for name in old.directive_definitions.keys() {
        if custom(old, name) && !custom(new, name) {
            let path = format!("@{name}");
            let message = format!("directive `{path}` was removed");
            changes.breaking(ChangeType::DirectiveRemoved, &path, message);
        }
    }
    for (name, definition) in &new.directive_definitions {
        if custom(new, name) && !custom(old, name) {
            let path = format!("@{name}");
            let message = format!("directive `{path}` was added");
            changes.safe(ChangeType::DirectiveAdded, &path, message);
            let bare = DirectiveDefinition {
                description: None,
                name: name.clone(),
                arguments: Vec::new(),
                repeatable: false,
                locations: Vec::new(),
            };
            changes.inside_new(|changes| directive_definition(changes, &path, &bare, definition));
        }
    }
    for (name, definition) in old.directive_definitions.iter().filter(|(_, old)| is_custom(old)) {
        if let Some(new) = new.directive_definitions.get(name) {
            directive_definition(changes, &format!("@{name}"), definition, new);
        }
    }
}

fn directive_definition(
    changes: &mut Changes<'_>,
    path: &str,
    old: &DirectiveDefinition,
    new: &DirectiveDefinition,
) {
    let types = DescriptionTypes::one("directive", ChangeType::DirectiveDescriptionChanged);
    changes.description(types, path, old.description.as_deref(), new.description.as_deref());
    match (old.repeatable, new.repeatable) {
        (false, true) => {
            let message = format!("directive `{path}` became repeatable");
            changes.safe(ChangeType::DirectiveRepeatableAdded, path, message);
        }
        (true, false) => {
            let message = format!("directive `{path}` is no longer repeatable");
            changes.dangerous(ChangeType::DirectiveRepeatableRemoved, path, message);
        }
        (true, true) | (false, false) => {}
    }
    for location in new.locations.iter().filter(|location| !old.locations.contains(location)) {
        let message = format!("location `{location}` of directive `{path}` was added");
        changes.safe(ChangeType::DirectiveLocationAdded, path, message);
    }
    for location in old.locations.iter().filter(|location| !new.locations.contains(location)) {
        let message = format!("location `{location}` of directive `{path}` was removed");
        changes.breaking(ChangeType::DirectiveLocationRemoved, path, message);
    }
    directive_arguments(changes, path, old, new);
}

fn directive_arguments(
    changes: &mut Changes<'_>,
    path: &str,
    old: &DirectiveDefinition,
    new: &DirectiveDefinition,
) {
    for argument in &old.arguments {
        if new.argument_by_name(&argument.name).is_none() {
            let path = format!("{path}.{}", argument.name);
            let message = format!("directive argument `{path}` was removed");
            changes.breaking(ChangeType::DirectiveArgumentRemoved, &path, message);
        }
    }
    for argument in &new.arguments {
        if old.argument_by_name(&argument.name).is_none() {
            let criticality = if argument.ty.is_non_null() {
                Criticality::Breaking
            } else {
                Criticality::NonBreaking
            };
            let message = format!(
                "argument `{}: {}` was added to directive `{path}`",
                argument.name, argument.ty
            );
            changes.push(ChangeType::DirectiveArgumentAdded, criticality, path.to_owned(), message);
            changes.about(&argument.name);
        }
    }
    for argument in &old.arguments {
        if let Some(new) = new.argument_by_name(&argument.name) {
            directive_argument(changes, &format!("{path}.{}", argument.name), argument, new);
        }
    }
}

fn directive_argument(
    changes: &mut Changes<'_>,
    path: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) {
    let types = DescriptionTypes::one(
        "directive argument",
        ChangeType::DirectiveArgumentDescriptionChanged,
    );
    changes.description(types, path, old.description.as_deref(), new.description.as_deref());
    if let Some(message) = changes.default_changed("directive argument", path, old, new) {
        changes.dangerous(ChangeType::DirectiveArgumentDefaultValueChanged, path, message);
    }
    if old.ty != new.ty {
        let criticality = if is_safe_input_change(&old.ty, &new.ty) {
            Criticality::NonBreaking
        } else {
            Criticality::Breaking
        };
        let message = format!(
            "type of directive argument `{path}` changed from `{}` to `{}`",
            old.ty, new.ty
        );
        changes.push(
            ChangeType::DirectiveArgumentTypeChanged,
            criticality,
            path.to_owned(),
            message,
        );
    }
}
