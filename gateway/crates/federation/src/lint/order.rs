//! Alphabetical order. A fix swaps the texts of neighbours; comments between them stay.

use apollo_compiler::Name;
use apollo_compiler::ast::Definition;
use apollo_compiler::parser::SourceSpan;

use super::element::{Element, Named};
use super::{Context, Edit, Rule};

pub(super) fn check(context: &mut Context<'_>) {
    let wanted = [Rule::OrderFields, Rule::OrderEnumValues, Rule::OrderDefinitions];
    if !wanted.into_iter().any(|rule| context.is_on(rule)) {
        return;
    }
    for element in context.elements.clone() {
        let Named::Type(definition) = element.named else { continue };
        let (rule, members) = match definition {
            Definition::EnumTypeDefinition(definition) => (
                Rule::OrderEnumValues,
                definition.values.iter().map(|value| (&value.value, value.location())).collect(),
            ),
            Definition::InputObjectTypeDefinition(input) => (
                Rule::OrderFields,
                input.fields.iter().map(|field| (&field.name, field.location())).collect(),
            ),
            _ => (
                Rule::OrderFields,
                element.fields().iter().map(|field| (&field.name, field.location())).collect(),
            ),
        };
        let members: Vec<Member<'_>> = members;
        order(context, rule, &element, &members);
    }
    for document in 0..context.documents.len() {
        let types: Vec<Element<'_>> =
            context.types().filter(|element| element.document == document).cloned().collect();
        let members: Vec<Member<'_>> =
            types.iter().map(|element| (element.name, element.span)).collect();
        if let Some(first) = first_out_of_order(&members) {
            let element = types[first].clone();
            order(context, Rule::OrderDefinitions, &element, &members);
        }
    }
}

type Member<'m> = (&'m Name, Option<SourceSpan>);

fn first_out_of_order(members: &[Member<'_>]) -> Option<usize> {
    members.windows(2).position(|pair| pair[0].0 > pair[1].0).map(|before| before + 1)
}

fn order<'c>(context: &mut Context<'c>, rule: Rule, element: &Element<'c>, members: &[Member<'_>]) {
    let Some(first) = first_out_of_order(members) else { return };
    let mut sorted: Vec<&Member<'_>> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let sdl = context.sources[element.document].sdl;
    let range = |span: Option<SourceSpan>| span.map(|span| span.offset()..span.end_offset());
    let fix = members
        .iter()
        .zip(sorted)
        .filter(|((place, _), (member, _))| place != member)
        .map(|((_, place), (_, member))| {
            Some(Edit { span: range(*place)?, text: sdl[range(*member)?].to_owned() })
        })
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default();
    let name = members[first].0;
    let message = if rule == Rule::OrderDefinitions {
        format!("`{name}` is not in alphabetical order")
    } else {
        format!("`{}.{name}` is not in alphabetical order", element.coordinate)
    };
    context.report_with_fix(rule, element, message, fix);
}
