//! The field sets of `@key`, `@requires` and `@provides`.

use apollo_compiler::Name;

use crate::diagnostic::Diagnostic;
use crate::subgraph::field_set::{self, FieldSet, Selection};
use crate::subgraph::link::Version;
use crate::subgraph::metadata::Metadata;
use crate::subgraph::model::{Applied, Kind};
use crate::subgraph::{Parsed, Subgraph};

pub(super) fn check(
    subgraph: &Subgraph<Parsed>,
    metadata: &Metadata,
    errors: &mut Vec<Diagnostic>,
) {
    let mut ctx = Ctx { subgraph, metadata, errors };
    for def in subgraph.schema.types.values().filter(|def| def.kind.has_fields()) {
        for key in subgraph.applied(&def.directives, "key") {
            let before = ctx.errors.len();
            ctx.check(&Rule::KEY, key, &def.name, &def.name);
            let is_valid = ctx.errors.len() == before;
            let too_old = subgraph.version.is_some_and(|version| version < Version::new(2, 3));
            if is_valid && def.kind == Kind::Interface && too_old {
                ctx.error(
                    "KEY_UNSUPPORTED_ON_INTERFACE",
                    &key.name,
                    format!("`{}`: keys on interfaces need federation v2.3 or newer", def.name),
                );
            }
        }
        for field in def.fields.values() {
            let coordinate = format!("{}.{}", def.name, field.name);
            for requires in subgraph.applied(&field.directives, "requires") {
                if def.kind == Kind::Interface {
                    ctx.error(
                        "REQUIRES_UNSUPPORTED_ON_INTERFACE",
                        &requires.name,
                        format!("`{coordinate}` is a field of an interface: no @requires there"),
                    );
                }
                ctx.check(&Rule::REQUIRES, requires, &def.name, &coordinate);
            }
            for provides in subgraph.applied(&field.directives, "provides") {
                if metadata.is_external(&def.name, &field.name) {
                    ctx.error(
                        "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
                        &provides.name,
                        format!("`{coordinate}` is @external and so cannot have @provides"),
                    );
                    continue;
                }
                let target = field.ty.inner_named_type();
                if !subgraph.schema.kind(target).is_some_and(Kind::is_composite) {
                    ctx.error(
                        "PROVIDES_ON_NON_OBJECT_FIELD",
                        &provides.name,
                        format!("`{coordinate}` has type `{}`, which has no fields", field.ty),
                    );
                    continue;
                }
                if def.kind == Kind::Interface {
                    ctx.error(
                        "PROVIDES_UNSUPPORTED_ON_INTERFACE",
                        &provides.name,
                        format!("`{coordinate}` is a field of an interface: no @provides there"),
                    );
                }
                ctx.check(&Rule::PROVIDES, provides, target, &coordinate);
            }
        }
    }
}

/// How the three directives differ.
struct Rule {
    directive: &'static str,
    prefix: &'static str,
    fields_with_arguments: bool,
    leaves_must_be_external: bool,
    abstract_fields: bool,
}

impl Rule {
    const KEY: Self = Self {
        directive: "key",
        prefix: "KEY",
        fields_with_arguments: false,
        leaves_must_be_external: false,
        abstract_fields: false,
    };
    const REQUIRES: Self = Self {
        directive: "requires",
        prefix: "REQUIRES",
        fields_with_arguments: true,
        leaves_must_be_external: true,
        abstract_fields: true,
    };
    const PROVIDES: Self = Self {
        directive: "provides",
        prefix: "PROVIDES",
        fields_with_arguments: false,
        leaves_must_be_external: true,
        abstract_fields: true,
    };
}

struct Ctx<'a> {
    subgraph: &'a Subgraph<Parsed>,
    metadata: &'a Metadata,
    errors: &'a mut Vec<Diagnostic>,
}

impl Ctx<'_> {
    fn error(&mut self, code: &str, at: &Name, message: impl AsRef<str>) {
        self.errors.push(self.subgraph.error(code, at, message));
    }

    fn check(&mut self, rule: &Rule, applied: &Applied, parent: &Name, place: &str) {
        let Rule { directive, prefix, .. } = *rule;
        let Some(value) = applied.arg("fields") else { return };
        let what = format!("@{directive}(fields: {value}) on `{place}`");
        let Some(text) = value.as_str() else {
            let code = format!("{prefix}_INVALID_FIELDS_TYPE");
            return self.error(&code, &applied.name, format!("{what}: `fields` must be a string"));
        };
        let invalid = format!("{prefix}_INVALID_FIELDS");
        let fields = match FieldSet::parse(text) {
            Ok(fields) => fields,
            Err(why) => return self.error(&invalid, &applied.name, format!("{what}: {why}")),
        };
        let directives = field_set::directives_in(&fields.0);
        let definitions = &self.subgraph.schema.directive_definitions;
        if let Some(unknown) = directives.iter().find(|name| !definitions.contains_key(**name)) {
            let message = format!("{what}: unknown directive `@{unknown}`");
            return self.error(&invalid, &applied.name, message);
        }
        if !directives.is_empty() {
            let code = format!("{prefix}_DIRECTIVE_IN_FIELDS_ARG");
            let message = format!("{what}: no directives may be applied in a field set");
            self.error(&code, &applied.name, message);
        }
        if field_set::has_aliases(&fields.0) {
            let message = format!("{what}: no aliases may be used in a field set");
            return self.error(&invalid, &applied.name, message);
        }
        if !rule.abstract_fields
            && !self.check_no_abstract_fields(&fields.0, parent, &what, &applied.name)
        {
            return;
        }
        if let Err(why) = field_set::check(&self.subgraph.schema, parent, &fields.0) {
            return self.error(&invalid, &applied.name, format!("{what}: {why}"));
        }
        if !rule.fields_with_arguments && self.has_arguments(&fields.0, parent) {
            let code = format!("{prefix}_FIELDS_HAS_ARGS");
            let message = format!("{what}: fields with arguments cannot be selected");
            self.error(&code, &applied.name, message);
        }
        if rule.leaves_must_be_external {
            let code = format!("{prefix}_FIELDS_MISSING_EXTERNAL");
            self.check_leaves(&fields.0, parent, false, &what, (&code, &applied.name));
        }
    }

    fn has_arguments(&self, selections: &[Selection], parent: &str) -> bool {
        let mut found = false;
        let _ = field_set::visit(&self.subgraph.schema, parent, selections, &mut |visit| {
            found |= !visit.field.args.is_empty() || !visit.selected.args.is_empty();
        });
        found
    }

    fn check_no_abstract_fields(
        &mut self,
        selections: &[Selection],
        parent: &Name,
        what: &str,
        at: &Name,
    ) -> bool {
        let subgraph = self.subgraph;
        let mut found = Vec::new();
        let _ = field_set::visit(&subgraph.schema, parent, selections, &mut |visit| {
            let ty = visit.field.ty.inner_named_type();
            if subgraph.schema.kind(ty).is_some_and(Kind::is_abstract) {
                found.push(format!(
                    "{what}: `{}.{}` is of the abstract type `{ty}`, which no key may select",
                    visit.parent, visit.field.name
                ));
            }
        });
        let fine = found.is_empty();
        for message in found {
            self.error("KEY_FIELDS_SELECT_INVALID_TYPE", at, message);
        }
        fine
    }

    /// Leaves must be external themselves, or be below an external field.
    fn check_leaves(
        &mut self,
        selections: &[Selection],
        parent: &str,
        below_external: bool,
        what: &str,
        error: (&str, &Name),
    ) {
        for selection in selections {
            match selection {
                Selection::Inline { on, sub, directives: _ } => {
                    let condition: &str = on.as_ref().map_or(parent, |name| name.as_str());
                    self.check_leaves(sub, condition, below_external, what, error);
                }
                Selection::Field(selected) => {
                    let schema = &self.subgraph.schema;
                    let Some(field) = schema.field(parent, &selected.name) else { continue };
                    if selected.sub.is_empty() {
                        let is_external = self.metadata.is_external(parent, &selected.name);
                        if !is_external && !below_external {
                            let why = if self.metadata.is_fake_external(parent, &selected.name) {
                                "is a key field of an extension, so its @external has no effect"
                            } else {
                                "is not @external"
                            };
                            let message = format!(
                                "{what}: `{parent}.{}` {why}; it is resolved here anyway",
                                selected.name
                            );
                            self.error(error.0, error.1, message);
                        }
                    } else {
                        let ty = field.ty.inner_named_type().clone();
                        let below = below_external || self.may_be_external(parent, &selected.name);
                        self.check_leaves(&selected.sub, &ty, below, what, error);
                    }
                }
            }
        }
    }

    /// A field of an interface may be external when an implementation's is.
    fn may_be_external(&self, parent: &str, field: &str) -> bool {
        if self.metadata.is_external(parent, field) {
            return true;
        }
        let schema = &self.subgraph.schema;
        schema.kind(parent) == Some(Kind::Interface)
            && schema
                .implementations(parent)
                .any(|implementation| self.metadata.is_external(implementation, field))
    }
}
