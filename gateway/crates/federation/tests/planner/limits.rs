//! Plans grow with the operation, not with the number of ways to answer it.

use std::fmt::Write as _;

use federation::operation::OperationError;
use federation::plan::QueryPlan;
use federation::planner::{PlanError, PlanOptions};

use crate::support::{planner, sound_plan};

const GRAPHS: [char; 4] = ['A', 'B', 'C', 'D'];

fn everywhere(keys: &[&str]) -> String {
    let of = |graph: &char| {
        let keys = keys.iter().map(|key| format!("@t(graph: {graph}, key: \"{key}\")"));
        if keys.len() == 0 {
            format!("@t(graph: {graph})")
        } else {
            keys.collect::<Vec<_>>().join(" ")
        }
    };
    GRAPHS.iter().map(of).collect::<Vec<_>>().join(" ")
}

/// One entity with many fields, each in two subgraphs.
fn flat(fields: usize) -> String {
    let mut sdl = format!(
        "type Query {} {{ e: E @f(graph: A) }} type E {} {{ id: ID! e: E @f(graph: B)",
        everywhere(&[]),
        everywhere(&["id"])
    );
    for field in 0..fields {
        let (one, other) = (GRAPHS[field % 4], GRAPHS[(field * 7 + 1) % 4]);
        write!(sdl, " f{field}(n: Int): Int @f(graph: {one}) @f(graph: {other})").unwrap();
    }
    sdl + " }"
}

fn plan(sdl: &str, operation: &str) -> QueryPlan {
    let planner = planner(sdl);
    let operation = planner.operation(operation, None).unwrap();
    sound_plan(&planner, &operation, &PlanOptions { fuel: FEW_STEPS, ..PlanOptions::default() })
}

/// Far fewer than there are by default: what is hard here must stay easy to plan.
const FEW_STEPS: u64 = 20_000;

#[test]
fn a_thousand_fields() {
    let fields: String =
        (0..1_000).map(|field| format!("f{field} x{field}: f{field}(n: {field}) ")).collect();
    let plan = plan(&flat(1_000), &format!("{{ e {{ {fields} }} }}"));
    assert_eq!(plan.fetches.len(), 2);
}

#[test]
fn a_wide_interface_with_many_keys() {
    let mut sdl = format!(
        "type Query {} {{ all: [N] @f(graph: A) }} interface N {} {{ id: ID! }}",
        everywhere(&[]),
        everywhere(&[])
    );
    for number in 0..120 {
        let implements: String =
            GRAPHS.iter().map(|graph| format!(" @i(graph: {graph}, interface: \"N\")")).collect();
        let keys = everywhere(&["id", "sku", "x", "x sku"]);
        write!(sdl, " type T{number} implements N {keys}{implements} {{ id: ID! sku: ID x: ID a: Int @f(graph: A) b: Int @f(graph: B) c: Int @f(graph: C) @f(graph: D) }}").unwrap();
    }
    let fragments: String = (0..120).map(|number| format!("... on T{number} {{ b c }} ")).collect();
    let plan = plan(&sdl, &format!("{{ all {{ id {fragments} }} }}"));
    assert_eq!(plan.fetches.len(), 3);
}

#[test]
fn deep_nesting_over_subgraphs() {
    let sdl = format!(
        "type Query {} {{ e: E @f(graph: A) }} type E {} {{ id: ID! a: E @f(graph: A) b: E @f(graph: B) }}",
        everywhere(&[]),
        everywhere(&["id"])
    );
    let mut operation = String::from("id");
    for level in 0..80 {
        operation = format!("{} {{ {operation} }}", if level % 2 == 0 { "a" } else { "b" });
    }
    let plan = plan(&sdl, &format!("{{ e {{ {operation} }} }}"));
    assert_eq!(plan.fetches.len(), 81);
}

#[test]
fn every_subgraph_may_have_everything() {
    // Ten levels, each with four equal ways: a million routes.
    let shared: String = GRAPHS.iter().map(|graph| format!(" @f(graph: {graph})")).collect();
    let sdl = format!(
        "type Query {} {{ e: E{shared} }} type E {} {{ id: ID! e: E{shared} a: Int @f(graph: A) b: Int @f(graph: B) c: Int @f(graph: C) d: Int @f(graph: D) }}",
        everywhere(&[]),
        everywhere(&["id"])
    );
    let mut operation = String::from("a b c d");
    for _ in 0..10 {
        operation = format!("a b c d e {{ {operation} }}");
    }
    let plan = plan(&sdl, &format!("{{ e {{ {operation} }} }}"));
    assert_eq!(plan.fetches.len(), 4, "{plan}");
    assert!(plan.fetches.iter().all(|fetch| fetch.after.is_empty()));
}

#[test]
fn multiplying_fragments_give_a_named_error() {
    let sdl = flat(4);
    let mut text = String::from("{ e { ...F0 } }");
    for level in 0..40 {
        let next = level + 1;
        write!(text, " fragment F{level} on E {{ x{level}: e {{ ...F{next} f0 }} y{level}: e {{ ...F{next} f1 }} }}").unwrap();
    }
    text += " fragment F40 on E { id }";
    let error = planner(&sdl).operation(&text, None).unwrap_err();
    assert!(matches!(error, OperationError::TooManyFields { .. }), "{error}");
}

#[test]
fn a_plan_is_made_with_what_there_is_or_refused_by_name() {
    let shared: String = GRAPHS.iter().map(|graph| format!(" @f(graph: {graph})")).collect();
    let sdl = format!(
        "type Query {} {{ e: E{shared} }} type E {} {{ id: ID! e: E{shared} a: Int @f(graph: A) b: Int @f(graph: B) }}",
        everywhere(&[]),
        everywhere(&["id"])
    );
    let planner = planner(&sdl);
    let operation = planner.operation("{ e { a b e { a b e { b } } } }", None).unwrap();
    let with = |fuel| planner.plan(&operation, &PlanOptions { fuel, ..PlanOptions::default() });
    assert!(matches!(with(3), Err(PlanError::TooComplex { fuel: 3 })));
    let enough = (1..10_000).find(|fuel| with(*fuel).is_ok()).unwrap();
    let (first, best) = (with(enough).unwrap(), with(100_000).unwrap());
    assert!(first.size() >= best.size(), "{first}{best}");
}
