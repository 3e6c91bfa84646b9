//! Errors of subgraphs: what they say, where the client sees them, and what stays unharmed.

use std::sync::Arc;

use executor::{SubgraphResponse, TransportError};
use expect_test::expect;
use federation::plan::QueryPlan;
use serde_json::{Value, json};

use crate::support::{
    Script, block_on, check, check_script, entities, entity_list, ok, plan, pretty, root, run,
    template,
};

/// Products from `a`, their names from `b`; clients see them under aliases.
fn names(selection: &str) -> QueryPlan {
    plan(
        vec![root("a", "{ps{id}}"), entities("b", &[0], "ps.@", template("P", &["id"]))],
        selection,
    )
}

const PRODUCTS: &str = r#"{"data":{"ps":[{"__typename":"P","id":"1"},{"__typename":"P","id":"2"},{"__typename":"P","id":"1"}]}}"#;

/// `a` answers with three products, two of them equal; `b` as given.
fn products_and(answer: &Value) -> Script {
    let answer = answer.to_string();
    Script::new(move |asked| Ok(ok(if asked.subgraph == "a" { PRODUCTS } else { &answer })))
}

fn products_and_failure(failure: TransportError) -> Script {
    Script::new(
        move |asked| if asked.subgraph == "a" { Ok(ok(PRODUCTS)) } else { Err(failure.clone()) },
    )
}

#[test]
fn message_and_extensions_are_kept_code_and_service_added() {
    check(
        &plan(vec![root("a", "{x y}")], "x: Int y: Int"),
        &[(
            "a",
            json!({"data": {"x": null, "y": 2}, "errors": [
                {"message": "first", "path": ["x"], "extensions": {"code": "OUT_OF_STOCK", "left": 3, "service": "lie"}},
                {"message": "second", "path": ["x"], "locations": [{"line": 1, "column": 1}]},
                {"message": 7, "path": "y", "extensions": []},
            ]}),
        )],
        expect![[r#"
            {"x":null,"y":2}
            ["x"] {"code":"OUT_OF_STOCK","left":3,"service":"a"} first
            ["x"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} second
            ["x"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} The subgraph reported an error without a message
        "#]],
    );
}

#[test]
fn paths_become_response_keys_for_every_alias() {
    check(
        &plan(
            vec![root("a", "{f{g}}")],
            "one=f: F { v=g: [Int] } two=f: F { w=g: [Int] } three=f: F { h: Int }",
        ),
        &[(
            "a",
            json!({"data": {"f": {"g": [1, null]}}, "errors": [{"message": "bad", "path": ["f", "g", 1]}]}),
        )],
        expect![[r#"
            {"one":{"v":[1,null]},"two":{"w":[1,null]},"three":{"h":null}}
            ["one","v",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} bad
            ["two","w",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} bad
            ["three","h"] {"code":"RESPONSE_VALIDATION_FAILED"} `F.h` has been left out by its subgraph
        "#]],
    );
}

#[test]
fn a_path_that_the_client_did_not_select_ends_where_the_selection_ends() {
    check(
        &plan(vec![root("a", "{f{id g}}")], "f: F { g: Int }"),
        &[(
            "a",
            json!({"data": {"f": {"id": null, "g": 1}}, "errors": [{"message": "bad", "path": ["f", "id"]}]}),
        )],
        expect![[r#"
            {"f":{"g":1}}
            ["f"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} bad
        "#]],
    );
}

#[test]
fn an_error_of_an_entity_is_reported_at_each_of_its_targets() {
    check_script(
        &names("products=ps: [P] { title=name: String }"),
        products_and(&json!({
            "data": {"_entities": [{"name": null}, {"name": "two"}]},
            "errors": [{"message": "no name", "path": ["_entities", 0, "name"]}],
        })),
        expect![[r#"
            {"products":[{"title":null},{"title":"two"},{"title":null}]}
            ["products",0,"title"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no name
            ["products",2,"title"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no name
        "#]],
    );
}

#[test]
fn a_null_entity_with_an_indexed_error() {
    check_script(
        &names("ps: [P!] { name: String! }"),
        products_and(&json!({
            "data": {"_entities": [{"name": "one"}, null]},
            "errors": [{"message": "gone", "path": ["_entities", 1]}],
        })),
        expect![[r#"
            {"ps":null}
            ["ps",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} gone
        "#]],
    );
}

#[test]
fn an_error_without_index_belongs_to_the_only_null_entity() {
    let mut answers = String::new();
    for path in [json!(["_entities"]), Value::Null, json!([])] {
        let script = products_and(&json!({
            "data": {"_entities": [{"name": "one"}, null]},
            "errors": [{"message": "gone", "path": path}],
        }));
        let plan = names("ps: [P] { name: String! }");
        answers += &pretty(block_on(run(&plan, &json!({}), &Arc::new(script))));
    }
    expect![[r#"
        {"ps":[{"name":"one"},null,{"name":"one"}]}
        ["ps",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} gone
        {"ps":[{"name":"one"},null,{"name":"one"}]}
        ["ps",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} gone
        {"ps":[{"name":"one"},null,{"name":"one"}]}
        ["ps",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} gone
    "#]]
    .assert_eq(&answers);
}

#[test]
fn an_error_that_fits_several_null_entities_is_reported_at_the_list() {
    check_script(
        &names("ps: [P] { name: String! }"),
        products_and(&json!({
            "data": {"_entities": [null, null]},
            "errors": [{"message": "all gone", "path": ["_entities"]}],
        })),
        expect![[r#"
            {"ps":[null,null,null]}
            ["ps"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} all gone
        "#]],
    );
}

#[test]
fn null_data_of_an_entity_fetch_leaves_the_rest() {
    check_script(
        &names("ps: [P] { id: ID name: String }"),
        products_and(&json!({"data": null, "errors": [{"message": "down"}]})),
        expect![[r#"
            {"ps":[{"id":"1","name":null},{"id":"2","name":null},{"id":"1","name":null}]}
            ["ps"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} down
        "#]],
    );
}

#[test]
fn several_paths_each_have_the_failure() {
    let mut plan = plan(
        vec![root("a", "{a{id}b{id}}"), entities("b", &[0], "a", template("P", &["id"]))],
        "a: P { name: String } b: [P] { name: String }",
    );
    plan.fetches[1].entities = vec![entity_list(
        "_entities",
        "representations",
        &["a", "b.@"],
        vec![template("P", &["id"])],
    )];
    let script = Script::new(|asked| match asked.subgraph.as_str() {
        "a" => Ok(ok(
            r#"{"data":{"a":{"__typename":"P","id":"1"},"b":[{"__typename":"P","id":"2"},{"__typename":"P","id":"3"}]}}"#,
        )),
        _ => Err(TransportError::Timeout),
    });
    check_script(
        &plan,
        script,
        expect![[r#"
        {"a":{"name":null},"b":[{"name":null},{"name":null}]}
        ["a"] {"code":"GATEWAY_TIMEOUT","service":"b"} subgraph `b` did not answer in time
        ["b"] {"code":"GATEWAY_TIMEOUT","service":"b"} subgraph `b` did not answer in time
    "#]],
    );
}

#[test]
fn every_transport_error_has_its_code() {
    let failures = [
        TransportError::Unreachable,
        TransportError::Status { status: 503 },
        TransportError::Timeout,
        TransportError::TooLarge { limit: 10 },
        TransportError::ContentType,
        TransportError::Interrupted,
        TransportError::Rejected,
        TransportError::Other { code: "MY_CODE", message: "says no".to_owned() },
    ];
    let mut answers = String::new();
    for failure in failures {
        let script = Arc::new(products_and_failure(failure));
        let plan = names("ps: [P] { name: String }");
        answers += &pretty(block_on(run(&plan, &json!({}), &script)));
    }
    expect![[r#"
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"SUBREQUEST_HTTP_ERROR","service":"b"} subgraph `b` could not be reached
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"SUBREQUEST_HTTP_ERROR","service":"b","http":{"status":503}} subgraph `b` answered with HTTP status 503
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"GATEWAY_TIMEOUT","service":"b"} subgraph `b` did not answer in time
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with more than 10 bytes
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"b"} subgraph `b` answered with something other than JSON
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"SUBREQUEST_HTTP_ERROR","service":"b"} subgraph `b` broke off its answer
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"REQUEST_CONCURRENCY_LIMITED","service":"b"} subgraph `b` is not asked at the moment
        {"ps":[{"name":null},{"name":null},{"name":null}]}
        ["ps"] {"code":"MY_CODE","service":"b"} subgraph `b` says no
    "#]].assert_eq(&answers);
}

#[test]
fn a_failing_root_fetch_leaves_the_other() {
    let plan = plan(vec![root("a", "{x}"), root("b", "{y z}")], "x: Int y: Int zz=z: Int");
    let script = Script::new(|asked| match asked.subgraph.as_str() {
        "a" => Ok(ok(r#"{"data":{"x":1}}"#)),
        _ => Err(TransportError::Unreachable),
    });
    check_script(
        &plan,
        script,
        expect![[r#"
            {"x":1,"y":null,"zz":null}
            ["y"] {"code":"SUBREQUEST_HTTP_ERROR","service":"b"} subgraph `b` could not be reached
            ["zz"] {"code":"SUBREQUEST_HTTP_ERROR","service":"b"} subgraph `b` could not be reached
        "#]],
    );
}

#[test]
fn a_failing_root_fetch_of_a_non_null_field_nulls_the_answer_with_one_error() {
    let plan = plan(vec![root("a", "{x}")], "x: Int!");
    check_script(
        &plan,
        Script::new(|_| Err(TransportError::Unreachable)),
        expect![[r#"
            null
            ["x"] {"code":"SUBREQUEST_HTTP_ERROR","service":"a"} subgraph `a` could not be reached
        "#]],
    );
}

#[test]
fn a_null_that_its_subgraph_explained_is_not_reported_again() {
    check(
        &plan(vec![root("a", "{o{x}}")], "o: O { x: Int! }"),
        &[(
            "a",
            json!({"data": {"o": null}, "errors": [{"message": "bad x", "path": ["o", "x"]}]}),
        )],
        expect![[r#"
            {"o":null}
            ["o","x"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} bad x
        "#]],
    );
    check(
        &plan(vec![root("a", "{o{x}}")], "o: O! { x: Int! }"),
        &[("a", json!({"data": null, "errors": [{"message": "bad x", "path": ["o", "x"]}]}))],
        expect![[r#"
            null
            ["o","x"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} bad x
        "#]],
    );
}

#[test]
fn graphql_errors_behind_another_http_status_are_used() {
    let script = Script::new(|_| {
        let body =
            r#"{"errors":[{"message":"who are you?","extensions":{"code":"UNAUTHENTICATED"}}]}"#;
        Ok(SubgraphResponse { status: 401, ..ok(body) })
    });
    check_script(
        &plan(vec![root("a", "{x}")], "x: Int"),
        script,
        expect![[r#"
            {"x":null}
            ["x"] {"code":"UNAUTHENTICATED","service":"a"} who are you?
        "#]],
    );
    let script =
        Script::new(|_| Ok(SubgraphResponse { status: 502, ..ok("<html>Bad gateway</html>") }));
    check_script(
        &plan(vec![root("a", "{x}")], "x: Int"),
        script,
        expect![[r#"
            {"x":null}
            ["x"] {"code":"SUBREQUEST_HTTP_ERROR","service":"a","http":{"status":502}} subgraph `a` answered with HTTP status 502
        "#]],
    );
}

#[test]
fn what_depends_on_a_failed_fetch_is_not_asked() {
    let fetches = vec![
        root("a", "{ps{id}}"),
        entities("b", &[0], "ps.@", template("P", &["id"])),
        entities("c", &[1], "ps.@", template("P", &["id", "weight?"])),
    ];
    let plan = plan(fetches, "ps: [P] { id: ID shipping: Int }");
    let script = Script::new(|asked| match asked.subgraph.as_str() {
        "a" => Ok(ok(PRODUCTS)),
        "b" => Err(TransportError::Timeout),
        _ => panic!("a weight that nobody knows was sent"),
    });
    check_script(
        &plan,
        script,
        expect![[r#"
        {"ps":[{"id":"1","shipping":null},{"id":"2","shipping":null},{"id":"1","shipping":null}]}
        ["ps"] {"code":"GATEWAY_TIMEOUT","service":"b"} subgraph `b` did not answer in time
    "#]],
    );
}

#[test]
fn the_number_of_errors_is_limited() {
    let script = Script::new(|_| Ok(ok(&json!({"data": {"l": vec!["x"; 1500]}}).to_string())));
    let plan = plan(vec![root("a", "{l}")], "l: [Int]");
    let response = block_on(run(&plan, &json!({}), &Arc::new(script)));
    assert_eq!(response.errors.len(), 1001);
    assert_eq!(response.errors[1000].message, "500 more errors are left out");
}

#[test]
fn what_is_lost_beside_a_failed_field_is_reported_too() {
    // In the subgraph `x` is not nullable, so that `y` is lost with it.
    check(
        &plan(vec![root("a", "{x y}")], "x: Int y: Int"),
        &[("a", json!({"data": null, "errors": [{"message": "no x", "path": ["x"]}]}))],
        expect![[r#"
            {"x":null,"y":null}
            ["x"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} no x
            ["y"] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.y` has been left out by its subgraph
            ["y"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"a"} no x
        "#]],
    );
    check_script(
        &names("ps: [P] { name: String }"),
        products_and(&json!({
            "data": null,
            "errors": [{"message": "no two", "path": ["_entities", 1, "name"]}],
        })),
        expect![[r#"
            {"ps":[{"name":null},{"name":null},{"name":null}]}
            ["ps",1,"name"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no two
            ["ps"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no two
        "#]],
    );
}
