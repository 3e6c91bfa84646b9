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

const OLD: &str = "schema @link(url: \"https://specs.apollo.dev/link/v1.0\") { query: Query }";

#[test]
fn plans_that_change_are_listed() {
    let folder = graph();
    folder.write("operations/all.graphql", OPERATIONS);
    folder.write("operations/deep/email.gql", "{ me { email } }");
    let compose = |file: &str| {
        let composed = folder.concord(&["compose", "--config", "supergraph.yaml", "-o", file]);
        assert_eq!(composed.code, 0, "{}", composed.err);
    };
    compose("old.graphql");
    let diff = |old: &str, new: &str, more: &[&str]| {
        folder.concord(&[&["plan", "diff", old, new, "operations"], more].concat())
    };
    let same = diff("old.graphql", "supergraph.yaml", &[]);
    assert_eq!((same.code, same.out.as_str()), (0, "3 operations compared, 0 plans differ\n"));

    // The name moves to another subgraph.
    let users = crate::support::USERS.replace(" name: String", "");
    folder.write("schema/users.graphql", &users);
    let reviews = std::fs::read_to_string(folder.path("schema/reviews.graphql")).expect("reads");
    folder
        .write("schema/reviews.graphql", &reviews.replacen("reviews:", "name: String reviews:", 1));
    compose("new.graphql");
    let longer = diff("old.graphql", "new.graphql", &[]);
    assert_eq!(longer.code, 1, "{}", longer.out);
    let line =
        "longer    Name (operations/all.graphql): 1 requests in 1 waves -> 2 requests in 2 waves";
    assert!(longer.out.lines().any(|found| found == line), "{}", longer.out);
    let shorter = diff("new.graphql", "old.graphql", &["--format", "json"]).json();
    assert_eq!(shorter["ok"], true);
    let changes = shorter["differences"].as_array().expect("a list");
    assert!(changes.iter().any(|difference| difference["change"] == "shorter"), "{shorter}");

    folder.write("bad.graphql", OLD);
    assert_eq!(diff("old.graphql", "bad.graphql", &[]).code, 3);
}

#[test]
fn plans_are_compiled_and_checked() {
    let folder = graph();
    folder.write("operations.graphql", OPERATIONS);
    let compile = |more: &[&str]| {
        let arguments =
            ["plan", "compile", "operations.graphql", "--supergraph", "supergraph.yaml"];
        folder.concord(&[&arguments, more].concat())
    };
    assert_eq!(compile(&["-o", "plans.bin"]).code, 0);
    let text = std::fs::read_to_string(folder.path("plans.bin")).expect("reads");
    assert_eq!(text.lines().count(), 3, "{text}");
    assert_eq!(compile(&[]).out, text, "the same input gives the same bytes");

    // A schema in which what an operation touches differs is told at start.
    let users = crate::support::USERS.replace("name: String", "name: String!");
    folder.write("schema/users.graphql", &users);
    let serve = ["serve", "--supergraph", "supergraph.yaml", "--plans", "plans.bin"];
    let refused = folder.concord(&[&serve[..], &["--listen", "203.0.113.1:1"]].concat());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("was planned for another schema"), "{}", refused.err);
    folder.write("plans.bin", "something else");
    let refused = folder.concord(&[&serve[..], &["--listen", "203.0.113.1:1"]].concat());
    assert!(refused.err.contains("not made by `concord plan compile`"), "{}", refused.err);

    folder.write("operations.graphql", "{ me { unknown } }");
    let refused = compile(&["-o", "plans.bin"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("operations.graphql: "), "{}", refused.err);
}

#[test]
fn a_plan_can_be_verified_and_explained() {
    let folder = graph();
    folder.write("operations.graphql", OPERATIONS);
    let ran = folder.concord(&[
        "plan",
        "operations.graphql",
        "--supergraph",
        "supergraph.yaml",
        "--operation",
        "Reviews",
        "--verify",
        "--explain",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("2 subgraph requests in 2 waves"), "{}", ran.out);
    assert!(ran.out.contains("users has User too, by { id }"), "{}", ran.out);
}
