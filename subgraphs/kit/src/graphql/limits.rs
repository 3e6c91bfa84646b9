//! Limits that every schema and every document gets, and the SDL in stable order.

use async_graphql::{ObjectType, SDLExportOptions, Schema, SchemaBuilder, SubscriptionType};

use crate::settings::LimitSettings;

/// Puts the settings' limits on a schema under construction.
pub trait Limited {
    #[must_use]
    fn limited(self, limits: &LimitSettings) -> Self;
}

impl<Q, M, S> Limited for SchemaBuilder<Q, M, S> {
    fn limited(self, limits: &LimitSettings) -> Self {
        let builder = self
            .limit_depth(limits.depth)
            .limit_complexity(limits.complexity)
            .limit_recursive_depth(limits.recursive_depth)
            .limit_directives(limits.directives);
        if limits.introspection {
            builder
        } else {
            builder.disable_introspection().disable_suggestions()
        }
    }
}

/// How deep brackets of any kind are nested in a document. The parser goes deeper into its own
/// stack with each of them, so this is asked before it sees the document.
pub(crate) fn nesting(document: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = document.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match first {
            b'"' => after_string(rest),
            b'#' => tail.iter().position(|&byte| ends_line(byte)).map_or(&[], |end| &tail[end..]),
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
                tail
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                tail
            }
            _ => tail,
        };
    }
    deepest
}

/// What follows the string or block string at the beginning of `text`.
fn after_string(text: &[u8]) -> &[u8] {
    let quote: &[u8] = if text.starts_with(b"\"\"\"") { b"\"\"\"" } else { b"\"" };
    let mut rest = &text[quote.len()..];
    while let [first, tail @ ..] = rest {
        if rest.starts_with(quote) {
            return &rest[quote.len()..];
        }
        // A string ends with its line at the latest: what is wrong there is told by the parser.
        if quote.len() == 1 && ends_line(*first) {
            return rest;
        }
        rest = match (quote.len(), first) {
            (1, b'\\') => tail.get(1..).unwrap_or_default(),
            // In a block string only the quotes themselves are escaped.
            (3, b'\\') if tail.starts_with(quote) => &tail[quote.len()..],
            _ => tail,
        };
    }
    rest
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The subgraph's SDL for composition: federation directives, fields and enums in declared order
/// of the code, always the same bytes.
pub fn sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    schema.sdl_with_options(SDLExportOptions::new().federation().use_space_ident().indent_width(2))
}

#[cfg(test)]
mod tests {
    use super::nesting;

    #[test]
    fn brackets_are_counted_where_they_mean_something() {
        for (document, depth) in [
            ("", 0),
            ("{ a }", 1),
            ("{ a(b: [{ c: [1] }]) { d } e { f } }", 5),
            ("{ a(b: \"{{{ \\\" [[[\") }", 2),
            ("{ a(b: \"\"\"{ \\ \\\"\"\" \" {{ \n [\"\"\") { c } }", 2),
            ("# {{{ \"\n{ a } # {{{", 1),
            ("# {{{\r{ a { b } }", 2),
            ("{ a(b: \"\\\\\") { c } }", 2),
            ("{ a(b: \"open {\n) { c { d } } }", 3),
            ("}}}}{", 1),
            ("{ a(b: \"\"\"{{", 2),
        ] {
            assert_eq!(nesting(document), depth, "{document}");
        }
        assert_eq!(nesting(&"{a".repeat(60_000)), 60_000);
    }
}
