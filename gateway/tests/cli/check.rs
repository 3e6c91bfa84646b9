//! `concord check`: 0 passes, 1 breaks somebody, 2 usage, 3 could not be loaded.

use serde_json::json;

use crate::support::{Folder, REVIEWS, graph};

const OLD: &str = "type Query { a: Int b: Int e: E } enum E { X Y }";

fn check(head: &str, more: &[&str]) -> crate::support::Ran {
    let folder = Folder::new(&[("old.graphql", OLD), ("new.graphql", head)]);
    folder.write("ops/one.graphql", "query UsesA { a }\nquery UsesB { ...F }\nfragment F on Query { b }\nfragment Unused on Query { a }");
    folder.concord(&[&["check", "--base", "old.graphql", "--head", "new.graphql"], more].concat())
}

#[test]
fn only_breaking_changes_fail() {
    let table = [
        (OLD, 0, "0 breaking, 0 dangerous, 0 safe"),
        (
            "type Query { a: Int b: Int! c: Int e: E } enum E { X Y }",
            0,
            "0 breaking, 0 dangerous, 2 safe",
        ),
        (
            "type Query { a: Int b: Int e: E } enum E { X Y Z }",
            0,
            "0 breaking, 1 dangerous, 0 safe",
        ),
        ("type Query { a: Int e: E } enum E { X Y }", 1, "1 breaking, 0 dangerous, 0 safe"),
    ];
    for (head, code, summary) in table {
        let ran = check(head, &[]);
        assert_eq!(ran.code, code, "{head}: {}", ran.err);
        assert!(ran.out.contains(summary), "{head}: {}", ran.out);
    }
}

#[test]
fn json_has_type_criticality_path_and_message() {
    let ran = check("type Query { a: Int e: E } enum E { X Y }", &["--format", "json"]);
    let json = ran.json();
    assert_eq!((ran.code, &json["ok"]), (1, &json!(false)));
    assert_eq!(
        json["changes"],
        json!([{
            "type": "FIELD_REMOVED", "criticality": "BREAKING", "path": "Query.b",
            "message": "field `Query.b` was removed", "verdict": "BREAKING",
            "location": { "file": "new.graphql", "line": 1, "column": 6 },
        }])
    );
}

#[test]
fn operations_that_break_are_named() {
    let ran = check(
        "type Query { a: Int e: E } enum E { X Y }",
        &["--operations", "ops/**/*.graphql", "--format", "json"],
    );
    let operations = ran.json()["operations"].clone();
    assert_eq!(operations["checked"], 2);
    assert_eq!(operations["broken"][0]["name"], "UsesB");
    assert_eq!(
        (&operations["broken"][0]["file"], &operations["broken"][0]["line"]),
        (&json!("ops/one.graphql"), &json!(2))
    );
    let text =
        check("type Query { a: Int e: E } enum E { X Y }", &["--operations", "ops/*.graphql"]);
    assert!(text.out.contains("ops/one.graphql:2 UsesB"), "{}", text.out);
    let fine = check(
        "type Query { a: Int b: Int c: Int e: E } enum E { X Y }",
        &["--operations", "ops/*.graphql"],
    );
    assert!(fine.out.contains("0 of 2 operations broken"), "{}", fine.out);
}

#[test]
fn other_formats_are_well_formed() {
    let head = "type Query { a: Int e: E } enum E { X Y Z }";
    let markdown = check(head, &["--format", "markdown"]).out;
    assert!(markdown.starts_with("## Schema check failed"), "{markdown}");
    assert!(markdown.contains("| breaking | `FIELD_REMOVED` | `Query.b` |"), "{markdown}");
    let github = check(head, &["--format", "github"]).out;
    assert!(
        github.contains(
            "::error file=new.graphql,line=1,title=FIELD_REMOVED Query.b::field `Query.b` was removed"
        ),
        "{github}"
    );
    assert!(
        github.contains("::warning file=new.graphql,line=1,title=ENUM_VALUE_ADDED E.Z::"),
        "{github}"
    );
    let sarif = check(head, &["--format", "sarif"]).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "FIELD_REMOVED");
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
    let junit = check(head, &["--format", "junit"]).out;
    assert!(junit.contains("tests=\"2\" failures=\"1\""), "{junit}");
}

#[test]
fn nothing_passes_by_accident() {
    let folder = Folder::new(&[
        ("old.graphql", OLD),
        ("empty.graphql", ""),
        ("broken.graphql", "type Query {"),
    ]);
    folder.write("bad.graphql", "query {");
    let base = ["--base", "old.graphql"];
    let same = ["--base", "old.graphql", "--head", "old.graphql"];
    // arguments, exit code, part of the message
    let table: [(&[&str], &[&str], i32, &str); 8] = [
        (&base, &["--head", "missing.graphql"], 3, "missing.graphql"),
        (&base, &["--head", "empty.graphql"], 3, "defines nothing"),
        (&base, &["--head", "broken.graphql"], 3, "broken.graphql"),
        (
            &["--base", "no-such-revision"],
            &["--head", "old.graphql"],
            3,
            "neither a file nor a revision",
        ),
        (&same, &["--operations", "nothing/*.graphql"], 3, "matches no file"),
        (&same, &["--operations", "[bad"], 2, "not a valid pattern"),
        (&same, &["--operations", "bad.graphql"], 3, "bad.graphql"),
        (&same, &["--format", "xml"], 2, "xml"),
    ];
    for (first, second, code, message) in table {
        let ran = folder.concord(&[&["check"], first, second].concat());
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{second:?}: {}", ran.err);
        assert!(ran.err.contains(message), "{second:?}: {}", ran.err);
    }
    assert_eq!(folder.concord(&["check", "--base", "old.graphql"]).code, 2);
}

#[test]
fn supergraphs_are_compared_by_what_clients_see() {
    let folder = graph();
    assert_eq!(
        folder.concord(&["compose", "--config", "supergraph.yaml", "-o", "base.graphql"]).code,
        0
    );
    let against = |base: &str| {
        folder.concord(&["check", "--base", base, "--head", "supergraph.yaml", "--format", "json"])
    };
    let same = against("base.graphql").json();
    assert_eq!(
        (&same["ok"], &same["changes"], &same["supergraphChangedOnly"]),
        (&json!(true), &json!([]), &json!(false))
    );

    let yaml = std::fs::read_to_string(folder.path("supergraph.yaml")).expect("reads");
    folder.write("supergraph.yaml", &yaml.replace("reviews.example", "elsewhere.example"));
    assert_eq!(against("base.graphql").json()["supergraphChangedOnly"], true);

    folder.write("schema/reviews.graphql", &REVIEWS.replace(" stars: Int", ""));
    let changed = against("base.graphql");
    assert_eq!(changed.code, 1);
    assert_eq!(changed.json()["changes"][0]["path"], "Review.stars");

    folder.write("schema/reviews.graphql", "type Query {");
    let broken = against("base.graphql");
    assert_eq!(broken.code, 1);
    assert_eq!(broken.json()["composition"]["status"], "failed");
}

#[test]
fn a_git_revision_is_read_without_a_checkout() {
    let folder = graph();
    folder.git(&["init", "--quiet"]);
    folder.git(&["add", "."]);
    folder.git(&["commit", "--quiet", "--message", "first"]);
    folder.write("schema/reviews.graphql", &REVIEWS.replace("body: String ", ""));
    let ran = folder.concord(&["check", "--base", "HEAD", "--head", "supergraph.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("FIELD_REMOVED") && ran.out.contains("Review.body"), "{}", ran.out);
    let single = folder.concord(&["check", "--base", "HEAD", "--head", "schema/users.graphql"]);
    assert_eq!(single.code, 0, "{}", single.err);
    let unknown = folder.concord(&["check", "--base", "v1.0", "--head", "supergraph.yaml"]);
    assert_eq!(unknown.code, 3);
    assert!(unknown.err.contains("v1.0"), "{}", unknown.err);
}
