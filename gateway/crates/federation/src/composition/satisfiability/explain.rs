//! Failures in words: a query that cannot be answered, and why not, by subgraph.

use std::fmt::Write as _;

use apollo_compiler::Name;
use apollo_compiler::ast::OperationType;
use indexmap::{IndexMap, IndexSet};

use super::graph::Graph;
use super::moves::Positions;
use super::walk::Step;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::Field;

pub(super) fn unsatisfiable(
    graph: &Graph<'_>,
    operation: OperationType,
    path: &[Step],
    positions: &Positions,
    ty: &Name,
    field: &Field,
) -> Diagnostic {
    let mut message = format!(
        "`{ty}.{}` cannot be resolved by any subgraph on the way of this query:\n{}",
        field.name,
        witness(graph, operation, path, graph.is_composite(field.ty.inner_named_type()))
    );
    for reason in reasons(graph, positions, ty, &field.name) {
        append(&mut message, format_args!("\n- {reason}"));
    }
    Diagnostic::error("SATISFIABILITY_ERROR", message).help(format!(
        "make `{ty}` an entity with a key that is known where the way leads, \
         or resolve `{}` there and mark it @shareable",
        field.name
    ))
}

/// The answers of @interfaceObjects alone: nobody can say what they are.
pub(super) fn unknown_type(
    graph: &Graph<'_>,
    operation: OperationType,
    path: &[Step],
    positions: &Positions,
    (interface, object): (&Name, &Name),
) -> Diagnostic {
    let mut path = path.to_vec();
    path.push(Step::On(object.clone()));
    let mut subgraphs: IndexSet<String> = IndexSet::new();
    for position in positions {
        subgraphs.insert(format!("`{}`", graph.names[position.subgraph]));
    }
    let subgraphs: Vec<String> = subgraphs.into_iter().collect();
    let message = format!(
        "no subgraph can tell whether a `{interface}` is a `{object}` on the way of this query:\n\
         {}\n- `{interface}` is an @interfaceObject in {}, and from there no subgraph can be \
         reached in which it is an interface with a resolvable @key",
        witness(graph, operation, &path, true),
        subgraphs.join(", ")
    );
    Diagnostic::error("SATISFIABILITY_ERROR", message)
        .help(format!("add a resolvable @key to the interface `{interface}` where it is defined"))
}

fn witness(
    graph: &Graph<'_>,
    operation: OperationType,
    path: &[Step],
    is_composite: bool,
) -> String {
    let mut text = format!("{operation} {{");
    for step in path {
        match step {
            Step::Field(parent, name) => {
                append(&mut text, format_args!(" {name}"));
                let required: Vec<String> = graph
                    .schema
                    .field(parent, name)
                    .into_iter()
                    .flat_map(|field| field.args.values())
                    .filter(|arg| arg.is_required())
                    .map(|arg| format!("{}: <{}>", arg.name, arg.ty))
                    .collect();
                if !required.is_empty() {
                    append(&mut text, format_args!("({})", required.join(", ")));
                }
            }
            Step::On(object) => append(&mut text, format_args!(" ... on {object}")),
        }
        text.push_str(" {");
    }
    // The last step has no selection unless its type has fields.
    text.truncate(text.len() - 2);
    if is_composite {
        text.push_str(" { __typename }");
    }
    for _ in 0..path.len() {
        text.push_str(" }");
    }
    text
}

fn reasons(graph: &Graph<'_>, positions: &Positions, ty: &Name, field: &Name) -> Vec<String> {
    let mut reasons = IndexSet::new();
    for position in positions {
        let here = &graph.names[position.subgraph];
        let own = graph.subgraph_type(position.subgraph, &position.ty);
        match own.and_then(|own| own.fields.get(field)) {
            None => {
                reasons.insert(format!("from `{here}`: it has no field `{ty}.{field}`"));
            }
            Some(definition) if definition.external => {
                reasons.insert(format!("from `{here}`: `{ty}.{field}` is @external there"));
            }
            Some(definition) if definition.requires.is_some() => {
                let requires = definition.requires.as_ref();
                let requires = requires.map(ToString::to_string).unwrap_or_default();
                reasons.insert(format!(
                    "from `{here}`: the fields `{requires}` that `{ty}.{field}` requires cannot \
                     be had, or there is no key to come back"
                ));
            }
            Some(_) => {
                reasons.insert(format!("from `{here}`: `{ty}.{field}` is not available"));
            }
        }
        for (index, subgraph) in graph.subgraphs.iter().enumerate() {
            let Some(other) = subgraph.get(ty) else { continue };
            if index == position.subgraph || !other.fields.contains_key(field) {
                continue;
            }
            let there = &graph.names[index];
            let keys: Vec<String> = other
                .keys
                .iter()
                .filter(|key| key.resolvable)
                .map(|key| format!("`{}`", key.fields))
                .collect();
            reasons.insert(if keys.is_empty() {
                format!("from `{here}` to `{there}`: `{ty}` has no resolvable @key in `{there}`")
            } else {
                format!(
                    "from `{here}` to `{there}`: the way there needs a key of {}, whose fields \
                     cannot be had, or the field is not resolved there",
                    keys.join(" or ")
                )
            });
        }
    }
    reasons.into_iter().collect()
}

pub(super) fn runtime_types(
    graph: &Graph<'_>,
    by_subgraph: &IndexMap<usize, Vec<&Name>>,
) -> String {
    let listed: Vec<String> = by_subgraph
        .iter()
        .map(|(index, names)| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("{} in `{}`", names.join(", "), graph.names[*index])
        })
        .collect();
    listed.join("; ")
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
