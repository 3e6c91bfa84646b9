//! Failing fields: the rest of the answer is what it would be, and every error is where it belongs.

use serde_json::{Value, json};

use crate::gateway::{Gateway, Sources};

pub(crate) fn failures_sources() -> Sources {
    let a = r#"
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable"])
        type Query { things: [Thing] thing(id: ID!): Thing! broken: Thing safe: Int }
        type Thing @key(fields: "id") { id: ID! soft: String hard: String! parts: [Part!] }
        type Part { name: String! size: Int }
    "#;
    let b = r#"
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@external", "@requires"])
        type Thing @key(fields: "id") { id: ID! far: String near: String! soft: String @external cost: Int @requires(fields: "soft") owner: Owner }
        type Owner { name: String! thing: Thing }
    "#;
    vec![("a", a.to_owned()), ("b", b.to_owned())]
}

pub(crate) fn failures() -> Gateway {
    let rows: Value = json!({
        "Query": {"things": ["&good", "&soft", "&hard", "&far", "&near", "&parts", "&good"], "broken": {"!": "broken"}, "safe": 1},
        "good": {"__typename": "Thing", "id": "good", "soft": "s", "hard": "h", "parts": [{"name": "p", "size": 1}], "far": "f", "near": "n", "cost": 1, "owner": {"name": "o", "thing": "&near"}},
        "soft": {"__typename": "Thing", "id": "soft", "soft": {"!": "no soft"}, "hard": "h", "far": "f", "near": "n", "cost": null},
        "hard": {"__typename": "Thing", "id": "hard", "soft": "s", "hard": {"!": "no hard"}, "far": "f", "near": "n", "cost": 2},
        "far": {"__typename": "Thing", "id": "far", "soft": "s", "hard": "h", "far": {"!": "no far"}, "near": "n", "cost": {"!": "no cost"}, "owner": {"name": {"!": "no name"}}},
        "near": {"__typename": "Thing", "id": "near", "soft": "s", "hard": "h", "far": "f", "near": {"!": "no near"}, "owner": {"!": "no owner"}},
        "parts": {"__typename": "Thing", "id": "parts", "soft": "s", "hard": "h", "parts": [{"name": "p"}, {"name": {"!": "no name"}, "size": {"!": "no size"}}], "far": "f", "near": "n"},
    });
    Gateway::of(&failures_sources(), rows)
}

#[test]
fn failing_fields_of_one_subgraph() {
    let gateway = failures();
    gateway.check("{ things { id soft } safe }", &json!({}));
    gateway.check("{ things { hard } safe }", &json!({}));
    gateway.check("{ things { parts { name size } } broken { id } safe }", &json!({}));
    gateway.check("{ one: thing(id: \"hard\") { hard } safe }", &json!({}));
}

#[test]
fn failing_fields_of_entities() {
    let gateway = failures();
    gateway.check("{ list: things { far } }", &json!({}));
    gateway.check("{ things { id near } }", &json!({}));
    gateway.check("{ things { owner { n: name thing { far } } } }", &json!({}));
    gateway.check("{ things { owner { thing { parts { size } near } } } }", &json!({}));
    gateway.check("{ thing(id: \"near\") { near } safe }", &json!({}));
}

#[test]
fn failing_fields_of_two_subgraphs_at_one_object() {
    let gateway = failures();
    gateway.check("{ things { soft far } }", &json!({}));
    // The failure of a field that only `cost` requires is reported at the object.
    gateway.check_explained("{ things { cost } }");
    gateway.check("{ things { parts { name } owner { name } } }", &json!({}));
}

#[test]
fn a_failure_at_one_alias_can_take_along_what_another_alias_shows() {
    let gateway = failures();
    gateway.check_explained("{ a: things { near } b: things { far } }");
    gateway.check_explained("{ a: things { hard } b: things { far } }");
    gateway.check_explained("{ one: thing(id: \"hard\") { hard } two: things { id } safe }");
    gateway
        .check_explained("{ a: things { owner { name } } b: things { owner { thing { id } } } }");
}
