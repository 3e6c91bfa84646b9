//! Rules that change the judgement on changes, under the names that GraphQL Inspector has given
//! them. Each takes all changes, in the order in which they were found.

use std::collections::BTreeSet;

use apollo_compiler::Schema;
use apollo_compiler::ast::DirectiveLocation;
use apollo_compiler::schema::ExtendedType;

use super::change::{Change, ChangeType, Criticality};
use crate::supergraph::reach::reachable_types;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Dangerous changes count as breaking.
    DangerousBreaking,
    /// Removing what was deprecated, or a whole type, is dangerous only.
    SuppressRemovalOfDeprecatedField,
    IgnoreDescriptionChanges,
    /// What no operation could reach breaks nobody.
    SafeUnreachable,
    /// Drops what follows from another change, e.g. the fields of a new type. Breaking changes
    /// are kept, whatever they follow from.
    SimplifyChanges,
    /// Uses of these directives (without `@`) do not matter.
    IgnoreDirectives(BTreeSet<String>),
}

impl Modifier {
    /// The names that need nothing but themselves.
    pub const NAMES: [&'static str; 5] = [
        "dangerousBreaking",
        "suppressRemovalOfDeprecatedField",
        "ignoreDescriptionChanges",
        "safeUnreachable",
        "simplifyChanges",
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "dangerousBreaking" => Self::DangerousBreaking,
            "suppressRemovalOfDeprecatedField" => Self::SuppressRemovalOfDeprecatedField,
            "ignoreDescriptionChanges" => Self::IgnoreDescriptionChanges,
            "safeUnreachable" => Self::SafeUnreachable,
            "simplifyChanges" => Self::SimplifyChanges,
            _ => return None,
        })
    }

    pub(super) fn apply(&self, changes: Vec<Change>, old: &Schema, new: &Schema) -> Vec<Change> {
        match self {
            Self::DangerousBreaking => dangerous_breaking(changes),
            Self::SuppressRemovalOfDeprecatedField => suppress_removals(changes, old, new),
            Self::IgnoreDescriptionChanges => ignore_descriptions(changes),
            Self::SafeUnreachable => safe_unreachable(changes, old),
            Self::SimplifyChanges => simplify(changes),
            Self::IgnoreDirectives(names) => ignore_directives(changes, names),
        }
    }
}

fn dangerous_breaking(mut changes: Vec<Change>) -> Vec<Change> {
    for change in &mut changes {
        if change.criticality == Criticality::Dangerous {
            change.criticality = Criticality::Breaking;
        }
    }
    changes
}

fn suppress_removals(mut changes: Vec<Change>, old: &Schema, new: &Schema) -> Vec<Change> {
    for change in &mut changes {
        let Some(path) = change.path.as_deref() else { continue };
        if change.criticality == Criticality::Breaking
            && is_announced_removal(change, path, old, new)
        {
            change.criticality = Criticality::Dangerous;
        }
    }
    changes
}

fn is_announced_removal(change: &Change, path: &str, old: &Schema, new: &Schema) -> bool {
    let mut parts = path.split('.');
    let type_name = parts.next().unwrap_or_default();
    let member = parts.next().unwrap_or_default();
    match (change.change_type, old.types.get(type_name)) {
        (ChangeType::TypeRemoved, _) => !new.types.contains_key(type_name),
        (ChangeType::FieldRemoved, Some(ExtendedType::Object(object))) => {
            object.fields.get(member).is_some_and(|field| field.directives.has("deprecated"))
        }
        (ChangeType::FieldRemoved, Some(ExtendedType::Interface(interface))) => {
            interface.fields.get(member).is_some_and(|field| field.directives.has("deprecated"))
        }
        (ChangeType::EnumValueRemoved, Some(ExtendedType::Enum(definition))) => {
            definition.values.get(member).is_some_and(|value| value.directives.has("deprecated"))
        }
        (ChangeType::InputFieldRemoved, Some(ExtendedType::InputObject(input))) => {
            input.fields.get(member).is_some_and(|field| field.directives.has("deprecated"))
        }
        (_, _) => false,
    }
}

fn ignore_descriptions(mut changes: Vec<Change>) -> Vec<Change> {
    changes.retain(|change| {
        !matches!(
            change.change_type,
            ChangeType::FieldArgumentDescriptionChanged
                | ChangeType::DirectiveDescriptionChanged
                | ChangeType::DirectiveArgumentDescriptionChanged
                | ChangeType::EnumValueDescriptionChanged
                | ChangeType::FieldDescriptionChanged
                | ChangeType::FieldDescriptionAdded
                | ChangeType::FieldDescriptionRemoved
                | ChangeType::InputFieldDescriptionAdded
                | ChangeType::InputFieldDescriptionRemoved
                | ChangeType::InputFieldDescriptionChanged
                | ChangeType::TypeDescriptionChanged
        )
    });
    changes
}

fn safe_unreachable(mut changes: Vec<Change>, old: &Schema) -> Vec<Change> {
    let reachable = reachable_types(old);
    for change in &mut changes {
        let Some(path) = change.path.as_deref() else { continue };
        let name = path.split('.').next().unwrap_or_default();
        let is_reachable = match name.strip_prefix('@') {
            Some(directive) => is_for_operations(old, directive),
            None => reachable.contains(name),
        };
        if change.criticality == Criticality::Breaking && !is_reachable {
            change.criticality = Criticality::NonBreaking;
            change.message.push_str(" (no operation can reach it)");
        }
    }
    changes
}

fn is_for_operations(schema: &Schema, directive: &str) -> bool {
    schema.directive_definitions.get(directive).is_some_and(|definition| {
        definition.locations.iter().any(|location| {
            matches!(
                location,
                DirectiveLocation::Query
                    | DirectiveLocation::Mutation
                    | DirectiveLocation::Subscription
                    | DirectiveLocation::Field
                    | DirectiveLocation::FragmentDefinition
                    | DirectiveLocation::FragmentSpread
                    | DirectiveLocation::InlineFragment
                    | DirectiveLocation::VariableDefinition
            )
        })
    })
}

fn simplify(changes: Vec<Change>) -> Vec<Change> {
    let mut roots: BTreeSet<String> = BTreeSet::new();
    let mut kept = Vec::with_capacity(changes.len());
    for change in changes {
        let Some(path) = &change.path else {
            kept.push(change);
            continue;
        };
        let parent = path.rsplit_once('.').map_or(path.as_str(), |(parent, _)| parent);
        let follows = roots.contains(path) || roots.contains(parent);
        if is_root_of_others(change.change_type) {
            roots.insert(path.clone());
        }
        if !follows || change.criticality == Criticality::Breaking {
            kept.push(change);
        }
    }
    kept
}

/// Additions, and the deprecations that a use of `@deprecated` repeats.
fn is_root_of_others(change_type: ChangeType) -> bool {
    match change_type {
        ChangeType::DirectiveRepeatableAdded => false,
        ChangeType::FieldDeprecationRemoved
        | ChangeType::FieldDeprecationReasonChanged
        | ChangeType::EnumValueDeprecationReasonChanged => true,
        other => other.as_str().ends_with("_ADDED"),
    }
}

fn ignore_directives(mut changes: Vec<Change>, names: &BTreeSet<String>) -> Vec<Change> {
    changes.retain(|change| {
        let is_use = change.change_type.as_str().starts_with("DIRECTIVE_USAGE_");
        let mut parts = change.path.iter().flat_map(|path| path.split('.'));
        !is_use
            || !parts.any(|part| part.strip_prefix('@').is_some_and(|name| names.contains(name)))
    });
    changes
}
