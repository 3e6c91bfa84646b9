//! Objects and interfaces provide what the interfaces they implement promise.

use super::Ctx;
use crate::subgraph::model::{Field, TypeDef};

pub(super) fn check(ctx: &mut Ctx<'_>) {
    for def in ctx.schema.types.values() {
        for interface in &def.implements {
            if *interface == def.name {
                ctx.error(interface, format!("`{}` cannot implement itself", def.name));
            }
            let Some(interface) = ctx.schema.types.get(interface) else { continue };
            check_implementation(ctx, def, interface);
        }
    }
}

fn check_implementation(ctx: &mut Ctx<'_>, def: &TypeDef, interface: &TypeDef) {
    for promised in interface.fields.values() {
        match def.fields.get(&promised.name) {
            None => ctx.error(
                &def.name,
                format!(
                    "`{}` implements `{}` but lacks its field `{}`",
                    def.name, interface.name, promised.name
                ),
            ),
            Some(field) => check_field(ctx, def, interface, promised, field),
        }
    }
    for inherited in &interface.implements {
        if *inherited == def.name {
            ctx.error(
                &def.name,
                format!("`{}` and `{}` implement each other", def.name, interface.name),
            );
        } else if !def.implements.contains(inherited) {
            ctx.error(
                &def.name,
                format!(
                    "`{}` must implement `{inherited}` too, because `{}` does",
                    def.name, interface.name
                ),
            );
        }
    }
}

fn check_field(
    ctx: &mut Ctx<'_>,
    def: &TypeDef,
    interface: &TypeDef,
    promised: &Field,
    field: &Field,
) {
    let coordinate = format!("{}.{}", def.name, field.name);
    let promise = format!("{}.{}", interface.name, promised.name);
    if !ctx.schema.is_subtype(&field.ty, &promised.ty) {
        ctx.error(
            &field.name,
            format!(
                "`{coordinate}` has type `{}`, which is no subtype of `{}` of `{promise}`",
                field.ty, promised.ty
            ),
        );
    }
    for arg in promised.args.values() {
        match field.args.get(&arg.name) {
            None => ctx.error(
                &field.name,
                format!("`{coordinate}` lacks the argument `{}` of `{promise}`", arg.name),
            ),
            Some(own) if own.ty != arg.ty => ctx.error(
                &own.name,
                format!(
                    "the argument `{}` of `{coordinate}` has type `{}` but `{}` in `{promise}`",
                    arg.name, own.ty, arg.ty
                ),
            ),
            Some(_) => {}
        }
    }
    for arg in field.args.values() {
        if arg.is_required() && !promised.args.contains_key(&arg.name) {
            ctx.error(
                &arg.name,
                format!(
                    "`{coordinate}` requires the argument `{}`, `{promise}` has none",
                    arg.name
                ),
            );
        }
    }
}
