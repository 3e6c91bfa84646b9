//! A field that pulls in other data must ask for everything that data asks for.

use apollo_compiler::Name;

use crate::composition::Input;
use crate::composition::merge::{Merged, Requirement};
use crate::diagnostic::Diagnostic;
use crate::subgraph::field_set::{self, FieldSet, Selection};
use crate::subgraph::metadata::split_context_selection;
use crate::subgraph::model::{Applied, Field, Schema, TypeDef};

/// What must be true of a caller.
#[derive(Clone, Debug)]
struct Requirements {
    authenticated: bool,
    scopes: Requirement,
    policies: Requirement,
}

/// The names of the three directives in the supergraph.
struct Names {
    authenticated: Option<Name>,
    scopes: Option<Name>,
    policies: Option<Name>,
}

impl Requirements {
    fn none() -> Self {
        let none = Requirement::none;
        Self { authenticated: false, scopes: none(), policies: none() }
    }

    fn add(&mut self, names: &Names, directives: &[Applied]) {
        for applied in directives {
            let is = |name: &Option<Name>| name.as_ref() == Some(&applied.name);
            if is(&names.authenticated) {
                self.authenticated = true;
            } else if is(&names.scopes) {
                if let Some(value) = applied.arg("scopes") {
                    self.scopes = self.scopes.and(&Requirement::from_value(value));
                }
            } else if is(&names.policies)
                && let Some(value) = applied.arg("policies")
            {
                self.policies = self.policies.and(&Requirement::from_value(value));
            }
        }
    }

    fn implies(&self, other: &Self) -> bool {
        (self.authenticated || !other.authenticated)
            && self.scopes.implies(&other.scopes)
            && self.policies.implies(&other.policies)
    }
}

pub(super) fn check(merged: &Merged, inputs: &[Input], errors: &mut Vec<Diagnostic>) {
    let name = |known: &str| merged.composed.get(known).cloned();
    let names = Names {
        authenticated: name("authenticated"),
        scopes: name("requiresScopes"),
        policies: name("policy"),
    };
    if names.authenticated.is_none() && names.scopes.is_none() && names.policies.is_none() {
        return;
    }
    let schema = &merged.schema;
    for input in inputs {
        for def in input.subgraph.schema.types.values() {
            for field in def.fields.values() {
                for (kind, selections) in selections_of(input, def, field) {
                    let own = own_requirements(schema, &names, def, field);
                    for (parent, selections) in selections {
                        let Some(missing) =
                            first_unmet(schema, &names, &parent, &selections.0, &own)
                        else {
                            continue;
                        };
                        errors.push(
                            input
                                .subgraph
                                .error(
                                    "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
                                    &field.name,
                                    format!(
                                        "`{}.{}` reads `{missing}` by @{kind}, but does not ask \
                                         for what `{missing}` asks for",
                                        def.name, field.name
                                    ),
                                )
                                .help("apply the same @authenticated, @requiresScopes or @policy"),
                        );
                        break;
                    }
                }
            }
        }
    }
}

fn own_requirements(schema: &Schema, names: &Names, def: &TypeDef, field: &Field) -> Requirements {
    let mut own = Requirements::none();
    if let Some(merged) = schema.types.get(&def.name) {
        own.add(names, &merged.directives);
        if let Some(field) = merged.fields.get(&field.name) {
            own.add(names, &field.directives);
        }
    }
    own
}

type Selections = Vec<(Name, FieldSet)>;

/// What the field's directives select, and on which types.
fn selections_of(input: &Input, def: &TypeDef, field: &Field) -> Vec<(&'static str, Selections)> {
    let subgraph = &input.subgraph;
    let mut found = Vec::new();
    let requires = subgraph
        .first(&field.directives, "requires")
        .and_then(|applied| FieldSet::parse(applied.str_arg("fields")?).ok());
    if let Some(fields) = requires {
        found.push(("requires", vec![(def.name.clone(), fields)]));
    }
    for arg in field.args.values() {
        let Some((context, selection)) = subgraph
            .first(&arg.directives, "fromContext")
            .and_then(|applied| split_context_selection(applied.str_arg("field")?))
        else {
            continue;
        };
        let Ok(fields) = FieldSet::parse(selection) else { continue };
        let locations = subgraph.schema.types.values().filter(|location| {
            subgraph
                .applied(&location.directives, "context")
                .any(|applied| applied.str_arg("name") == Some(context))
        });
        let selections = locations.map(|l| (l.name.clone(), fields.clone())).collect();
        found.push(("fromContext", selections));
    }
    found
}

fn first_unmet(
    schema: &Schema,
    names: &Names,
    parent: &str,
    selections: &[Selection],
    own: &Requirements,
) -> Option<String> {
    let mut unmet = None;
    let _ = field_set::visit(schema, parent, selections, &mut |visit| {
        let mut needed = Requirements::none();
        needed.add(names, &visit.field.directives);
        if let Some(ty) = schema.types.get(visit.field.ty.inner_named_type()) {
            needed.add(names, &ty.directives);
        }
        if unmet.is_none() && !own.implies(&needed) {
            unmet = Some(format!("{}.{}", visit.parent, visit.field.name));
        }
    });
    unmet
}
