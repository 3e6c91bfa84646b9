//! How long an operation takes from its text to its plan, in parts; and how planning grows with
//! the schema and with what makes it hard.
//!
//! `cargo bench -p concord-federation --bench planning`
#![expect(clippy::unwrap_used, reason = "a benchmark's input is right")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use federation::composition::{SubgraphSource, compose};
use federation::operation::Document;
use federation::planner::{PlanOptions, Planner};
use federation::supergraph::Supergraph;

const LINK: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@external", "@requires", "@provides", "@shareable", "@interfaceObject"])"#;

fn planner(subgraphs: &[(&str, String)]) -> Planner {
    let sources = subgraphs.iter().map(|(name, body)| SubgraphSource {
        name: (*name).to_owned(),
        url: format!("http://{name}"),
        sdl: format!("{LINK}\n{body}"),
    });
    let composed = compose(sources.collect()).unwrap();
    Planner::new(Arc::new(Supergraph::parse(&composed.supergraph_sdl).unwrap())).unwrap()
}

/// Guests, dishes, orders: entities over four subgraphs, a requirement, a provided field.
fn restaurant() -> Planner {
    planner(&[
        ("guests", "type Query { me: Guest guest(id: ID!): Guest guests: [Guest] }
            type Guest @key(fields: \"id\") { id: ID! name: String login: String @shareable born: Int }".to_owned()),
        ("store", "type Dish @key(fields: \"code\") { code: String! grams: Int @external cents: Int @external left: Boolean fee: Int @requires(fields: \"cents grams\") }".to_owned()),
        ("menu", "type Query { best(first: Int = 5): [Dish] }
            type Dish @key(fields: \"code\") { code: String! name: String cents: Int grams: Int }".to_owned()),
        ("opinions", "type Opinion @key(fields: \"id\") { id: ID! text: String writer: Guest @provides(fields: \"login\") dish: Dish }
            type Guest @key(fields: \"id\") { id: ID! login: String @external opinions: [Opinion] }
            type Dish @key(fields: \"code\") { code: String! opinions: [Opinion] }".to_owned()),
    ])
}

const SMALL: &str = "{ best { code name } }";
const MEDIUM: &str = "{ best { code name cents left fee } guests { id name } }";
const HEAVY: &str = "
    fragment G on Guest { id login name }
    fragment O on Opinion { id text }
    fragment D on Dish { left name cents fee code grams }
    query Everything {
      guests { ...G opinions { ...O dish { ...D opinions { ...O writer { ...G opinions { ...O dish { ...D } } } } } } }
      best { ...D opinions { ...O writer { ...G opinions { ...O dish { ...D } } } } }
    }";

fn in_parts(criterion: &mut Criterion) {
    let planner = restaurant();
    let api_schema = planner.supergraph().api_schema();
    let options = PlanOptions::default();
    for (name, text) in [("small", SMALL), ("medium", MEDIUM), ("heavy", HEAVY)] {
        let mut group = criterion.benchmark_group(name);
        group.bench_function("parse", |bencher| {
            bencher.iter(|| Document::parse(black_box(text)).unwrap());
        });
        let document = Document::parse(text).unwrap();
        group.bench_function("validate", |bencher| {
            bencher.iter(|| document.validate(black_box(api_schema)).unwrap());
        });
        let valid = document.validate(api_schema).unwrap();
        let graph = planner.query_graph();
        group.bench_function("normalize", |bencher| {
            bencher.iter(|| valid.operation(None, graph, api_schema).unwrap());
        });
        let operation = valid.operation(None, graph, api_schema).unwrap();
        group.bench_function("plan", |bencher| {
            bencher.iter(|| planner.plan(black_box(&operation), &options).unwrap());
        });
        group.bench_function("all", |bencher| {
            bencher.iter(|| {
                let operation = planner.operation(black_box(text), None).unwrap();
                planner.plan(&operation, &options).unwrap()
            });
        });
        group.finish();
    }
}

/// The same operation beside ever more types that it does not touch.
fn over_schema_size(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schema");
    for types in [10, 100, 1_000] {
        let mut a = String::from("type Query { e0: E0 ");
        let mut b = String::new();
        for number in 0..types {
            write!(a, "all{number}: [E{number}] ").unwrap();
        }
        a.push('}');
        for number in 0..types {
            let next = (number + 1) % types;
            write!(a, " type E{number} @key(fields: \"id\") {{ id: ID! a: Int next: E{next} }}")
                .unwrap();
            write!(b, " type E{number} @key(fields: \"id\") {{ id: ID! b: Int near: [E{next}] }}")
                .unwrap();
        }
        let planner = planner(&[("a", a), ("b", b)]);
        let text = "{ e0 { a b next { b near { a b } } near { next { a b } } } }";
        let operation = planner.operation(text, None).unwrap();
        group.bench_function(BenchmarkId::from_parameter(types), |bencher| {
            bencher.iter(|| planner.plan(&operation, &PlanOptions::default()).unwrap());
        });
    }
    group.finish();
}

/// Many members, many keys, many fields: each alone.
fn pathological(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pathological");
    group.sample_size(10);
    for (name, (planner, text)) in
        [("wide union", wide_union()), ("key mesh", key_mesh()), ("1000 fields", many_fields())]
    {
        let operation = planner.operation(&text, None).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| planner.plan(&operation, &PlanOptions::default()).unwrap());
        });
    }
    group.finish();
}

fn wide_union() -> (Planner, String) {
    let names: Vec<String> = (0..60).map(|number| format!("M{number}")).collect();
    let mut a = format!("type Query {{ all: [U] }} union U = {}", names.join(" | "));
    let mut b = format!("union U = {}", names.join(" | "));
    for name in &names {
        write!(a, " type {name} @key(fields: \"id\") {{ id: ID! a: Int }}").unwrap();
        write!(b, " type {name} @key(fields: \"id\") {{ id: ID! b: Int to: [U] }}").unwrap();
    }
    let members: Vec<String> =
        names.iter().map(|name| format!("... on {name} {{ a b to {{ ...L }} }}")).collect();
    let leaves: Vec<String> = names.iter().map(|name| format!("... on {name} {{ a b }}")).collect();
    let text =
        format!("fragment L on U {{ {} }} {{ all {{ {} }} }}", leaves.join(" "), members.join(" "));
    (planner(&[("a", a), ("b", b)]), text)
}

/// Twelve subgraphs, each reached by the key that the one before has.
fn key_mesh() -> (Planner, String) {
    let letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let mut subgraphs = Vec::new();
    for (number, name) in letters.into_iter().enumerate() {
        let mut body = String::new();
        if number == 0 {
            body.push_str("type Query { one: Thing all: [Thing] }");
        }
        body.push_str(" type Thing");
        let mut fields = String::new();
        for key in number.saturating_sub(2)..=number + 1 {
            write!(body, " @key(fields: \"k{key}\")").unwrap();
            write!(fields, " k{key}: ID!").unwrap();
        }
        write!(body, " {{{fields} own{number}: Int to{number}: [Thing] }}").unwrap();
        subgraphs.push((name, body));
    }
    let own: Vec<String> = (0..12).map(|number| format!("own{number}")).collect();
    let own = own.join(" ");
    let text = format!("{{ one {{ {own} to11 {{ {own} }} }} all {{ {own} to6 {{ {own} }} }} }}");
    (planner(&subgraphs), text)
}

fn many_fields() -> (Planner, String) {
    let fields = |letter: &str| {
        (0..500).fold(String::new(), |mut text, number| {
            write!(text, " {letter}{number}(n: Int): Int").unwrap();
            text
        })
    };
    let a =
        format!("type Query {{ t: T }} type T @key(fields: \"id\") {{ id: ID!{} }}", fields("a"));
    let b = format!("type T @key(fields: \"id\") {{ id: ID!{} }}", fields("b"));
    let names: Vec<String> =
        (0..500).flat_map(|number| [format!("a{number}"), format!("b{number}")]).collect();
    (planner(&[("a", a), ("b", b)]), format!("{{ t {{ {} }} }}", names.join(" ")))
}

criterion_group!(benches, in_parts, over_schema_size, pathological);
criterion_main!(benches);
