//! `concord plan`.

use crate::support::graph;

const OPERATIONS: &str = "
query Reviews { me { name reviews { body } } }
query Name { me { name } }
";

#[test]
fn plans_are_shown_in_three_formats() {
    let folder = graph();
    folder.write("operations.graphql", OPERATIONS);
    let plan = |more: &[&str]| {
        let arguments = [
            "plan",
            "operations.graphql",
            "--supergraph",
            "supergraph.yaml",
            "--operation",
            "Reviews",
        ];
        folder.concord(&[&arguments, more].concat())
    };
    let text = plan(&[]);
    assert_eq!(text.code, 0, "{}", text.err);
    assert!(
        text.out.contains("QueryPlan") && text.out.contains("Flatten(path: \"me\")"),
        "{}",
        text.out
    );
    let json = plan(&["--format", "json"]).json();
    assert_eq!(json["fetches"].as_array().map(Vec::len), Some(2));
    let mermaid = plan(&["--format", "mermaid"]);
    assert!(
        mermaid.out.starts_with("flowchart TD") && mermaid.out.contains("f0 --> f1"),
        "{}",
        mermaid.out
    );
    let explained = plan(&["--explain"]);
    assert!(explained.out.contains("loads User at me by key { id }"), "{}", explained.out);
}

#[test]
fn a_supergraph_file_serves_as_well() {
    let folder = graph();
    folder.write("name.graphql", "{ me { name } }");
    assert_eq!(
        folder.concord(&["compose", "--config", "supergraph.yaml", "-o", "s.graphql"]).code,
        0
    );
    let ran = folder.concord(&["plan", "name.graphql", "--supergraph", "s.graphql"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn what_cannot_be_planned_is_named() {
    let folder = graph();
    folder.write("operations.graphql", OPERATIONS);
    folder.write("syntax.graphql", "{ me {");
    folder.write("invalid.graphql", "{\n  me { unknown }\n}");
    folder.write("bad.graphql", "type Query {");
    // document, supergraph, more, exit code, part of the message
    let table: [(&str, &str, &[&str], i32, &str); 7] = [
        ("operations.graphql", "supergraph.yaml", &[], 1, "operationName"),
        ("operations.graphql", "supergraph.yaml", &["--operation", "Nope"], 1, "Nope"),
        ("syntax.graphql", "supergraph.yaml", &[], 1, "syntax.graphql:1:"),
        ("invalid.graphql", "supergraph.yaml", &[], 1, "invalid.graphql:2:8"),
        ("missing.graphql", "supergraph.yaml", &[], 3, "missing.graphql"),
        ("operations.graphql", "missing.graphql", &[], 3, "missing.graphql"),
        ("operations.graphql", "bad.graphql", &[], 3, "not a valid GraphQL schema"),
    ];
    for (document, supergraph, more, code, message) in table {
        let ran = folder.concord(&[&["plan", document, "--supergraph", supergraph], more].concat());
        assert_eq!(ran.code, code, "{document} {supergraph}: {}", ran.err);
        assert!(ran.err.contains(message), "{document} {supergraph}: {}", ran.err);
    }
    assert_eq!(folder.concord(&["plan", "operations.graphql"]).code, 2);
}
