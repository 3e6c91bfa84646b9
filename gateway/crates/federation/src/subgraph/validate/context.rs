//! `@context` and `@fromContext`: values handed down from an ancestor to an argument.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;
use crate::subgraph::field_set::{self, FieldSet, SelectedField, Selection};
use crate::subgraph::metadata::split_context_selection;
use crate::subgraph::model::{Field, InputValue, Kind, TypeDef};
use crate::subgraph::{Parsed, Subgraph};

pub(super) fn check(subgraph: &Subgraph<Parsed>, errors: &mut Vec<Diagnostic>) {
    let mut ctx = Ctx { subgraph, setters: IndexMap::new(), errors };
    ctx.collect_setters();
    for def in subgraph.schema.directive_definitions.values() {
        for arg in def.args.values() {
            if subgraph.has(&arg.directives, "fromContext") {
                ctx.error(
                    "CONTEXT_NOT_SET",
                    &arg.name,
                    format!(
                        "an argument of the directive `@{}` cannot come from a context",
                        def.name
                    ),
                );
            }
        }
    }
    for def in subgraph.schema.types.values() {
        for field in def.fields.values() {
            for arg in field.args.values() {
                if subgraph.has(&arg.directives, "fromContext") {
                    ctx.check_argument(def, field, arg);
                }
            }
        }
    }
}

struct Ctx<'a> {
    subgraph: &'a Subgraph<Parsed>,
    setters: IndexMap<String, Vec<Name>>,
    errors: &'a mut Vec<Diagnostic>,
}

impl Ctx<'_> {
    fn error(&mut self, code: &str, at: &Name, message: impl AsRef<str>) {
        self.errors.push(self.subgraph.error(code, at, message));
    }

    fn collect_setters(&mut self) {
        for def in self.subgraph.schema.types.values() {
            for context in self.subgraph.applied(&def.directives, "context") {
                let Some(name) = context.str_arg("name") else { continue };
                let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.chars().all(|c| c.is_ascii_alphanumeric());
                if !valid {
                    self.errors.push(self.subgraph.error(
                        "CONTEXT_NAME_INVALID",
                        &context.name,
                        format!("the context name `{name}` on `{}` must be alphanumeric", def.name),
                    ));
                }
                self.setters.entry(name.to_owned()).or_default().push(def.name.clone());
            }
        }
    }

    fn check_argument(&mut self, def: &TypeDef, field: &Field, arg: &InputValue) {
        let place = format!("{}.{}({}:)", def.name, field.name, arg.name);
        if def.kind == Kind::Interface {
            let message = format!("`{place}`: interfaces' arguments cannot come from a context");
            return self.error("CONTEXT_NOT_SET", &arg.name, message);
        }
        for interface in &def.implements {
            let promised = self.subgraph.schema.field(interface, &field.name);
            if promised.is_some_and(|promised| promised.args.contains_key(&arg.name)) {
                let message = format!(
                    "`{place}` implements an argument of `{interface}`, so it cannot come from \
                     a context"
                );
                self.error("CONTEXT_NOT_SET", &arg.name, message);
            }
        }
        if arg.default.is_some() {
            let message = format!("`{place}` comes from a context and so cannot have a default");
            self.error("CONTEXT_NOT_SET", &arg.name, message);
        }
        let has_key = self
            .subgraph
            .applied(&def.directives, "key")
            .any(|key| key.bool_arg("resolvable").unwrap_or(true));
        if !has_key {
            let message = format!("`{}` uses a context and so needs a resolvable @key", def.name);
            self.error("CONTEXT_NO_RESOLVABLE_KEY", &arg.name, message);
        }
        let applied = self.subgraph.first(&arg.directives, "fromContext");
        let text = applied.and_then(|applied| applied.str_arg("field")).unwrap_or_default();
        let Some((context, selection)) = split_context_selection(text) else {
            let message = format!("`{place}`: `{text}` is not of the form `$context {{ field }}`");
            return self.error("NO_CONTEXT_IN_SELECTION", &arg.name, message);
        };
        let Some(locations) = self.setters.get(context).cloned() else {
            let message = format!("`{place}`: no type sets the context `{context}`");
            return self.error("CONTEXT_NOT_SET", &arg.name, message);
        };
        if let Err(why) = self.check_selection(selection, &locations, arg) {
            let message = format!("`{place}`: the selection of `{text}` is invalid: {why}");
            self.error("CONTEXT_INVALID_SELECTION", &arg.name, message);
        }
    }

    fn check_selection(
        &self,
        selection: &str,
        locations: &[Name],
        arg: &InputValue,
    ) -> Result<(), String> {
        let selections = FieldSet::parse(selection)?.0;
        if !field_set::directives_in(&selections).is_empty() {
            return Err("no directives may be applied".to_owned());
        }
        if field_set::has_aliases(&selections) {
            return Err("no aliases may be used".to_owned());
        }
        match selections.as_slice() {
            [Selection::Field(field)] => {
                for location in locations {
                    field_set::check(&self.subgraph.schema, location, &selections)?;
                    let ty = self.selected_type(location, field)?;
                    self.check_type(&ty, &arg.ty)?;
                }
                Ok(())
            }
            fragments => self.check_fragments(fragments, locations, arg),
        }
    }

    fn check_fragments(
        &self,
        fragments: &[Selection],
        locations: &[Name],
        arg: &InputValue,
    ) -> Result<(), String> {
        let mut used = vec![false; fragments.len()];
        for location in locations {
            let possible = self.subgraph.schema.possible_types(location);
            let mut matched = false;
            for (index, fragment) in fragments.iter().enumerate() {
                let Selection::Inline { on: Some(on), sub, directives: _ } = fragment else {
                    return Err("it must select one field, or be fragments on types".to_owned());
                };
                if self.subgraph.schema.kind(on) != Some(Kind::Object) {
                    return Err(format!("the fragment must be on an object type, not `{on}`"));
                }
                if !possible.contains(on) {
                    continue;
                }
                let [Selection::Field(field)] = sub.as_slice() else {
                    return Err("each fragment must select one field".to_owned());
                };
                field_set::check(&self.subgraph.schema, on, sub)?;
                let ty = self.selected_type(on, field)?;
                self.check_type(&ty, &arg.ty)?;
                used[index] = true;
                matched = true;
            }
            if !matched {
                return Err(format!("no fragment is on `{location}`, which sets the context"));
            }
        }
        match used.iter().position(|used| !used) {
            Some(_) => Err("a fragment is on a type that does not set the context".to_owned()),
            None => Ok(()),
        }
    }

    /// The type of the one leaf selected.
    fn selected_type(&self, parent: &str, selected: &SelectedField) -> Result<Type, String> {
        let field = self
            .subgraph
            .schema
            .field(parent, &selected.name)
            .ok_or_else(|| format!("`{parent}` has no field `{}`", selected.name))?;
        match selected.sub.as_slice() {
            [] => Ok(field.ty.clone()),
            [Selection::Field(below)] => {
                let inner = self.selected_type(field.ty.inner_named_type(), below)?;
                // A null on the way makes the value null.
                let inner = if field.ty.is_non_null() { inner } else { inner.nullable() };
                Ok(if field.ty.is_list() { inner.list() } else { inner })
            }
            _ => Err("it must select exactly one field at every level".to_owned()),
        }
    }

    fn check_type(&self, selected: &Type, wanted: &Type) -> Result<(), String> {
        // The value is null where a request fails on the way, so the argument must allow that.
        let selected = selected.clone().nullable();
        if self.subgraph.schema.is_subtype(&selected, wanted) {
            return Ok(());
        }
        Err(format!("`{selected}` does not fit `{wanted}`"))
    }
}
