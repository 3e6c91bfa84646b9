//! A short notation for projections.
//!
//! `products: [Product!]! { upc: ID! alias=name: String }`: response keys (with `=` the data key),
//! types, selections. `Media(Book|Movie) { on Book { pages: Int } }` is an abstract type with its
//! object types. `price: denied!`, `__typename`, `__schema: introspection`, and `name: String
//! ?show` / `?!hide` for `@include`/`@skip`. `E(A|B)` without a selection is an enum; a name that is
//! no built-in scalar is a custom scalar.

use federation::plan::{
    Composite, Condition, Inclusion, Leaf, Output, ProjectedField, ProjectedValue,
};

pub(crate) fn projection(text: &str) -> Vec<ProjectedField> {
    let mut spaced = String::new();
    for character in text.chars() {
        match character {
            '{' | '}' | '[' | ']' | '!' | '(' | ')' | '|' | ':' | '=' | '?' => {
                spaced.extend([' ', character, ' ']);
            }
            character => spaced.push(character),
        }
    }
    let mut parser = Parser { tokens: spaced.split_whitespace().collect(), at: 0 };
    let fields = parser.fields("Query", None);
    assert_eq!(parser.at, parser.tokens.len(), "unread: {:?}", &parser.tokens[parser.at..]);
    fields
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn fields(&mut self, parent: &str, types: Option<&[String]>) -> Vec<ProjectedField> {
        let mut fields = Vec::new();
        while let Some(token) = self.peek().filter(|token| *token != "}") {
            self.at += 1;
            if token == "on" {
                let types = self.alternatives();
                self.expect("{");
                fields.extend(self.fields(parent, Some(&types)));
                self.expect("}");
                continue;
            }
            fields.push(self.field(token, parent, types));
        }
        fields
    }

    fn field(
        &mut self,
        response_key: &str,
        parent: &str,
        types: Option<&[String]>,
    ) -> ProjectedField {
        let key = if self.eat("=") { self.next() } else { response_key };
        let value = if response_key == "__typename" || key == "__typename" {
            let constant = types.is_none() && !parent.starts_with("abstract ");
            let parent = parent.trim_start_matches("abstract ");
            ProjectedValue::Typename { constant: constant.then(|| parent.to_owned()) }
        } else {
            self.expect(":");
            match self.peek() {
                Some("denied") => {
                    self.at += 1;
                    ProjectedValue::Denied { nullable: !self.eat("!") }
                }
                Some("introspection") => {
                    self.at += 1;
                    ProjectedValue::Introspection
                }
                _ => ProjectedValue::Data { key: key.to_owned(), output: self.output() },
            }
        };
        let when = if self.eat("?") {
            let value = !self.eat("!");
            Inclusion(vec![vec![Condition { variable: self.next().to_owned(), value }]])
        } else {
            Inclusion::ALWAYS
        };
        ProjectedField {
            response_key: response_key.to_owned(),
            coordinate: format!("{}.{key}", parent.trim_start_matches("abstract ")),
            types: types.map(<[String]>::to_vec),
            when,
            value,
        }
    }

    fn output(&mut self) -> Output {
        let output = if self.eat("[") {
            let item = self.output();
            self.expect("]");
            Output::List(Box::new(item))
        } else {
            self.named()
        };
        if self.eat("!") { Output::NonNull(Box::new(output)) } else { output }
    }

    fn named(&mut self) -> Output {
        let name = self.next().to_owned();
        let possible = self.eat("(").then(|| {
            let types = self.alternatives();
            self.expect(")");
            types
        });
        // The selection follows the closing brackets and exclamation marks.
        let after =
            self.tokens[self.at..].iter().take_while(|token| matches!(**token, "]" | "!")).count();
        if self.tokens.get(self.at + after) == Some(&"{") {
            let end = self.at;
            self.at += after + 1;
            let parent = if possible.is_some() { format!("abstract {name}") } else { name.clone() };
            let fields = self.fields(&parent, None);
            self.expect("}");
            // Take the selection out, so that the brackets follow the name.
            self.tokens.drain(end + after..self.at);
            self.at = end;
            let possible = possible.unwrap_or_else(|| vec![name.clone()]);
            return Output::Composite(Composite { type_name: name, possible, fields });
        }
        Output::Leaf(match (name.as_str(), possible) {
            (_, Some(values)) => Leaf::Enum { name, values },
            ("Int", None) => Leaf::Int,
            ("Float", None) => Leaf::Float,
            ("String", None) => Leaf::String,
            ("Boolean", None) => Leaf::Boolean,
            ("ID", None) => Leaf::Id,
            (_, None) => Leaf::CustomScalar { name },
        })
    }

    fn alternatives(&mut self) -> Vec<String> {
        let mut names = vec![self.next().to_owned()];
        while self.eat("|") {
            names.push(self.next().to_owned());
        }
        names
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek().expect("more text");
        self.at += 1;
        token
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) {
        assert!(self.eat(token), "expected {token} at {:?}", &self.tokens[self.at..]);
    }
}
