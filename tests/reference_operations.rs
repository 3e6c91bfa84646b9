//! The seven reference operations: right answers, in no more subgraph requests than promised.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Parser;
use marketplace::{Options, Stack};
use serde_json::{Value, json};

/// Operation, requests allowed.
const PROMISED: [(&str, u64); 7] = [
    ("product-page", 2),
    ("reviewers", 5),
    ("eligibility", 2),
    ("my-payments", 5),
    ("ride", 5),
    ("latest-reviews", 3),
    ("analytics", 4),
];

struct Session<'a> {
    stack: &'a Stack,
    http: reqwest::Client,
    token: Option<String>,
}

impl Session<'_> {
    async fn send(&self, query: &str, variables: &Value) -> Value {
        let mut request = self
            .http
            .post(format!("{}/graphql", self.stack.gateway_url()))
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn data(&self, query: &str, variables: &Value) -> Value {
        let mut answer = self.send(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    async fn sign_in(&mut self, role: &str) {
        let login = self.stack.logins().iter().find(|login| login.role == role).unwrap();
        self.token = None;
        let input = json!({ "input": { "email": login.email, "password": login.password } });
        let data = self
            .data("mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } } }", &input)
            .await;
        self.token =
            Some(data["sessionCreate"]["tokens"]["accessToken"].as_str().unwrap().to_owned());
    }

    /// Requests to each subgraph so far, as the gateway's metrics count them.
    async fn requests(&self) -> BTreeMap<String, u64> {
        let url = format!("{}/metrics", self.stack.gateway_url());
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("concord_subgraph_requests_total{subgraph=\""))
            .map(|rest| {
                let (name, count) = rest.split_once("\"} ").unwrap();
                (name.to_owned(), count.parse().unwrap())
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reference_operations_answer_within_their_requests() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::parse_from([
        "marketplace",
        "--port",
        "0",
        "--data-dir",
        folder.path().to_str().unwrap(),
    ]);
    let stack = Stack::start(&options, &mut |_| {}).await.unwrap();
    let mut session = Session { stack: &stack, http: reqwest::Client::new(), token: None };
    session.sign_in("ADMIN").await;
    let admin = session.token.clone();
    session.sign_in("CUSTOMER").await;

    let product = session.data("{ product(sku: \"KIT-004\") { id } }", &json!({})).await["product"]
        ["id"]
        .clone();
    let rides =
        session.data("{ me { rides(first: 1) { edges { node { id } } } } }", &json!({})).await;
    let ride = rides["me"]["rides"]["edges"][0]["node"]["id"].clone();
    assert!(ride.is_string(), "the demo customer has ridden: {rides}");
    let range = json!({ "from": "2026-01-01T00:00:00.000Z", "to": "2026-11-01T00:00:00.000Z" });
    let variables = BTreeMap::from([
        ("product-page", json!({ "sku": "KIT-004" })),
        ("reviewers", json!({ "id": product })),
        ("eligibility", json!({ "id": product })),
        ("ride", json!({ "id": ride })),
        ("analytics", json!({ "range": range, "currency": "EUR" })),
    ]);

    let mut table = String::new();
    for (name, promised) in PROMISED {
        if name == "analytics" {
            session.token.clone_from(&admin);
        }
        let path = format!("{}/tests/operations/{name}.graphql", env!("CARGO_MANIFEST_DIR"));
        let query = std::fs::read_to_string(path).unwrap();
        let before = session.requests().await;
        let data = session.data(&query, variables.get(name).unwrap_or(&json!({}))).await;
        let after = session.requests().await;
        let spent: BTreeMap<&str, u64> = after
            .iter()
            .map(|(subgraph, count)| {
                (subgraph.as_str(), count - before.get(subgraph).copied().unwrap_or(0))
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        let total: u64 = spent.values().sum();
        writeln!(table, "{name:<16} {total} of {promised}  {spent:?}").unwrap();
        assert!(total <= promised, "{name}: {total} requests {spent:?}, promised {promised}");
        check(name, &data);
    }
    print(&table);
    stack.stop().await.unwrap();
}

/// The answers make sense: what must be there is there.
fn check(name: &str, data: &Value) {
    let edges = |value: &Value| value["edges"].as_array().unwrap().clone();
    match name {
        "product-page" => {
            let product = &data["product"];
            assert_eq!(product["title"], "Pour-Over Kettle 1 l");
            let summary = &product["ratingSummary"];
            let counts: i64 = summary["histogram"]
                .as_array()
                .unwrap()
                .iter()
                .map(|bucket| bucket["count"].as_i64().unwrap())
                .sum();
            assert_eq!(summary["count"].as_i64().unwrap(), counts);
            let reviews = edges(&product["reviews"]);
            assert_eq!(reviews.len(), 10);
            assert!(
                reviews.iter().all(|edge| edge["node"]["author"]["displayName"].is_string()),
                "{data}"
            );
        }
        "reviewers" => {
            for edge in edges(&data["product"]["reviews"]) {
                let badges = edge["node"]["author"]["badges"].as_array().unwrap().clone();
                assert!(
                    badges.iter().any(|badge| badge == "REVIEWER" || badge == "TOP_REVIEWER"),
                    "{data}"
                );
            }
        }
        "eligibility" => {
            assert!(data["product"]["viewerReviewEligibility"]["allowed"].is_boolean(), "{data}");
        }
        "my-payments" => {
            assert!(data["me"]["account"]["email"].is_string(), "{data}");
            let payments = edges(&data["me"]["payments"]);
            assert_eq!(payments.len(), 5);
            for payment in payments {
                let purpose = &payment["node"]["purpose"];
                match purpose["__typename"].as_str().unwrap() {
                    "Order" => {
                        assert!(purpose["lines"][0]["product"]["title"].is_string(), "{data}");
                    }
                    "Ride" => assert!(purpose["driver"]["displayName"].is_string(), "{data}"),
                    other => panic!("{other}: {data}"),
                }
            }
        }
        "ride" => {
            assert!(!data["ride"]["tipSuggestions"].as_array().unwrap().is_empty(), "{data}");
            assert!(data["ride"]["driver"]["driverRatingSummary"]["average"].is_number(), "{data}");
        }
        "latest-reviews" => {
            let reviews = edges(&data["latestReviews"]);
            assert_eq!(reviews.len(), 20);
            for review in reviews {
                let subject = &review["node"]["subject"];
                assert!(
                    subject["title"].is_string() || subject["driver"]["displayName"].is_string(),
                    "{data}"
                );
            }
        }
        "analytics" => {
            let products = data["reviewAnalytics"]["topProducts"].as_array().unwrap();
            assert!(products.iter().all(|rank| rank["product"]["title"].is_string()), "{data}");
            let sales = data["paymentAnalytics"]["topProducts"].as_array().unwrap();
            assert!(
                sales
                    .iter()
                    .all(|sale| sale["product"]["ratingSummary"]["bayesianAverage"].is_number()),
                "{data}"
            );
        }
        other => panic!("no check for {other}"),
    }
}

#[expect(clippy::print_stdout, reason = "a table for whoever runs the test with --nocapture")]
fn print(table: &str) {
    println!("{table}");
}
