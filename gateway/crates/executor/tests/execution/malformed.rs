//! Answers that are not what was asked for: an error at the right place, never wrong data, never a panic.

use std::sync::Arc;

use bytes::Bytes;
use executor::SubgraphResponse;
use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    Script, block_on, check_script, entities, ok, plan, pretty, root, run, template,
};

fn raw(body: &'static [u8]) -> Script {
    Script::new(move |_| Ok(SubgraphResponse { status: 200, body: Bytes::from_static(body) }))
}

#[test]
fn bodies_that_are_no_graphql_response() {
    let bodies: &[&[u8]] = &[
        b"",
        b"   ",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b"{\"data\":null}",
        b"{\"data\":null,\"errors\":[]}",
        b"{\"data\":[]}",
        b"{\"data\":\"x\"}",
        b"{\"data\":{\"x\":1}",
        b"{\"data\":{\"x\":1}} trailing",
        b"{\"data\":{\"x\":1},}",
        b"{\"data\":{\"x\":01}}",
        b"{\"data\":{\"x\":+1}}",
        b"{\"data\":{\"x\":1.}}",
        b"{\"data\":{\"x\":NaN}}",
        b"{\"data\":{x:1}}",
        b"{\"data\":{\"s\":\"\\q\"}}",
        b"{\"data\":{\"s\":\"\\ud800\"}}",
        b"{\"data\":{\"s\":\"\\udc00\"}}",
        b"{\"data\":{\"s\":\"\\u12g4\"}}",
        b"{\"data\":{\"s\":\"a\nb\"}}",
        b"{\"data\":{\"s\":\"\xff\"}}",
        b"\xef\xbb\xbf{\"data\":{\"x\":1}}",
        b"{\"data\":{\"x\":1},\"data\":{\"x\":2}}",
        b"{\"data\":{\"x\":1},\"errors\":{}}",
        b"{\"data\":{\"x\":1},\"errors\":[1]}",
        b"{\"errors\":[],\"errors\":[]}",
    ];
    let plan = plan(vec![root("a", "{x s}")], "x: Int s: String");
    let mut answers = String::new();
    for body in bodies {
        let response = block_on(run(&plan, &json!({}), &Arc::new(raw(body))));
        assert_eq!(response.data(), br#"{"x":null,"s":null}"#, "{}", String::from_utf8_lossy(body));
        assert_eq!(response.errors[0].extensions["code"], "SUBREQUEST_MALFORMED_RESPONSE");
        answers += &response.errors[0].message;
        answers += "\n";
    }
    expect![[r#"
        subgraph `a` answered with something other than JSON: the text ends too early
        subgraph `a` answered with something other than JSON: the text ends too early
        subgraph `a` answered with something other than JSON: unexpected character at byte 0
        subgraph `a` answered with something other than a GraphQL response: the body is not an object
        subgraph `a` answered with something other than a GraphQL response: the body is not an object
        subgraph `a` answered with something other than a GraphQL response: it has neither data nor errors
        subgraph `a` answered with something other than a GraphQL response: it has neither data nor errors
        subgraph `a` answered with something other than a GraphQL response: it has neither data nor errors
        subgraph `a` answered with something other than a GraphQL response: `data` is not an object
        subgraph `a` answered with something other than a GraphQL response: `data` is not an object
        subgraph `a` answered with something other than JSON: the text ends too early
        subgraph `a` answered with something other than JSON: unexpected character at byte 17
        subgraph `a` answered with something other than JSON: unexpected character at byte 16
        subgraph `a` answered with something other than JSON: unexpected character at byte 14
        subgraph `a` answered with something other than JSON: unexpected character at byte 13
        subgraph `a` answered with something other than JSON: unexpected character at byte 15
        subgraph `a` answered with something other than JSON: unexpected character at byte 13
        subgraph `a` answered with something other than JSON: unexpected character at byte 9
        subgraph `a` answered with something other than JSON: unexpected character at byte 15
        subgraph `a` answered with something other than JSON: unexpected character at byte 20
        subgraph `a` answered with something other than JSON: unexpected character at byte 20
        subgraph `a` answered with something other than JSON: unexpected character at byte 18
        subgraph `a` answered with something other than JSON: unexpected character at byte 15
        subgraph `a` answered with something other than JSON: the text is not UTF-8
        subgraph `a` answered with something other than JSON: unexpected character at byte 0
        subgraph `a` answered with something other than a GraphQL response: `data` stands twice
        subgraph `a` answered with something other than a GraphQL response: `errors` is not a list of objects
        subgraph `a` answered with something other than a GraphQL response: `errors` is not a list of objects
        subgraph `a` answered with something other than a GraphQL response: `errors` stands twice
    "#]].assert_eq(&answers);
}

#[test]
fn odd_but_valid_responses_are_read() {
    let plan = plan(vec![root("a", "{x}")], "x: Int");
    for body in [
        &b" \r\n\t{ \"data\" : { \"x\" : 1 } } \n"[..],
        b"{\"errors\":[],\"data\":{\"x\":1}}",
        b"{\"errors\":null,\"data\":{\"x\":1},\"extensions\":{\"a\":[{}]}}",
        b"{\"d\\u0061ta\":{\"\\u0078\":1}}",
        b"{\"other\":[[[]]],\"data\":{\"y\":{\"x\":5},\"x\":1}}",
    ] {
        let response = block_on(run(&plan, &json!({}), &Arc::new(raw(body))));
        assert_eq!(pretty(response), "{\"x\":1}\n");
    }
}

#[test]
fn a_key_that_stands_twice_has_no_value() {
    let script = raw(br#"{"data":{"x":1,"o":{"y":1,"z":2,"y":1},"x":2,"unknown":1,"unknown":2}}"#);
    check_script(
        &plan(vec![root("a", "{x o}")], "x: Int o: O { y: Int! z: Int } z: Int"),
        script,
        expect![[r#"
            {"x":null,"o":null,"z":null}
            ["x"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.x` is not a valid Int
            ["o","y"] {"code":"RESPONSE_VALIDATION_FAILED"} `O.y` is not a valid Int
            ["z"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.z` has been left out by its subgraph
        "#]],
    );
}

#[test]
fn nesting_is_limited() {
    let deep = |levels: usize| {
        let body = format!(r#"{{"data":{{"x":{}1{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
        Script::new(move |_| Ok(ok(&body)))
    };
    let plan = plan(vec![root("a", "{x}")], "x: Json");
    let response = block_on(run(&plan, &json!({}), &Arc::new(deep(198))));
    assert!(!response.has_errors());
    check_script(
        &plan,
        deep(199),
        expect![[r#"
            {"x":null}
            ["x"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"a"} subgraph `a` answered with something other than JSON: more than 200 levels of nesting
        "#]],
    );
    check_script(
        &plan,
        deep(1_000_000),
        expect![[r#"
            {"x":null}
            ["x"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"a"} subgraph `a` answered with something other than JSON: more than 200 levels of nesting
        "#]],
    );
    let unknown =
        format!(r#"{{"data":{{"x":1,"y":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    check_script(
        &plan,
        Script::new(move |_| Ok(ok(&unknown))),
        expect![[r#"
            {"x":null}
            ["x"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"a"} subgraph `a` answered with something other than JSON: more than 200 levels of nesting
        "#]],
    );
}

fn entities_answer(answer: &'static str) -> Script {
    Script::new(move |asked| {
        Ok(ok(if asked.subgraph == "a" {
            r#"{"data":{"ps":[{"__typename":"P","id":"1"},{"__typename":"P","id":"2"}]}}"#
        } else {
            answer
        }))
    })
}

#[test]
fn entity_answers_that_do_not_fit_the_question() {
    let plan = plan(
        vec![root("a", "{ps{id}}"), entities("b", &[0], "ps.@", template("P", &["id"]))],
        "ps: [P] { id: ID name: String }",
    );
    let answers = [
        r#"{"data":{"_entities":[{"name":"one"}]}}"#,
        r#"{"data":{"_entities":[{"name":"one"},{"name":"two"},{"name":"three"}]}}"#,
        r#"{"data":{"_entities":[]}}"#,
        r#"{"data":{"_entities":null}}"#,
        r#"{"data":{}}"#,
        r#"{"data":{"_entities":{"name":"one"}}}"#,
        r#"{"data":{"_entities":[{"name":"one"},"two"]}}"#,
        r#"{"data":{"_entities":[{"name":"one"},[{"name":"two"}]]}}"#,
        r#"{"data":{"_entities":[{"name":"one"},{"name":"two"}],"_entities":[{"name":"x"},{"name":"y"}]}}"#,
        r#"{"data":{"_entities":[{"name":1},{"name":{"first":"two"}}]}}"#,
        r#"{"data":{"_entities":[{"id":{"x":1}},{"__typename":"Q","name":"two"}]}}"#,
        r#"{"data":{"_entities":[{"name":"one"}]},"errors":[{"message":"short","path":["_entities",1]}]}"#,
        r#"{"data":{"_entities":[null,{"name":"two"}]},"errors":[{"message":"far","path":["_entities",7]}]}"#,
        r#"{"data":{"_entities":[null,{"name":"two"}]},"errors":[{"message":"odd","path":[0,-1,null]}]}"#,
    ];
    let mut all = String::new();
    for answer in answers {
        let response = block_on(run(&plan, &json!({}), &Arc::new(entities_answer(answer))));
        all += &pretty(response);
    }
    expect![[r#"
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with 1 entities where 2 were asked for
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with 3 entities where 2 were asked for
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with 0 entities where 2 were asked for
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered without a list of entities
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered without a list of entities
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered without a list of entities
        {"ps":[{"id":"1","name":"one"},{"id":"2","name":null}]}
        ["ps",1] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with something other than an entity
        {"ps":[{"id":"1","name":"one"},{"id":"2","name":null}]}
        ["ps",1] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with something other than an entity
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered without a list of entities
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps",0,"name"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.name` is not a valid String
        ["ps",1,"name"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.name` is not a valid String
        {"ps":[{"id":null,"name":null},null]}
        ["ps",0,"id"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.id` is not a valid ID
        ["ps",0,"name"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.name` has been left out by its subgraph
        ["ps",1] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.ps` is an object of a type that may not stand here
        {"ps":[{"id":"1","name":null},{"id":"2","name":null}]}
        ["ps",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} short
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with 1 entities where 2 were asked for
        {"ps":[{"id":"1","name":null},{"id":"2","name":"two"}]}
        ["ps",0] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} far
        {"ps":[{"id":"1","name":null},{"id":"2","name":"two"}]}
        ["ps",0] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} odd
    "#]].assert_eq(&all);
}

#[test]
fn lists_of_different_lengths_are_not_zipped() {
    let script = Script::new(|asked| {
        Ok(ok(if asked.subgraph == "a" {
            r#"{"data":{"l":[{"x":1},{"x":2}],"o":{"x":1}}}"#
        } else {
            r#"{"data":{"l":[{"y":1}],"o":7}}"#
        }))
    });
    check_script(
        &plan(
            vec![root("a", "{l o}"), root("b", "{l o}")],
            "l: [L] { x: Int y: Int } o: O { x: Int }",
        ),
        script,
        expect![[r#"
            {"l":null,"o":null}
            ["l"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.l` is not a list
            ["o"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.o` is not an object
        "#]],
    );
}

/// Any JSON, with keys that the plan knows more often than not.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop_oneof![Just("P"), Just("Q"), Just("A")].prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("data"),
        Just("errors"),
        Just("ps"),
        Just("id"),
        Just("name"),
        Just("__typename"),
        Just("_entities"),
        Just("message"),
        Just("path"),
        Just("extensions"),
        Just("other"),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn products_with_names() -> federation::plan::QueryPlan {
    plan(
        vec![root("a", "{ps{id}}"), entities("b", &[0], "ps.@", template("P", &["id"]))],
        "ps: [X(P|Q)!] { id: ID! name: String e=id: E(A|B) t=__typename raw=other: Json }",
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_gives_a_valid_response(first in any_json(), second in any_json(), wrapped in any::<bool>()) {
        let wrap = |value: &Value| if wrapped { json!({"data": value}).to_string() } else { value.to_string() };
        let (first, second) = (wrap(&first), wrap(&second));
        let script = Script::new(move |asked| Ok(ok(if asked.subgraph == "a" { &first } else { &second })));
        pretty(block_on(run(&products_with_names(), &json!({}), &Arc::new(script))));
    }

    #[test]
    fn any_bytes_give_a_valid_response(
        prefix in prop_oneof![Just(&b""[..]), Just(&b"{\"data\":{\"ps\":["[..])],
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\u0e-. ntf".to_vec())], 0..64),
    ) {
        let body: Bytes = [prefix, &bytes].concat().into();
        let script = Script::new(move |_| Ok(SubgraphResponse { status: 200, body: body.clone() }));
        pretty(block_on(run(&products_with_names(), &json!({}), &Arc::new(script))));
    }

    /// On JSON that serde_json accepts, we read the same value; what it refuses, we refuse.
    #[test]
    fn reads_like_serde_json(text in prop_oneof![
        any_json().prop_map(|value| value.to_string()),
        any_json().prop_map(|value| serde_json::to_string_pretty(&value).unwrap()),
        "[\\[\\]{}\",:0-9a-f\\\\eE+.\\- u]{0,16}",
        "\"[\\\\\"/bfnrtu0-9a-fDd]{0,12}\"",
    ]) {
        let body = format!(r#"{{"data":{{"raw":{text}}}}}"#);
        let response = body.clone();
        let script = Script::new(move |_| Ok(ok(&response)));
        let answer = block_on(run(&plan(vec![root("a", "{raw}")], "raw: Json"), &json!({}), &Arc::new(script)));
        match serde_json::from_str::<Value>(&body) {
            // Keys that stand twice and second members of `data` are ours to refuse.
            Ok(value) if text.matches("raw").count() == 0 && value["data"].as_object().unwrap().len() == 1 => {
                let data: Value = serde_json::from_slice(answer.data()).unwrap();
                prop_assert_eq!(&data["raw"], &value["data"]["raw"], "{}", text);
            }
            Ok(_) => {}
            Err(error) if error.to_string().contains("number out of range") => {}
            Err(_) => prop_assert!(answer.has_errors(), "{}", text),
        }
    }
}
