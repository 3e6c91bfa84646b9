//! Field sets of `@key`, `@requires` and `@provides`, resolved against the merged schema.

use apollo_compiler::ast::Argument;
use apollo_compiler::executable::{self, Selection};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema, ast};
use indexmap::IndexMap;

use super::TypeSet;
use crate::supergraph::SupergraphError;

/// A parsed field set: inline fragments are turned into sets of types on the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSet {
    /// As written in the schema.
    pub text: String,
    pub fields: Vec<FieldSetField>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSetField {
    pub name: Name,
    pub arguments: Vec<Node<Argument>>,
    /// Object types of the parent for which the field is meant.
    pub types: TypeSet,
    /// The named type that the merged schema gives the field.
    pub type_name: Name,
    pub fields: Vec<FieldSetField>,
}

pub(super) fn parse_field_set(
    schema: &Valid<Schema>,
    possible: &IndexMap<Name, TypeSet>,
    parent: &Name,
    text: &str,
) -> Result<FieldSet, SupergraphError> {
    let parsed = executable::FieldSet::parse(schema, parent.clone(), text, "field_set.graphql")
        .map_err(|error| SupergraphError::InvalidJoin {
            coordinate: parent.to_string(),
            reason: format!("`{text}` is not a field set: {}", error.errors),
        })?;
    let all = possible.get(parent).cloned().unwrap_or_default();
    let mut fields = Vec::new();
    collect(possible, &parsed.selection_set, &all, &mut fields);
    Ok(FieldSet { text: text.to_owned(), fields })
}

/// The selection of a `@fromContext`, `{ field }` or fragments by type, on all types that set the
/// context.
pub(super) fn parse_context_selection(
    schema: &Valid<Schema>,
    possible: &IndexMap<Name, TypeSet>,
    setters: &[&Name],
    text: &str,
) -> Result<Vec<FieldSetField>, SupergraphError> {
    let invalid = |reason: String| SupergraphError::InvalidJoin {
        coordinate: setters.first().map(ToString::to_string).unwrap_or_default(),
        reason,
    };
    // Braces may be left out around fragments.
    let text = text.trim();
    let braced = if text.starts_with('{') { text.to_owned() } else { format!("{{ {text} }}") };
    let parsed = ast::Document::parse(braced, "context.graphql")
        .map_err(|error| invalid(format!("`{text}` is no selection: {}", error.errors)))?;
    let operation = parsed.definitions.first().and_then(|first| first.as_operation_definition());
    let selections = operation.map(|operation| operation.selection_set.as_slice());
    let mut fields = Vec::new();
    for selection in selections.unwrap_or_default() {
        let text = |selection: &ast::Selection| selection.serialize().no_indent().to_string();
        if let ast::Selection::InlineFragment(fragment) = selection
            && let Some(on) = &fragment.type_condition
        {
            let inner: Vec<String> = fragment.selection_set.iter().map(text).collect();
            fields.extend(parse_field_set(schema, possible, on, &inner.join(" "))?.fields);
            continue;
        }
        for setter in setters {
            fields.extend(parse_field_set(schema, possible, setter, &text(selection))?.fields);
        }
    }
    Ok(fields)
}

fn collect(
    possible: &IndexMap<Name, TypeSet>,
    selections: &executable::SelectionSet,
    types: &TypeSet,
    fields: &mut Vec<FieldSetField>,
) {
    for selection in &selections.selections {
        match selection {
            Selection::Field(field) => {
                let type_name = field.definition.ty.inner_named_type().clone();
                let below = possible.get(&type_name).cloned().unwrap_or_default();
                let mut children = Vec::new();
                collect(possible, &field.selection_set, &below, &mut children);
                let mut arguments = field.arguments.clone();
                arguments.sort_by(|a, b| a.name.cmp(&b.name));
                let same = fields.iter_mut().find(|other| {
                    other.name == field.name
                        && other.arguments == arguments
                        && other.types == *types
                });
                match same {
                    Some(other) => other.fields.extend(children),
                    None => fields.push(FieldSetField {
                        name: field.name.clone(),
                        arguments,
                        types: types.clone(),
                        type_name,
                        fields: children,
                    }),
                }
            }
            Selection::InlineFragment(fragment) => {
                let narrowed = match &fragment.type_condition {
                    None => types.clone(),
                    Some(condition) => possible
                        .get(condition)
                        .map_or_else(TypeSet::default, |only| types.intersection(only)),
                };
                collect(possible, &fragment.selection_set, &narrowed, fields);
            }
            // A field set has no fragment definitions to spread.
            Selection::FragmentSpread(_) => {}
        }
    }
}
