//! Whatever a client gets wrong: the code, the status that GraphQL over HTTP asks for, and
//! nothing written.

use serde_json::{Value, json};

use super::shopping::{attach_card, order, order_input, product};
use super::support::{Client, fresh_key, marketplace};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

struct Case {
    name: &'static str,
    body: String,
    /// Status for clients that accept `application/graphql-response+json`, and for those that
    /// only know `application/json`.
    status: (u16, u16),
    code: &'static str,
}

fn case(name: &'static str, body: impl ToString, status: (u16, u16), code: &'static str) -> Case {
    Case { name, body: body.to_string(), status, code }
}

#[tokio::test]
async fn malformed_requests() {
    let deep =
        format!("{{ products {}{} }}", "{ edges { node { reviews ".repeat(9), "} } }".repeat(9));
    let cases = [
        case("JSON that ends early", "{\"query\": ", (400, 400), "BAD_REQUEST"),
        case("JSON that is no object", "[1, 2]", (400, 400), "BAD_REQUEST"),
        case("no query", json!({ "variables": {} }), (400, 400), "BAD_REQUEST"),
        case(
            "malformed GraphQL",
            json!({ "query": "{ products(" }),
            (400, 200),
            "GRAPHQL_PARSE_FAILED",
        ),
        case(
            "unknown field",
            json!({ "query": "{ nonsense }" }),
            (400, 200),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        case(
            "a number where a text belongs",
            json!({ "query": "query ($sku: String!) { product(sku: $sku) { title } }", "variables": { "sku": 7 } }),
            (400, 200),
            "BAD_USER_INPUT",
        ),
        case(
            "a missing variable",
            json!({ "query": "query ($sku: String!) { product(sku: $sku) { title } }" }),
            (400, 200),
            "BAD_USER_INPUT",
        ),
        case(
            "an operation that does not exist",
            json!({ "query": "query A { me { id } }", "operationName": "B" }),
            (400, 200),
            "OPERATION_RESOLUTION_FAILURE",
        ),
        case("too deep", json!({ "query": deep }), (400, 200), "MAX_DEPTH_LIMIT"),
        case(
            "an oversize body",
            json!({ "query": format!("{{ me {{ id }} }} # {}", "x".repeat(600_000)) }),
            (413, 413),
            "PAYLOAD_TOO_LARGE",
        ),
        case(
            "two log-ins in one operation",
            json!({ "query": "mutation { a: sessionCreate(input: {email: \"a@example.com\", password: \"p\"}) { user { id } } b: sessionCreate(input: {email: \"a@example.com\", password: \"q\"}) { user { id } } }" }),
            (400, 200),
            "MAX_CREDENTIAL_MUTATIONS_LIMIT",
        ),
    ];
    for case in cases {
        for (accept, status) in [(GRAPHQL_RESPONSE, case.status.0), (JSON, case.status.1)] {
            let response = reqwest::Client::new()
                .post(format!("{}/graphql", marketplace().gateway))
                .header("content-type", "application/json")
                .header("accept", accept)
                .body(case.body.clone())
                .send()
                .await
                .unwrap();
            let got = response.status().as_u16();
            let body: Value = response.json().await.unwrap();
            assert_eq!(got, status, "{} ({accept}): {body}", case.name);
            assert_eq!(
                body["errors"][0]["extensions"]["code"], case.code,
                "{} ({accept}): {body}",
                case.name
            );
            assert!(body.get("data").is_none(), "{} ({accept}): {body}", case.name);
        }
    }
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused_before_anything_runs() {
    let body = json!({ "query": "{ products(first: 1) { edges { node { id } } } }" });
    // {"alg":"none","typ":"at+jwt"} . {"sub":"usr_0"} and no signature.
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJ1c3JfMCJ9.";
    for token in ["garbage", unsigned, "a.b.c"] {
        let (status, answer) = Client::with_token(token).post(&body).await;
        assert_eq!(status, 401, "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
        assert!(answer.get("data").is_none(), "{answer}");
    }
}

#[tokio::test]
async fn orders_that_cannot_be_are_refused_and_leave_no_trace() {
    let shopper = Client::register().await;
    let found = product(&shopper, "BOO-002").await;
    let orders = || async {
        let data = shopper.data("{ me { orders { edges { node { id } } } } }", json!({})).await;
        data["me"]["orders"]["edges"].as_array().unwrap().len()
    };
    let unknown = json!({ "id": "prd_00000000000000000000000000", "price": { "currency": "EUR" } });
    let mut badly_addressed = order_input(&found, 1, &fresh_key());
    badly_addressed["shippingAddress"]["postalCode"] = json!("99999-1");
    let refused = [
        (order_input(&found, -1, &fresh_key()), "InvalidInputError"),
        (order_input(&found, 0, &fresh_key()), "InvalidInputError"),
        (order_input(&unknown, 1, &fresh_key()), "NotFoundError"),
        (order_input(&found, 999, &fresh_key()), "InsufficientStockError"),
        (badly_addressed, "InvalidAddressError"),
    ];
    for (input, expected) in refused {
        let answer = order(&shopper, &input).await;
        assert_eq!(answer["order"], Value::Null, "{answer}");
        assert_eq!(answer["errors"][0]["__typename"], expected, "{answer}");
    }
    assert_eq!(orders().await, 0);

    let key = fresh_key();
    let first = order(&shopper, &order_input(&found, 1, &key)).await;
    let again = order(&shopper, &order_input(&found, 1, &key)).await;
    assert_eq!(first, again);
    let other = order(&shopper, &order_input(&found, 2, &key)).await;
    assert_eq!(other["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED", "{other}");
    assert_eq!(orders().await, 1);
    let after = product(&shopper, "BOO-002").await;
    assert_eq!(
        after["stock"]["available"].as_i64().unwrap(),
        found["stock"]["available"].as_i64().unwrap() - 1,
        "only the one order holds stock"
    );
}

#[tokio::test]
async fn declined_cards_say_why_and_take_nothing() {
    let shopper = Client::register().await;
    let found = product(&shopper, "TOY-002").await;
    let method = attach_card(&shopper, "4000000000009995").await;
    let ordered = order(&shopper, &order_input(&found, 1, &fresh_key())).await;
    let paid =
        super::shopping::pay(&shopper, ordered["order"]["id"].as_str().unwrap(), &method).await;
    assert_eq!(paid["errors"][0]["__typename"], "CardDeclinedError", "{paid}");
    let data = shopper
        .data("query ($id: ID!) { order(id: $id) { status payments { status amountCaptured { amountMinor } } } }", json!({ "id": ordered["order"]["id"] }))
        .await;
    assert_eq!(data["order"]["status"], "PENDING_PAYMENT", "{data}");
    assert_eq!(data["order"]["payments"][0]["amountCaptured"]["amountMinor"], "0", "{data}");
}
