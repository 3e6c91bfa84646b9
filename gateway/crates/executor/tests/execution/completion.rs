//! From data to the client's answer: order, aliases, coercion, null propagation.

use std::sync::Arc;

use expect_test::{Expect, expect};
use federation::plan::{ProjectedValue, QueryPlan};
use serde_json::{Map, Value, json};

use crate::support::{
    Script, block_on, check, check_requests, check_script, ok, plan, pretty, root,
};

/// One fetch that asks for all that is selected.
fn everything(selection: &str) -> QueryPlan {
    let mut plan = plan(vec![root("s", "{everything}")], selection);
    plan.fetches[0].roots = plan
        .projection
        .fields
        .iter()
        .filter_map(|field| match &field.value {
            ProjectedValue::Data { key, output: _ } => Some(key.clone()),
            _ => None,
        })
        .collect();
    plan
}

fn check_data(selection: &str, data: &str, expected: Expect) {
    let body = format!(r#"{{"data":{data}}}"#);
    check_script(&everything(selection), Script::new(move |_| Ok(ok(&body))), expected);
}

#[test]
fn order_is_the_clients_and_extra_keys_are_dropped() {
    check_data(
        "b: Int a: Int o: O { y: Int x: Int }",
        r#"{"o":{"x":1,"z":{"deep":[1,2]},"y":2},"a":1,"b":2,"extra":null}"#,
        expect![[r#"
            {"b":2,"a":1,"o":{"y":2,"x":1}}
        "#]],
    );
}

#[test]
fn one_data_key_can_have_several_aliases() {
    check_data(
        "first=a: Int second=a: Int __typename t=__typename",
        r#"{"a":1}"#,
        expect![[r#"
        {"first":1,"second":1,"__typename":"Query","t":"Query"}
    "#]],
    );
}

#[test]
fn keys_with_escapes_are_the_same_keys() {
    check_data(
        "abc: Int",
        r#"{"\u0061b\u0063":1}"#,
        expect![[r#"
        {"abc":1}
    "#]],
    );
}

#[test]
fn strings_keep_their_bytes() {
    check_data(
        "a: String b: String",
        r#"{"a":"\u00e9\n\"\ud83d\ude00 é/","b":""}"#,
        expect![[r#"
            {"a":"\u00e9\n\"\ud83d\ude00 é/","b":""}
        "#]],
    );
}

#[test]
fn leaves_of_the_right_type() {
    check_data(
        "i: [Int] f: [Float] s: String b: Boolean d: [ID] e: E(A|B) c: Json n: Int",
        r#"{"i":[0,-5,2147483647,-2147483648,1.0,2e3],"f":[1,1.5,-1e-3],"s":"x","b":false,
            "d":["a",7,-1,123456789012345678901234567890],"e":"B","c":{"a": [1, {"b": 1.50E+05}]},"n":null}"#,
        expect![[r#"
            {"i":[0,-5,2147483647,-2147483648,1,2000],"f":[1,1.5,-1e-3],"s":"x","b":false,"d":["a","7","-1","123456789012345678901234567890"],"e":"B","c":{"a": [1, {"b": 1.50E+05}]},"n":null}
        "#]],
    );
}

#[test]
fn leaves_of_the_wrong_type_become_null_with_an_error() {
    check_data(
        "i: [Int] f: [Float] s: [String] b: [Boolean] d: [ID] e: [E(A|B)] c: [Json]",
        r#"{"i":[2147483648,1.5,"1",true,{},[],1e400],"f":["1",true,1e400,{}],"s":[1,true,{},[]],"b":["true",1],
            "d":[1.5,1e3,true,{}],"e":["C","a",1,{}],"c":[1,"x",true]}"#,
        expect![[r#"
            {"i":[null,null,null,null,null,null,null],"f":[null,null,null,null],"s":[null,null,null,null],"b":[null,null],"d":[null,null,null,null],"e":[null,null,null,null],"c":[1,"x",true]}
            ["i",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["i",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["i",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["i",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["i",4] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["i",5] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["i",6] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.i` is not a valid Int
            ["f",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.f` is not a valid Float
            ["f",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.f` is not a valid Float
            ["f",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.f` is not a valid Float
            ["f",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.f` is not a valid Float
            ["s",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.s` is not a valid String
            ["s",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.s` is not a valid String
            ["s",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.s` is not a valid String
            ["s",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.s` is not a valid String
            ["b",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.b` is not a valid Boolean
            ["b",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.b` is not a valid Boolean
            ["d",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.d` is not a valid ID
            ["d",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.d` is not a valid ID
            ["d",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.d` is not a valid ID
            ["d",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.d` is not a valid ID
            ["e",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.e` is not a valid E
            ["e",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.e` is not a valid E
            ["e",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.e` is not a valid E
            ["e",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.e` is not a valid E
        "#]],
    );
}

#[test]
fn composites_of_the_wrong_kind_become_null_with_an_error() {
    check_data(
        "a: O { x: Int } b: [O] { x: Int } c: [O] { x: Int } d: O { x: Int } e: [Int] f: Int",
        r#"{"a":[{"x":1}],"b":{"x":1},"c":[1,{"x":1},[{"x":1}]],"d":"text","e":1,"f":[1]}"#,
        expect![[r#"
            {"a":null,"b":null,"c":[null,{"x":1},null],"d":null,"e":null,"f":null}
            ["a"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.a` is not an object
            ["b"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.b` is not a list
            ["c",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.c` is not an object
            ["c",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.c` is not an object
            ["d"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.d` is not an object
            ["e"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.e` is not a list
            ["f"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.f` is not a valid Int
        "#]],
    );
}

#[test]
fn a_missing_value_is_null_where_that_is_allowed() {
    check_data(
        "a: Int o: O { x: Int } l: [Int]",
        r#"{"o":{}}"#,
        expect![[r#"
            {"a":null,"o":{"x":null},"l":null}
            ["a"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.a` has been left out by its subgraph
            ["o","x"] {"code":"RESPONSE_VALIDATION_FAILED"} `O.x` has been left out by its subgraph
            ["l"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` has been left out by its subgraph
        "#]],
    );
}

#[test]
fn null_propagates_to_the_nearest_nullable_place() {
    check_data(
        "o: O { x: Int! } after: Int",
        r#"{"o":{"x":null},"after":1}"#,
        expect![[r#"
        {"o":null,"after":1}
        ["o","x"] {"code":"RESPONSE_VALIDATION_FAILED"} `O.x` must not be null, but no subgraph gave it a value
    "#]],
    );
    check_data(
        "o: O { p: P! { x: Int! } y: Int }",
        r#"{"o":{"p":{},"y":1}}"#,
        expect![[r#"
        {"o":null}
        ["o","p","x"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.x` must not be null, but no subgraph gave it a value
    "#]],
    );
    check_data(
        "l: [Int!]",
        r#"{"l":[1,null,3]}"#,
        expect![[r#"
        {"l":null}
        ["l",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` must not be null, but no subgraph gave it a value
    "#]],
    );
    check_data(
        "l: [[Int!]]!",
        r#"{"l":[[1],[null,2],[3]]}"#,
        expect![[r#"
        {"l":[[1],null,[3]]}
        ["l",1,0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` must not be null, but no subgraph gave it a value
    "#]],
    );
    check_data(
        "l: [O!]! { x: Int! }",
        r#"{"l":[{"x":1},{"x":"no"}]}"#,
        expect![[r#"
        null
        ["l",1,"x"] {"code":"RESPONSE_VALIDATION_FAILED"} `O.x` is not a valid Int
    "#]],
    );
    check_data(
        "l: [O] { x: Int! }",
        r#"{"l":[{"x":1},{"x":"no"},{"x":3}]}"#,
        expect![[r#"
        {"l":[{"x":1},null,{"x":3}]}
        ["l",1,"x"] {"code":"RESPONSE_VALIDATION_FAILED"} `O.x` is not a valid Int
    "#]],
    );
}

#[test]
fn denied_fields_are_null_with_an_error() {
    check_data(
        "l: [O] { a: denied x: Int } o: O { b: denied! }",
        r#"{"l":[{"x":1,"a":"secret"},{"x":2}],"o":{"b":"secret"}}"#,
        expect![[r#"
            {"l":[{"a":null,"x":1},{"a":null,"x":2}],"o":null}
            ["l",0,"a"] {"code":"UNAUTHORIZED_FIELD_OR_TYPE"} `O.a` may not be seen by this caller
            ["l",1,"a"] {"code":"UNAUTHORIZED_FIELD_OR_TYPE"} `O.a` may not be seen by this caller
            ["o","b"] {"code":"UNAUTHORIZED_FIELD_OR_TYPE"} `O.b` may not be seen by this caller
        "#]],
    );
}

#[test]
fn selections_apply_by_concrete_type() {
    let selection =
        "l: [M(A|B)] { __typename id: ID on A { v: Int } on B { v: String } on A|B { both: Int } }";
    check_data(
        selection,
        r#"{"l":[{"__typename":"A","id":1,"v":1,"both":1},{"__typename":"B","id":2,"v":"b"}]}"#,
        expect![[r#"
            {"l":[{"__typename":"A","id":"1","v":1,"both":1},{"__typename":"B","id":"2","v":"b","both":null}]}
            ["l",1,"both"] {"code":"RESPONSE_VALIDATION_FAILED"} `M.both` has been left out by its subgraph
        "#]],
    );
    check_data(
        selection,
        r#"{"l":[{"__typename":"Hidden","id":1},{"id":2},{"__typename":null},{"__typename":7},{"__typename":"M","id":5}]}"#,
        expect![[r#"
            {"l":[null,null,null,null,null]}
            ["l",0] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` is an object of a type that may not stand here
            ["l",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` is an object of unknown type
            ["l",2] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` is an object of a type that may not stand here
            ["l",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` is an object of a type that may not stand here
            ["l",4,"__typename"] {"code":"RESPONSE_VALIDATION_FAILED"} the type of the object with `M.__typename` is not known
        "#]],
    );
}

#[test]
fn an_object_type_needs_no_typename_but_a_wrong_one_is_refused() {
    check_data(
        "a: O { x: Int } b: O { x: Int }",
        r#"{"a":{"x":1},"b":{"__typename":"Other","x":1}}"#,
        expect![[r#"
        {"a":{"x":1},"b":null}
        ["b"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.b` is an object of a type that may not stand here
    "#]],
    );
}

#[test]
fn variables_decide_what_is_included() {
    let plan = everything("a: Int ?show b: Int ?!hide o: O { c: Int ?show }");
    let script = || Script::fixed(&[("s", json!({"data": {"a": 1, "b": 2, "o": {"c": 3}}}))]);
    check_requests(
        &plan,
        &json!({"show": true, "hide": true}),
        script(),
        expect![[r#"
        s {}
        {"a":1,"o":{"c":3}}
    "#]],
    );
    check_requests(
        &plan,
        &json!({"show": false, "hide": false}),
        script(),
        expect![[r#"
        s {}
        {"b":2,"o":{}}
    "#]],
    );
}

#[test]
fn introspection_is_answered_from_what_was_handed_in() {
    let plan = executor::CompiledPlan::new(&plan(
        Vec::new(),
        "s=__schema: introspection t: introspection __typename",
    ));
    let introspection: Map<String, Value> =
        json!({"s": {"queryType": {"name": "Query"}}}).as_object().unwrap().clone();
    let loaders = executor::Loaders::default();
    let response = block_on(executor::execute(
        &plan,
        executor::Execution {
            variables: &Map::new(),
            introspection: &introspection,
            transport: Arc::new(Script::fixed(&[])),
            loaders: &loaders,
            deadline: None,
        },
    ));
    expect![[r#"
        {"s":{"queryType":{"name":"Query"}},"t":null,"__typename":"Query"}
    "#]]
    .assert_eq(&pretty(response));
}

#[test]
fn errors_come_first_and_extensions_last() {
    let plan = plan(vec![root("s", "{a}")], "a: Int");
    let script = Arc::new(Script::fixed(&[(
        "s",
        json!({"data": {"a": null}, "errors": [{"message": "no", "path": ["a"], "locations": [{"line": 1, "column": 2}]}]}),
    )]));
    let response = block_on(crate::support::run(&plan, &json!({}), &script));
    assert!(response.has_errors() && !response.data_is_null());
    let extensions = json!({"plan": 1}).as_object().unwrap().clone();
    expect![[r#"{"errors":[{"message":"no","path":["a"],"extensions":{"code":"DOWNSTREAM_SERVICE_ERROR","service":"s"}}],"data":{"a":null},"extensions":{"plan":1}}"#]].assert_eq(std::str::from_utf8(&response.into_body_with(&extensions)).unwrap());
}

#[test]
fn same_leaf_from_two_fetches_is_written_once() {
    check(
        &plan(vec![root("a", "{x}"), root("b", "{x}")], "x: Json"),
        &[("a", json!({"data": {"x": {"k": 1}}})), ("b", json!({"data": {"x": {"k": 1}}}))],
        expect![[r#"
            {"x":{"k":1}}
        "#]],
    );
}
