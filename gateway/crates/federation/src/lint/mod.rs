//! Rules of style for schemas, and shapes that hurt in a federated graph.
//!
//! [`lint`] runs the enabled rules over all documents and returns what it finds, in order of
//! place. It looks at SDL as it was written; whether it composes is not its business. Levels,
//! exceptions and files are the caller's business.

mod deprecation;
mod descriptions;
mod element;
mod federated;
mod fix;
mod naming;
mod order;
mod relay;
mod rule;
mod shapes;

use std::collections::BTreeSet;
use std::ops::Range;

use apollo_compiler::ast;
use apollo_compiler::parser::{Parser, SourceSpan};

pub use fix::apply_edits;
pub use rule::Rule;

use element::{Element, Named, elements};

/// A schema document: of a subgraph, or a schema of its own.
#[derive(Clone, Copy, Debug)]
pub struct LintSource<'s> {
    /// The subgraph's name, or what else to call the document.
    pub name: &'s str,
    pub sdl: &'s str,
}

/// What the rules need to know besides the schema.
#[derive(Clone, Debug, Default)]
pub struct LintOptions {
    pub rules: BTreeSet<Rule>,
    /// The names that `@tag` may use; empty for any.
    pub known_tags: BTreeSet<String>,
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: Rule,
    /// Index of the document.
    pub document: usize,
    /// `Type.field.argument`, `@directive`, or empty for the document.
    pub coordinate: String,
    pub message: String,
    /// Bytes in the document.
    pub span: Range<usize>,
    /// 1-based; the column in characters.
    pub line: usize,
    pub column: usize,
    /// A change of the text that mends it and changes nothing for clients.
    pub fix: Vec<Edit>,
}

/// Replaces a part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Range<usize>,
    pub text: String,
}

/// A document that is no GraphQL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {message}")]
pub struct LintSyntaxError {
    pub name: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// Runs the rules.
///
/// ```
/// use federation::lint::{LintOptions, LintSource, Rule, lint};
///
/// let options = LintOptions { rules: [Rule::FieldNamesShouldBeCamelCase].into(), ..Default::default() };
/// let source = LintSource { name: "shop", sdl: "type Query { Best_price: Int }" };
/// let found = lint(&[source], &options).unwrap();
/// assert_eq!((found[0].coordinate.as_str(), found[0].column), ("Query.Best_price", 14));
/// ```
pub fn lint(
    sources: &[LintSource<'_>],
    options: &LintOptions,
) -> Result<Vec<Violation>, LintSyntaxError> {
    let documents = sources.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let mut context = Context {
        sources,
        documents: &documents,
        elements: elements(&documents),
        options,
        found: Vec::new(),
    };
    naming::check(&mut context);
    descriptions::check(&mut context);
    deprecation::check(&mut context);
    order::check(&mut context);
    shapes::check(&mut context);
    relay::check(&mut context);
    federated::check(&mut context);
    let mut found = context.found;
    found.sort_by(|a, b| {
        (a.document, a.span.start, a.rule, &a.coordinate).cmp(&(
            b.document,
            b.span.start,
            b.rule,
            &b.coordinate,
        ))
    });
    Ok(found)
}

fn parse(source: &LintSource<'_>) -> Result<ast::Document, LintSyntaxError> {
    Parser::new().parse_ast(source.sdl, source.name).map_err(|errors| {
        let json = errors.errors.iter().next().map(|error| error.to_json());
        let place = json.as_ref().and_then(|json| json.locations.first().copied());
        LintSyntaxError {
            name: source.name.to_owned(),
            line: place.map_or(1, |place| place.line),
            column: place.map_or(1, |place| place.column),
            message: json.map_or_else(|| "syntax error".to_owned(), |json| json.message),
        }
    })
}

/// What the rules look at, and where they put what they find.
struct Context<'c> {
    sources: &'c [LintSource<'c>],
    documents: &'c [ast::Document],
    elements: Vec<Element<'c>>,
    options: &'c LintOptions,
    found: Vec<Violation>,
}

impl<'c> Context<'c> {
    fn is_on(&self, rule: Rule) -> bool {
        self.options.rules.contains(&rule)
    }

    fn report(&mut self, rule: Rule, element: &Element<'c>, message: String) {
        self.report_with_fix(rule, element, message, Vec::new());
    }

    fn report_with_fix(
        &mut self,
        rule: Rule,
        element: &Element<'c>,
        message: String,
        fix: Vec<Edit>,
    ) {
        if !self.is_on(rule) {
            return;
        }
        let Some((span, line, column)) = self.place(element.document, element.name_span()) else {
            return;
        };
        self.found.push(Violation {
            rule,
            document: element.document,
            coordinate: element.coordinate.clone(),
            message,
            span,
            line,
            column,
            fix,
        });
    }

    fn place(
        &self,
        document: usize,
        span: Option<SourceSpan>,
    ) -> Option<(Range<usize>, usize, usize)> {
        let span = span?;
        let range = span.line_column_range(&self.documents[document].sources)?;
        Some((span.offset()..span.end_offset(), range.start.line, range.start.column))
    }

    fn types(&self) -> impl Iterator<Item = &Element<'c>> {
        self.elements.iter().filter(|element| matches!(element.named, Named::Type(_)))
    }

    /// The names that are root types in a document.
    fn root_kind(&self, type_name: &str) -> Option<Root> {
        for document in self.documents {
            for definition in &document.definitions {
                let roots = match definition {
                    ast::Definition::SchemaDefinition(schema) => &schema.root_operations,
                    ast::Definition::SchemaExtension(schema) => &schema.root_operations,
                    _ => continue,
                };
                let root = roots.iter().find(|root| root.1 == type_name);
                if let Some(root) = root {
                    return Some(match root.0 {
                        ast::OperationType::Query => Root::Query,
                        ast::OperationType::Mutation => Root::Mutation,
                        ast::OperationType::Subscription => Root::Subscription,
                    });
                }
            }
        }
        match type_name {
            "Query" => Some(Root::Query),
            "Mutation" => Some(Root::Mutation),
            "Subscription" => Some(Root::Subscription),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Query,
    Mutation,
    Subscription,
}

#[cfg(test)]
mod tests;
