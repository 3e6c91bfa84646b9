//! Types: names, known references, input and output positions, emptiness, default values.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use indexmap::{IndexMap, IndexSet};

use super::Ctx;
use super::values::is_valid;
use crate::subgraph::model::{InputValue, Kind, ROOTS, TypeDef, has};

pub(super) fn check(ctx: &mut Ctx<'_>) {
    check_roots(ctx);
    for def in ctx.schema.types.values() {
        check_name(ctx, &def.name);
        check_type(ctx, def);
    }
    for def in ctx.schema.directive_definitions.values() {
        check_name(ctx, &def.name);
        check_inputs(ctx, &format!("@{}", def.name), def.args.values());
    }
}

fn check_roots(ctx: &mut Ctx<'_>) {
    for operation in ROOTS {
        let Some(root) = ctx.schema.root(operation) else { continue };
        match ctx.schema.kind(root) {
            Some(Kind::Object) => {}
            Some(kind) => ctx.error(
                root,
                format!("the {operation} root `{root}` must be an object, not {}", kind.words()),
            ),
            None => ctx.error(root, format!("the {operation} root `{root}` is not defined")),
        }
    }
}

fn check_name(ctx: &mut Ctx<'_>, name: &Name) {
    if name.starts_with("__") {
        ctx.error(name, format!("`{name}` must not begin with `__`, which GraphQL reserves"));
    }
}

fn check_type(ctx: &mut Ctx<'_>, def: &TypeDef) {
    let name = &def.name;
    match def.kind {
        Kind::Scalar => {}
        Kind::Object | Kind::Interface => {
            if def.fields.is_empty() && ctx.schema.query.as_ref() != Some(name) {
                ctx.error(name, format!("`{name}` must have fields"));
            }
            for field in def.fields.values() {
                check_name(ctx, &field.name);
                let coordinate = format!("{name}.{}", field.name);
                match ctx.schema.kind(field.ty.inner_named_type()) {
                    None => unknown(ctx, field.ty.inner_named_type(), &coordinate),
                    Some(Kind::InputObject) => ctx.error(
                        field.ty.inner_named_type(),
                        format!("`{coordinate}` must have an output type, not `{}`", field.ty),
                    ),
                    Some(_) => {}
                }
                check_inputs(ctx, &coordinate, field.args.values());
            }
            for interface in &def.implements {
                match ctx.schema.kind(interface) {
                    Some(Kind::Interface) => {}
                    Some(_) => ctx.error(
                        interface,
                        format!("`{name}` cannot implement `{interface}`: it is no interface"),
                    ),
                    None => unknown(ctx, interface, name),
                }
            }
        }
        Kind::Union => {
            if def.members.is_empty() {
                ctx.error(name, format!("the union `{name}` must have members"));
            }
            for member in &def.members {
                match ctx.schema.kind(member) {
                    Some(Kind::Object) => {}
                    Some(_) => ctx.error(
                        member,
                        format!("`{member}` cannot be in the union `{name}`: it is no object"),
                    ),
                    None => unknown(ctx, member, name),
                }
            }
        }
        Kind::Enum => {
            if def.values.is_empty() {
                ctx.error(name, format!("the enum `{name}` must have values"));
            }
            for value in def.values.keys() {
                check_name(ctx, value);
                if matches!(value.as_str(), "true" | "false" | "null") {
                    ctx.error(value, format!("the enum `{name}` cannot have the value `{value}`"));
                }
            }
        }
        Kind::InputObject => {
            if def.input_fields.is_empty() {
                ctx.error(name, format!("the input object `{name}` must have fields"));
            }
            check_inputs(ctx, name, def.input_fields.values());
        }
    }
}

fn check_inputs<'a>(ctx: &mut Ctx<'_>, parent: &str, inputs: impl Iterator<Item = &'a InputValue>) {
    for input in inputs {
        check_name(ctx, &input.name);
        let coordinate = format!("{parent}.{}", input.name);
        match ctx.schema.kind(input.ty.inner_named_type()) {
            None => unknown(ctx, input.ty.inner_named_type(), &coordinate),
            Some(kind) if !kind.is_input() => ctx.error(
                input.ty.inner_named_type(),
                format!("`{coordinate}` must have an input type, not `{}`", input.ty),
            ),
            Some(_) => {}
        }
        if input.is_required() && has(&input.directives, "deprecated") {
            ctx.error(&input.name, format!("`{coordinate}` is required, so not deprecated"));
        }
        if let Some(default) = &input.default
            && !is_valid(ctx.schema, default, &input.ty)
        {
            ctx.error(
                &input.name,
                format!("`{default}` is no valid default for `{coordinate}`: `{}`", input.ty),
            );
        }
    }
}

fn unknown(ctx: &mut Ctx<'_>, name: &Name, place: &str) {
    ctx.error(name, format!("`{place}` refers to the unknown type `{name}`"));
}

/// Input objects that contain themselves through non-null fields can never be written down.
pub(super) fn check_input_cycles(ctx: &mut Ctx<'_>) {
    let edges: IndexMap<&Name, Vec<&Name>> = ctx
        .schema
        .types
        .values()
        .filter(|def| def.kind == Kind::InputObject)
        .map(|def| {
            let required = def.input_fields.values().filter_map(|field| match &field.ty {
                Type::NonNullNamed(name) => Some(name),
                Type::Named(_) | Type::List(_) | Type::NonNullList(_) => None,
            });
            (&def.name, required.collect())
        })
        .collect();
    for start in edges.keys() {
        let mut seen = IndexSet::new();
        let mut open: Vec<&Name> = edges[*start].clone();
        while let Some(next) = open.pop() {
            if next == *start {
                ctx.error(start, format!("`{start}` contains itself through non-null fields"));
                break;
            }
            if seen.insert(next) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
    }
}
