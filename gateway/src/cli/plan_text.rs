//! Query plans for people: as a Mermaid flow chart, and in sentences.

use std::fmt::Write;

use federation::plan::{EntityFetch, Fetch, QueryPlan, RepresentationField};
use federation::planner::Planner;
use federation::query_graph::QueryNode;

/// A flow chart: one box per request, arrows for what it waits for.
pub(super) fn mermaid(plan: &QueryPlan) -> String {
    let mut text = "flowchart TD\n  client([client])\n".to_owned();
    for (index, fetch) in plan.fetches.iter().enumerate() {
        let what = if fetch.entities.is_empty() {
            "root fields".to_owned()
        } else {
            targets(fetch).join("<br/>")
        };
        push(&mut text, format_args!("  f{index}[\"{index}: {}<br/>{what}\"]", fetch.subgraph));
        if fetch.after.is_empty() {
            push(&mut text, format_args!("  client --> f{index}"));
        }
        for earlier in &fetch.after {
            push(&mut text, format_args!("  f{earlier} --> f{index}"));
        }
    }
    text
}

/// What every request fetches, with which keys, what else it could have used, what it waits for,
/// and what all of it costs.
pub(super) fn explain(planner: &Planner, plan: &QueryPlan) -> String {
    let waves = plan.waves();
    let size = plan.size();
    let mut text = format!("{} subgraph requests in {} waves\n", size.requests, size.depth);
    for (index, fetch) in plan.fetches.iter().enumerate() {
        push(
            &mut text,
            format_args!(
                "\n{index}. {} ({}), wave {} of {}",
                fetch.subgraph,
                fetch.operation_name,
                waves[index] + 1,
                size.depth
            ),
        );
        match fetch.after.as_slice() {
            [] => push(&mut text, format_args!("   starts at once")),
            earlier => {
                let earlier: Vec<String> = earlier.iter().map(usize::to_string).collect();
                push(&mut text, format_args!("   starts when {} has ended", earlier.join(" and ")));
            }
        }
        for entity in &fetch.entities {
            explain_entities(&mut text, entity);
            explain_alternatives(&mut text, planner, fetch, entity);
        }
        push(&mut text, format_args!("   sends {}", fetch.document));
    }
    text
}

/// By which other keys, and in which other subgraphs, the same entities can be found.
fn explain_alternatives(text: &mut String, planner: &Planner, fetch: &Fetch, entity: &EntityFetch) {
    let (graph, supergraph) = (planner.query_graph(), planner.supergraph());
    let keys = |node: &QueryNode, but: &str| {
        let others = node.keys.iter().map(|key| key.text.trim());
        let others = others.filter(|key| *key != but).map(|key| format!("{{ {key} }}"));
        others.collect::<Vec<_>>().join(", ")
    };
    for template in &entity.templates {
        let used: Vec<String> =
            template.fields.iter().filter(|field| field.required).map(field_set).collect();
        let used = used.join(" ");
        let nodes = graph.nodes.iter().filter(|node| node.type_name == template.typename.as_str());
        for node in nodes {
            let subgraph = &supergraph.subgraph(node.subgraph).name;
            if *subgraph == fetch.subgraph {
                let others = keys(node, &used);
                if !others.is_empty() {
                    push(
                        text,
                        format_args!("   other keys of {} there: {others}", template.typename),
                    );
                }
            } else if !node.keys.is_empty() {
                push(
                    text,
                    format_args!(
                        "   {subgraph} has {} too, by {}",
                        template.typename,
                        keys(node, "")
                    ),
                );
            }
        }
    }
}

fn explain_entities(text: &mut String, entity: &EntityFetch) {
    for template in &entity.templates {
        let fields = |required: bool| {
            let names =
                template.fields.iter().filter(|field| field.required == required).map(field_set);
            names.collect::<Vec<_>>().join(" ")
        };
        push(
            text,
            format_args!(
                "   loads {} at {} by key {{ {} }}",
                template.typename,
                paths(entity),
                fields(true)
            ),
        );
        if !fields(false).is_empty() {
            push(
                text,
                format_args!("   and hands over {{ {} }}, as @requires asks", fields(false)),
            );
        }
    }
}

fn targets(fetch: &Fetch) -> Vec<String> {
    fetch.entities.iter().map(paths).collect()
}

fn paths(entity: &EntityFetch) -> String {
    let path = |path: &federation::plan::FlattenPath| path.to_string();
    entity.paths.iter().map(path).collect::<Vec<_>>().join(", ")
}

fn field_set(field: &RepresentationField) -> String {
    if field.fields.is_empty() {
        return field.name.clone();
    }
    let below: Vec<String> = field.fields.iter().map(field_set).collect();
    format!("{} {{ {} }}", field.name, below.join(" "))
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("writing to a string cannot fail");
    text.push('\n');
}
