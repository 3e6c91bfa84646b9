//! GraphQL over HTTP: status, media type and error code for everything a client can send.

use gateway::Config;
use gateway::config::LimitsConfig;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::Running;

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

#[tokio::test]
async fn refused_requests_have_the_status_and_code_of_their_kind() {
    let config = Config {
        limits: LimitsConfig { body_bytes: 2_000, ..LimitsConfig::default() },
        ..Config::default()
    };
    let gateway = Running::start(config).await;
    let big = format!(r#"{{"query":"{{ me {{ id }} }}","pad":"{}"}}"#, "x".repeat(3_000));
    // body, status for application/json, status for application/graphql-response+json, code
    let table = [
        (r#"{"query":"{ me { id } }"}"#, 200, 200, "none"),
        (
            r#"{"query":"{ me { id } }","operationName":null,"variables":null,"extensions":null}"#,
            200,
            200,
            "none",
        ),
        (r#"{"query":"{ me { id } }","operationName":""}"#, 200, 200, "none"),
        (r#"{"query":"{ me { id } }","extensions":{"any":1}}"#, 200, 200, "none"),
        (r#"{"query":"{ me { id "}"#, 200, 400, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":"{ me { unknown } }"}"#, 200, 400, "GRAPHQL_VALIDATION_FAILED"),
        (r#"{"query":"{ me }"}"#, 200, 400, "GRAPHQL_VALIDATION_FAILED"),
        (r#"{"query":"subscription { tick }"}"#, 200, 400, "GRAPHQL_VALIDATION_FAILED"),
        (
            r#"{"query":"query A { me { id } } query B { me { id } }"}"#,
            200,
            400,
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (
            r#"{"query":"query A { me { id } }","operationName":"B"}"#,
            200,
            400,
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (r#"{"query":"query($id: ID!) { user(id: $id) { id } }"}"#, 200, 400, "BAD_USER_INPUT"),
        (
            r#"{"query":"query($c: Int) { echo(count: $c) }","variables":{"c":"one"}}"#,
            200,
            400,
            "BAD_USER_INPUT",
        ),
        (
            r#"{"query":"query($f: Filter) { filter(by: $f) }","variables":{"f":{"max":1}}}"#,
            200,
            400,
            "BAD_USER_INPUT",
        ),
        ("", 400, 400, "BAD_REQUEST"),
        ("{", 400, 400, "BAD_REQUEST"),
        ("nonsense", 400, 400, "BAD_REQUEST"),
        ("{}", 400, 400, "BAD_REQUEST"),
        (r#"{"query":""}"#, 400, 400, "BAD_REQUEST"),
        (r#"{"query":7}"#, 400, 400, "BAD_REQUEST"),
        (r#"{"query":"{ me { id } }","operationName":7}"#, 400, 400, "BAD_REQUEST"),
        (r#"{"query":"{ me { id } }","variables":[]}"#, 400, 400, "BAD_REQUEST"),
        (r#"{"query":"{ me { id } }","extensions":"x"}"#, 400, 400, "BAD_REQUEST"),
        (r#"[{"query":"{ me { id } }"}]"#, 400, 400, "BAD_REQUEST"),
        (big.as_str(), 413, 413, "PAYLOAD_TOO_LARGE"),
    ];
    for (body, json_status, graphql_status, code) in table {
        for (accept, status) in [(JSON, json_status), (GRAPHQL, graphql_status)] {
            let headers = [("content-type", JSON), ("accept", accept)];
            let before = gateway.subgraph_requests();
            let answer = gateway.send(Method::POST, "/graphql", &headers, body.to_owned()).await;
            assert_eq!(answer.status.as_u16(), status, "{accept}: {body}\n{}", answer.text);
            assert_eq!(answer.code(), code, "{accept}: {body}\n{}", answer.text);
            assert_eq!(answer.header("content-type"), format!("{accept}; charset=utf-8"), "{body}");
            if code != "none" {
                assert!(answer.json().get("data").is_none(), "{body}: there is no data");
                assert_eq!(gateway.subgraph_requests(), before, "{body}: nothing is sent");
            }
        }
    }
}

#[tokio::test]
async fn content_type_and_accept_are_looked_at() {
    let gateway = Running::start(Config::default()).await;
    let body = r#"{"query":"{ me { id } }"}"#;
    // content type, accept, status, media type of the answer
    let table = [
        (Some("application/json"), None, 200, JSON),
        (Some("application/json; charset=utf-8"), None, 200, JSON),
        (Some("Application/JSON"), Some("*/*"), 200, JSON),
        (Some(JSON), Some("application/*"), 200, JSON),
        (Some(JSON), Some(GRAPHQL), 200, GRAPHQL),
        (
            Some(JSON),
            Some("application/graphql-response+json, application/json;q=0.9"),
            200,
            GRAPHQL,
        ),
        (
            Some(JSON),
            Some("application/json;q=0.9, application/graphql-response+json;q=0.1"),
            200,
            JSON,
        ),
        (Some(JSON), Some("text/html"), 406, JSON),
        (Some(JSON), Some("image/png, text/plain;q=0.5"), 406, JSON),
        (Some("application/json; charset=iso-8859-1"), None, 415, JSON),
        (Some("text/plain"), None, 415, JSON),
        (Some("application/x-www-form-urlencoded"), None, 415, JSON),
        (Some("multipart/form-data; boundary=x"), None, 415, JSON),
        (Some("application/graphql"), None, 415, JSON),
        (None, None, 415, JSON),
    ];
    for (content_type, accept, status, media_type) in table {
        let headers: Vec<(&str, &str)> = [("content-type", content_type), ("accept", accept)]
            .into_iter()
            .filter_map(|(n, v)| Some((n, v?)))
            .collect();
        let answer = gateway.send(Method::POST, "/graphql", &headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}: {}", answer.text);
        assert_eq!(
            answer.header("content-type"),
            format!("{media_type}; charset=utf-8"),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn get_runs_queries_only() {
    let gateway = Running::start(Config::default()).await;
    // path, status, code
    let table = [
        ("/graphql?query=%7Bme%7Bid%7D%7D", 200, "none"),
        ("/graphql?query=query+A%7Bme%7Bid%7D%7D&operationName=A", 200, "none"),
        (
            "/graphql?query=query(%24id:ID!)%7Buser(id:%24id)%7Bid%7D%7D&variables=%7B%22id%22:%221%22%7D",
            200,
            "none",
        ),
        (
            "/graphql?query=query(%24id:ID!)%7Buser(id:%24id)%7Bid%7D%7D&variables=nonsense",
            400,
            "BAD_REQUEST",
        ),
        ("/graphql?query=%7Bme%7Bid%7D%7D&extensions=7", 400, "BAD_REQUEST"),
        ("/graphql", 400, "BAD_REQUEST"),
        ("/graphql?query=", 400, "BAD_REQUEST"),
        (
            "/graphql?query=mutation%7Brename(name:%22x%22)%7Bid%7D%7D",
            405,
            "MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
        ),
    ];
    for (path, status, code) in table {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert_eq!(answer.code(), code, "{path}");
    }
    assert_eq!(gateway.subgraph_requests(), 3);
    let refused = gateway.get("/graphql?query=mutation%7Brename(name:%22x%22)%7Bid%7D%7D").await;
    assert_eq!(refused.header("allow"), "POST");
}

#[tokio::test]
async fn other_methods_are_refused() {
    let gateway = Running::start(Config::default()).await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = gateway.send(method, "/graphql", &[("content-type", JSON)], "{}").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "GET, POST");
        assert_eq!(answer.code(), "METHOD_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn foreign_pages_must_ask_first_and_other_clients_need_not() {
    let gateway = Running::start(Config::default()).await;
    let path = "/graphql?query=%7Bme%7Bid%7D%7D";
    let cross = ("sec-fetch-site", "cross-site");
    // headers, status
    let table: [(&[(&str, &str)], u16); 6] = [
        (&[], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[cross], 400),
        (&[cross, ("apollo-require-preflight", "1")], 200),
        (&[cross, ("content-type", "application/json")], 200),
    ];
    for (headers, status) in table {
        let answer = gateway.send(Method::GET, path, headers, "").await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        assert_eq!(answer.code(), if status == 200 { "none" } else { "CSRF_ERROR" });
    }
}

#[tokio::test]
async fn any_origin_may_read_answers_unless_origins_are_named() {
    let open = Running::start(Config::default()).await;
    let preflight = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,authorization"),
    ];
    let answer = open.send(Method::OPTIONS, "/graphql", &preflight, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,authorization");

    let mut config = Config::default();
    config.server.cors.origins = vec!["https://shop.example".to_owned()];
    let closed = Running::start(config).await;
    let query = json!({ "query": "{ me { id } }" });
    let answer = closed.post_with(&[("origin", "https://shop.example")], query.clone()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    let answer = closed.post_with(&[("origin", "https://evil.example")], query).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn request_ids_are_kept_or_made() {
    let gateway = Running::start(Config::default()).await;
    let query = json!({ "query": "{ me { id } }" });
    let answer = gateway.post_with(&[("x-request-id", "order-7")], query.clone()).await;
    assert_eq!(answer.header("x-request-id"), "order-7");
    let answer = gateway.post_with(&[("x-request-id", "bad id <script>")], query.clone()).await;
    assert_eq!(answer.header("x-request-id").len(), 36);
    let received = gateway.users.received();
    assert_eq!(received[0].headers["x-request-id"], "order-7");
    assert_eq!(received[1].headers["x-request-id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn large_answers_are_compressed_for_clients_that_want_it() {
    let mut config = Config::default();
    config.server.compression.enabled = true;
    config.server.compression.min_bytes = 256;
    let gateway = Running::start(config).await;
    let introspection = json!({ "query": "{ __schema { types { name fields { name } } } }" });
    let small = gateway
        .post_with(&[("accept-encoding", "gzip")], json!({ "query": "{ me { id } }" }))
        .await;
    assert_eq!(small.header("content-encoding"), "");
    let large = gateway.post_with(&[("accept-encoding", "gzip")], introspection.clone()).await;
    assert_eq!(large.header("content-encoding"), "gzip");
    let plain = gateway.post(introspection).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.json()["data"]["__schema"]["types"].is_array());
}
