//! Shapes that compose, but hurt in a federated graph.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::Name;
use apollo_compiler::ast::{DirectiveList, FieldDefinition, Type};

use super::element::{Element, Named};
use super::{Context, Rule};

pub(super) fn check(context: &mut Context<'_>) {
    shared_identity(context);
    for element in context.types().cloned().collect::<Vec<_>>() {
        nullable_keys(context, &element);
    }
    unused_external(context);
    lists(context);
}

/// Subgraphs call this directive by its name, or by what `@link` imports it as; the plain and the
/// prefixed name cover what is written in practice.
fn federation<'d>(
    directives: &'d DirectiveList,
    name: &str,
) -> impl Iterator<Item = &'d apollo_compiler::ast::Directive> {
    let prefixed = format!("federation__{name}");
    let name = name.to_owned();
    directives
        .iter()
        .filter(move |directive| {
            directive.name == name.as_str() || directive.name == prefixed.as_str()
        })
        .map(|directive| &**directive)
}

fn field_sets<'d>(directives: &'d DirectiveList, name: &str) -> Vec<&'d str> {
    federation(directives, name)
        .filter_map(|directive| directive.specified_argument_by_name("fields")?.as_str())
        .collect()
}

fn words(field_set: &str) -> impl Iterator<Item = &str> {
    field_set
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

fn shared_identity(context: &mut Context<'_>) {
    let mut by_name: BTreeMap<&str, Vec<Element<'_>>> = BTreeMap::new();
    for element in context.types().filter(|element| element.is_object()) {
        if context.root_kind(element.name).is_none() {
            by_name.entry(element.name.as_str()).or_default().push(element.clone());
        }
    }
    let mut found = Vec::new();
    for (name, elements) in by_name {
        let documents: BTreeSet<usize> = elements.iter().map(|element| element.document).collect();
        let has_key =
            elements.iter().any(|element| federation(element.directives, "key").next().is_some());
        let has_id = |element: &Element<'_>| {
            element.fields().iter().any(|field| field.ty.inner_named_type() == "ID")
        };
        if documents.len() > 1 && !has_key && elements.iter().all(has_id) {
            let names: Vec<&str> =
                documents.iter().map(|document| context.sources[*document].name).collect();
            let message = format!(
                "`{name}` has an id in `{}`, but no @key: neither can ask the other for its fields",
                names.join("` and `")
            );
            found.extend(elements.into_iter().take(1).map(|element| (element, message.clone())));
        }
    }
    for (element, message) in found {
        context.report(Rule::SharedTypeWithoutKey, &element, message);
    }
}

fn nullable_keys<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    for key in field_sets(element.directives, "key") {
        let nested = key.contains('{');
        for field in element.fields() {
            let in_key = words(key).any(|word| field.name == word);
            if in_key && !nested && !field.ty.is_non_null() {
                let message = format!(
                    "`{}.{}` is nullable, but part of the key `{key}`: an entity without it cannot be found",
                    element.name, field.name
                );
                context.report(Rule::KeyFieldNullable, element, message);
            }
        }
    }
}

fn unused_external(context: &mut Context<'_>) {
    let mut used: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for element in &context.elements {
        let sets = used.entry(element.document).or_default();
        for name in ["key", "requires", "provides"] {
            for set in field_sets(element.directives, name) {
                sets.extend(words(set).map(str::to_owned));
            }
        }
    }
    for element in context.elements.clone() {
        let Named::Field(field) = element.named else { continue };
        let external = federation(&field.directives, "external").next().is_some();
        let known =
            used.get(&element.document).is_some_and(|names| names.contains(field.name.as_str()));
        if external && !known {
            let message = format!(
                "`{}` is @external, but no @key, @requires or @provides uses it",
                element.coordinate
            );
            context.report(Rule::UnusedExternal, &element, message);
        }
    }
}

/// Arguments by which a list can be kept short.
const LIMITS: [&str; 10] =
    ["first", "last", "limit", "take", "pageSize", "perPage", "count", "top", "ids", "size"];

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::NonNullList(_))
}

fn lists(context: &mut Context<'_>) {
    let objects: BTreeSet<Name> = context
        .types()
        .filter(|element| element.is_object())
        .map(|element| element.name.clone())
        .collect();
    let in_lists: BTreeSet<Name> = context
        .elements
        .iter()
        .filter_map(|element| match element.named {
            Named::Field(field) if is_list(&field.ty) => Some(field.ty.inner_named_type().clone()),
            _ => None,
        })
        .collect();
    for element in context.elements.clone() {
        let Named::Field(field) = element.named else { continue };
        if !is_list(&field.ty) || !objects.contains(field.ty.inner_named_type()) {
            continue;
        }
        let wrapper = element.parent.is_some_and(|parent| {
            parent.ends_with("Connection") || parent.ends_with("Edge") || parent.ends_with("Page")
        });
        if !wrapper && !is_limited(field) {
            let message = format!(
                "`{}` is a list without a limit such as `first`, nor a @listSize",
                element.coordinate
            );
            context.report(Rule::UnboundedList, &element, message);
        }
        let repeated = element.parent.is_some_and(|parent| in_lists.contains(parent));
        if repeated && !field.arguments.is_empty() {
            let message = format!(
                "`{}` takes arguments and returns a list, and its type is itself returned in lists: \
                 every element asks for a list of its own",
                element.coordinate
            );
            context.report(Rule::NPlusOneShape, &element, message);
        }
    }
}

fn is_limited(field: &FieldDefinition) -> bool {
    federation(&field.directives, "listSize").next().is_some()
        || field.arguments.iter().any(|argument| LIMITS.contains(&argument.name.as_str()))
}
