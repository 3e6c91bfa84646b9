//! The cases in `tests/conformance`, one folder each:
//!
//! - `subgraphs/NAME.graphql`, and `rows.json` with their rows (invented ones if there is none);
//! - `labels.json`: the labels of progressive overrides that are on, none if there is no such file;
//! - `NAME.query.graphql`, each with `NAME.variables.json` if it has variables;
//! - `NAME.plan.txt`: the plan that we make (`UPDATE_EXPECT=1` renews it).
//!
//! Every plan is proven by the checker, and its answer compared with the oracle's. Contexts are
//! beyond the oracle: such a case has the answer in `NAME.response.json`.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use federation::planner::PlanOptions;
use federation::planner::verify::verify;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::memory::invent;

#[test]
fn every_case_is_answered_as_one_service_would() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let cases = sorted(&root);
    assert!(cases.len() > 30, "only {} cases are left", cases.len());
    // All that fail, not only the first.
    let failing: Vec<&PathBuf> =
        cases.iter().filter(|case| catch_unwind(|| check(case)).is_err()).collect();
    assert!(failing.is_empty(), "{failing:#?}");
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn json(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn stem(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned()
}

fn check(case: &Path) {
    let files = sorted(&case.join("subgraphs"));
    let sources: Vec<(String, String)> =
        files.iter().map(|file| (stem(file), fs::read_to_string(file).unwrap())).collect();
    let sources: Vec<(&str, &str)> =
        sources.iter().map(|(name, sdl)| (name.as_str(), sdl.as_str())).collect();
    let rows = json(&case.join("rows.json")).or_else(|| invent(&sources, 1, None));
    let labels = json(&case.join("labels.json")).unwrap_or_else(|| json!([]));
    let options = PlanOptions {
        override_labels: serde_json::from_value(labels).unwrap(),
        ..PlanOptions::default()
    };
    let gateway = Gateway::with_options(&sources, rows.unwrap(), options)
        .unwrap_or_else(|refused| panic!("{} does not compose: {refused}", case.display()));
    let queries = sorted(case);
    let queries = queries.iter().filter(|path| path.to_str().unwrap().ends_with(".query.graphql"));
    for path in queries {
        let name = stem(path);
        let shown = path.display();
        let query = fs::read_to_string(path).unwrap();
        let variables = json(&case.join(format!("{name}.variables.json"))).unwrap_or(json!({}));
        let operation = gateway
            .planner
            .operation(&query, None)
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        let expected = json(&case.join(format!("{name}.response.json")));
        let answers = match gateway.answer(&operation, &query, &variables) {
            Some(Ok(answers)) => answers,
            Some(Err(error)) => panic!("{shown} has no plan: {error}"),
            None => panic!("{shown}: its variables are not valid"),
        };
        let violations = verify(&gateway.planner, &operation, &gateway.options, &answers.plan);
        assert!(violations.is_empty(), "{shown}\n{violations:#?}\n{answers:?}");
        expect_file![case.join(format!("{name}.plan.txt"))].assert_eq(&answers.plan.to_string());
        if let Some(expected) = expected {
            let data: Value = serde_json::from_str(&answers.data).unwrap();
            assert_eq!(data, expected, "{shown}\n{answers:?}");
        } else {
            assert_eq!(answers.data, answers.expected_data, "{shown}\n{answers:?}");
            assert!(answers.explains_the_same(), "{shown}\n{answers:?}");
        }
    }
}
