//! From text to a valid document and a chosen operation.

use std::collections::BTreeSet;

use apollo_compiler::diagnostic::Diagnostic;
use apollo_compiler::executable::ExecutableDocument;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use apollo_compiler::{Schema, ast, executable};

use super::facts::{Facts, most_fields};
use super::normalize::{FIELD_LIMIT, normalize};
use super::selection::Operation;
use crate::query_graph::QueryGraph;

/// A document that is syntactically right.
#[derive(Debug)]
pub struct Document {
    ast: ast::Document,
    size: usize,
}

/// A document that is valid for the API schema.
#[derive(Debug)]
pub struct ValidDocument {
    executable: Valid<ExecutableDocument>,
}

/// Why a document cannot be run. All variants are the client's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    #[error("{}", join(.0))]
    Syntax(Vec<SourceError>),
    #[error("{}", join(.0))]
    Validation(Vec<SourceError>),
    #[error("the document has no operation named `{name}`")]
    UnknownOperation { name: String },
    #[error("the document has several operations: say which one by `operationName`")]
    AmbiguousOperation,
    #[error("the document has no operation")]
    NoOperation,
    #[error("the document has more than {limit} tokens")]
    TooManyTokens { limit: usize },
    #[error("the operation selects more than {limit} fields when its fragments are spelled out")]
    TooManyFields { limit: usize },
}

/// One mistake and where it is, 1-based.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    pub message: String,
    pub locations: Vec<(usize, usize)>,
}

fn join(errors: &[SourceError]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// How deep selections, values and types may nest in a document's text.
const NESTING: usize = 200;

impl Document {
    pub fn parse(text: &str) -> Result<Self, OperationError> {
        Self::parse_with(text, usize::MAX)
    }

    /// Stops after so many tokens.
    pub fn parse_with(text: &str, max_tokens: usize) -> Result<Self, OperationError> {
        let mut parser = Parser::new().recursion_limit(NESTING).token_limit(max_tokens);
        let parsed = parser.parse_ast(text, "operation.graphql");
        if parser.tokens_reached() > max_tokens {
            return Err(OperationError::TooManyTokens { limit: max_tokens });
        }
        let ast = parsed.map_err(|error| OperationError::Syntax(source_errors(&error.errors)))?;
        Ok(Self { ast, size: text.len() })
    }

    /// The syntax tree.
    pub fn ast(&self) -> &ast::Document {
        &self.ast
    }

    /// Sizes of the operation with this name (of the only one without), for limits.
    pub fn facts(&self, operation_name: Option<&str>) -> Facts {
        Facts::of(&self.ast, operation_name, self.size)
    }

    pub fn validate(&self, api_schema: &Valid<Schema>) -> Result<ValidDocument, OperationError> {
        // Before, not after: going through multiplying fragments is what would take so long.
        if most_fields(&self.ast) > FIELD_LIMIT {
            return Err(OperationError::TooManyFields { limit: FIELD_LIMIT });
        }
        let executable = self.ast.to_executable_validate(api_schema).map_err(|invalid| {
            OperationError::Validation(validation_errors(&self.ast, &invalid.errors))
        })?;
        Ok(ValidDocument { executable })
    }
}

impl ValidDocument {
    /// The document as the compiler sees it, e.g. for introspection.
    pub fn executable(&self) -> &Valid<ExecutableDocument> {
        &self.executable
    }

    /// Chooses the operation (spec section 6.1, `GetOperation`).
    pub fn choose(&self, name: Option<&str>) -> Result<&executable::Operation, OperationError> {
        let operations = &self.executable.operations;
        match operations.get(name) {
            Ok(operation) => Ok(operation),
            Err(_) => Err(match name {
                Some(name) => OperationError::UnknownOperation { name: name.to_owned() },
                None if operations.is_empty() => OperationError::NoOperation,
                None => OperationError::AmbiguousOperation,
            }),
        }
    }

    /// The chosen operation in normal form.
    pub fn operation(
        &self,
        name: Option<&str>,
        graph: &QueryGraph,
        api_schema: &Schema,
    ) -> Result<Operation, OperationError> {
        normalize(&self.executable, self.choose(name)?, graph, api_schema)
    }
}

fn source_errors(errors: &DiagnosticList) -> Vec<SourceError> {
    errors.iter().map(|diagnostic| source_error(&diagnostic)).collect()
}

/// A parent whose only fields are unknown looks to the compiler as if it selected nothing; the
/// unknown fields are reported already, so that follow-up is left out.
fn validation_errors(document: &ast::Document, errors: &DiagnosticList) -> Vec<SourceError> {
    let selecting = fields_with_selections(document);
    errors
        .iter()
        .filter(|diagnostic| {
            diagnostic.error.unstable_error_name() != Some("MissingSubselection")
                || !source_error(diagnostic).locations.iter().any(|at| selecting.contains(at))
        })
        .map(|diagnostic| source_error(&diagnostic))
        .collect()
}

/// The message in the wording that clients know from the JavaScript implementation.
fn source_error(diagnostic: &Diagnostic<'_, DiagnosticData>) -> SourceError {
    let error = diagnostic.to_json();
    let locations = error.locations.iter().map(|place| (place.line, place.column)).collect();
    let message = diagnostic.error.unstable_compat_message().unwrap_or(error.message);
    SourceError { message, locations }
}

/// Where the fields begin that have a selection set with something in it.
fn fields_with_selections(document: &ast::Document) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&[ast::Selection]> = Vec::new();
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => open.push(&operation.selection_set),
            ast::Definition::FragmentDefinition(fragment) => open.push(&fragment.selection_set),
            _ => {}
        }
    }
    while let Some(selections) = open.pop() {
        for selection in selections {
            match selection {
                ast::Selection::Field(field) => {
                    if !field.selection_set.is_empty()
                        && let Some(place) = field.line_column_range(&document.sources)
                    {
                        found.insert((place.start.line, place.start.column));
                    }
                    open.push(&field.selection_set);
                }
                ast::Selection::InlineFragment(fragment) => open.push(&fragment.selection_set),
                ast::Selection::FragmentSpread(_) => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(query: &str) -> Vec<String> {
        let sdl = "type Query { product(sku: String!): Product } type Product { title: String }";
        let schema = Schema::parse_and_validate(sdl, "api.graphql").unwrap();
        match Document::parse(query).unwrap().validate(&schema) {
            Err(OperationError::Validation(errors)) => {
                errors.into_iter().map(|error| error.message).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unknown_field_is_one_mistake() {
        assert_eq!(
            mistakes("{ product(sku: \"a\") { titel } }"),
            [r#"Cannot query field "titel" on type "Product"."#]
        );
    }

    #[test]
    fn a_missing_selection_is_told() {
        let told = mistakes("{ product(sku: \"a\") }");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("product"), "{told:?}");
    }
}
