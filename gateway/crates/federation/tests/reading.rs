//! Supergraphs of other composers: a folder each under `tests/reading`.
//!
//! `supergraph.graphql` is read; out come `model.txt` (who has what) and `api.graphql`, or
//! `error.txt`.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use federation::planner::Planner;
use federation::supergraph::{SubgraphId, Supergraph};

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reading");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// Each type and field with the subgraphs that have it, and what is special there.
fn model(supergraph: &Supergraph) -> String {
    let name = |id: SubgraphId| supergraph.subgraph(id).name.as_str();
    let names = |ids: &[SubgraphId]| ids.iter().map(|id| name(*id)).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for subgraph in &supergraph.subgraphs {
        writeln!(text, "{} at {}", subgraph.name, subgraph.url).unwrap();
    }
    for ty in supergraph.types.values() {
        writeln!(text, "\n{:?} {}", ty.kind, ty.name).unwrap();
        for join in &ty.joins {
            let keys: Vec<&str> = join.keys.iter().map(|key| key.fields.as_str()).collect();
            let stands_in = if join.interface_object { ", as an object" } else { "" };
            writeln!(text, "  in {} by {keys:?}{stands_in}", name(join.subgraph)).unwrap();
        }
        for (interface, places) in &ty.implements {
            writeln!(text, "  implements {interface} in {}", names(places)).unwrap();
        }
        for (member, places) in ty.members.iter().chain(&ty.values) {
            writeln!(text, "  {member} in {}", names(places)).unwrap();
        }
        for field in ty.fields.values() {
            let joins: Vec<String> = field
                .joins
                .iter()
                .map(|join| {
                    let mut said = name(join.subgraph).to_owned();
                    if join.external {
                        said.push_str(" (external)");
                    }
                    for (what, set) in [("requires", &join.requires), ("provides", &join.provides)]
                    {
                        if let Some(set) = set {
                            write!(said, " ({what} {set})").unwrap();
                        }
                    }
                    said
                })
                .collect();
            writeln!(text, "  .{}: {} in {}", field.name, field.ty, joins.join(", ")).unwrap();
        }
    }
    text
}

#[test]
fn supergraphs_of_every_join_version_are_read() {
    let cases = cases();
    assert!(cases.len() >= 5, "cases are missing");
    for case in cases {
        let sdl = fs::read_to_string(case.join("supergraph.graphql")).unwrap();
        match Supergraph::parse(&sdl) {
            Ok(supergraph) => {
                expect_file![case.join("model.txt")].assert_eq(&model(&supergraph));
                let api = supergraph.api_schema().to_string();
                expect_file![case.join("api.graphql")].assert_eq(&api);
                assert!(Planner::new(supergraph.into()).is_ok(), "{}", case.display());
            }
            Err(error) => {
                let name = case.file_name().unwrap().to_str().unwrap().to_uppercase();
                assert!(name.starts_with(error.code()), "{name}: {error}");
                let text = format!("{}: {error}\n", error.code());
                expect_file![case.join("error.txt")].assert_eq(&text);
            }
        }
    }
}
