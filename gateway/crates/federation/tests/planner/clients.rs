//! Client documents: errors, limits, variables, and the API schema that they are held against.

use expect_test::{Expect, expect};
use federation::operation::{Document, OperationError, coerce_variables};
use federation::supergraph::Supergraph;
use serde_json::{Value, json};

use crate::support::{planner, supergraph};

const SHOP: &str = r#"
    type Query @t(graph: A) { me(filter: Filter): User secret: Secret @inaccessible order(input: OrderInput!): ID }
    type User @t(graph: A) { id: ID! name: String role: Role token: String @inaccessible friends: [User] }
    type Secret @t(graph: A) @inaccessible { x: Int }
    union Thing @t(graph: A) @m(graph: A, member: "User") @m(graph: A, member: "Secret") = User | Secret
    enum Role @t(graph: A) { ADMIN @v(graph: A) HIDDEN @v(graph: A) @inaccessible }
    input Filter @t(graph: A) { role: Role = ADMIN ids: [ID!] limit: Int! = 10 deep: Filter }
    input OrderInput @t(graph: A) { lines: [Line!]! note: String }
    input Line @t(graph: A) { quantity: Int! price: Float sku: ID! }
    scalar Json @t(graph: A)
"#;

fn refused(document: &str) -> OperationError {
    planner(SHOP).operation(document, None).unwrap_err()
}

#[test]
fn syntax_errors_and_validation_errors_are_told_apart() {
    assert!(matches!(refused("{ me { "), OperationError::Syntax(_)));
    assert!(matches!(refused("{ me { nothing } }"), OperationError::Validation(_)));
    let OperationError::Validation(errors) = refused("{\n  me { id }\n  you\n}") else {
        panic!("not refused")
    };
    assert_eq!(errors[0].locations, [(3, 3)]);
}

#[test]
fn hidden_elements_are_unknown_to_clients() {
    for document in
        ["{ secret { x } }", "{ me { token } }", "{ me(filter: { role: HIDDEN }) { id } }"]
    {
        assert!(matches!(refused(document), OperationError::Validation(_)), "{document}");
    }
}

#[test]
fn the_api_schema_has_nothing_of_the_specifications() {
    let supergraph = Supergraph::parse(&supergraph(SHOP)).unwrap();
    expect![[r#"
        type Query {
          me(filter: Filter): User
          order(input: OrderInput!): ID
        }

        type User {
          id: ID!
          name: String
          role: Role
          friends: [User]
        }

        union Thing = User

        enum Role {
          ADMIN
        }

        input Filter {
          role: Role = ADMIN
          ids: [ID!]
          limit: Int! = 10
          deep: Filter
        }

        input OrderInput {
          lines: [Line!]!
          note: String
        }

        input Line {
          quantity: Int!
          price: Float
          sku: ID!
        }

        scalar Json
    "#]]
    .assert_eq(&supergraph.api_schema().to_string());
}

#[test]
fn an_operation_is_chosen_by_name() {
    let planner = planner(SHOP);
    let text = "query A { me { id } } query B { me { name } }";
    assert_eq!(planner.operation(text, Some("B")).unwrap().name.as_deref(), Some("B"));
    assert_eq!(planner.operation(text, None).unwrap_err(), OperationError::AmbiguousOperation);
    let unknown = OperationError::UnknownOperation { name: "C".to_owned() };
    assert_eq!(planner.operation(text, Some("C")).unwrap_err(), unknown);
    assert!(planner.operation("fragment F on User { id }", None).is_err());
}

#[test]
fn sizes_are_counted_through_fragments() {
    let text =
        "query Q { me { ...F friends { ...F } } } fragment F on User { a: id friends { b: name } }";
    let facts = Document::parse(text).unwrap().facts(None);
    assert_eq!((facts.depth, facts.fields, facts.aliases, facts.root_fields), (4, 8, 4, 1));
}

#[test]
fn multiplying_fragments_are_counted_quickly_and_refused() {
    let mut text = String::from("{ me { ...F0 } }");
    for level in 0..40 {
        let next = level + 1;
        text += &format!(
            " fragment F{level} on User {{ x: friends {{ ...F{next} }} y: friends {{ ...F{next} }} }}"
        );
    }
    text += " fragment F40 on User { id }";
    let document = Document::parse(&text).unwrap();
    assert!(document.facts(None).fields > 1_000_000_000);
}

#[test]
fn too_many_tokens_are_refused() {
    let error = Document::parse_with("{ a b c d e f }", 5).unwrap_err();
    assert_eq!(error, OperationError::TooManyTokens { limit: 5 });
}

fn coerced(definitions: &str, values: Value, expected: Expect) {
    let planner = planner(SHOP);
    let uses = definitions.split('$').skip(1).map(|part| {
        let (name, ty) = part.split_once(':').unwrap();
        let ty = ty.trim().trim_end_matches([',', ' ']);
        let argument = if ty.starts_with("OrderInput") { "order(input: " } else { "me(filter: " };
        let below = if argument.starts_with("me") { " { id }" } else { "" };
        if ty.starts_with("OrderInput") || ty.starts_with("Filter") {
            format!("{name}: {argument}${name}){below}")
        } else if ty.starts_with("[ID") {
            format!("{name}: me(filter: {{ ids: ${name} }}) {{ id }}")
        } else if ty.starts_with("Role") {
            format!("{name}: me(filter: {{ role: ${name} }}) {{ id }}")
        } else {
            format!("{name}: me(filter: {{ limit: ${name} }}) {{ id }}")
        }
    });
    let text = format!("query({definitions}) {{ {} }}", uses.collect::<Vec<_>>().join(" "));
    let operation = planner.operation(&text, None).unwrap();
    let Value::Object(values) = values else { panic!("not an object") };
    let found = coerce_variables(planner.supergraph().api_schema(), &operation.variables, &values);
    expected.assert_eq(&match found {
        Ok(values) => Value::Object(values).to_string(),
        Err(errors) => errors.iter().map(|error| format!("{error}\n")).collect(),
    });
}

#[test]
fn defaults_are_filled_in() {
    coerced(
        "$f: Filter, $n: Int! = 3",
        json!({ "f": { "deep": {} } }),
        expect![[r#"{"f":{"role":"ADMIN","limit":10,"deep":{"role":"ADMIN","limit":10}},"n":3}"#]],
    );
    coerced(
        "$f: Filter = { ids: 1 }",
        json!({}),
        expect![[r#"{"f":{"role":"ADMIN","ids":["1"],"limit":10}}"#]],
    );
}

#[test]
fn a_single_value_is_a_list_of_one() {
    coerced("$ids: [ID!]", json!({ "ids": 7 }), expect![[r#"{"ids":["7"]}"#]]);
}

#[test]
fn values_left_out_stay_out_and_null_stays_null() {
    coerced(
        "$f: Filter, $g: Filter",
        json!({ "g": null, "unknown": 1 }),
        expect![[r#"{"g":null}"#]],
    );
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    coerced(
        "$o: OrderInput!, $n: Int!, $r: Role",
        json!({ "o": { "lines": [{ "quantity": 1.5, "sku": "x" }, { "quantity": 1, "sku": null, "more": 1 }, 4] }, "r": "HIDDEN" }),
        expect![[r#"
            Variable "$o" at "lines.0.quantity": expected type "Int", found 1.5
            Variable "$o" at "lines.1": field "more" is not defined by type "Line"
            Variable "$o" at "lines.1.sku": expected a value of type "ID!", found null
            Variable "$o" at "lines.2": expected an object of type "Line", found 4
            Variable "$n": a value of type "Int!" is required
            Variable "$r": a string is not a value of enum "Role"
        "#]],
    );
}

#[test]
fn integers_have_32_bits() {
    coerced("$n: Int!", json!({ "n": 2_147_483_647 }), expect![[r#"{"n":2147483647}"#]]);
    coerced(
        "$n: Int!",
        json!({ "n": 2_147_483_648_i64 }),
        expect![[r#"
        Variable "$n": expected type "Int", found 2147483648
    "#]],
    );
    coerced("$n: Int!", json!({ "n": 2.0 }), expect![[r#"{"n":2}"#]]);
    coerced(
        "$n: Int!",
        json!({ "n": "2" }),
        expect![[r#"
        Variable "$n": expected type "Int", found a string
    "#]],
    );
}
