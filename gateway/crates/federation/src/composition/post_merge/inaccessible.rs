//! `@inaccessible` elements leave the API schema; what stays must be whole without them.

use apollo_compiler::Name;
use apollo_compiler::ast::{Type, Value};

use crate::diagnostic::Diagnostic;
use crate::subgraph::link::{self, INACCESSIBLE};
use crate::subgraph::model::{self, Applied, Field, InputValue, Kind, Schema, TypeDef};
use crate::subgraph::source::Source;

pub(crate) fn check(schema: &Schema, errors: &mut Vec<Diagnostic>) {
    let Ok(links) = link::read(schema, &Source::new("supergraph", "")) else { return };
    let Some(link) = links.get(INACCESSIBLE) else { return };
    let mut ctx = Ctx { schema, name: link.directive_name("inaccessible"), errors };
    for def in schema.types.values() {
        if ctx.hidden(&def.directives) {
            ctx.check_hidden_type(def);
        } else {
            ctx.check_visible_type(def);
        }
    }
    for def in schema.directive_definitions.values() {
        for arg in def.args.values() {
            let place = format!("@{}({}:)", def.name, arg.name);
            if ctx.hidden(&arg.directives) {
                if arg.is_required() {
                    ctx.error(
                        "REQUIRED_INACCESSIBLE",
                        format!("`{place}` is @inaccessible but required"),
                    );
                }
            } else {
                ctx.check_input(&place, arg);
            }
        }
    }
}

struct Ctx<'a> {
    schema: &'a Schema,
    name: String,
    errors: &'a mut Vec<Diagnostic>,
}

impl Ctx<'_> {
    fn hidden(&self, directives: &[Applied]) -> bool {
        model::has(directives, &self.name)
    }

    fn is_hidden_type(&self, name: &str) -> bool {
        self.schema.types.get(name).is_some_and(|def| self.hidden(&def.directives))
    }

    fn error(&mut self, code: &str, message: String) {
        self.errors.push(Diagnostic::error(code, message));
    }

    fn check_hidden_type(&mut self, def: &TypeDef) {
        if self.schema.query.as_ref() == Some(&def.name) {
            self.error(
                "QUERY_ROOT_TYPE_INACCESSIBLE",
                format!("`{}` is @inaccessible, but is the root of all queries", def.name),
            );
        }
    }

    fn check_visible_type(&mut self, def: &TypeDef) {
        self.check_has_visible_children(def);
        for field in def.fields.values() {
            self.check_field(def, field);
        }
        for field in def.input_fields.values() {
            let place = format!("{}.{}", def.name, field.name);
            if self.hidden(&field.directives) {
                if field.is_required() {
                    self.error(
                        "REQUIRED_INACCESSIBLE",
                        format!("`{place}` is @inaccessible, but a required field of its type"),
                    );
                }
            } else {
                self.check_input(&place, field);
            }
        }
    }

    fn check_has_visible_children(&mut self, def: &TypeDef) {
        let hidden_children = match def.kind {
            Kind::Object | Kind::Interface => {
                def.fields.values().all(|field| self.hidden(&field.directives))
            }
            Kind::InputObject => {
                def.input_fields.values().all(|field| self.hidden(&field.directives))
            }
            Kind::Enum => def.values.values().all(|value| self.hidden(&value.directives)),
            Kind::Union => def.members.iter().all(|member| self.is_hidden_type(member)),
            Kind::Scalar => false,
        };
        let is_empty = def.fields.is_empty()
            && def.input_fields.is_empty()
            && def.values.is_empty()
            && def.members.is_empty();
        if hidden_children && !is_empty {
            self.error(
                "ONLY_INACCESSIBLE_CHILDREN",
                format!("`{}` is visible, but everything in it is @inaccessible", def.name),
            );
        }
    }

    /// Fields of interfaces that the type implements, where both are visible.
    fn promises(&self, def: &TypeDef, field: &Name) -> Vec<(Name, Field)> {
        def.implements
            .iter()
            .filter(|interface| !self.is_hidden_type(interface))
            .filter_map(|interface| {
                Some((interface.clone(), self.schema.field(interface, field)?.clone()))
            })
            .filter(|(_, field)| !self.hidden(&field.directives))
            .collect()
    }

    fn check_field(&mut self, def: &TypeDef, field: &Field) {
        let place = format!("{}.{}", def.name, field.name);
        let promises = self.promises(def, &field.name);
        if self.hidden(&field.directives) {
            for (interface, _) in promises {
                self.error(
                    "IMPLEMENTED_BY_INACCESSIBLE",
                    format!("`{place}` is @inaccessible, but implements a field of `{interface}`"),
                );
            }
            return;
        }
        self.check_reference(&place, &field.ty);
        for arg in field.args.values() {
            let place = format!("{place}({}:)", arg.name);
            if !self.hidden(&arg.directives) {
                self.check_input(&place, arg);
                continue;
            }
            if arg.is_required() {
                self.error(
                    "REQUIRED_INACCESSIBLE",
                    format!("`{place}` is @inaccessible, but a required argument of its field"),
                );
            }
            for (interface, promise) in &promises {
                let promised = promise.args.get(&arg.name);
                if promised.is_some_and(|promised| !self.hidden(&promised.directives)) {
                    self.error(
                        "IMPLEMENTED_BY_INACCESSIBLE",
                        format!("`{place}` is @inaccessible, but implements one of `{interface}`"),
                    );
                }
            }
            self.check_no_implementation_requires(def, field, arg, &place);
        }
    }

    fn check_no_implementation_requires(
        &mut self,
        def: &TypeDef,
        field: &Field,
        arg: &InputValue,
        place: &str,
    ) {
        if def.kind != Kind::Interface {
            return;
        }
        let requiring: Vec<Name> = self
            .schema
            .types
            .values()
            .filter(|other| other.implements.contains(&def.name) && !self.hidden(&other.directives))
            .filter(|other| {
                other
                    .fields
                    .get(&field.name)
                    .filter(|own| !self.hidden(&own.directives))
                    .is_some_and(|own| {
                        own.args
                            .get(&arg.name)
                            .is_some_and(|own| own.is_required() && !self.hidden(&own.directives))
                    })
            })
            .map(|other| other.name.clone())
            .collect();
        for other in requiring {
            self.error(
                "REQUIRED_INACCESSIBLE",
                format!("`{place}` is @inaccessible, but required by `{other}`, an implementation"),
            );
        }
    }

    fn check_input(&mut self, place: &str, input: &InputValue) {
        self.check_reference(place, &input.ty);
        if let Some(default) = &input.default {
            self.check_default(place, default, &input.ty);
        }
    }

    fn check_reference(&mut self, place: &str, ty: &Type) {
        let name = ty.inner_named_type();
        if self.is_hidden_type(name) {
            self.error(
                "REFERENCED_INACCESSIBLE",
                format!("`{place}` is visible, but its type `{name}` is @inaccessible"),
            );
        }
    }

    fn check_default(&mut self, place: &str, value: &Value, ty: &Type) {
        match value {
            Value::List(values) => {
                for value in values {
                    self.check_default(place, value, ty.item_type());
                }
            }
            Value::Object(fields) => {
                let Some(def) = self.schema.types.get(ty.inner_named_type()) else { return };
                for (name, value) in fields {
                    let Some(field) = def.input_fields.get(name) else { continue };
                    if self.hidden(&field.directives) {
                        self.uses_hidden(place, &format!("{}.{name}", def.name));
                    }
                    self.check_default(place, value, &field.ty);
                }
            }
            Value::Enum(name) => {
                let Some(def) = self.schema.types.get(ty.inner_named_type()) else { return };
                let hidden = def.values.get(name).is_some_and(|v| self.hidden(&v.directives));
                if hidden {
                    self.uses_hidden(place, &format!("{}.{name}", def.name));
                }
            }
            _ => {}
        }
    }

    fn uses_hidden(&mut self, place: &str, what: &str) {
        self.error(
            "DEFAULT_VALUE_USES_INACCESSIBLE",
            format!("the default value of `{place}` uses `{what}`, which is @inaccessible"),
        );
    }
}
