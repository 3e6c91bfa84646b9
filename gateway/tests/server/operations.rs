//! Operations end to end: joins, introspection, failing and silent subgraphs, redaction.

use std::time::Duration;

use axum::response::IntoResponse;
use gateway::Config;
use gateway::config::SubgraphConfig;
use serde_json::{Value, json};

use crate::support::{Running, Subgraph, answer_with, silent_url, supergraph, usual_answer};

#[tokio::test]
async fn entities_are_joined() {
    let gateway = Running::start(Config::default()).await;
    let answer = gateway.query("query Page { me { name reviews { body } } }").await;
    assert_eq!(
        answer.json(),
        json!({ "data": { "me": { "name": "Ada", "reviews": [{ "body": "fine" }] } } })
    );
    let entities = &gateway.reviews.received()[0];
    assert_eq!(
        entities.body["variables"],
        json!({ "representations": [{ "__typename": "User", "id": "1" }] })
    );
    assert!(entities.body["operationName"].as_str().expect("a name").starts_with("Page__reviews"));
}

#[tokio::test]
async fn variables_reach_the_subgraph_in_coerced_form() {
    let gateway = Running::start(Config::default()).await;
    let query =
        "query($by: Filter = { min: 3 }, $id: ID!) { filter(by: $by) user(id: $id) { name } }";
    let answer =
        gateway.post(json!({ "query": query, "variables": { "id": 7, "unknown": true } })).await;
    assert_eq!(answer.code(), "none", "{}", answer.text);
    let variables = gateway.users.received()[0].body["variables"].clone();
    assert_eq!(variables, json!({ "by": { "min": 3, "kind": "ALL" }, "id": "7" }));
}

#[tokio::test]
async fn introspection_is_answered_by_the_gateway() {
    let gateway = Running::start(Config::default()).await;
    let query = "query($name: String!) { __typename __type(name: $name) { kind fields { name } } types: __schema { queryType { name } } me { id } }";
    let answer = gateway.post(json!({ "query": query, "variables": { "name": "Review" } })).await;
    assert_eq!(
        answer.json(),
        json!({ "data": {
            "__typename": "Query",
            "__type": { "kind": "OBJECT", "fields": [{ "name": "body" }, { "name": "author" }] },
            "types": { "queryType": { "name": "Query" } },
            "me": { "id": "1" },
        } })
    );
    let federation = gateway.query("{ __type(name: \"_Entity\") { name } }").await;
    assert_eq!(
        federation.json(),
        json!({ "data": { "__type": null } }),
        "what is internal stays hidden"
    );
}

#[tokio::test]
async fn introspection_can_be_switched_off() {
    let mut config = Config::default();
    config.server.introspection = false;
    let gateway = Running::start(config).await;
    assert_eq!(
        gateway.query("{ __schema { queryType { name } } }").await.code(),
        "INTROSPECTION_DISABLED"
    );
    assert_eq!(gateway.query("{ me { __typename } __typename }").await.code(), "none");
}

#[tokio::test]
async fn a_failing_subgraph_costs_its_fields_only() {
    // answer of the reviews subgraph, code, part of the message
    let table: [(u16, &str, &str); 6] = [
        (
            200,
            r#"{"errors":[{"message":"no reviews today","extensions":{"code":"CLOSED"}}]}"#,
            "CLOSED",
        ),
        (
            200,
            r#"{"data":{"_entities":[null]},"errors":[{"message":"broken","path":["_entities",0]}]}"#,
            "DOWNSTREAM_SERVICE_ERROR",
        ),
        (500, "oops", "SUBREQUEST_HTTP_ERROR"),
        (
            401,
            r#"{"errors":[{"message":"who are you","extensions":{"code":"UNAUTHENTICATED"}}]}"#,
            "UNAUTHENTICATED",
        ),
        (200, "<html>", "SUBREQUEST_MALFORMED_RESPONSE"),
        (200, r#"{"data":{"_entities":[]}}"#, "SUBREQUEST_MALFORMED_RESPONSE"),
    ];
    for (status, body, code) in table {
        let users = Subgraph::usual().await;
        let reviews = Subgraph::start(move |_| answer_with(status, body)).await;
        let sdl = supergraph(&users.url(), &reviews.url());
        let gateway = Running::with(Config::default(), sdl, users, reviews).await;
        let answer = gateway.query("{ me { name reviews { body } } }").await;
        assert_eq!(answer.status.as_u16(), 200);
        assert_eq!(
            answer.json()["data"],
            json!({ "me": { "name": "Ada", "reviews": null } }),
            "{body}"
        );
        let error = answer.json()["errors"][0].clone();
        assert_eq!(error["extensions"]["code"], code, "{body}: {error}");
        assert_eq!(error["extensions"]["service"], "reviews", "{body}: {error}");
        assert_eq!(error["path"][0], "me", "{body}: {error}");
    }
}

#[tokio::test]
async fn a_dead_subgraph_is_reported_and_its_address_is_not() {
    let users = Subgraph::usual().await;
    let dead = Subgraph::usual().await;
    let sdl = supergraph(&users.url(), &dead.url());
    let address = dead.address.to_string();
    drop(dead);
    // Whoever takes over the port meanwhile would answer; nobody does within one test.
    let reviews = Subgraph::usual().await;
    let gateway = Running::with(Config::default(), sdl, users, reviews).await;
    let answer = gateway.query("{ me { name reviews { body } } }").await;
    assert_eq!(answer.json()["data"]["me"]["name"], "Ada");
    assert!(!answer.text.contains(&address), "{}", answer.text);
}

#[tokio::test]
async fn slow_subgraphs_time_out_and_the_rest_is_kept() {
    let users = Subgraph::usual().await;
    let (silent, _holding) = silent_url().await;
    let sdl = supergraph(&users.url(), &silent);
    let mut config = Config::default();
    let reviews =
        SubgraphConfig { timeout: Some(Duration::from_millis(50)), ..SubgraphConfig::default() };
    config.subgraphs.named.insert("reviews".to_owned(), reviews);
    let gateway = Running::with(config, sdl, users, Subgraph::usual().await).await;
    let answer = gateway.query("{ me { name reviews { body } } }").await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.json()["data"], json!({ "me": { "name": "Ada", "reviews": null } }));
    assert_eq!(answer.code(), "GATEWAY_TIMEOUT");
}

#[tokio::test]
async fn the_whole_request_has_a_deadline_too() {
    let users = Subgraph::usual().await;
    let (silent, _holding) = silent_url().await;
    let sdl = supergraph(&users.url(), &silent);
    let mut config = Config::default();
    config.server.request_timeout = Duration::from_millis(200);
    let gateway = Running::with(config, sdl, users, Subgraph::usual().await).await;
    let answer = gateway.query("{ me { name reviews { body } } }").await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.json()["data"], json!({ "me": { "name": "Ada", "reviews": null } }));
    assert_eq!(answer.code(), "GATEWAY_TIMEOUT");
}

#[tokio::test]
async fn answers_that_are_too_large_are_refused() {
    let users = Subgraph::start(|received| {
        let mut answer = usual_answer(received);
        answer["data"]["padding"] = Value::String("x".repeat(10_000));
        axum::Json(answer).into_response()
    })
    .await;
    let mut config = Config::default();
    config.subgraphs.all.max_response_bytes = 5_000;
    let gateway = Running::with_users(config, users).await;
    let answer = gateway.query("{ me { name } }").await;
    assert_eq!(answer.json()["data"], json!({ "me": null }));
    assert_eq!(answer.code(), "SUBREQUEST_MALFORMED_RESPONSE");
}

#[tokio::test]
async fn messages_of_subgraphs_are_passed_on_unless_hidden() {
    for redact in [false, true] {
        let users = Subgraph::start(|_| {
            let error = json!({ "message": "table users is locked", "extensions": { "code": "LOCKED", "sql": "SELECT" } });
            axum::Json(json!({ "data": { "me": null }, "errors": [error] })).into_response()
        })
        .await;
        let mut config = Config::default();
        config.subgraphs.all.redact_errors = redact;
        let gateway = Running::with_users(config, users).await;
        let answer = gateway.query("{ me { id } }").await;
        assert_eq!(answer.code(), "LOCKED");
        assert_eq!(answer.text.contains("table users is locked"), !redact);
        assert_eq!(answer.text.contains("SELECT"), !redact);
    }
}

#[tokio::test]
async fn addresses_of_subgraphs_can_be_configured() {
    let (users, reviews) = (Subgraph::usual().await, Subgraph::usual().await);
    let mut config = Config::default();
    let at = |subgraph: &Subgraph| SubgraphConfig {
        url: Some(subgraph.url()),
        ..SubgraphConfig::default()
    };
    config.subgraphs.named.insert("users".to_owned(), at(&users));
    config.subgraphs.named.insert("reviews".to_owned(), at(&reviews));
    let sdl = supergraph("http://users.invalid/graphql", "");
    let gateway = Running::with(config, sdl, users, reviews).await;
    assert_eq!(gateway.query("{ me { reviews { body } } }").await.code(), "none");
}

#[tokio::test]
async fn subgraphs_can_be_asked_over_http2_without_tls() {
    for (http2, version) in [(false, http::Version::HTTP_11), (true, http::Version::HTTP_2)] {
        let mut config = Config::default();
        config.subgraphs.all.http2 = http2;
        let gateway = Running::start(config).await;
        assert_eq!(gateway.query("{ me { name reviews { body } } }").await.code(), "none");
        assert_eq!(gateway.users.received()[0].version, version);
    }
}
