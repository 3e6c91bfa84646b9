//! Queries of concurrent client requests that go out as one.
//!
//! They are equal but for their variables. In the request they share, root fields and variables
//! carry the number of a seat: `query Q($id_0:ID!,$id_1:ID!){c0_user:user(id:$id_0){name}
//! c1_user:user(id:$id_1){name}}`. What comes back is taken apart again into what each would have
//! been told alone. Who cannot be sure of that asks again, alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::batch::{self, Ask};
use crate::compiled::FetchProgram;
use crate::json::write_string;
use crate::transport::{SubgraphRequest, SubgraphResponse};

/// Between the values of variables; no JSON text has it.
const SEPARATOR: u8 = 0;

/// How to write a query for several seats.
#[derive(Debug)]
pub(crate) struct CompanyProgram {
    definitions: Text,
    selections: Text,
    /// In the order of their definitions.
    variables: Vec<String>,
}

/// A part of a document, escaped for JSON. The number of the seat belongs between the pieces.
#[derive(Debug)]
struct Text(Vec<Vec<u8>>);

impl CompanyProgram {
    /// None if the document is anything but one query with variables that has fields at its root.
    pub(crate) fn new(document: &str) -> Option<Self> {
        let tokens: Vec<Token<'_>> = tokens(document).collect();
        let open = tokens.iter().position(|token| token.is("("))?;
        let is_query = tokens.first().is_some_and(|token| token.is("query"));
        let head_is_plain = !tokens[..open].iter().any(|token| token.is("{") || token.is("@"));
        if !is_query || !head_is_plain {
            return None;
        }
        let (definitions, rest) = inside(&tokens[open..])?;
        let (selections, rest) = inside(rest)?;
        if !rest.is_empty() {
            return None;
        }
        Some(Self {
            definitions: numbered(definitions),
            selections: numbered_fields(selections)?,
            variables: variables(definitions),
        })
    }

    /// What one client request brings along.
    pub(crate) fn ask(&self, values: &Map<String, Value>) -> Ask {
        let mut representation = Vec::new();
        for (at, name) in self.variables.iter().enumerate() {
            if at > 0 {
                representation.push(SEPARATOR);
            }
            if let Some(value) = values.get(name) {
                serde_json::to_writer(&mut representation, value)
                    .expect("JSON can always be written into memory");
            }
        }
        Ask { list: 0, representation: representation.into() }
    }

    /// The request for everybody in the company.
    pub(crate) fn request(&self, program: &FetchProgram, asks: &[Ask]) -> SubgraphRequest {
        if let [ask] = asks {
            let mut members = Vec::new();
            self.members(ask, "", &mut members);
            return batch::request(program, &members, &[]);
        }
        let mut body = b"{\"query\":\"query ".to_vec();
        body.extend_from_slice(program.operation_name.as_bytes());
        body.push(b'(');
        for seat in 0..asks.len() {
            self.definitions.write(&seat.to_string(), &mut body);
            body.push(b' ');
        }
        body.extend_from_slice(b"){");
        for seat in 0..asks.len() {
            self.selections.write(&seat.to_string(), &mut body);
            body.push(b' ');
        }
        body.extend_from_slice(b"}\",\"operationName\":");
        write_string(&mut body, &program.operation_name);
        body.extend_from_slice(b",\"variables\":{");
        let mut members = Vec::new();
        for (seat, ask) in asks.iter().enumerate() {
            self.members(ask, &format!("_{seat}"), &mut members);
        }
        body.extend_from_slice(&members);
        body.extend_from_slice(b"}}");
        SubgraphRequest {
            subgraph: Arc::clone(&program.subgraph),
            kind: program.kind,
            operation_name: Arc::clone(&program.operation_name),
            body: body.into(),
            representations: 0,
        }
    }

    fn members(&self, ask: &Ask, suffix: &str, out: &mut Vec<u8>) {
        let values = ask.representation.split(|byte| *byte == SEPARATOR);
        for (name, value) in self.variables.iter().zip(values) {
            if value.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push(b',');
            }
            write_string(out, &format!("{name}{suffix}"));
            out.push(b':');
            out.extend_from_slice(value);
        }
    }
}

/// What each seat would have been told alone. None for those that must ask again: an error that
/// names no seat may be anybody's.
pub(crate) fn split(response: &SubgraphResponse, seats: usize) -> Vec<Option<SubgraphResponse>> {
    let nobody = || (0..seats).map(|_| None).collect();
    let answer = std::str::from_utf8(&response.body).ok().map(serde_json::from_str::<Answer<'_>>);
    let Some(Ok(Answer { data: Some(data), errors })) = answer else { return nobody() };
    let mut bodies: Vec<Vec<u8>> = vec![Vec::new(); seats];
    for (key, value) in data {
        let Some((seat, key)) = seat_of(&key) else { return nobody() };
        let Some(body) = bodies.get_mut(seat) else { return nobody() };
        body.extend_from_slice(if body.is_empty() { b"{\"data\":{" } else { b"," });
        write_string(body, key);
        body.push(b':');
        body.extend_from_slice(value.get().as_bytes());
    }
    for Reported { path } in errors.unwrap_or_default() {
        let key = path.as_ref().and_then(|path| path.first()).and_then(Value::as_str);
        let seat = key.and_then(seat_of).and_then(|(seat, _)| bodies.get_mut(seat));
        let Some(body) = seat else { return nobody() };
        body.clear();
    }
    let own = |mut body: Vec<u8>| {
        (!body.is_empty()).then(|| {
            body.extend_from_slice(b"}}");
            SubgraphResponse { status: response.status, body: Bytes::from(body) }
        })
    };
    bodies.into_iter().map(own).collect()
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<BTreeMap<String, &'a RawValue>>,
    errors: Option<Vec<Reported>>,
}

#[derive(Deserialize)]
struct Reported {
    path: Option<Vec<Value>>,
}

/// `(7, "user")` for `c7_user`.
fn seat_of(key: &str) -> Option<(usize, &str)> {
    let (seat, key) = key.strip_prefix('c')?.split_once('_')?;
    Some((seat.parse().ok()?, key))
}

impl Text {
    fn write(&self, seat: &str, out: &mut Vec<u8>) {
        for (at, piece) in self.0.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(seat.as_bytes());
            }
            out.extend_from_slice(piece);
        }
    }

    fn push(&mut self, text: &str) {
        let mut literal = Vec::new();
        write_string(&mut literal, text);
        if let Some(piece) = self.0.last_mut() {
            piece.extend_from_slice(&literal[1..literal.len() - 1]);
        }
    }

    fn push_variable(&mut self, variable: &str) {
        self.push(variable);
        self.push("_");
        self.0.push(Vec::new());
    }

    fn push_key(&mut self, key: &str) {
        self.push("c");
        self.0.push(Vec::new());
        self.push("_");
        self.push(key);
    }
}

fn variables(definitions: &[Token<'_>]) -> Vec<String> {
    definitions.iter().filter_map(|token| token.0.strip_prefix('$')).map(str::to_owned).collect()
}

/// Variables get numbers.
fn numbered(tokens: &[Token<'_>]) -> Text {
    let mut text = Text(vec![Vec::new()]);
    for token in tokens {
        if token.0.starts_with('$') { text.push_variable(token.0) } else { text.push(token.0) }
    }
    text
}

/// Variables and the keys of root fields get numbers. None if there are fragments at the root.
fn numbered_fields(tokens: &[Token<'_>]) -> Option<Text> {
    let mut text = Text(vec![Vec::new()]);
    let (mut depth, mut before) = (0_usize, "");
    for (at, token) in tokens.iter().enumerate() {
        match token.0 {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            "..." if depth == 0 => return None,
            _ => {}
        }
        if token.0.starts_with('$') {
            text.push_variable(token.0);
        } else if depth == 0 && token.is_name() && before != ":" && before != "@" {
            text.push_key(token.0);
            let is_alias = tokens[at + 1..].iter().find(|token| !token.is_ignored());
            if !is_alias.is_some_and(|next| next.is(":")) {
                text.push(":");
                text.push(token.0);
            }
        } else {
            text.push(token.0);
        }
        if !token.is_ignored() {
            before = token.0;
        }
    }
    Some(text)
}

/// What stands between a bracket and its counterpart, and what follows.
fn inside<'t, 'd>(tokens: &'t [Token<'d>]) -> Option<(&'t [Token<'d>], &'t [Token<'d>])> {
    let open = tokens.iter().position(|token| !token.is_ignored())?;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.0 {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (at > open).then(|| (&tokens[open + 1..at], &tokens[at + 1..]));
        }
    }
    None
}

/// A lexical token of a document (specification, section 2.1), or what is ignored between two.
#[derive(Clone, Copy, Debug)]
struct Token<'d>(&'d str);

impl Token<'_> {
    fn is(self, text: &str) -> bool {
        self.0 == text
    }

    fn is_name(self) -> bool {
        self.0.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    }

    fn is_ignored(self) -> bool {
        self.0.starts_with(|first: char| first.is_whitespace() || matches!(first, ',' | '#'))
    }
}

/// The document, cut into tokens; nothing is left out.
fn tokens(document: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = document;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match first {
            '"' => string_length(rest),
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '$' => 1 + rest[1..].find(|c| !is_of_name(c)).unwrap_or(rest.len() - 1),
            '.' if rest.starts_with("...") => 3,
            first if is_of_name(first) => rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(Token(token))
    })
}

/// Of a string or block string, with its quotes.
fn string_length(text: &str) -> usize {
    let quote = if text.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    let mut at = quote.len();
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(quote.as_bytes()) {
            return at + quote.len();
        }
        // In a block string only the quotes themselves are escaped.
        let escapes =
            rest[0] == b'\\' && (quote.len() == 1 || rest[1..].starts_with(quote.as_bytes()));
        at += if escapes { 1 + quote.len() } else { 1 };
    }
    text.len()
}

#[cfg(test)]
mod tests;
