//! A changed supergraph is taken into use; a broken one is not.

use std::path::PathBuf;
use std::time::Duration;

use gateway::Config;
use gateway::config::SupergraphConfig;

use crate::support::{Running, Subgraph, supergraph};

/// Waits until a metric has this value; the gateway looks at its files every few milliseconds.
async fn metric(gateway: &Running, line: &str) {
    let mut every = tokio::time::interval(Duration::from_millis(10));
    let reached = async {
        loop {
            every.tick().await;
            if gateway.get("/metrics").await.text.lines().any(|found| found == line) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached)
        .await
        .unwrap_or_else(|_| panic!("never saw {line}"));
}

async fn serve(file: PathBuf, users: Subgraph, reviews: Subgraph) -> Running {
    let supergraph =
        SupergraphConfig { file: Some(file), sdl: None, poll_interval: Duration::from_millis(20) };
    Running::with(Config { supergraph, ..Config::default() }, String::new(), users, reviews).await
}

#[tokio::test]
async fn the_last_good_schema_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("supergraph.graphql");
    let (users, reviews) = (Subgraph::usual().await, Subgraph::usual().await);
    let sdl = supergraph(&users.url(), &reviews.url());
    std::fs::write(&file, &sdl).expect("writes");
    let gateway = serve(file.clone(), users, reviews).await;
    assert_eq!(gateway.query("{ echo }").await.code(), "none");

    std::fs::write(&file, "type Query {").expect("writes");
    metric(&gateway, "concord_schema_reload_failures_total 1").await;
    assert_eq!(gateway.query("{ echo }").await.code(), "none");

    std::fs::write(&file, sdl.replace("echo(", "shout(")).expect("writes");
    metric(&gateway, "concord_schema_reloads_total 1").await;
    assert_eq!(gateway.query("{ shout }").await.code(), "none");
    assert_eq!(gateway.query("{ echo }").await.code(), "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn known_operations_are_prepared_before_a_schema_takes_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("supergraph.graphql");
    let (users, reviews) = (Subgraph::usual().await, Subgraph::usual().await);
    let sdl = supergraph(&users.url(), &reviews.url());
    std::fs::write(&file, &sdl).expect("writes");
    let gateway = serve(file.clone(), users, reviews).await;
    let known = ["{ echo }", "{ me { name reviews { body } } }", "{ members }"];
    for query in known {
        gateway.query(query).await;
    }
    metric(&gateway, "concord_plan_cache_misses_total 3").await;

    // One operation is touched by the change, one is no longer valid, one has nothing to do with it.
    let changed =
        sdl.replace("echo(", "shout(").replace("reviews: [Review!]", "reviews: [Review!]!");
    assert_ne!(sdl, changed);
    std::fs::write(&file, changed).expect("writes");
    metric(&gateway, "concord_schema_reloads_total 1").await;
    let hits = "concord_plan_cache_hits_total";
    metric(&gateway, &format!("{hits} 0")).await;
    for query in &known[1..] {
        assert!(gateway.query(query).await.json().get("data").is_some(), "{query}");
    }
    metric(&gateway, &format!("{hits} 2")).await;
    metric(&gateway, "concord_plan_cache_misses_total 3").await;
    assert_eq!(gateway.query(known[0]).await.code(), "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn changed_subgraph_schemas_are_composed_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("supergraph.yaml");
    let users = Subgraph::usual().await;
    let yaml = format!(
        "subgraphs:\n  users:\n    routing_url: {}\n    schema: {{ file: users.graphql }}\n",
        users.url()
    );
    std::fs::write(&file, yaml).expect("writes");
    std::fs::write(folder.path().join("users.graphql"), "type Query { echo: String }")
        .expect("writes");
    let gateway = serve(file, users, Subgraph::usual().await).await;
    assert_eq!(gateway.query("{ secret }").await.code(), "GRAPHQL_VALIDATION_FAILED");
    std::fs::write(
        folder.path().join("users.graphql"),
        "type Query { echo: String secret: String }",
    )
    .expect("writes");
    metric(&gateway, "concord_schema_reloads_total 1").await;
    assert_eq!(gateway.query("{ secret }").await.code(), "none");
}
