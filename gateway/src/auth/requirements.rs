//! Which fields a caller may not see: the schema's authorization directives against the claims.
//!
//! Decided per operation and before planning, so that what is denied is never fetched. Nothing
//! here looks at data.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::{Name, Schema};
use federation::supergraph::{Authorization, Supergraph};

use super::identity::Identity;

/// All rules of one schema.
#[derive(Debug, Default)]
pub(crate) struct Requirements {
    rules: Vec<Authorization>,
    /// Rules of a field: its own, its type's and its parent's.
    by_field: BTreeMap<Name, BTreeMap<Name, BTreeSet<RuleIndex>>>,
}

type RuleIndex = usize;

/// The protected fields that one operation selects.
#[derive(Debug, Default)]
pub(crate) struct ProtectedFields {
    /// `Type.field` → rules. The type is the selection's parent or one of its object types.
    fields: BTreeMap<(Name, Name), BTreeSet<RuleIndex>>,
    rules: BTreeSet<RuleIndex>,
}

/// The rules that a caller fails, of those that an operation touches: equal decisions on one
/// operation lead to equal plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Decision(Vec<RuleIndex>);

impl Requirements {
    pub(crate) fn of(supergraph: &Supergraph) -> Self {
        let mut table = Self::default();
        let mut rules: BTreeMap<String, RuleIndex> = BTreeMap::new();
        for (coordinate, authorization) in supergraph.authorizations() {
            let known = table.rules.iter().position(|known| known == authorization);
            if known.is_none() {
                table.rules.push(authorization.clone());
            }
            rules.insert(coordinate.to_owned(), known.unwrap_or(table.rules.len() - 1));
        }
        if rules.is_empty() {
            return table;
        }
        for (type_name, ty) in &supergraph.api_schema().types {
            let (fields, parent) = match ty {
                ExtendedType::Object(object) => (&object.fields, rules.get(type_name.as_str())),
                // Whoever may not see the interface was stopped at the field that returns it.
                ExtendedType::Interface(interface) => (&interface.fields, None),
                ExtendedType::Scalar(_)
                | ExtendedType::Union(_)
                | ExtendedType::Enum(_)
                | ExtendedType::InputObject(_) => continue,
            };
            for (field_name, field) in fields {
                let own = rules.get(&format!("{type_name}.{field_name}"));
                let returned = rules.get(field.ty.inner_named_type().as_str());
                let applying: BTreeSet<RuleIndex> =
                    [parent, own, returned].into_iter().flatten().copied().collect();
                if !applying.is_empty() {
                    table
                        .by_field
                        .entry(type_name.clone())
                        .or_default()
                        .insert(field_name.clone(), applying);
                }
            }
        }
        table
    }

    /// Finds the protected fields of an operation; usually there are none.
    pub(crate) fn protected_fields(
        &self,
        schema: &Schema,
        implementers: &apollo_compiler::collections::HashMap<Name, Implementers>,
        document: &ExecutableDocument,
        operation: &Operation,
    ) -> ProtectedFields {
        let mut protected = ProtectedFields::default();
        if !self.by_field.is_empty() {
            let mut walk = Walk {
                requirements: self,
                schema,
                implementers,
                document,
                seen: BTreeSet::new(),
                protected: &mut protected,
            };
            walk.selection_set(&operation.selection_set);
        }
        protected
    }

    pub(crate) fn decide(&self, protected: &ProtectedFields, identity: &Identity) -> Decision {
        let failed =
            protected.rules.iter().filter(|rule| !is_satisfied(&self.rules[**rule], identity));
        Decision(failed.copied().collect())
    }
}

impl ProtectedFields {
    /// `Type.field` coordinates that are denied under a decision.
    pub(crate) fn denied(&self, decision: &Decision) -> BTreeSet<String> {
        let fails =
            |rules: &BTreeSet<RuleIndex>| decision.0.iter().any(|rule| rules.contains(rule));
        self.fields
            .iter()
            .filter(|(_, rules)| fails(rules))
            .map(|((type_name, field_name), _)| format!("{type_name}.{field_name}"))
            .collect()
    }
}

/// Any of the groups, each whole. No policy engine exists, so nobody has a policy.
fn is_satisfied(authorization: &Authorization, identity: &Identity) -> bool {
    let Authorization { authenticated, scopes, policies } = authorization;
    let has_scopes = scopes.is_empty()
        || scopes.iter().any(|group| group.iter().all(|scope| identity.has_scope(scope)));
    let has_policies = policies.is_empty() || policies.iter().any(Vec::is_empty);
    (!authenticated || identity.is_authenticated()) && has_scopes && has_policies
}

struct Walk<'w> {
    requirements: &'w Requirements,
    schema: &'w Schema,
    implementers: &'w apollo_compiler::collections::HashMap<Name, Implementers>,
    document: &'w ExecutableDocument,
    /// Fragments that have been looked into.
    seen: BTreeSet<Name>,
    protected: &'w mut ProtectedFields,
}

impl Walk<'_> {
    fn selection_set(&mut self, selection_set: &SelectionSet) {
        for selection in &selection_set.selections {
            match selection {
                Selection::Field(field) => {
                    self.field(&selection_set.ty, &field.name);
                    self.selection_set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    if self.seen.insert(spread.fragment_name.clone())
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.selection_set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn field(&mut self, parent: &Name, field: &Name) {
        self.note(parent, field);
        if let Some(ExtendedType::Interface(_)) = self.schema.types.get(parent)
            && let Some(implementers) = self.implementers.get(parent)
        {
            for object in &implementers.objects {
                self.note(object, field);
            }
        }
    }

    fn note(&mut self, type_name: &Name, field: &Name) {
        if let Some(rules) =
            self.requirements.by_field.get(type_name).and_then(|fields| fields.get(field))
        {
            self.protected.rules.extend(rules);
            self.protected.fields.insert((type_name.clone(), field.clone()), rules.clone());
        }
    }
}
