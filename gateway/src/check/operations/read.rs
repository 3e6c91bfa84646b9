//! Documents of clients: parsed, and cut into single operations with their fragments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apollo_compiler::parser::Parser;
use apollo_compiler::{Name, Node, ast};

use super::{ClientCount, ClientOperation};
use crate::check::CheckError;

/// A document and where it is from.
#[derive(Debug)]
pub(super) struct ClientDocument {
    pub(super) file: String,
    /// Where in the file it begins, if its own lines are not the file's.
    pub(super) line: Option<usize>,
    /// What to call its operations instead of their own names, e.g. the name in a manifest.
    pub(super) name: Option<String>,
    pub(super) clients: Vec<ClientCount>,
    pub(super) document: ast::Document,
    /// Fragments of other documents may be used.
    pub(super) shares_fragments: bool,
}

pub(super) fn read(file: &Path) -> Result<ClientDocument, CheckError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| CheckError::Operations {
        file: name.clone(),
        message: error.to_string(),
    })?;
    let document = parse(&name, text)?;
    Ok(ClientDocument {
        file: name,
        line: None,
        name: None,
        clients: Vec::new(),
        document,
        shares_fragments: true,
    })
}

/// Operations of a text that stands for itself, e.g. from a usage log.
pub(in crate::check) fn read_text(
    origin: &str,
    name: Option<&str>,
    text: &str,
    clients: Vec<ClientCount>,
) -> Result<Vec<ClientOperation>, CheckError> {
    let document = parse(origin, text.to_owned())?;
    let mut documents = vec![ClientDocument {
        file: origin.to_owned(),
        line: None,
        name: None,
        clients,
        document,
        shares_fragments: false,
    }];
    if let (Some(name), Some(document)) = (name, documents.first_mut()) {
        document.document.definitions.retain(|definition| match definition {
            ast::Definition::OperationDefinition(operation) => {
                operation.name.as_ref().is_some_and(|own| own == name)
            }
            _ => true,
        });
    }
    operations(&documents)
}

pub(super) fn parse(file: &str, text: String) -> Result<ast::Document, CheckError> {
    let failed = |message: String| CheckError::Operations { file: file.to_owned(), message };
    let document = Parser::new()
        .parse_ast(text, file)
        .map_err(|errors| failed(format!("\n{}", errors.errors)))?;
    let foreign = document.definitions.iter().find(|definition| {
        !matches!(
            definition,
            ast::Definition::OperationDefinition(_) | ast::Definition::FragmentDefinition(_)
        )
    });
    if let Some(definition) = foreign {
        let line = definition
            .location()
            .and_then(|span| span.line_column_range(&document.sources))
            .map_or(1, |range| range.start.line);
        let message = "a schema definition among operations; is the pattern right?";
        return Err(CheckError::Operations {
            file: format!("{file}:{line}"),
            message: message.to_owned(),
        });
    }
    if document.definitions.is_empty() {
        return Err(failed("holds no operation".to_owned()));
    }
    Ok(document)
}

type Fragments<'d> = BTreeMap<&'d Name, Vec<(&'d str, &'d Node<ast::FragmentDefinition>)>>;

/// All operations of all documents.
pub(super) fn operations(documents: &[ClientDocument]) -> Result<Vec<ClientOperation>, CheckError> {
    let mut shared = Fragments::new();
    for document in documents.iter().filter(|document| document.shares_fragments) {
        for fragment in fragments(&document.document) {
            shared.entry(&fragment.name).or_default().push((&document.file, fragment));
        }
    }
    let mut found = Vec::new();
    for document in documents {
        let own: BTreeMap<&Name, &Node<ast::FragmentDefinition>> =
            fragments(&document.document).map(|fragment| (&fragment.name, fragment)).collect();
        let definitions = document.document.definitions.iter();
        let operations = definitions.filter_map(|definition| match definition {
            ast::Definition::OperationDefinition(operation) => Some(operation),
            _ => None,
        });
        for (index, operation) in operations.enumerate() {
            let own_line = operation
                .line_column_range(&document.document.sources)
                .map_or(1, |range| range.start.line);
            let line = document.line.unwrap_or(own_line);
            let name = operation.name.as_ref().map(ToString::to_string);
            let name = document.name.clone().or(name).unwrap_or_else(|| format!("#{}", index + 1));
            let mut spreads = Spreads {
                document,
                own: &own,
                shared: &shared,
                used: BTreeSet::new(),
                single: ast::Document::new(),
            };
            spreads.single.sources = document.document.sources.clone();
            spreads
                .single
                .definitions
                .push(ast::Definition::OperationDefinition(operation.clone()));
            spreads.follow(&operation.selection_set)?;
            found.push(ClientOperation {
                name,
                file: document.file.clone(),
                line,
                document: spreads.single,
                clients: document.clients.clone(),
            });
        }
    }
    Ok(found)
}

fn fragments(document: &ast::Document) -> impl Iterator<Item = &Node<ast::FragmentDefinition>> {
    document.definitions.iter().filter_map(|definition| match definition {
        ast::Definition::FragmentDefinition(fragment) => Some(fragment),
        _ => None,
    })
}

/// Builds a document with one operation and the fragments it needs, so that what is unused in the
/// file is not reported once per operation.
struct Spreads<'d> {
    document: &'d ClientDocument,
    own: &'d BTreeMap<&'d Name, &'d Node<ast::FragmentDefinition>>,
    shared: &'d Fragments<'d>,
    used: BTreeSet<Name>,
    single: ast::Document,
}

impl Spreads<'_> {
    fn follow(&mut self, selections: &[ast::Selection]) -> Result<(), CheckError> {
        for selection in selections {
            match selection {
                ast::Selection::Field(field) => self.follow(&field.selection_set)?,
                ast::Selection::InlineFragment(fragment) => self.follow(&fragment.selection_set)?,
                ast::Selection::FragmentSpread(spread) => {
                    if self.used.insert(spread.fragment_name.clone())
                        && let Some(fragment) = self.find(&spread.fragment_name)?
                    {
                        self.single
                            .definitions
                            .push(ast::Definition::FragmentDefinition(fragment.clone()));
                        self.follow(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// In the same document, else the only one of that name anywhere. Unknown ones are left to
    /// validation.
    fn find(&self, name: &Name) -> Result<Option<Node<ast::FragmentDefinition>>, CheckError> {
        if let Some(fragment) = self.own.get(name) {
            return Ok(Some(Node::clone(fragment)));
        }
        if !self.document.shares_fragments {
            return Ok(None);
        }
        match self.shared.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([(first_file, first), others @ ..]) => {
                match others.iter().find(|(_, other)| other != first) {
                    Some((other_file, _)) => Err(CheckError::Operations {
                        file: self.document.file.clone(),
                        message: format!(
                            "fragment `{name}` is defined differently in {first_file} and {other_file}"
                        ),
                    }),
                    None => Ok(Some(Node::clone(first))),
                }
            }
        }
    }
}
