//! Field sets as `@key`, `@requires` and `@provides` have them, reduced to names.

use apollo_compiler::ast::Directive;

/// `id organization { id }`; type conditions are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldSet(pub(crate) Vec<(String, FieldSet)>);

impl FieldSet {
    pub(crate) fn parse(text: &str) -> Self {
        let spaced = text.replace('{', " { ").replace('}', " } ").replace("...", " ... ");
        let mut tokens = spaced.split_whitespace().peekable();
        Self::selections(&mut tokens)
    }

    pub(crate) fn of(directive: &Directive) -> Self {
        let fields =
            directive.specified_argument_by_name("fields").and_then(|fields| fields.as_str());
        Self::parse(fields.expect("a field set has fields"))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, children)| children)
    }

    fn selections<'a>(tokens: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Self {
        let mut fields: Vec<(String, Self)> = Vec::new();
        while let Some(token) = tokens.next() {
            match token {
                "}" => break,
                "..." => {
                    // `on`, the type, `{`
                    tokens.by_ref().take(3).for_each(drop);
                    fields.extend(Self::selections(tokens).0);
                }
                name => {
                    let children = if tokens.next_if_eq(&"{").is_some() {
                        Self::selections(tokens)
                    } else {
                        Self::default()
                    };
                    fields.push((name.to_owned(), children));
                }
            }
        }
        Self(fields)
    }
}
