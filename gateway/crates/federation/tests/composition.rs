//! Composition cases: a folder each under `tests/composition`.
//!
//! `subgraphs/*.graphql` go in; out come `diagnostics.txt`, or `supergraph.graphql` and, when
//! there are hints, `hints.txt`. A folder is named after the error code that it shows, or
//! `composes_...`. `UPDATE_EXPECT=1` writes the goldens.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use apollo_compiler::Schema;
use expect_test::expect_file;
use federation::composition::{SubgraphSource, compose};
use federation::diagnostic::Diagnostic;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/composition");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn subgraphs(folder: &Path) -> Vec<SubgraphSource> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let sdl = fs::read_to_string(file).unwrap();
            SubgraphSource { url: format!("http://{name}.example/graphql"), name, sdl }
        })
        .collect()
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let mut lines = String::new();
    for diagnostic in diagnostics {
        writeln!(lines, "{diagnostic}").unwrap();
    }
    lines
}

/// What holds for every supergraph, whatever it says.
fn check_invariants(case: &Path, sdl: &str) {
    let parsed = Schema::parse_and_validate(sdl, "supergraph.graphql");
    assert!(parsed.is_ok(), "{}: {}", case.display(), parsed.unwrap_err());
    let mut shuffled = subgraphs(&case.join("subgraphs"));
    shuffled.reverse();
    let again = compose(shuffled).unwrap().supergraph_sdl;
    assert!(again == sdl, "{}: depends on the order of subgraphs", case.display());
}

#[test]
fn every_case_has_the_recorded_outcome() {
    let cases = cases();
    assert!(cases.len() > 90, "cases are missing");
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_uppercase();
        match compose(subgraphs(&case.join("subgraphs"))) {
            Ok(composition) => {
                assert!(name.starts_with("COMPOSES_"), "{name}: composes");
                check_invariants(&case, &composition.supergraph_sdl);
                expect_file![case.join("supergraph.graphql")]
                    .assert_eq(&composition.supergraph_sdl);
                if !composition.hints.is_empty() {
                    expect_file![case.join("hints.txt")].assert_eq(&lines(&composition.hints));
                }
            }
            Err(errors) => {
                assert!(
                    errors.iter().any(|error| name.starts_with(&error.code)),
                    "{name}: fails with {}",
                    lines(&errors)
                );
                expect_file![case.join("diagnostics.txt")].assert_eq(&lines(&errors));
            }
        }
    }
}

#[test]
fn the_marketplace_composes_without_errors_or_hints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/marketplace");
    let composition = compose(subgraphs(&folder)).unwrap();
    assert_eq!(lines(&composition.hints), "");
    assert!(Schema::parse_and_validate(&composition.supergraph_sdl, "supergraph").is_ok());
}

#[test]
fn duplicate_names_and_no_subgraphs_are_refused() {
    let garage = SubgraphSource {
        name: "garage".into(),
        url: "http://garage".into(),
        sdl: "type Query { bikes: Int }".into(),
    };
    let errors = compose(vec![garage.clone(), garage]).unwrap_err();
    assert_eq!(errors[0].code, "INVALID_SUBGRAPH_NAME");
    let errors = compose(Vec::new()).unwrap_err();
    assert_eq!(errors[0].code, "NO_QUERIES");
}

#[test]
fn labels_point_at_the_culprit() {
    let sdl = "type Query { bikes: Int }\n\ntype Bike { maker: Maker }\n";
    let errors = compose(vec![SubgraphSource {
        name: "garage".into(),
        url: "http://garage".into(),
        sdl: sdl.into(),
    }])
    .unwrap_err();
    let label = &errors[0].labels[0];
    assert_eq!((label.line, label.column), (3, 20));
    assert_eq!(&sdl[label.span.clone()], "Maker");
}

/// Any text must give a result: these are cut, doubled, nested and mixed up on purpose.
#[test]
fn damaged_input_gives_diagnostics_and_never_panics() {
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
    ];
    let damaged =
        odd.iter().map(|text| (*text).to_owned()).chain([deep_list, deep_value, deep_key]);
    for sdl in damaged {
        let subgraph =
            |name: &str| SubgraphSource { name: name.into(), url: String::new(), sdl: sdl.clone() };
        let _ = compose(vec![subgraph("a"), subgraph("b")]);
    }
    for case in cases() {
        for (index, source) in subgraphs(&case.join("subgraphs")).into_iter().enumerate() {
            for part in 1..4 {
                let mut cut = subgraphs(&case.join("subgraphs"));
                let mut at = source.sdl.len() * part / 4;
                while !source.sdl.is_char_boundary(at) {
                    at += 1;
                }
                cut[index].sdl.truncate(at);
                let _ = compose(cut.clone());
                cut[index].sdl = source.sdl[at..].to_owned();
                let _ = compose(cut);
            }
        }
    }
}
