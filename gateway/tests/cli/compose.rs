//! `concord compose`: 0 composed, 1 does not compose, 2 usage, 3 could not be loaded.

use serde_json::json;

use crate::support::{Folder, REVIEWS, USERS, graph};

#[test]
fn a_supergraph_is_printed_or_written() {
    let folder = graph();
    let ran = folder.concord(&["compose", "--config", "supergraph.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("@join__graph(name: \"users\", url: \"http://users.example/graphql\")")
    );
    let written =
        folder.concord(&["compose", "--config", "supergraph.yaml", "-o", "supergraph.graphql"]);
    assert_eq!((written.code, written.out.as_str()), (0, ""));
    assert_eq!(
        std::fs::read_to_string(folder.path("supergraph.graphql")).expect("written"),
        ran.out
    );
    let api = folder.concord(&["compose", "--config", "supergraph.yaml", "--api"]);
    assert!(api.out.contains("type User") && !api.out.contains("join__"));
    let pairs = folder.concord(&[
        "compose",
        "users=schema/users.graphql",
        "reviews=schema/reviews.graphql",
        "--api",
    ]);
    assert_eq!((pairs.code, pairs.out), (0, api.out));
    let text = folder.concord(&["compose", "--config", "supergraph.yaml", "--format", "text"]);
    assert!(text.out.contains("composed 2 subgraphs"));
}

#[test]
fn a_folder_of_schemas_is_composed() {
    let folder = graph();
    let ran = folder.concord(&["compose", "schema", "--api"]);
    let pairs = folder.concord(&[
        "compose",
        "users=schema/users.graphql",
        "reviews=schema/reviews.graphql",
        "--api",
    ]);
    assert_eq!((ran.code, ran.out), (0, pairs.out));
    std::fs::create_dir(folder.path("empty")).expect("a folder");
    assert_eq!(folder.concord(&["compose", "empty"]).code, 3);
}

#[test]
fn a_contract_shows_a_part() {
    let folder = graph();
    let tagged = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", \
         import: [\"@tag\"]) type Query { open: Int secret: Int @tag(name: \"internal\") }";
    folder.write("shop/shop.graphql", tagged);
    let composed = folder.concord(&["compose", "shop", "-o", "supergraph.graphql"]);
    assert_eq!(composed.code, 0, "{}", composed.err);
    let contract = ["contract", "--supergraph", "supergraph.graphql", "--exclude", "internal"];
    let ran = folder.concord(&contract);
    assert!(ran.out.contains("@inaccessible") && ran.out.contains("join__Graph"), "{}", ran.err);
    let api = folder.concord(&[&contract[..], &["--api"]].concat());
    assert_eq!((api.code, api.out.trim()), (0, "type Query {\n  open: Int\n}"));
    let nothing =
        folder.concord(&["contract", "--supergraph", "supergraph.graphql", "--include", "none"]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("error[QUERY_ROOT_TYPE_INACCESSIBLE]"), "{}", nothing.err);
    assert_eq!(folder.concord(&["contract", "--supergraph", "nowhere.graphql"]).code, 3);
}

#[test]
fn json_tells_everything() {
    let folder = graph();
    let ran = folder.concord(&["compose", "--config", "supergraph.yaml", "--format", "json"]);
    let json = ran.json();
    assert_eq!(ran.code, 0);
    assert_eq!((&json["ok"], &json["errors"]), (&json!(true), &json!([])));
    assert!(json["hints"].is_array());
    assert!(json["supergraphSdl"].as_str().is_some_and(|sdl| sdl.contains("join__Graph")));
    assert!(json["apiSdl"].as_str().is_some_and(|sdl| sdl.contains("type Query")));
}

#[test]
fn errors_are_shown_at_their_place() {
    let folder = graph();
    folder.write("schema/reviews.graphql", &REVIEWS.replace("reviews: [Review!]", "name: String"));
    let ran = folder.concord(&["compose", "--config", "supergraph.yaml"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("error[INVALID_FIELD_SHARING]"), "{}", ran.err);
    assert!(ran.err.contains("schema/reviews.graphql:3:"), "{}", ran.err);
    let json = folder.concord(&["compose", "--config", "supergraph.yaml", "--format", "json"]);
    assert_eq!(json.code, 1);
    let json = json.json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["errors"][0]["code"], "INVALID_FIELD_SHARING");
    let locations = json["errors"][0]["locations"].as_array().expect("a list");
    assert!(
        locations.iter().any(|location| location["subgraph"] == "users" && location["line"] == 4),
        "{locations:?}"
    );
}

#[test]
fn wrong_usage_is_2() {
    let folder = graph();
    for arguments in [
        &["compose"][..],
        &["compose", "--config", "supergraph.yaml", "--format", "yaml"],
        &["compose", "--config", "supergraph.yaml", "users=schema/users.graphql"],
        &["compose", "users"],
        &["compose", "--config", "schema/users.graphql"],
        &["compose", "--unknown"],
        &["unknown"],
        &[],
    ] {
        let ran = folder.concord(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_loaded_is_3_and_named() {
    let yaml = |schema: &str| format!("subgraphs:\n  users:\n    schema: {schema}\n");
    // file, content, part of the message
    let table = [
        ("missing.yaml", None, "missing.yaml"),
        ("broken.yaml", Some("subgraphs: [".to_owned()), "broken.yaml"),
        ("unknown.yaml", Some("subgraphs: {}\nsubgraph: 1\n".to_owned()), "subgraph"),
        ("empty.yaml", Some("subgraphs: {}\n".to_owned()), "names no subgraph"),
        ("nofile.yaml", Some(yaml("{ file: nowhere.graphql }")), "nowhere.graphql"),
        (
            "both.yaml",
            Some(yaml("{ file: a.graphql, sdl: 'type Query { a: Int }' }")),
            "exactly one",
        ),
        ("none.yaml", Some(yaml("{}")), "exactly one"),
        ("env.yaml", Some(yaml("{ file: '${env.CONCORD_TEST_UNSET}' }")), "CONCORD_TEST_UNSET"),
        ("down.yaml", Some(yaml("{ subgraph_url: 'http://127.0.0.1:1/graphql' }")), "127.0.0.1:1"),
    ];
    for (file, content, message) in table {
        let folder = Folder::new(&[]);
        if let Some(content) = content {
            folder.write(file, &content);
        }
        let ran = folder.concord(&["compose", "--config", file]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{file}: {}", ran.err);
        assert!(ran.err.contains(message), "{file}: {}", ran.err);
    }
}

#[test]
fn sdl_may_stand_in_the_file_and_variables_are_filled() {
    let folder = Folder::new(&[(
        "supergraph.yaml",
        "subgraphs:\n  a:\n    routing_url: ${env.CONCORD_TEST_UNSET:-http://a.example}\n    schema: { sdl: 'type Query { a: Int }' }\n",
    )]);
    let ran = folder.concord(&["compose", "--config", "supergraph.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("http://a.example"));
}

#[test]
fn broken_sdl_is_a_finding() {
    let folder = Folder::new(&[("users.graphql", USERS), ("broken.graphql", "type Query {")]);
    let ran = folder.concord(&["compose", "users=users.graphql", "broken=broken.graphql"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("broken.graphql"), "{}", ran.err);
}
