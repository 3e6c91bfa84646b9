//! Deprecations, tags and contacts: directives with a purpose.

use apollo_compiler::ast::{Definition, DirectiveList};

use super::element::Element;
use super::{Context, Rule, Violation};

pub(super) fn check(context: &mut Context<'_>) {
    for element in context.elements.clone() {
        deprecation(context, &element);
        tags(context, &element);
    }
    contact(context);
    operations(context);
}

fn deprecation<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    let Some(deprecated) = element.directives.get("deprecated") else { return };
    let reason = deprecated
        .specified_argument_by_name("reason")
        .and_then(|reason| reason.as_str())
        .unwrap_or_default();
    if reason.trim().is_empty() {
        let message = format!("the deprecation of `{}` gives no reason", element.coordinate);
        context.report(Rule::DeprecatedDirectiveMissingReason, element, message);
    }
    let has_date =
        deprecated.specified_argument_by_name("deletionDate").is_some() || contains_date(reason);
    if !has_date {
        let message = format!("the deprecation of `{}` names no date", element.coordinate);
        context.report(Rule::RequireDeprecationDate, element, message);
    }
}

/// `2027-03-31` or `31/03/2027`, anywhere.
fn contains_date(text: &str) -> bool {
    text.split(|character: char| {
        !character.is_ascii_digit() && character != '-' && character != '/'
    })
    .any(|word| {
        let parts: Vec<&str> = word.split(['-', '/']).collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        lengths == [4, 2, 2] || lengths == [2, 2, 4]
    })
}

fn tags<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    if context.options.known_tags.is_empty() {
        return;
    }
    for tag in tag_names(element.directives) {
        if !context.options.known_tags.contains(tag) {
            let message = format!("`{}` has the unknown tag `{tag}`", element.coordinate);
            context.report(Rule::TagDirectiveUsesUnknownName, element, message);
        }
    }
}

fn tag_names(directives: &DirectiveList) -> impl Iterator<Item = &str> {
    directives.get_all("tag").filter_map(|tag| tag.specified_argument_by_name("name")?.as_str())
}

fn contact(context: &mut Context<'_>) {
    if !context.is_on(Rule::ContactDirectiveMissing) {
        return;
    }
    for (document, parsed) in context.documents.iter().enumerate() {
        let named = parsed.definitions.iter().any(|definition| {
            matches!(definition, Definition::SchemaDefinition(_) | Definition::SchemaExtension(_))
                && definition.directives().has("contact")
        });
        if !named {
            let name = context.sources[document].name;
            let message = format!("`{name}` names no contact (`schema @contact(name: …)`)");
            context.found.push(of_document(Rule::ContactDirectiveMissing, document, message));
        }
    }
}

fn operations(context: &mut Context<'_>) {
    if !context.is_on(Rule::QueryDocumentDeclaration) {
        return;
    }
    for (document, parsed) in context.documents.iter().enumerate() {
        for definition in &parsed.definitions {
            let operation = matches!(
                definition,
                Definition::OperationDefinition(_) | Definition::FragmentDefinition(_)
            );
            let place = context.place(document, definition.location());
            if let (true, Some((span, line, column))) = (operation, place) {
                let message = "an operation in a schema document".to_owned();
                context.found.push(Violation {
                    span,
                    line,
                    column,
                    ..of_document(Rule::QueryDocumentDeclaration, document, message)
                });
            }
        }
    }
}

fn of_document(rule: Rule, document: usize, message: String) -> Violation {
    Violation {
        rule,
        document,
        coordinate: String::new(),
        message,
        span: 0..0,
        line: 1,
        column: 1,
        fix: Vec::new(),
    }
}
