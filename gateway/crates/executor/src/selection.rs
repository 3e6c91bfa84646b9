//! Reads the documents of a plan's fetches, as far as needed to tell which of them ask the same.
//!
//! The planner wrote them, so this is no validating parser: what it does not understand makes the
//! whole document unknown, and nothing is concluded from it.

use std::collections::HashMap;

/// A selection set. Fragments are spread out.
pub(crate) type Selections = Vec<Selection>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Field(Field),
    Inline {
        on: Option<String>,
        /// With a directive, nobody knows here whether it applies.
        conditional: bool,
        below: Selections,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Under which the answer has it.
    pub(crate) key: String,
    /// Name, arguments and directives as they are written; equal texts are equal fields.
    pub(crate) asked: String,
    pub(crate) below: Selections,
}

/// The selections of the only operation. None if the text is not understood.
pub(crate) fn read(document: &str) -> Option<Selections> {
    let mut reader = Reader { tokens: tokens(document)?, at: 0 };
    let (mut operation, mut fragments) = (None, HashMap::new());
    while let Some(token) = reader.next() {
        if token == "fragment" {
            let name = reader.next()?;
            reader.expect("on")?;
            let on = reader.next()?.to_owned();
            fragments.insert(name, (on, reader.selections(0)?));
            continue;
        }
        reader.at -= 1;
        while *reader.tokens.get(reader.at)? != "{" {
            if !reader.skip_parentheses()? {
                reader.at += 1;
            }
        }
        if operation.replace(reader.selections(0)?).is_some() {
            return None;
        }
    }
    spread(operation?, &fragments, 0)
}

/// Deeper documents are left alone.
const MAX_DEPTH: usize = 64;

fn spread(
    selections: Vec<Parsed>,
    fragments: &HashMap<&str, (String, Vec<Parsed>)>,
    depth: usize,
) -> Option<Selections> {
    if depth > MAX_DEPTH {
        return None;
    }
    let one = |parsed: Parsed| match parsed {
        Parsed::Field { key, asked, below } => Some(Selection::Field(Field {
            key,
            asked,
            below: spread(below, fragments, depth + 1)?,
        })),
        Parsed::Inline { on, conditional, below } => {
            Some(Selection::Inline { on, conditional, below: spread(below, fragments, depth + 1)? })
        }
        Parsed::Spread { name, conditional } => {
            let (on, below) = fragments.get(name.as_str())?.clone();
            let below = spread(below, fragments, depth + 1)?;
            Some(Selection::Inline { on: Some(on), conditional, below })
        }
    };
    selections.into_iter().map(one).collect()
}

#[derive(Clone, Debug)]
enum Parsed {
    Field { key: String, asked: String, below: Vec<Parsed> },
    Inline { on: Option<String>, conditional: bool, below: Vec<Parsed> },
    Spread { name: String, conditional: bool },
}

/// Splits a document into names, numbers, strings, spreads and single characters.
fn tokens(document: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = document;
    loop {
        rest = rest.trim_start_matches([' ', '\n', '\r', '\t', ',']);
        let Some(first) = rest.chars().next() else { return Some(tokens) };
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
        let length = match first {
            // Comments and block strings do not come from a planner.
            '#' => return None,
            '"' => string_length(rest)?,
            '.' => rest.starts_with("...").then_some(3)?,
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
}

fn string_length(text: &str) -> Option<usize> {
    if text.starts_with("\"\"\"") {
        return None;
    }
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(at + 1),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

struct Reader<'a> {
    tokens: Vec<&'a str>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.at).copied()?;
        self.at += 1;
        Some(token)
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        (self.next()? == token).then_some(())
    }

    /// Passes over what stands in parentheses, if they are next. None: they do not close.
    fn skip_parentheses(&mut self) -> Option<bool> {
        if self.peek() != "(" {
            return Some(false);
        }
        let mut open = 0_usize;
        loop {
            match self.next()? {
                "(" => open += 1,
                ")" => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(true);
            }
        }
    }

    fn directives(&mut self) -> Option<bool> {
        let mut any = false;
        while self.peek() == "@" {
            any = true;
            self.at += 2;
            self.skip_parentheses()?;
        }
        Some(any)
    }

    fn selections(&mut self, depth: usize) -> Option<Vec<Parsed>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.expect("{")?;
        let mut selections = Vec::new();
        while self.peek() != "}" {
            selections.push(self.selection(depth)?);
        }
        self.at += 1;
        Some(selections)
    }

    fn selection(&mut self, depth: usize) -> Option<Parsed> {
        if self.peek() == "..." {
            self.at += 1;
            let on = match self.peek() {
                "on" => {
                    self.at += 1;
                    Some(self.next()?.to_owned())
                }
                "{" | "@" => None,
                _ => {
                    let name = self.next()?.to_owned();
                    return Some(Parsed::Spread { name, conditional: self.directives()? });
                }
            };
            let conditional = self.directives()?;
            return Some(Parsed::Inline { on, conditional, below: self.selections(depth + 1)? });
        }
        let key = self.name()?;
        let mut start = self.at - 1;
        if self.peek() == ":" {
            self.at += 1;
            start = self.at;
            self.name()?;
        }
        self.skip_parentheses()?;
        self.directives()?;
        let asked = self.tokens[start..self.at].join(" ");
        let below = if self.peek() == "{" { self.selections(depth + 1)? } else { Vec::new() };
        Some(Parsed::Field { key: key.to_owned(), asked, below })
    }

    fn name(&mut self) -> Option<&'a str> {
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        self.next().filter(|token| token.starts_with(first))
    }
}
