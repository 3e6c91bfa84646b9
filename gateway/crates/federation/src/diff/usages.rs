//! Uses of directives in a schema.

use apollo_compiler::ast::Directive;

use super::change::{ChangeType, Criticality};
use super::changes::Changes;

/// The change types of one kind of place.
#[derive(Clone, Copy, Debug)]
pub(super) struct UsageTypes {
    pub(super) added: ChangeType,
    pub(super) removed: ChangeType,
}

/// Compares the directives on one element. `path` is the element's; empty for the schema itself.
pub(super) fn usages<'d>(
    changes: &mut Changes<'_>,
    types: UsageTypes,
    path: &str,
    old: impl Iterator<Item = &'d Directive>,
    new: impl Iterator<Item = &'d Directive>,
) {
    let mut new: Vec<&Directive> = new.collect();
    let mut pairs = Vec::new();
    for directive in old {
        // The first use of a repeatable directive is compared with the first, and so on.
        if let Some(counterpart) = new.iter().position(|other| other.name == directive.name) {
            pairs.push((directive, new.remove(counterpart)));
        } else {
            let name = &directive.name;
            let message = format!("directive `@{name}` was removed from {}", element(path));
            changes.push(types.removed, removed(name), format!("{path}.@{name}"), message);
        }
    }
    for directive in new {
        let name = &directive.name;
        let message = format!("directive `@{name}` was added to {}", element(path));
        changes.push(types.added, added(name), format!("{path}.@{name}"), message);
        let bare = Directive { name: name.clone(), arguments: Vec::new() };
        changes.inside_new(|changes| arguments(changes, path, &bare, directive));
    }
    for (old, new) in pairs {
        arguments(changes, path, old, new);
    }
}

fn element(path: &str) -> String {
    if path.is_empty() { "the schema".to_owned() } else { format!("`{path}`") }
}

/// `@oneOf` forbids what was allowed; deprecating does not change what is allowed.
fn added(directive: &str) -> Criticality {
    match directive {
        "oneOf" => Criticality::Breaking,
        "deprecated" => Criticality::NonBreaking,
        _ => Criticality::Dangerous,
    }
}

fn removed(directive: &str) -> Criticality {
    match directive {
        "oneOf" | "deprecated" => Criticality::NonBreaking,
        _ => Criticality::Dangerous,
    }
}

fn arguments(changes: &mut Changes<'_>, path: &str, old: &Directive, new: &Directive) {
    let name = &new.name;
    for argument in &old.arguments {
        if new.specified_argument_by_name(&argument.name) != Some(&argument.value) {
            let message = format!(
                "argument `{}: {}` was removed from `@{name}` on {}",
                argument.name,
                argument.value,
                element(path)
            );
            changes.dangerous(
                ChangeType::DirectiveUsageArgumentRemoved,
                &format!("{path}.@{name}.{}", argument.name),
                message,
            );
        }
    }
    for argument in &new.arguments {
        if old.specified_argument_by_name(&argument.name) != Some(&argument.value) {
            let message = format!(
                "argument `{}: {}` was added to `@{name}` on {}",
                argument.name,
                argument.value,
                element(path)
            );
            changes.safe(
                ChangeType::DirectiveUsageArgumentAdded,
                &format!("{path}.@{name}.{}", argument.name),
                message,
            );
        }
    }
}
