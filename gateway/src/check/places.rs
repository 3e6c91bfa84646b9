//! Where an element of a schema is written.

use std::collections::BTreeMap;

use apollo_compiler::ast::{self, Definition};
use apollo_compiler::parser::{LineColumn, Parser, SourceSpan};
use apollo_compiler::{Name, Node};

use super::load::SourceText;

/// A place in a file, 1-based, with the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Characters from `column` on; on this line only.
    pub(crate) length: usize,
    pub(crate) text: String,
}

/// All definitions of some documents, by name.
#[derive(Debug)]
pub(crate) struct Places<'s> {
    documents: Vec<(&'s SourceText, ast::Document)>,
    /// Document and definition.
    by_name: BTreeMap<String, Vec<(usize, usize)>>,
}

impl<'s> Places<'s> {
    pub(super) fn of(texts: &'s [SourceText]) -> Self {
        let parse = |text: &'s SourceText| {
            // Loaded texts have no syntax errors; if one had, its elements are not found.
            let document = Parser::new()
                .parse_ast(&*text.text, &text.file)
                .unwrap_or_else(|errors| errors.partial);
            (text, document)
        };
        let documents: Vec<_> = texts.iter().map(parse).collect();
        let mut by_name: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (index, (_, document)) in documents.iter().enumerate() {
            for (definition_index, definition) in document.definitions.iter().enumerate() {
                if let Some(name) = name_of(definition) {
                    by_name.entry(name).or_default().push((index, definition_index));
                }
            }
        }
        Self { documents, by_name }
    }

    /// The element at a path such as `Type.field.argument`, or the nearest one around it.
    pub(crate) fn find(&self, path: &str) -> Option<Place> {
        let parts: Vec<&str> = path.split('.').collect();
        (1..=parts.len()).rev().find_map(|length| self.find_exactly(&parts[..length]))
    }

    fn find_exactly(&self, parts: &[&str]) -> Option<Place> {
        let [name, rest @ ..] = parts else { return None };
        self.by_name.get(*name)?.iter().find_map(|(document, definition)| {
            let (text, parsed) = &self.documents[*document];
            let span = element(&parsed.definitions[*definition], rest)?;
            place(text, parsed, span)
        })
    }

    /// The first place of a document, for what has no place of its own.
    pub(crate) fn beginning(&self) -> Option<Place> {
        let (text, _) = self.documents.first()?;
        let line = text.text.lines().next().unwrap_or_default();
        Some(Place {
            file: text.file.clone(),
            line: 1,
            column: 1,
            length: line.chars().count().max(1),
            text: line.to_owned(),
        })
    }
}

fn place(text: &SourceText, document: &ast::Document, span: SourceSpan) -> Option<Place> {
    let range = span.line_column_range(&document.sources)?;
    let (start, end): (LineColumn, LineColumn) = (range.start, range.end);
    let line = text.text.lines().nth(start.line.checked_sub(1)?)?;
    let rest = line.chars().count().saturating_sub(start.column - 1).max(1);
    let length =
        if end.line == start.line { end.column.saturating_sub(start.column) } else { rest };
    Some(Place {
        file: text.file.clone(),
        line: start.line,
        column: start.column,
        length: length.clamp(1, rest),
        text: line.to_owned(),
    })
}

fn name_of(definition: &Definition) -> Option<String> {
    match definition {
        Definition::DirectiveDefinition(directive) => Some(format!("@{}", directive.name)),
        Definition::SchemaDefinition(_) | Definition::SchemaExtension(_) => Some(String::new()),
        other => other.name().map(ToString::to_string),
    }
}

/// The span of the element that `rest` names inside a definition; its name, if it has one.
fn element(definition: &Definition, rest: &[&str]) -> Option<SourceSpan> {
    let Some((first, deeper)) = rest.split_first() else {
        return definition.name().and_then(Name::location).or_else(|| definition.location());
    };
    if let Some(directive) = first.strip_prefix('@') {
        return applied(definition.directives(), directive);
    }
    match definition {
        Definition::ObjectTypeDefinition(object) => field(&object.fields, first, deeper),
        Definition::ObjectTypeExtension(object) => field(&object.fields, first, deeper),
        Definition::InterfaceTypeDefinition(interface) => field(&interface.fields, first, deeper),
        Definition::InterfaceTypeExtension(interface) => field(&interface.fields, first, deeper),
        Definition::InputObjectTypeDefinition(input) => value(&input.fields, first, deeper),
        Definition::InputObjectTypeExtension(input) => value(&input.fields, first, deeper),
        Definition::EnumTypeDefinition(definition) => enum_value(&definition.values, first, deeper),
        Definition::EnumTypeExtension(definition) => enum_value(&definition.values, first, deeper),
        Definition::DirectiveDefinition(directive) => value(&directive.arguments, first, deeper),
        _ => None,
    }
}

fn applied(directives: &ast::DirectiveList, name: &str) -> Option<SourceSpan> {
    directives.get(name).and_then(Node::location)
}

fn field(fields: &[Node<ast::FieldDefinition>], name: &str, deeper: &[&str]) -> Option<SourceSpan> {
    let field = fields.iter().find(|field| field.name == name)?;
    match deeper.split_first() {
        None => field.name.location(),
        Some((first, deeper)) => match first.strip_prefix('@') {
            Some(directive) => applied(&field.directives, directive),
            None => value(&field.arguments, first, deeper),
        },
    }
}

fn value(
    values: &[Node<ast::InputValueDefinition>],
    name: &str,
    deeper: &[&str],
) -> Option<SourceSpan> {
    let value = values.iter().find(|value| value.name == name)?;
    match deeper.first() {
        None => value.name.location(),
        Some(directive) => applied(&value.directives, directive.strip_prefix('@')?),
    }
}

fn enum_value(
    values: &[Node<ast::EnumValueDefinition>],
    name: &str,
    deeper: &[&str],
) -> Option<SourceSpan> {
    let value = values.iter().find(|value| value.value == name)?;
    match deeper.first() {
        None => value.value.location(),
        Some(directive) => applied(&value.directives, directive.strip_prefix('@')?),
    }
}
