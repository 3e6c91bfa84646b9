//! Validity of a schema by GraphQL's own rules, with federation's two relaxations: a type may
//! be extended without being defined here, and a type may be left without fields if it is a root.
//!
//! Knows nothing of federation's directives beyond their definitions in the schema.

mod applications;
mod implementations;
mod types;
pub(crate) mod values;

use apollo_compiler::Name;

use super::model::Schema;
use super::source::Source;
use crate::diagnostic::Diagnostic;

/// Checks the whole schema; `Ok` or everything that is wrong.
pub(crate) fn validate(schema: &Schema, source: &Source) -> Result<(), Vec<Diagnostic>> {
    let mut ctx = Ctx { schema, source, errors: Vec::new() };
    types::check(&mut ctx);
    applications::check(&mut ctx);
    if ctx.errors.is_empty() {
        implementations::check(&mut ctx);
        types::check_input_cycles(&mut ctx);
    }
    if ctx.errors.is_empty() { Ok(()) } else { Err(ctx.errors) }
}

struct Ctx<'a> {
    schema: &'a Schema,
    source: &'a Source,
    errors: Vec<Diagnostic>,
}

impl Ctx<'_> {
    fn error(&mut self, at: &Name, message: impl AsRef<str>) {
        let error = self.source.error("INVALID_GRAPHQL", message).label(self.source.at(at));
        self.errors.push(error);
    }
}
