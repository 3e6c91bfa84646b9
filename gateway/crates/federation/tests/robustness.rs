//! Any text must give a result: input that is cut, deep, circular, huge or otherwise hostile.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use federation::composition::{ContractFilter, SubgraphSource, compose, contract};
use federation::supergraph::Supergraph;

const FEDERATION: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
    import: ["@key", "@requires", "@provides", "@external", "@shareable", "@interfaceObject"])
"#;

fn subgraph(name: &str, sdl: impl Into<String>) -> SubgraphSource {
    SubgraphSource { name: name.into(), url: String::new(), sdl: sdl.into() }
}

fn codes(subgraphs: Vec<SubgraphSource>) -> Vec<String> {
    let mut codes: Vec<String> = match compose(subgraphs) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.code).collect(),
    };
    codes.sort();
    codes.dedup();
    codes
}

/// The text of every subgraph of every composition case.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/composition");
    let mut files: Vec<_> = fs::read_dir(root)
        .unwrap()
        .flat_map(|case| fs::read_dir(case.unwrap().path().join("subgraphs")).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn odd_texts_give_diagnostics() {
    let deep_list = format!("type Query {{ a: {}Int{} }}", "[".repeat(5000), "]".repeat(5000));
    let deep_value =
        format!("type Query {{ a(b: [Int] = {}1{}): Int }}", "[".repeat(5000), "]".repeat(5000));
    let deep_key = format!(
        "type Query {{ a: A }} type A @key(fields: \"{}a{}\") {{ a: A }}",
        "a {".repeat(5000),
        "}".repeat(5000)
    );
    let odd = [
        "",
        "\u{0}",
        "🚲",
        "{",
        "extend schema @link",
        "extend schema @link(url: 1)",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v99999999999.1\")",
        "extend schema @link(url: \"http://é/é/v1.0\", as: \"é\")",
        "type Query { a: Query @provides(fields: \"a { a {\") }",
        "interface A implements A { a: A } type Query { a: A }",
        "union U = U type Query { u: U }",
        "input I { i: I! } type Query { a(i: I = {i: {}}): Int }",
        "type _Any { a: Int } type _Service { a: Int } type _Entity { a: Int } type Query { a: Int }",
        "query { a } type Query { a: Int }",
        "schema { query: Query query: Query } type Query { a: Int }",
        "directive @key on OBJECT type Query @key { a: Int }",
        "type Query { a: Int } extend type Query @key(fields: []) @key(fields: \"a\")",
    ];
    let texts = odd.iter().map(|text| (*text).to_owned()).chain([deep_list, deep_value, deep_key]);
    for sdl in texts {
        let _ = compose(vec![subgraph("a", sdl.clone()), subgraph("b", sdl.clone())]);
        let _ = contract(&sdl, &ContractFilter::default());
        let _ = Supergraph::parse(&sdl);
    }
}

#[test]
fn cut_and_joined_texts_give_diagnostics() {
    let corpus = corpus();
    for (index, text) in corpus.iter().enumerate() {
        let other = &corpus[(index * 7 + 1) % corpus.len()];
        for part in 1..4 {
            let at = text.floor_char_boundary(text.len() * part / 4);
            let (head, tail) = text.split_at(at);
            let _ = compose(vec![subgraph("a", head), subgraph("b", other.clone())]);
            let _ = compose(vec![subgraph("a", tail), subgraph("b", other.clone())]);
            let _ = compose(vec![subgraph("a", format!("{head}{other}"))]);
        }
    }
}

#[test]
fn thousands_of_errors_are_all_reported() {
    let mut sdl = String::from("type Query { a: Int }\n");
    for index in 0..5000 {
        writeln!(sdl, "type T{index} {{ a: Nowhere{index} }}").unwrap();
    }
    assert_eq!(compose(vec![subgraph("a", sdl)]).unwrap_err().len(), 5000);
    let mut sdl = String::from("type Query { a: Int }\n");
    for index in 0..2000 {
        writeln!(sdl, "type T{index} {{ a: Int }}").unwrap();
    }
    let sdl = format!("{FEDERATION}{sdl}");
    let errors = compose(vec![subgraph("a", sdl.clone()), subgraph("b", sdl)]).unwrap_err();
    assert_eq!(errors.len(), 2001);
    assert!(errors.iter().all(|error| error.code == "INVALID_FIELD_SHARING"));
}

#[test]
fn circles_end() {
    let users = format!(
        "{FEDERATION} type Query {{ user: User }}
         type User @key(fields: \"id\") {{ id: ID a: Int @external b: Int @requires(fields: \"a\") }}"
    );
    let carts = format!(
        "{FEDERATION} type User @key(fields: \"id\") {{ id: ID b: Int @external
         a: Int @requires(fields: \"b\") }}"
    );
    let found = codes(vec![subgraph("users", users), subgraph("carts", carts)]);
    assert_eq!(found, ["SATISFIABILITY_ERROR"]);

    let endless = "interface A implements B { a: A } interface B implements A { a: A }
        type Query implements A & B { a: A }";
    assert_eq!(codes(vec![subgraph("a", endless)]), ["INVALID_GRAPHQL"]);

    let keys = format!(
        "{FEDERATION} type Query {{ a: A }} type A @key(fields: \"b {{ id }}\") {{ b: B }}
         type B @key(fields: \"a {{ b {{ id }} }}\") {{ a: A id: ID }}"
    );
    assert!(codes(vec![subgraph("a", keys.clone()), subgraph("b", keys)]).len() < 3);
}

#[test]
fn subgraphs_without_anything_are_no_reason_to_fail() {
    let query = "type Query { a: Int }";
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\")";
    assert!(codes(vec![subgraph("a", query), subgraph("b", link)]).is_empty());
    assert_eq!(codes(vec![subgraph("a", query), subgraph("b", "")]), ["INVALID_GRAPHQL"]);
    assert_eq!(codes(vec![subgraph("b", link)]), ["NO_QUERIES"]);
}

#[test]
fn long_chains_of_types_do_not_overflow() {
    let mut sdl = String::from("type Query { t0: T0 }\n");
    for index in 0..3000 {
        writeln!(sdl, "type T{index} {{ next: T{} }}", index + 1).unwrap();
    }
    sdl.push_str("type T3000 { end: Int }");
    assert!(codes(vec![subgraph("a", sdl)]).is_empty());
}
