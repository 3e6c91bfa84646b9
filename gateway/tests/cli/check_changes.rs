//! `concord check` on the marketplace's own schema, and everything that softens its judgement.

use serde_json::json;

use crate::serve::{Serving, query};
use crate::support::{Folder, graph};

fn schema(name: &str) -> String {
    let path = format!("{}/../schema/{name}.graphql", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the checked-in schema")
}

fn marketplace() -> Folder {
    let folder = Folder::new(&[]);
    let entries = ["payments", "reviews", "users"].map(|name| {
        folder.write(&format!("schema/{name}.graphql"), &schema(name));
        let schema = format!("{{ file: schema/{name}.graphql }}");
        format!("  {name}: {{ routing_url: http://localhost:1/{name}, schema: {schema} }}\n")
    });
    folder.write("supergraph.yaml", &format!("subgraphs:\n{}", entries.concat()));
    folder.git(&["init", "--quiet"]);
    folder.git(&["add", "."]);
    folder.git(&["commit", "--quiet", "--message", "first"]);
    folder
}

const CHECK: [&str; 5] = ["check", "--base", "HEAD", "--head", "supergraph.yaml"];

#[test]
fn the_marketplace_cannot_lose_a_price_but_gain_a_field() {
    let folder = marketplace();
    assert_eq!(folder.concord(&CHECK).code, 0);
    let text = schema("payments");
    let product = text.find("type Product ").expect("there are products");
    let price = product + text[product..].find("\n  price: Money").expect("they have a price");
    let end = price + 1 + text[price + 1..].find('\n').expect("a line");

    let without = format!("{}{}", &text[..price], &text[end..]);
    folder.write("schema/payments.graphql", &without);
    let removed = folder.concord(&CHECK);
    assert_eq!(removed.code, 1, "{}", removed.err);
    assert!(removed.out.contains("field `Product.price` was removed"), "{}", removed.out);
    assert!(removed.out.contains("--> schema/payments.graphql:"), "{}", removed.out);

    let with = format!("{}\n  nickname: String{}", &text[..price], &text[price..]);
    folder.write("schema/payments.graphql", &with);
    let added = folder.concord(&CHECK);
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    assert!(added.out.contains("1 safe changes"), "{}", added.out);
}

const OLD: &str = "type Query { item(colour: Colour): Item items: [Item] } type Item { id: ID! size: Size } \
                   enum Colour { RED BLUE } enum Size { S M }";
const SUPERGRAPH: &str = "
subgraphs:
  shop: { routing_url: 'http://localhost:1/shop', schema: { file: shop.graphql } }
";

#[cfg(unix)]
#[test]
fn an_unused_enum_value_may_go_if_the_usage_log_says_so() {
    let folder = Folder::new(&[("shop.graphql", OLD), ("supergraph.yaml", SUPERGRAPH)]);
    folder.write("concord.yaml", "usage: { database: 'sqlite://usage.db', flush_interval: 1h }\n");
    let (serving, address) = Serving::start_command(
        &folder,
        &["serve", "--supergraph", "supergraph.yaml", "--config", "concord.yaml"],
    );
    let sent = json!({ "query": "query Reds { item(colour: RED) { id } }" });
    for _ in 0..3 {
        query(&address, &sent, "graphql-client-name: web\r\ngraphql-client-version: 2.1\r\n");
    }
    query(&address, &json!({ "query": "query Rare { items { size } }" }), "");
    serving.stop();

    folder.write("new.graphql", &OLD.replace(" BLUE", ""));
    let base = ["check", "--base", "shop.graphql", "--head", "new.graphql"];
    assert_eq!(folder.concord(&base).code, 1);
    let usage = [&base[..], &["--usage", "sqlite://usage.db"]].concat();
    let unused = folder.concord(&usage);
    assert_eq!(unused.code, 0, "{}{}", unused.out, unused.err);
    assert!(unused.out.contains("none of 2 operations notices it"), "{}", unused.out);

    folder.write("new.graphql", &OLD.replace("RED ", ""));
    let used = folder.concord(&[&usage[..], &["--format", "json"]].concat());
    assert_eq!(used.code, 1, "{}", used.err);
    let change = &used.json()["changes"][0];
    assert_eq!(
        (&change["path"], &change["criticality"], &change["verdict"]),
        (&json!("Colour.RED"), &json!("BREAKING"), &json!("BREAKING"))
    );
    assert_eq!(
        change["operations"],
        json!([{
            "name": "Reds", "file": "usage log", "line": 1, "requests": 3,
            "clients": [{ "name": "web", "version": "2.1", "count": 3 }],
        }])
    );
    // Nobody who counts notices.
    let excluded = folder.concord(&[&usage[..], &["--exclude-client", "web@2.1"]].concat());
    assert_eq!(excluded.code, 0, "{}", excluded.out);
    folder.write("new.graphql", &OLD.replace(" M }", " }"));
    assert_eq!(folder.concord(&usage).code, 1);
    let rare = folder.concord(&[&usage[..], &["--min-count", "2"]].concat());
    assert_eq!(rare.code, 0, "{}", rare.out);
    assert!(rare.out.contains("1 operations are too rare to count"), "{}", rare.out);
    assert_eq!(folder.concord(&[&usage[..], &["--min-percentage", "30"]].concat()).code, 0);
}

#[test]
fn a_usage_log_that_is_not_there_is_no_pass() {
    let folder = Folder::new(&[("a.graphql", OLD)]);
    let check = |usage: &str| {
        folder.concord(&["check", "--base", "a.graphql", "--head", "a.graphql", "--usage", usage])
    };
    assert_eq!(check("sqlite://missing.db").code, 3);
    let wrong = check("mysql://localhost");
    assert_eq!(wrong.code, 3);
    assert!(wrong.err.contains("sqlite://FILE"), "{}", wrong.err);
}

#[test]
fn accepted_changes_pass_until_they_expire() {
    let folder =
        Folder::new(&[("old.graphql", OLD), ("new.graphql", &OLD.replace(" size: Size", ""))]);
    let accept = |entries: &str| {
        folder.write("accepted.yaml", entries);
        folder.concord(&[
            "check",
            "--base",
            "old.graphql",
            "--head",
            "new.graphql",
            "--accept",
            "accepted.yaml",
        ])
    };
    let entry = |path: &str, expires: &str| {
        format!(
            "- {{ type: FIELD_REMOVED, path: {path}, reason: agreed, by: mara, expires: {expires} }}\n"
        )
    };
    let accepted = accept(&(entry("Item.size", "2999-01-01") + &entry("Item.gone", "2999-01-01")));
    assert_eq!(accepted.code, 0, "{}{}", accepted.out, accepted.err);
    assert!(accepted.out.contains("accepted by mara"), "{}", accepted.out);
    assert!(accepted.out.contains("FIELD_REMOVED Item.gone is not used"), "{}", accepted.out);
    let expired = accept(&entry("Item.size", "2020-01-01"));
    assert_eq!(expired.code, 1);
    assert!(expired.out.contains("has expired on 2020-01-01"), "{}", expired.out);
    let typo =
        accept("- { type: FIELD_REMOVD, path: A.b, reason: r, by: b, expires: 2999-01-01 }\n");
    assert_eq!(typo.code, 2);
    assert!(
        typo.err.contains("accepted.yaml") && typo.err.contains("did you mean"),
        "{}",
        typo.err
    );
}

#[test]
fn manifests_count_as_operations() {
    let folder =
        Folder::new(&[("old.graphql", OLD), ("new.graphql", &OLD.replace(" size: Size", ""))]);
    folder.write(
        "apollo.json",
        r#"{"format":"apollo-persisted-query-manifest","version":1,"operations":[
            {"id":"1","name":"Sizes","type":"query","body":"query Sizes { items { size } }"},
            {"id":"2","name":"Ids","type":"query","body":"query Ids { items { id } }"}]}"#,
    );
    folder.write(
        "relay.json",
        r#"{"abc":"query Sized { item { ...F } } fragment F on Item { size }"}"#,
    );
    folder.write("broken.json", r#"{"operations":[{"id":"1"}]}"#);
    folder.write("empty.json", "{}");
    let check = |file: &str| {
        folder.concord(&[
            "check",
            "--base",
            "old.graphql",
            "--head",
            "new.graphql",
            "--operations",
            file,
            "--format",
            "json",
        ])
    };
    assert_eq!(check("apollo.json").json()["brokenOperations"], json!(["Sizes"]));
    let arguments = ["check", "--base", "old.graphql", "--head", "new.graphql"];
    let annotated = folder.concord(
        &[&arguments[..], &["--operations", "apollo.json", "--format", "github"]].concat(),
    );
    assert!(annotated.out.contains("file=apollo.json,line=2,"), "{}", annotated.out);
    assert_eq!(check("relay.json").json()["brokenOperations"], json!(["Sized"]));
    for (file, message) in
        [("broken.json", "line 1: operations[0] has no `body`"), ("empty.json", "no operation")]
    {
        let ran = check(file);
        assert_eq!(ran.code, 3, "{}", ran.out);
        assert!(ran.err.contains(message), "{}", ran.err);
    }
}

#[test]
fn fragments_of_other_files_are_known() {
    let folder =
        Folder::new(&[("old.graphql", OLD), ("new.graphql", &OLD.replace(" size: Size", ""))]);
    folder.write("ops/a.graphql", "query Q { items { ...Sized } }");
    folder.write("ops/b.graphql", "fragment Sized on Item { size }");
    let check = ["check", "--base", "old.graphql", "--head", "new.graphql", "--operations", "ops"];
    let ran = folder.concord(&check);
    assert!(ran.out.contains("1 of 1 operations broken"), "{}", ran.out);
    folder.write("ops/c.graphql", "fragment Sized on Item { id }");
    let ran = folder.concord(&check);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("defined differently"), "{}", ran.err);
    folder.write("only/f.graphql", "fragment Sized on Item { id }");
    let ran = folder.concord(&[&check[..6], &["only"]].concat());
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("no operation in any of these files"), "{}", ran.err);
}

#[test]
fn rules_change_the_judgement() {
    let folder = Folder::new(&[
        ("old.graphql", "type Query { a: Int b: Int @deprecated } type Lost { x: Int }"),
        ("new.graphql", "type Query { a: Int } type Lost { y: Int }"),
    ]);
    let check = |rules: &[&str]| {
        let rules: Vec<&str> = rules.iter().flat_map(|rule| ["--rule", rule]).collect();
        folder.concord(
            &[&["check", "--base", "old.graphql", "--head", "new.graphql"], &rules[..]].concat(),
        )
    };
    assert!(check(&[]).out.contains("2 breaking"));
    assert!(check(&["safeUnreachable"]).out.contains("1 breaking"));
    let both = check(&["safeUnreachable", "suppressRemovalOfDeprecatedField"]);
    assert_eq!(both.code, 0, "{}", both.out);
    let dangerous =
        check(&["safeUnreachable", "suppressRemovalOfDeprecatedField", "dangerousBreaking"]);
    assert_eq!(dangerous.code, 1, "{}", dangerous.out);
    let typo = check(&["safeUnreachble"]);
    assert_eq!(typo.code, 2);
    assert!(typo.err.contains("did you mean `safeUnreachable`"), "{}", typo.err);
    assert_eq!(check(&["considerUsage"]).code, 2);
}

#[test]
fn sides_may_be_folders_revisions_and_introspection() {
    let folder = Folder::new(&[
        ("schema/a.graphql", "type Query { a: Int }"),
        ("schema/b.graphql", "extend type Query { b: Int }"),
    ]);
    folder.git(&["init", "--quiet"]);
    folder.git(&["add", "."]);
    folder.git(&["commit", "--quiet", "--message", "first"]);
    let check = |base: &str, head: &str| folder.concord(&["check", "--base", base, "--head", head]);
    assert_eq!(check("HEAD", "schema").code, 0);
    folder.write("schema/b.graphql", "extend type Query { c: Int }");
    let ran = check("HEAD", "schema");
    assert!(ran.out.contains("1 breaking, 0 dangerous, 1 safe"), "{}{}", ran.out, ran.err);
    folder.write(
        "introspection.json",
        r#"{"data":{"__schema":{"queryType":{"name":"Query"},"types":[{"kind":"OBJECT","name":"Query","fields":[
            {"name":"a","args":[],"type":{"kind":"SCALAR","name":"Int"}},
            {"name":"c","args":[],"type":{"kind":"SCALAR","name":"Int"}}]}],"directives":[]}}}"#,
    );
    assert_eq!(check("introspection.json", "schema").code, 0);
    folder.write("other.json", "{}");
    assert_eq!(check("other.json", "schema").code, 3);
    std::fs::create_dir(folder.path("nothing")).expect("a folder");
    assert_eq!(check("schema", "nothing").code, 3);
}

#[cfg(unix)]
#[test]
fn a_running_graph_can_be_compared_with() {
    let folder = Folder::new(&[("shop.graphql", OLD), ("supergraph.yaml", SUPERGRAPH)]);
    let (_serving, address) =
        Serving::start_command(&folder, &["serve", "--supergraph", "supergraph.yaml"]);
    let running = format!("http://{address}/graphql");
    let same = folder.concord(&["check", "--base", &running, "--head", "supergraph.yaml"]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert!(same.out.contains("0 breaking, 0 dangerous, 0 safe"), "{}", same.out);
    let nobody = folder.concord(&[
        "check",
        "--base",
        "http://127.0.0.1:1/graphql",
        "--head",
        "shop.graphql",
    ]);
    assert_eq!(nobody.code, 3);
}

#[test]
fn one_subgraph_can_be_replaced() {
    let folder = graph();
    folder.write(
        "changed.graphql",
        &crate::support::USERS.replace("name: String", "fullName: String"),
    );
    let ran = folder.concord(&[
        "check",
        "--base",
        "supergraph.yaml",
        "--head",
        "supergraph.yaml",
        "--subgraph",
        "users=changed.graphql",
    ]);
    assert!(ran.out.contains("field `User.name` was removed"), "{}{}", ran.out, ran.err);
    let wrong = folder.concord(&[
        "check",
        "--base",
        "changed.graphql",
        "--head",
        "changed.graphql",
        "--subgraph",
        "users=changed.graphql",
    ]);
    assert_eq!(wrong.code, 2);
}

#[test]
fn contracts_are_checked_too() {
    let sdl = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@tag\"])\n\
               type Query { open: Int @tag(name: \"public\") closed: Int }";
    let folder = Folder::new(&[("shop.graphql", sdl), ("supergraph.yaml", SUPERGRAPH)]);
    let check = ["compose", "--config", "supergraph.yaml", "-o", "base.graphql"];
    assert_eq!(folder.concord(&check).code, 0);
    folder.write("shop.graphql", &sdl.replace(" @tag(name: \"public\")", ""));
    let contract = |contract: &str| {
        folder.concord(&[
            "check",
            "--base",
            "base.graphql",
            "--head",
            "supergraph.yaml",
            "--contract",
            contract,
            "--format",
            "json",
        ])
    };
    let without = contract("inside:exclude=secret");
    assert_eq!(without.code, 0, "{}{}", without.out, without.err);
    let public = contract("public:include=public");
    assert_eq!(public.code, 1);
    assert_eq!(public.json()["contracts"][0]["ok"], false);
    assert_eq!(contract("public:includes=x").code, 2);
}

#[test]
fn several_reports_at_once() {
    let folder =
        Folder::new(&[("old.graphql", OLD), ("new.graphql", &OLD.replace(" size: Size", ""))]);
    let ran = folder.concord(&[
        "check",
        "--base",
        "old.graphql",
        "--head",
        "new.graphql",
        "--lint",
        "--report",
        "sarif=out/../check.sarif",
        "--report",
        "junit=check.xml",
        "--report",
        "json=check.json",
    ]);
    assert_eq!(ran.code, 3, "the folder is not there");
    let ran = folder.concord(&[
        "check",
        "--base",
        "old.graphql",
        "--head",
        "new.graphql",
        "--lint",
        "--report",
        "sarif=check.sarif",
        "--report",
        "junit=check.xml",
        "--report",
        "json=check.json",
    ]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("failed: 1 breaking"), "{}", ran.out);
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).expect("written");
    let sarif: serde_json::Value = serde_json::from_str(&read("check.sarif")).expect("JSON");
    assert_sarif(&sarif);
    assert!(read("check.xml").starts_with("<?xml"));
    assert!(read("check.json").contains("\"ok\": false"));
}

/// What SARIF 2.1.0 asks of the properties that are written.
fn assert_sarif(sarif: &serde_json::Value) {
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert!(run["tool"]["driver"]["name"].is_string());
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| rule["id"].as_str().expect("an id"))
        .collect();
    let results = run["results"].as_array().expect("results");
    assert!(!results.is_empty());
    for result in results {
        assert!(rules.contains(&result["ruleId"].as_str().expect("a rule")), "{result}");
        assert!(
            ["none", "note", "warning", "error"]
                .contains(&result["level"].as_str().expect("a level"))
        );
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        for location in result["locations"].as_array().expect("locations") {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().expect("a URI");
            assert!(!uri.contains([' ', ':']), "{uri}");
            if let Some(region) = physical.get("region") {
                assert!(
                    region["startLine"].as_u64() >= Some(1)
                        && region["startColumn"].as_u64() >= Some(1)
                );
            }
        }
    }
}

#[test]
fn an_operation_that_was_invalid_before_still_counts() {
    let folder = Folder::new(&[("old.graphql", OLD), ("new.graphql", &OLD.replace("RED ", ""))]);
    folder.write("ops.graphql", "query Half { item(colour: RED) { id gone } }");
    let ran = folder.concord(&[
        "check",
        "--base",
        "old.graphql",
        "--head",
        "new.graphql",
        "--operations",
        "ops.graphql",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("is not valid for old.graphql either"), "{}", ran.out);
}
