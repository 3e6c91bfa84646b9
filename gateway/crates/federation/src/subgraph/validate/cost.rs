//! `@cost` and `@listSize`: estimates of what a field costs and how long its list is.

use apollo_compiler::ast::Value;

use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Field, Kind, TypeDef};
use crate::subgraph::{Parsed, Subgraph};

pub(super) fn check(subgraph: &Subgraph<Parsed>, errors: &mut Vec<Diagnostic>) {
    for def in subgraph.schema.types.values() {
        for field in def.fields.values() {
            if def.kind == Kind::Interface && subgraph.has(&field.directives, "cost") {
                errors.push(subgraph.error(
                    "COST_APPLIED_TO_INTERFACE_FIELD",
                    &field.name,
                    format!(
                        "@cost cannot be applied to the interface field `{}.{}`",
                        def.name, field.name
                    ),
                ));
            }
            for list_size in subgraph.applied(&field.directives, "listSize") {
                check_list_size(subgraph, def, field, list_size, errors);
            }
        }
    }
}

fn names(applied: &Applied, argument: &str) -> Vec<String> {
    match applied.arg(argument).map(|value| &**value) {
        Some(Value::List(values)) => {
            values.iter().filter_map(|value| value.as_str().map(ToOwned::to_owned)).collect()
        }
        Some(Value::String(value)) => vec![value.clone()],
        _ => Vec::new(),
    }
}

fn check_list_size(
    subgraph: &Subgraph<Parsed>,
    def: &TypeDef,
    field: &Field,
    applied: &Applied,
    errors: &mut Vec<Diagnostic>,
) {
    let coordinate = format!("{}.{}", def.name, field.name);
    let sized_fields = names(applied, "sizedFields");
    let mut report = |code: &str, message: String| {
        errors.push(subgraph.error(code, &field.name, message));
    };
    if sized_fields.is_empty() && !field.ty.is_list() {
        report("LIST_SIZE_APPLIED_TO_NON_LIST", format!("`{coordinate}` is not a list"));
    }
    if applied.arg("assumedSize").and_then(|v| v.to_i32()).is_some_and(|size| size < 0) {
        report(
            "LIST_SIZE_INVALID_ASSUMED_SIZE",
            format!("the assumed size of `{coordinate}` is negative"),
        );
    }
    for name in names(applied, "slicingArguments") {
        match field.args.get(name.as_str()) {
            None => report(
                "LIST_SIZE_INVALID_SLICING_ARGUMENT",
                format!("the slicing argument `{name}` is no argument of `{coordinate}`"),
            ),
            Some(arg) if arg.ty.is_list() || arg.ty.inner_named_type() != "Int" => report(
                "LIST_SIZE_INVALID_SLICING_ARGUMENT",
                format!("the slicing argument `{coordinate}({name}:)` must be an Int or Int!"),
            ),
            Some(_) => {}
        }
    }
    if sized_fields.is_empty() {
        return;
    }
    let target = subgraph.schema.types.get(field.ty.inner_named_type());
    let Some(target) = target.filter(|target| target.kind.has_fields()) else {
        report(
            "LIST_SIZE_INVALID_SIZED_FIELD",
            format!("sized fields are given, but `{}` of `{coordinate}` has no fields", field.ty),
        );
        return;
    };
    for name in sized_fields {
        match target.fields.get(name.as_str()) {
            None => report(
                "LIST_SIZE_INVALID_SIZED_FIELD",
                format!("the sized field `{name}` is no field of `{}`", target.name),
            ),
            Some(sized) if !sized.ty.is_list() => report(
                "LIST_SIZE_APPLIED_TO_NON_LIST",
                format!("the sized field `{}.{name}` is not a list", target.name),
            ),
            Some(_) => {}
        }
    }
}
