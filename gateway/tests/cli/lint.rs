//! `concord lint`, `concord init` and `concord config`.

use serde_json::json;

use crate::support::Folder;

const SDL: &str = "# What can be asked.\ntype Query { getUser: user }\ntype user { id: ID! }\n";

#[test]
fn findings_have_places_and_levels() {
    let folder = Folder::new(&[("a.graphql", SDL)]);
    let warned = folder.concord(&["lint", "a.graphql"]);
    assert_eq!(warned.code, 0, "{}", warned.err);
    assert!(warned.out.contains("warning[RESTY_FIELD_NAMES]"), "{}", warned.out);
    assert!(warned.out.contains("--> a.graphql:2:14"), "{}", warned.out);
    folder.write(
        "concord.yaml",
        "lint: { rules: { TYPE_NAMES_SHOULD_BE_PASCAL_CASE: error, RESTY_FIELD_NAMES: off } }",
    );
    let failed =
        folder.concord(&["lint", "a.graphql", "--config", "concord.yaml", "--format", "json"]);
    assert_eq!(failed.code, 1);
    let findings = failed.json()["findings"].clone();
    assert!(findings.as_array().expect("a list").iter().any(|finding| {
        finding["rule"] == "TYPE_NAMES_SHOULD_BE_PASCAL_CASE"
            && finding["level"] == "error"
            && finding["location"] == json!({ "file": "a.graphql", "line": 3, "column": 6 })
    }));
    assert!(!failed.out.contains("RESTY_FIELD_NAMES"));
    folder.write("concord.yaml", "lint: { rules: { RESTY_NAMES: off } }");
    assert_eq!(folder.concord(&["lint", "a.graphql", "--config", "concord.yaml"]).code, 2);
    assert_eq!(folder.concord(&["config", "validate"]).code, 2);
    assert_eq!(folder.concord(&["lint", "missing.graphql"]).code, 3);
    folder.write("bad.graphql", "type Query {");
    let bad = folder.concord(&["lint", "bad.graphql"]);
    assert_eq!(bad.code, 3);
    assert!(bad.err.contains("bad.graphql:1"), "{}", bad.err);
    assert_eq!(folder.concord(&["lint"]).code, 2);
    assert!(folder.concord(&["lint", "--rules"]).out.contains("UNBOUNDED_LIST"));
}

#[test]
fn what_is_safe_to_mend_is_mended() {
    let folder = Folder::new(&[("a.graphql", SDL)]);
    let fixed = folder.concord(&["lint", "a.graphql", "--fix"]);
    assert!(fixed.out.contains("fixed"), "{}", fixed.out);
    let text = std::fs::read_to_string(folder.path("a.graphql")).expect("reads");
    assert!(text.starts_with("\"\"\"\nWhat can be asked.\n\"\"\"\ntype Query"), "{text}");
    let before = folder.concord(&["check", "--base", "a.graphql", "--head", "a.graphql"]);
    assert_eq!(before.code, 0);
}

#[test]
fn a_new_graph_is_ready_to_be_checked() {
    let folder = Folder::new(&[]);
    let made = folder.concord(&["init", "shop"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let graph = Folder::inside(&folder, "shop");
    assert_eq!(graph.concord(&["compose", "--config", "supergraph.yaml"]).code, 0);
    assert_eq!(graph.concord(&["config", "validate"]).code, 0);
    let checked = graph.concord(&[
        "check",
        "--base",
        "supergraph.yaml",
        "--head",
        "supergraph.yaml",
        "--config",
        "concord.yaml",
        "--lint",
    ]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    assert!(
        checked.out.contains("0 of 1 operations broken; lint: 0 errors, 0 warnings"),
        "{}",
        checked.out
    );
    let again = folder.concord(&["init", "shop"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("supergraph.yaml"), "{}", again.err);
}

#[test]
fn the_configuration_has_a_schema() {
    let folder = Folder::new(&[("concord.yaml", "server: { listn: 1 }\n")]);
    let schema = folder.concord(&["config", "schema"]).json();
    assert_eq!(schema["properties"]["server"]["$ref"], "#/$defs/ServerConfig");
    assert!(schema["$defs"]["UsageConfig"]["properties"]["retention"]["description"].is_string());
    let wrong = folder.concord(&["config", "validate"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("listn") && wrong.err.contains("line 1"), "{}", wrong.err);
    assert_eq!(folder.concord(&["config", "validate", "missing.yaml"]).code, 3);
}
