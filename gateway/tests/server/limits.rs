//! Documents that ask for too much are refused before anything is planned or fetched.

use gateway::Config;
use gateway::config::LimitsConfig;
use serde_json::json;

use crate::support::Running;

fn nested(levels: usize) -> String {
    format!("{{ me {{ {} id {} }} }}", "friends { ".repeat(levels), "}".repeat(levels))
}

#[tokio::test]
async fn f42_strict_limits_hold() {
    let gateway =
        Running::start(Config { limits: LimitsConfig::strict(), ..Config::default() }).await;
    let aliases = |count: usize| {
        let fields: Vec<String> = (0..count).map(|index| format!("a{index}: name")).collect();
        format!("{{ me {{ {} }} }}", fields.join(" "))
    };
    let roots: String = (0..31).map(|_| "echo ").collect();
    let long = format!("{{ echo(text: \"{}\") }}", "x".repeat(20 * 1024));
    let many_tokens = format!("{{ {} }}", "echo ".repeat(4_500));
    let table = [
        (nested(13), "none"),
        (nested(14), "MAX_DEPTH_LIMIT"),
        ("{ me { ...F } } fragment F on User { friends { friends { friends { friends { friends { friends { friends { \
          friends { friends { friends { friends { friends { friends { friends { id } } } } } } } } } } } } } } }".to_owned(), "MAX_DEPTH_LIMIT"),
        (aliases(30), "none"),
        (aliases(31), "MAX_ALIASES_LIMIT"),
        (format!("{{ {roots} }}"), "MAX_ROOT_FIELDS_LIMIT"),
        (long, "MAX_DOCUMENT_SIZE_LIMIT"),
        (many_tokens.clone(), "MAX_DOCUMENT_SIZE_LIMIT"),
        ("mutation { sessionCreate(password: \"a\") }".to_owned(), "none"),
        ("mutation { a: sessionCreate(password: \"a\") b: sessionCreate(password: \"b\") }".to_owned(), "MAX_CREDENTIAL_MUTATIONS_LIMIT"),
        ("mutation { sessionCreate(password: \"a\") passwordReset(password: \"b\") }".to_owned(), "MAX_CREDENTIAL_MUTATIONS_LIMIT"),
        ("mutation { sessionCreate(password: \"a\") rename(name: \"b\") { id } }".to_owned(), "none"),
    ];
    for (query, code) in table {
        let before = gateway.subgraph_requests();
        let answer = gateway.query(&query).await;
        assert_eq!(answer.code(), code, "{query}\n{}", answer.text);
        assert_eq!(answer.status.as_u16(), 200);
        let sent = gateway.subgraph_requests() - before;
        assert_eq!(sent > 0, code == "none", "{query}");
        let refused = gateway
            .post_with(
                &[("accept", "application/graphql-response+json")],
                json!({ "query": query }),
            )
            .await;
        assert_eq!(refused.status.as_u16(), if code == "none" { 200 } else { 400 }, "{query}");
    }
}

#[tokio::test]
async fn tokens_are_counted() {
    let limits = LimitsConfig { tokens: 100, ..LimitsConfig::default() };
    let gateway = Running::start(Config { limits, ..Config::default() }).await;
    let answer = gateway.query(&format!("{{ {} }}", "echo ".repeat(200))).await;
    assert_eq!(answer.code(), "MAX_TOKENS_LIMIT");
}

#[tokio::test]
async fn nesting_beyond_reason_is_refused_without_limits_too() {
    let gateway = Running::start(Config::default()).await;
    for query in [
        nested(10_000),
        format!("{{ echo(text: {}1{}) }}", "[".repeat(5_000), "]".repeat(5_000)),
        "{ me { ...F } } fragment F on User { friends { ...F } }".to_owned(),
    ] {
        let answer = gateway.query(&query).await;
        assert!(answer.json()["errors"].is_array(), "{}", answer.text);
        assert!(answer.json().get("data").is_none());
    }
    assert_eq!(gateway.subgraph_requests(), 0);
    let deep_json = format!(
        "{{\"query\":\"{{ me {{ id }} }}\",\"variables\":{}1{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let answer = gateway
        .send(http::Method::POST, "/graphql", &[("content-type", "application/json")], deep_json)
        .await;
    assert_eq!(answer.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn usual_limits_let_an_introspection_query_of_the_tools_pass() {
    let gateway =
        Running::start(Config { limits: LimitsConfig::strict(), ..Config::default() }).await;
    let of_type = "ofType { kind name ".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} types {{ kind name fields(includeDeprecated: true) \
         {{ name args {{ name type {{ kind name {of_type} {} }} }} type {{ name }} }} }} directives {{ name locations }} }} }}",
        "}".repeat(9)
    );
    let answer = gateway.query(&query).await;
    assert_eq!(answer.code(), "none", "{}", answer.text);
    assert_eq!(gateway.subgraph_requests(), 0);
}
