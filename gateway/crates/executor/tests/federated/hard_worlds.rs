//! Graphs in which the way to a field is long: several keys, compound keys, required fields of
//! other subgraphs, overridden fields, mutations, and the query type further down.

use serde_json::json;

use crate::gateway::{Gateway, Sources};

const LINK: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.5",
    import: ["@key", "@external", "@requires", "@provides", "@shareable", "@override", "@inaccessible"])"#;

fn sources(subgraphs: &[(&'static str, &str)]) -> Sources {
    subgraphs.iter().map(|(name, body)| (*name, format!("{LINK}\n{body}"))).collect()
}

/// An account is known by a different key everywhere.
pub(crate) fn keys_sources() -> Sources {
    let front = r#"
        type Query { accounts: [Account!]! account(id: ID!): Account }
        type Account @key(fields: "id") { id: ID! nick: String }
    "#;
    let directory = r#"
        type Account @key(fields: "id") @key(fields: "number org { code }") {
            id: ID! number: Int! org: Org! name: String
        }
        type Org @key(fields: "code") { code: String! }
    "#;
    let bank = r#"
        type Account @key(fields: "number org { code }") {
            number: Int! org: Org! balance: Int limit(currency: String = "EUR"): Int partner: Account
        }
        type Org @key(fields: "code") { code: String! title: String @override(from: "tax") accounts: [Account!]! }
    "#;
    let tax = r#"
        type Query { orgs: [Org]! }
        type Account @key(fields: "id") {
            id: ID! name: String @external balance: Int @external org: Org @external
            letter: String @requires(fields: "name balance org { code title }")
            rate: Int @requires(fields: "balance")
        }
        type Org @key(fields: "code") { code: String! title: String tax: Int }
    "#;
    let tax = tax.replace("org: Org @external", "org: Org! @external");
    sources(&[("front", front), ("directory", directory), ("bank", bank), ("tax", &tax)])
}

pub(crate) fn keys() -> Gateway {
    let rows = json!({
        "Query": {"accounts": ["&a", "&b", "&c"], "orgs": ["&x", null, "&y"]},
        "a": {"__typename": "Account", "id": "a", "nick": "A", "number": 1, "org": "&x", "name": "Anna", "balance": 10, "limit": 5, "limit(currency:\"USD\")": 6, "partner": "&b", "letter": "Dear Anna", "rate": 1},
        "b": {"__typename": "Account", "id": "b", "nick": null, "number": 1, "org": "&y", "name": null, "balance": null, "partner": "&a", "letter": "Dear", "rate": null},
        "c": {"__typename": "Account", "id": "c", "number": 3, "org": "&x", "name": "Cleo", "balance": 0, "limit": 0, "partner": null, "letter": null, "rate": 3},
        "x": {"__typename": "Org", "code": "x", "title": "X Ltd", "accounts": ["&a", "&c"], "tax": 7},
        "y": {"__typename": "Org", "code": "y", "title": null, "accounts": ["&b"], "tax": null},
    });
    Gateway::of(&keys_sources(), rows)
}

/// Mutations over two subgraphs, and a payload that leads back to the query type.
fn mutations() -> Gateway {
    let a = r#"
        type Query { n: Int thing: Thing }
        type Mutation { addA(n: Int): Thing touchA: Payload! }
        type Payload { query: Query thing: Thing }
        type Thing @key(fields: "id") { id: ID! a: Int }
    "#;
    let b = r#"
        type Query { m: Int }
        type Mutation { addB: Thing! failB: Int }
        type Thing @key(fields: "id") { id: ID! b: Int }
    "#;
    let rows = json!({
        "Query": {"n": 1, "m": 2, "thing": "&t"},
        "Mutation": {"addA": "&t", "addB": "&u", "failB": {"!": "no"}, "touchA": {"query": "&Query", "thing": "&u"}},
        "t": {"__typename": "Thing", "id": "t", "a": 1, "b": 2},
        "u": {"__typename": "Thing", "id": "u", "a": 3, "b": {"!": "no b"}},
    });
    Gateway::of(&sources(&[("a", a), ("b", b)]), rows)
}

#[test]
fn from_key_to_key() {
    let keys = keys();
    keys.check("{ accounts { nick balance } }", &json!({}));
    keys.check("{ accounts { letter } orgs { title tax } }", &json!({}));
    keys.check("{ accounts { partner { nick partner { name rate } } org { title accounts { id limit } } } }", &json!({}));
    keys.check("query($c: String) { account(id: \"a\") { limit(currency: $c) eur: limit org { accounts { usd: limit(currency: \"USD\") letter } } } }", &json!({"c": "USD"}));
}

#[test]
fn mutations_in_order_and_what_they_return() {
    let mutations = mutations();
    let requests = mutations.check(
        "mutation { one: addA(n: 1) { a b } two: addB { a } three: addA { id } four: failB }",
        &json!({}),
    );
    assert!(requests >= 4, "{requests}");
    mutations.check("mutation { addB { b } failB addA { b } }", &json!({}));
}

#[test]
fn the_query_type_further_down() {
    let mutations = mutations();
    mutations.check("mutation { touchA { query { n } thing { a b } } }", &json!({}));
    mutations.check("mutation { touchA { query { n m thing { b } } } }", &json!({}));
}
