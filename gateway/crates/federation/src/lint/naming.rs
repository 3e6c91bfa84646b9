//! Names: their case, what they begin and end with, what they repeat.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::ast::Definition;

use super::element::{Element, Named};
use super::{Context, Root, Rule};

pub(super) fn check(context: &mut Context<'_>) {
    for element in context.elements.clone() {
        match element.named {
            Named::Type(definition) if !element.is_extension() => {
                type_name(context, &element, definition);
            }
            Named::Type(_) => {}
            Named::Field(_) => field_name(context, &element),
            Named::InputField(_) => {
                camel_case(context, Rule::FieldNamesShouldBeCamelCase, &element);
            }
            Named::Argument(_) | Named::DirectiveArgument(_) => {
                camel_case(context, Rule::InputArgumentNamesShouldBeCamelCase, &element);
            }
            Named::EnumValue => enum_value_name(context, &element),
            Named::Directive => {
                camel_case(context, Rule::DirectiveNamesShouldBeCamelCase, &element);
            }
        }
    }
    enum_suffixes(context);
    similar_enum_values(context);
}

fn type_name<'c>(context: &mut Context<'c>, element: &Element<'c>, definition: &Definition) {
    let name = element.name.as_str();
    if !is_pascal_case(name) {
        let message = format!("type `{name}` should be PascalCase");
        context.report(Rule::TypeNamesShouldBePascalCase, element, message);
    }
    let mut affix = |rule, begins: Option<&str>, ends: Option<&str>| {
        if begins.is_some_and(|affix| has_prefix(name, affix)) {
            let message = format!("`{name}` begins with what its definition says already");
            context.report(rule, element, message);
        }
        if ends.is_some_and(|affix| name.len() > affix.len() && name.ends_with(affix)) {
            let message = format!("`{name}` ends with what its definition says already");
            context.report(rule, element, message);
        }
    };
    affix(Rule::TypePrefix, Some("Type"), None);
    affix(Rule::TypeSuffix, None, Some("Type"));
    match definition {
        Definition::ObjectTypeDefinition(_) => {
            affix(Rule::ObjectPrefix, Some("Object"), None);
            affix(Rule::ObjectSuffix, None, Some("Object"));
        }
        Definition::InterfaceTypeDefinition(_) => {
            affix(Rule::InterfacePrefix, Some("Interface"), None);
            affix(Rule::InterfaceSuffix, None, Some("Interface"));
        }
        Definition::EnumTypeDefinition(_) => {
            affix(Rule::EnumPrefix, Some("Enum"), None);
            affix(Rule::EnumSuffix, None, Some("Enum"));
        }
        Definition::InputObjectTypeDefinition(_) => {
            affix(Rule::InputPrefix, Some("Input"), None);
            if !name.ends_with("Input") {
                let message = format!("input object `{name}` should be named `{name}Input`");
                context.report(Rule::InputTypeSuffix, element, message);
            }
        }
        _ => {}
    }
}

/// `TypeScript` begins with a word of its own; `TypeUser` does too, but `Typewriter` does not.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).and_then(|rest| rest.chars().next()).is_some_and(char::is_uppercase)
}

fn field_name<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    camel_case(context, Rule::FieldNamesShouldBeCamelCase, element);
    let (Some(parent), name) = (element.parent, element.name.as_str()) else { return };
    let Named::Field(field) = element.named else { return };
    if let Some(root) = context.root_kind(parent) {
        let verbs: &[&str] = match root {
            Root::Query => &["get", "list", "query"],
            Root::Mutation => &["put", "post", "patch", "mutation"],
            Root::Subscription => &["subscription"],
        };
        if let Some(verb) = verbs.iter().find(|verb| begins_with_word(name, verb)) {
            let message = format!("`{parent}.{name}` should not begin with `{verb}`");
            context.report(Rule::RestyFieldNames, element, message);
        }
        if root == Root::Mutation {
            input_argument(context, element, field);
        }
    } else {
        let lower = parent.to_lowercase();
        let repeats = name.to_lowercase().starts_with(&lower)
            && name.get(..lower.len()).is_some_and(|word| begins_with_word(name, word));
        if repeats {
            let message = format!("field `{name}` repeats the name of its type `{parent}`");
            context.report(Rule::NoTypenamePrefix, element, message);
        }
    }
}

fn input_argument<'c>(
    context: &mut Context<'c>,
    element: &Element<'c>,
    field: &apollo_compiler::ast::FieldDefinition,
) {
    let mut expected: String = field.name.to_string();
    if let Some(first) = expected.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    expected.push_str("Input");
    let fits = match field.arguments.as_slice() {
        [] => true,
        [only] => only.name == "input" && only.ty.inner_named_type() == expected.as_str(),
        _ => false,
    };
    if !fits {
        let message =
            format!("`{}` should take one argument `input: {expected}`", element.coordinate);
        context.report(Rule::InputName, element, message);
    }
}

fn begins_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| {
        rest.chars().next().is_some_and(|next| next.is_uppercase() || next == '_')
    })
}

fn camel_case<'c>(context: &mut Context<'c>, rule: Rule, element: &Element<'c>) {
    let name = element.name.as_str();
    let fine = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && !name.trim_start_matches('_').contains('_');
    if !fine {
        context.report(rule, element, format!("`{}` should be camelCase", element.coordinate));
    }
}

fn is_pascal_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && !name.trim_start_matches('_').contains('_')
}

fn enum_value_name<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    if element.name.chars().any(|character| character.is_ascii_lowercase()) {
        let message = format!("enum value `{}` should be SCREAMING_SNAKE_CASE", element.coordinate);
        context.report(Rule::EnumValuesShouldBeScreamingSnakeCase, element, message);
    }
}

fn enum_suffixes(context: &mut Context<'_>) {
    let (mut sent, mut returned) = (BTreeSet::new(), BTreeSet::new());
    for element in &context.elements {
        let Some(ty) = element.ty() else { continue };
        let name = ty.inner_named_type().clone();
        match element.named {
            Named::Field(_) => returned.insert(name),
            _ => sent.insert(name),
        };
    }
    for element in context.elements.clone() {
        let Named::Type(Definition::EnumTypeDefinition(_)) = element.named else { continue };
        let name = element.name;
        let suffixed = name.ends_with("Input");
        if sent.contains(name) && !returned.contains(name) && !suffixed {
            let message = format!("enum `{name}` is only sent; it should be named `{name}Input`");
            context.report(Rule::EnumUsedAsInputWithoutSuffix, &element, message);
        }
        if returned.contains(name) && suffixed {
            let message = format!("enum `{name}` is returned, in spite of its suffix `Input`");
            context.report(Rule::EnumUsedAsOutputDespiteSuffix, &element, message);
        }
    }
}

fn similar_enum_values(context: &mut Context<'_>) {
    let mut seen: BTreeMap<(usize, String, String), String> = BTreeMap::new();
    for element in context.elements.clone() {
        let (Named::EnumValue, Some(parent)) = (element.named, element.parent) else { continue };
        let key = (element.document, parent.to_string(), element.name.to_lowercase());
        if let Some(first) = seen.get(&key) {
            let message =
                format!("enum value `{}` differs from `{first}` in case only", element.coordinate);
            context.report(Rule::UniqueEnumValueNames, &element, message);
        } else {
            seen.insert(key, element.name.to_string());
        }
    }
}
