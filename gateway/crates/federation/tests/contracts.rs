//! Contract cases: a folder each under `tests/contracts`.
//!
//! `subgraphs/*.graphql` are composed (or `given.graphql` is taken as it is) and `filter.json`
//! applied; out come `supergraph.graphql` and `api.graphql`, or `diagnostics.txt`.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use federation::composition::{ContractFilter, SubgraphSource, compose, contract};
use federation::diagnostic::Diagnostic;
use federation::supergraph::Supergraph;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contracts");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn given(case: &Path) -> String {
    if let Ok(given) = fs::read_to_string(case.join("given.graphql")) {
        return given;
    }
    let files = fs::read_dir(case.join("subgraphs")).unwrap().map(|file| file.unwrap().path());
    let read = |file: PathBuf| SubgraphSource {
        name: file.file_stem().unwrap().to_str().unwrap().to_owned(),
        url: "http://example/graphql".to_owned(),
        sdl: fs::read_to_string(file).unwrap(),
    };
    compose(files.map(read).collect()).unwrap().supergraph_sdl
}

fn filter(case: &Path) -> ContractFilter {
    let text = fs::read_to_string(case.join("filter.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tags = |key: &str| {
        let tags = json[key].as_array().into_iter().flatten();
        tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
    };
    ContractFilter {
        include: tags("include"),
        exclude: tags("exclude"),
        hide_unreachable: json["hideUnreachable"].as_bool().unwrap_or(false),
    }
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let mut lines = String::new();
    for diagnostic in diagnostics {
        writeln!(lines, "{diagnostic}").unwrap();
    }
    lines
}

#[test]
fn every_contract_has_the_recorded_outcome() {
    let cases = cases();
    assert!(cases.len() >= 7, "cases are missing");
    for case in cases {
        let (given, filter) = (given(&case), filter(&case));
        match contract(&given, &filter) {
            Ok(sdl) => {
                let again = contract(&sdl, &filter).unwrap();
                assert!(again == sdl, "{}: filtering twice filters more", case.display());
                let api = Supergraph::parse(&sdl).unwrap().api_schema().to_string();
                expect_file![case.join("supergraph.graphql")].assert_eq(&sdl);
                expect_file![case.join("api.graphql")].assert_eq(&api);
            }
            Err(errors) => {
                expect_file![case.join("diagnostics.txt")].assert_eq(&lines(&errors));
            }
        }
    }
}
