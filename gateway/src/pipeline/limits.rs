//! Measures a document before it is validated: validation itself can be made expensive.
//!
//! Fragments count as often as they are spread, but each is measured once, so a document that
//! blows up exponentially when written out is measured in linear time.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationType, Selection};

use crate::config::LimitsConfig;
use crate::http::error::{ClientError, DocumentErrorCode};

/// What a selection set amounts to, with fragments written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measure {
    depth: usize,
    aliases: usize,
    fields: usize,
    /// Root fields that try a credential.
    credentials: usize,
}

impl Measure {
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            fields: self.fields.saturating_add(other.fields),
            credentials: self.credentials.saturating_add(other.credentials),
        }
    }
}

/// Refuses a document of which any operation exceeds a limit.
pub(crate) fn check_limits(document: &Document, limits: &LimitsConfig) -> Result<(), ClientError> {
    let fragments = document.definitions.iter().filter_map(|definition| match definition {
        Definition::FragmentDefinition(fragment) => Some((&fragment.name, &**fragment)),
        _ => None,
    });
    let mut measuring =
        Measuring { fragments: fragments.collect(), measured: HashMap::new(), limits };
    for definition in &document.definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        let root = measuring.selections(&operation.selection_set, true);
        let credentials =
            if operation.operation_type == OperationType::Mutation { root.credentials } else { 0 };
        check(root.depth, limits.depth, DocumentErrorCode::Depth, "nested fields")?;
        check(root.aliases, limits.aliases, DocumentErrorCode::Aliases, "aliases")?;
        check(root.fields, limits.root_fields, DocumentErrorCode::RootFields, "root fields")?;
        check(
            credentials,
            limits.credential_mutations_per_operation,
            DocumentErrorCode::CredentialMutations,
            "mutations that try a credential",
        )?;
    }
    Ok(())
}

fn check(
    found: usize,
    limit: usize,
    code: DocumentErrorCode,
    what: &str,
) -> Result<(), ClientError> {
    if found > limit {
        return Err(ClientError::document(code, format!("operation has more than {limit} {what}")));
    }
    Ok(())
}

struct Measuring<'d> {
    fragments: HashMap<&'d Name, &'d FragmentDefinition>,
    /// Finished fragments; `None` while one is being measured, which ends cycles.
    measured: HashMap<(&'d Name, bool), Option<Measure>>,
    limits: &'d LimitsConfig,
}

impl<'d> Measuring<'d> {
    /// In the result, `fields` counts the fields of this level only.
    fn selections(&mut self, selections: &'d [Selection], is_root: bool) -> Measure {
        let mut total = Measure::default();
        for selection in selections {
            total = total.beside(match selection {
                // Introspection has a limit of its own and a deep standard query.
                Selection::Field(field) if is_root && field.name.starts_with("__") => {
                    Measure { fields: 1, ..Measure::default() }
                }
                Selection::Field(field) => {
                    let below = self.selections(&field.selection_set, false);
                    let is_credential =
                        is_root && self.limits.credential_mutations.contains(field.name.as_str());
                    Measure {
                        depth: below.depth + 1,
                        aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
                        fields: 1,
                        credentials: usize::from(is_credential),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.selection_set, is_root)
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name, is_root),
            });
        }
        total
    }

    /// Unknown fragments and cycles are for validation to report.
    fn fragment(&mut self, name: &'d Name, is_root: bool) -> Measure {
        if let Some(measured) = self.measured.get(&(name, is_root)) {
            return measured.unwrap_or_default();
        }
        let Some(fragment) = self.fragments.get(name).copied() else { return Measure::default() };
        self.measured.insert((name, is_root), None);
        let measure = self.selections(&fragment.selection_set, is_root);
        self.measured.insert((name, is_root), Some(measure));
        measure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(limits: &LimitsConfig, source: &str) -> Option<&'static str> {
        let document = Document::parse(source, "test.graphql").expect("parses");
        check_limits(&document, limits).err().map(|error| error.code())
    }

    #[test]
    fn fragments_count_where_they_are_spread() {
        let limits =
            LimitsConfig { depth: 3, aliases: 3, root_fields: 2, ..LimitsConfig::default() };
        assert_eq!(code(&limits, "{ a { b { c } } }"), None);
        assert_eq!(
            code(&limits, "{ a { ...F } } fragment F on T { b { c { d } } }"),
            Some("MAX_DEPTH_LIMIT")
        );
        assert_eq!(
            code(&limits, "{ a { ...F } b { ...F } } fragment F on T { x: c y: c }"),
            Some("MAX_ALIASES_LIMIT")
        );
        assert_eq!(
            code(&limits, "{ ...F c } fragment F on Query { a b }"),
            Some("MAX_ROOT_FIELDS_LIMIT")
        );
        assert_eq!(code(&limits, "{ a { ...F } } fragment F on T { ...F }"), None);
    }

    #[test]
    fn exponential_documents_are_measured_quickly() {
        let mut source = "{ ...F0 } fragment F30 on Query { x: a }".to_owned();
        for level in 0..30 {
            let next = level + 1;
            let fragment = format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}");
            source.push_str(&fragment);
        }
        assert_eq!(code(&LimitsConfig::default(), &source), Some("MAX_ALIASES_LIMIT"));
    }

    #[test]
    fn one_credential_mutation_per_operation() {
        let limits = LimitsConfig::strict();
        assert_eq!(code(&limits, "mutation { sessionCreate { a } reviewCreate { b } }"), None);
        assert_eq!(
            code(&limits, "mutation { a: sessionCreate { a } b: sessionCreate { a } }"),
            Some("MAX_CREDENTIAL_MUTATIONS_LIMIT")
        );
        assert_eq!(
            code(
                &limits,
                "mutation { ...F passwordReset { a } } fragment F on Mutation { sessionCreate { a } }"
            ),
            Some("MAX_CREDENTIAL_MUTATIONS_LIMIT")
        );
    }
}
