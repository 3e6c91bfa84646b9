//! What is not GraphQL: GraphiQL, health, metrics.

use gateway::Config;
use http::Method;

use crate::support::Running;

#[tokio::test]
async fn graphiql_is_served_without_any_other_host() {
    let gateway = Running::start(Config::default()).await;
    let page = gateway.get("/").await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("data-endpoint=\"/graphql\""));
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://"),
        "nothing comes from elsewhere"
    );
    let files: Vec<&str> =
        page.text.split('"').filter(|part| part.starts_with("/graphiql/")).collect();
    assert_eq!(files.len(), 5);
    for file in files {
        let asset = gateway.get(file).await;
        assert_eq!(asset.status.as_u16(), 200, "{file}");
        assert!(asset.text.len() > 500, "{file}");
        let expected = if file.contains("css") { "text/css" } else { "text/javascript" };
        assert!(asset.header("content-type").starts_with(expected), "{file}");
    }
    assert_eq!(gateway.get("/graphiql/..%2fCargo.toml").await.status.as_u16(), 404);
    let visit =
        gateway.send(Method::GET, "/graphql", &[("accept", "text/html,*/*;q=0.8")], "").await;
    assert_eq!((visit.status.as_u16(), visit.header("location")), (303, "/"));
}

#[tokio::test]
async fn graphiql_starts_with_the_configured_query() {
    let mut config = Config::default();
    config.server.graphiql_query = "{ user(id: \"<1>\") { name } }".to_owned();
    let page = Running::start(config).await.get("/").await.text;
    assert!(page.contains("data-query=\"{ user(id: &quot;&lt;1>&quot;) { name } }\""), "{page}");
}

#[tokio::test]
async fn graphiql_can_be_switched_off() {
    let mut config = Config::default();
    config.server.graphiql = false;
    let gateway = Running::start(config).await;
    assert_eq!(gateway.get("/").await.status.as_u16(), 404);
    let visit = gateway.send(Method::GET, "/graphql", &[("accept", "text/html")], "").await;
    assert_eq!(visit.status.as_u16(), 406);
}

#[tokio::test]
async fn health_is_told() {
    let gateway = Running::start(Config::default()).await;
    for path in ["/health", "/health/live", "/health/ready"] {
        let answer = gateway.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (200, r#"{"status":"UP"}"#),
            "{path}"
        );
    }
    assert_eq!(gateway.get("/nowhere").await.status.as_u16(), 404);
}

#[tokio::test]
async fn metrics_count_requests_plans_and_subgraph_requests() {
    let gateway = Running::start(Config::default()).await;
    for _ in 0..3 {
        gateway.query("{ me { name reviews { body } } }").await;
    }
    gateway.query("{ unknown }").await;
    gateway.send(Method::POST, "/graphql", &[], "").await;
    let metrics = gateway.get("/metrics").await.text;
    for line in [
        "http_server_requests_total{status=\"200\"} 4",
        "http_server_requests_total{status=\"415\"} 1",
        "http_server_request_duration_seconds_count 5",
        "http_server_active_requests 0",
        "concord_plan_cache_hits_total 2",
        "concord_plan_cache_misses_total 2",
        "concord_graphql_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"} 1",
        "concord_subgraph_requests_total{subgraph=\"users\"} 3",
        "concord_subgraph_requests_total{subgraph=\"reviews\"} 3",
        "concord_subgraph_request_entities_sum{subgraph=\"reviews\"} 3",
        "concord_subgraph_request_duration_seconds_count{subgraph=\"users\"} 3",
    ] {
        assert!(metrics.contains(line), "`{line}` is missing in\n{metrics}");
    }
}

#[tokio::test]
async fn two_gateways_in_one_process_count_for_themselves() {
    let (one, other) =
        (Running::start(Config::default()).await, Running::start(Config::default()).await);
    one.query("{ me { id } }").await;
    assert!(
        one.get("/metrics").await.text.contains("http_server_request_duration_seconds_count 1")
    );
    assert!(other.get("/metrics").await.text.contains("concord_plan_cache_misses_total 0"));
}
