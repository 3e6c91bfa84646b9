//! Composition cases: a folder each under `tests/composition`.
//!
//! `subgraphs/*.graphql` go in; out come `diagnostics.txt`, or `supergraph.graphql` and, when
//! there are hints, `hints.txt`. A folder is named after the error code that it shows, or
//! `composes_...`. `steps.txt` bounds the search. `UPDATE_EXPECT=1` writes the goldens.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use apollo_compiler::Schema;
use expect_test::expect_file;
use federation::composition::{
    CompositionResult, ContractFilter, Limits, SubgraphSource, compose, compose_within, contract,
};
use federation::diagnostic::{Diagnostic, ERROR_CODES, Severity};
use federation::supergraph::Supergraph;

fn folders(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().to_uppercase()
}

fn subgraphs(folder: &Path) -> Vec<SubgraphSource> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| subgraph(file)).collect()
}

fn subgraph(file: &Path) -> SubgraphSource {
    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let sdl = fs::read_to_string(file).unwrap();
    SubgraphSource { url: format!("http://{name}.example/graphql"), name, sdl }
}

fn compose_case(case: &Path, subgraphs: Vec<SubgraphSource>) -> CompositionResult {
    match fs::read_to_string(case.join("steps.txt")) {
        Ok(steps) => {
            let limits = Limits { satisfiability_steps: steps.trim().parse().unwrap() };
            compose_within(subgraphs, &limits)
        }
        Err(_) => compose(subgraphs),
    }
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let mut lines = String::new();
    for diagnostic in diagnostics {
        writeln!(lines, "{diagnostic}").unwrap();
    }
    lines
}

/// What holds for every supergraph, whatever it says.
fn check_invariants(case: &Path, subgraphs: Vec<SubgraphSource>, sdl: &str) {
    let parsed = Schema::parse_and_validate(sdl, "supergraph.graphql");
    assert!(parsed.is_ok(), "{}: {}", case.display(), parsed.unwrap_err());
    let printed = contract(sdl, &ContractFilter::default()).unwrap();
    assert!(printed == sdl, "{}: does not print back to the same bytes", case.display());
    let mut read = Supergraph::parse(sdl).unwrap();
    let names: Vec<&str> = read.subgraphs.iter().map(|entry| entry.name.as_str()).collect();
    let mut given: Vec<&str> = subgraphs.iter().map(|source| source.name.as_str()).collect();
    given.sort_unstable();
    assert_eq!(names, given, "{}", case.display());
    read.types.sort_keys();
    let mut again = Supergraph::parse(&printed).unwrap();
    again.types.sort_keys();
    assert_eq!(format!("{:?}", read.types), format!("{:?}", again.types), "{}", case.display());
    for rotation in 0..subgraphs.len() {
        let mut shuffled = subgraphs.clone();
        shuffled.reverse();
        shuffled.rotate_left(rotation);
        let composed = compose(shuffled).unwrap().supergraph_sdl;
        assert!(composed == sdl, "{}: depends on the order of subgraphs", case.display());
    }
}

#[test]
fn every_case_has_the_recorded_outcome() {
    let cases = folders("composition");
    assert!(cases.len() > 90, "cases are missing");
    for case in cases {
        let name = name_of(&case);
        let sources = subgraphs(&case.join("subgraphs"));
        match compose_case(&case, sources.clone()) {
            Ok(composition) => {
                assert!(name.starts_with("COMPOSES_"), "{name}: composes");
                check_invariants(&case, sources, &composition.supergraph_sdl);
                expect_file![case.join("supergraph.graphql")]
                    .assert_eq(&composition.supergraph_sdl);
                assert!(composition.hints.iter().all(|hint| hint.severity != Severity::Error));
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
fn every_error_code_has_a_case() {
    let cases: Vec<String> = ["composition", "contracts", "reading"]
        .into_iter()
        .flat_map(folders)
        .map(|folder| name_of(&folder))
        .collect();
    let uncovered: Vec<&str> = ERROR_CODES
        .iter()
        .map(|code| code.name)
        .filter(|code| !cases.iter().any(|case| case.starts_with(code)))
        .collect();
    assert!(uncovered.is_empty(), "no case shows {uncovered:?}");
}

#[test]
fn the_marketplace_composes_without_errors_or_hints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schema");
    let services = ["payments", "reviews", "users"];
    let sources = services.map(|name| subgraph(&folder.join(name).with_extension("graphql")));
    let composition = compose(sources.to_vec()).unwrap();
    assert_eq!(lines(&composition.hints), "");
    check_invariants(&folder, sources.to_vec(), &composition.supergraph_sdl);
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
