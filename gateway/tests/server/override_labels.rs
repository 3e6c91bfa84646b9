//! Progressive overrides: who is asked for a field that moves.

use std::collections::BTreeMap;

use axum::response::IntoResponse;
use federation::composition::{SubgraphSource, compose};
use gateway::Config;
use serde_json::json;

use crate::support::{Running, Subgraph};

const OLD: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { always: Int never: Int sometimes: Int named: Int lamp: Lamp }
    type Lamp @key(fields: "id") @key(fields: "serial") { id: ID! serial: String }
"#;

const NEW: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@override", "@shareable"])
    type Query {
      always: Int @override(from: "users", label: "percent(100)")
      never: Int @override(from: "users", label: "percent(0)")
      sometimes: Int @override(from: "users", label: "percent(50)")
      named: Int @override(from: "users", label: "new-home")
    }
    type Lamp @key(fields: "id") {
      id: ID!
      serial: String @shareable @override(from: "users", label: "new-home")
    }
"#;

/// Every field is 1 from the old subgraph, and 2 from the new one.
async fn start(decided: &[(&str, bool)]) -> Running {
    let answers = async |number: i32| {
        let data = json!({
            "always": number, "never": number, "sometimes": number, "named": number,
            "lamp": { "__typename": "Lamp", "id": "1", "serial": number.to_string() },
            "_e0": [{ "__typename": "Lamp", "id": "1", "serial": number.to_string() }],
        });
        Subgraph::start(move |_| axum::Json(json!({ "data": data })).into_response()).await
    };
    let (old, new) = (answers(1).await, answers(2).await);
    let source = |name: &str, url: String, sdl: &str| SubgraphSource {
        name: name.to_owned(),
        url,
        sdl: sdl.to_owned(),
    };
    let sources = vec![source("users", old.url(), OLD), source("reviews", new.url(), NEW)];
    let sdl = compose(sources).expect("the test's subgraphs compose").supergraph_sdl;
    let override_labels: BTreeMap<String, bool> =
        decided.iter().map(|(label, on)| ((*label).to_owned(), *on)).collect();
    Running::with(Config { override_labels, ..Config::default() }, sdl, old, new).await
}

const ALL: &str = "{ always never named lamp { serial } }";

#[tokio::test]
async fn a_label_decides_who_is_asked() {
    let gateway = start(&[]).await;
    assert_eq!(
        gateway.query(ALL).await.json(),
        json!({ "data": { "always": 2, "never": 1, "named": 1, "lamp": { "serial": "1" } } })
    );
}

#[tokio::test]
async fn the_configuration_switches_labels() {
    let decided = [("percent(100)", false), ("percent(0)", true), ("new-home", true)];
    let gateway = start(&decided).await;
    assert_eq!(
        gateway.query(ALL).await.json(),
        json!({ "data": { "always": 1, "never": 2, "named": 2, "lamp": { "serial": "2" } } })
    );
}

#[tokio::test]
async fn a_percentage_is_drawn_for_every_request() {
    let gateway = start(&[]).await;
    let mut seen = [0, 0];
    // That one of the two is never drawn happens once in 10^29 runs.
    for _ in 0..100 {
        let answer = gateway.query("{ sometimes }").await.json();
        let number = answer["data"]["sometimes"].as_u64().expect("an answer");
        seen[usize::try_from(number - 1).expect("1 or 2")] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    assert_eq!(seen, [gateway.users.received().len(), gateway.reviews.received().len()]);
}
