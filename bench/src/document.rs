//! Just enough GraphQL to understand what gateways send to subgraphs: one operation, fragments,
//! aliases, arguments. Directives are read and ignored.

use std::collections::HashMap;

use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) enum Selection {
    Field { key: String, name: String, arguments: Vec<(String, Argument)>, below: Vec<Selection> },
    Inline { on: Option<String>, below: Vec<Selection> },
    Spread(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Variable(String),
    Constant(Value),
}

#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) selections: Vec<Selection>,
    /// By name: type condition and selections.
    pub(crate) fragments: HashMap<String, (String, Vec<Selection>)>,
}

#[derive(Debug, thiserror::Error)]
#[error("the document ends early or has something unexpected at token {at}")]
pub(crate) struct DocumentError {
    at: usize,
}

pub(crate) fn parse(text: &str) -> Result<Document, DocumentError> {
    let mut parser = Parser { tokens: tokens(text), at: 0 };
    let mut document = Document::default();
    while let Some(token) = parser.peek() {
        match token {
            "fragment" => {
                let [_, name, _, on] =
                    [parser.next()?, parser.next()?, parser.next()?, parser.next()?];
                parser.directives()?;
                document.fragments.insert(name, (on, parser.selections()?));
            }
            "query" | "mutation" => {
                parser.next()?;
                if parser.peek().is_some_and(|token| token != "{" && token != "(") {
                    parser.next()?;
                }
                if parser.peek() == Some("(") {
                    parser.skip_parentheses()?;
                }
                parser.directives()?;
                document.selections = parser.selections()?;
            }
            _ => document.selections = parser.selections()?,
        }
    }
    Ok(document)
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\n', '\r', '\t', ',']);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|character| {
                    let closes = character == '"' && !escaped;
                    escaped = character == '\\' && !escaped;
                    closes
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            '.' => rest.len().min(3),
            c if c.is_alphanumeric() || c == '_' || c == '-' => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after.trim_start_matches([' ', '\n', '\r', '\t', ',']);
    }
    tokens
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, DocumentError> {
        let token = self.tokens.get(self.at).cloned().ok_or(DocumentError { at: self.at })?;
        self.at += 1;
        Ok(token)
    }

    fn expect(&mut self, expected: &str) -> Result<(), DocumentError> {
        if self.next()? == expected { Ok(()) } else { Err(DocumentError { at: self.at - 1 }) }
    }

    fn skip_parentheses(&mut self) -> Result<(), DocumentError> {
        let mut depth = 0;
        loop {
            match self.next()?.as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn directives(&mut self) -> Result<(), DocumentError> {
        while self.peek() == Some("@") {
            self.next()?;
            self.next()?;
            if self.peek() == Some("(") {
                self.skip_parentheses()?;
            }
        }
        Ok(())
    }

    fn selections(&mut self) -> Result<Vec<Selection>, DocumentError> {
        self.expect("{")?;
        let mut selections = Vec::new();
        while self.peek() != Some("}") {
            selections.push(self.selection()?);
        }
        self.expect("}")?;
        Ok(selections)
    }

    fn selection(&mut self) -> Result<Selection, DocumentError> {
        let first = self.next()?;
        if first == "..." {
            let on = match self.peek() {
                Some("on") => {
                    self.next()?;
                    Some(self.next()?)
                }
                Some("{" | "@") => None,
                _ => {
                    let name = self.next()?;
                    self.directives()?;
                    return Ok(Selection::Spread(name));
                }
            };
            self.directives()?;
            return Ok(Selection::Inline { on, below: self.selections()? });
        }
        let mut name = first.clone();
        if self.peek() == Some(":") {
            self.next()?;
            name = self.next()?;
        }
        let mut arguments = Vec::new();
        if self.peek() == Some("(") {
            self.next()?;
            while self.peek() != Some(")") {
                let argument = self.next()?;
                self.expect(":")?;
                arguments.push((argument, self.argument()?));
            }
            self.next()?;
        }
        self.directives()?;
        let below = if self.peek() == Some("{") { self.selections()? } else { Vec::new() };
        Ok(Selection::Field { key: first, name, arguments, below })
    }

    fn argument(&mut self) -> Result<Argument, DocumentError> {
        if self.peek() == Some("$") {
            self.next()?;
            return Ok(Argument::Variable(self.next()?));
        }
        Ok(Argument::Constant(self.constant()?))
    }

    fn constant(&mut self) -> Result<Value, DocumentError> {
        let token = self.next()?;
        if token != "[" {
            return Ok(serde_json::from_str(&token).unwrap_or(Value::String(token)));
        }
        let mut list = Vec::new();
        while self.peek() != Some("]") {
            list.push(self.constant()?);
        }
        self.next()?;
        Ok(Value::Array(list))
    }
}
