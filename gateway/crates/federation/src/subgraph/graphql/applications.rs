//! Applied directives: known, in an allowed place, not repeated, with fitting arguments.

use apollo_compiler::ast::DirectiveLocation;
use indexmap::IndexSet;

use super::Ctx;
use super::values::is_valid;
use crate::subgraph::model::{Applied, InputValue};

pub(super) fn check(ctx: &mut Ctx<'_>) {
    let schema = ctx.schema;
    check_list(ctx, &schema.directives, DirectiveLocation::Schema, "the schema");
    for def in schema.types.values() {
        check_list(ctx, &def.directives, def.kind.location(), &def.name);
        for field in def.fields.values() {
            let coordinate = format!("{}.{}", def.name, field.name);
            check_list(ctx, &field.directives, DirectiveLocation::FieldDefinition, &coordinate);
            check_arguments(ctx, &coordinate, field.args.values());
        }
        for field in def.input_fields.values() {
            let coordinate = format!("{}.{}", def.name, field.name);
            let location = DirectiveLocation::InputFieldDefinition;
            check_list(ctx, &field.directives, location, &coordinate);
        }
        for value in def.values.values() {
            let coordinate = format!("{}.{}", def.name, value.name);
            check_list(ctx, &value.directives, DirectiveLocation::EnumValue, &coordinate);
        }
    }
    for def in schema.directive_definitions.values() {
        check_arguments(ctx, &format!("@{}", def.name), def.args.values());
    }
}

fn check_arguments<'a>(
    ctx: &mut Ctx<'_>,
    parent: &str,
    args: impl Iterator<Item = &'a InputValue>,
) {
    for arg in args {
        let coordinate = format!("{parent}({}:)", arg.name);
        check_list(ctx, &arg.directives, DirectiveLocation::ArgumentDefinition, &coordinate);
    }
}

fn check_list(ctx: &mut Ctx<'_>, list: &[Applied], location: DirectiveLocation, place: &str) {
    let mut seen = IndexSet::new();
    for applied in list {
        let name = &applied.name;
        let Some(def) = ctx.schema.directive_definitions.get(name) else {
            let hint = if is_federation_name(name) {
                ". If you meant the directive of federation, import it with @link"
            } else {
                ""
            };
            ctx.error(name, format!("unknown directive `@{name}` on `{place}`{hint}"));
            continue;
        };
        if !def.locations.contains(&location) {
            ctx.error(name, format!("`@{name}` may not be used on {location}, as on `{place}`"));
        }
        if !def.repeatable && !seen.insert(name.clone()) {
            ctx.error(name, format!("`@{name}` can be used only once on `{place}`"));
        }
        for (arg, value) in &applied.args {
            match def.args.get(arg) {
                None => {
                    ctx.error(arg, format!("`@{name}` on `{place}` has no argument `{arg}`"));
                }
                Some(arg_def) if !is_valid(ctx.schema, value, &arg_def.ty) => ctx.error(
                    arg,
                    format!(
                        "`{value}` does not fit `{arg}` of `@{name}` on `{place}`, a `{}`",
                        arg_def.ty
                    ),
                ),
                Some(_) => {}
            }
        }
        for arg in def.args.values() {
            if arg.is_required() && applied.arg(&arg.name).is_none() {
                ctx.error(
                    name,
                    format!("`@{name}` on `{place}` needs the argument `{}`", arg.name),
                );
            }
        }
    }
}

fn is_federation_name(name: &str) -> bool {
    matches!(
        name,
        "key"
            | "requires"
            | "provides"
            | "external"
            | "shareable"
            | "override"
            | "tag"
            | "inaccessible"
            | "extends"
            | "interfaceObject"
            | "composeDirective"
            | "authenticated"
            | "requiresScopes"
            | "policy"
            | "context"
            | "fromContext"
            | "cost"
            | "listSize"
            | "cacheTag"
    )
}
