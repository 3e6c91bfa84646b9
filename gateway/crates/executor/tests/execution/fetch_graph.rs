//! Which requests go out, when, and with what.

use std::sync::Arc;

use executor::SubgraphTransport;
use expect_test::expect;
use federation::plan::{Fetch, OperationKind, QueryPlan};
use futures::poll;
use serde_json::{Map, json};

use crate::support::{
    Script, block_on, check, check_requests, entities, only_if, plan, root, run, template,
};

#[test]
fn root_field() {
    check(
        &plan(vec![root("users", "{me{name}}")], "me: User { name: String }"),
        &[("users", json!({"data": {"me": {"name": "Ada"}}}))],
        expect![[r#"
            {"me":{"name":"Ada"}}
        "#]],
    );
}

#[test]
fn request_body_has_query_name_and_declared_variables() {
    let mut fetch = root("users", "query($id:ID!){user(id:$id){name\n}}");
    fetch.variables = vec!["id".to_owned(), "absent".to_owned()];
    let script = Arc::new(Script::fixed(&[("users", json!({"data": {"user": null}}))]));
    let plan = plan(vec![fetch], "user: User { name: String }");
    block_on(run(&plan, &json!({"id": "u\"1", "other": 1}), &script));
    let asked = script.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].representations, 0);
    assert_eq!(
        asked[0].body,
        json!({
            "query": "query($id:ID!){user(id:$id){name\n}}",
            "operationName": "Test__users",
            "variables": {"id": "u\"1"},
        })
    );
}

#[test]
fn independent_fetches_are_in_flight_together_and_a_dependent_one_waits_for_its_own_only() {
    // 0: slow, 1: fast, 2 after 1. With waves, 2 would wait for 0.
    let fetches = vec![
        root("slow", "{a}"),
        root("fast", "{p{id}}"),
        entities("names", &[1], "p", template("P", &["id"])),
    ];
    let plan = plan(fetches, "a: Int p: P { name: String }");
    let script = Script::fixed(&[
        ("slow", json!({"data": {"a": 1}})),
        ("fast", json!({"data": {"p": {"__typename": "P", "id": "1"}}})),
        ("names", json!({"data": {"_entities": [{"name": "one"}]}})),
    ]);
    let (script, gate) = script.gated("slow");
    let script = Arc::new(script);
    block_on(async {
        let variables = json!({});
        let mut running = Box::pin(run(&plan, &variables, &script));
        for _ in 0..10 {
            assert!(poll!(&mut running).is_pending());
        }
        let asked: Vec<String> = script.asked().into_iter().map(|asked| asked.subgraph).collect();
        assert_eq!(asked, ["slow", "fast", "names"]);
        gate.add_permits(1);
        assert_eq!(running.await.data(), br#"{"a":1,"p":{"name":"one"}}"#);
    });
}

#[test]
fn mutations_run_one_after_the_other_even_when_one_fails() {
    let mutation = |subgraph: &str, document: &str, after: &[usize]| Fetch {
        kind: OperationKind::Mutation,
        after: after.to_vec(),
        ..root(subgraph, document)
    };
    let mut plan = plan(
        vec![
            mutation("a", "mutation{one}", &[]),
            mutation("b", "mutation{two}", &[0]),
            mutation("a", "mutation{three}", &[1]),
        ],
        "one: Int two: Int three: Int",
    );
    plan.kind = OperationKind::Mutation;
    plan.projection.root_type = "Mutation".to_owned();
    let script = Script::new(|asked| {
        let query = asked.body["query"].as_str().unwrap();
        Ok(crate::support::ok(match query {
            "mutation{one}" => r#"{"data":{"one":1}}"#,
            "mutation{two}" => {
                r#"{"errors":[{"message":"no","path":["two"]}],"data":{"two":null}}"#
            }
            _ => r#"{"data":{"three":3}}"#,
        }))
    });
    let (script, gate) = script.gated("a");
    let script = Arc::new(script);
    block_on(async {
        let variables = json!({});
        let mut running = Box::pin(run(&plan, &variables, &script));
        assert!(poll!(&mut running).is_pending());
        assert_eq!(script.asked().len(), 1);
        gate.add_permits(1);
        assert!(poll!(&mut running).is_pending());
        assert_eq!(script.asked().len(), 3);
        gate.add_permits(1);
        assert_eq!(running.await.data(), br#"{"one":1,"two":null,"three":3}"#);
    });
}

#[test]
fn a_fetch_that_is_not_included_is_not_sent() {
    let mut second = root("b", "{b}");
    second.when = only_if("show", true);
    let plan = plan(vec![root("a", "{a}"), second], "a: Int b: Int ?show");
    let script =
        || Script::fixed(&[("a", json!({"data": {"a": 1}})), ("b", json!({"data": {"b": 2}}))]);
    check_requests(
        &plan,
        &json!({"show": false}),
        script(),
        expect![[r#"
        a {}
        {"a":1}
    "#]],
    );
    check_requests(
        &plan,
        &json!({"show": true}),
        script(),
        expect![[r#"
        a {}
        b {}
        {"a":1,"b":2}
    "#]],
    );
}

#[test]
fn what_follows_an_entity_fetch_with_nothing_to_load_still_runs() {
    let fetches = vec![
        root("a", "{p{id}}"),
        entities("b", &[0], "p", template("P", &["id"])),
        Fetch { after: vec![1], ..root("c", "{c}") },
    ];
    let script =
        Script::fixed(&[("a", json!({"data": {"p": null}})), ("c", json!({"data": {"c": 3}}))]);
    check_requests(
        &plan(fetches, "p: P { name: String } c: Int"),
        &json!({}),
        script,
        expect![[r#"
        a {}
        c {}
        {"p":null,"c":3}
    "#]],
    );
}

#[test]
fn root_fetches_deep_merge_into_one_answer() {
    check(
        &plan(
            vec![root("a", "{me{id}}"), root("b", "{me{name tags{x}}}")],
            "me: U { id: ID name: String }",
        ),
        &[
            ("a", json!({"data": {"me": {"id": "1", "name": null}}})),
            ("b", json!({"data": {"me": {"name": "Ada", "id": null}}})),
        ],
        expect![[r#"
            {"me":{"id":"1","name":"Ada"}}
        "#]],
    );
}

#[test]
fn after_the_deadline_the_rest_is_kept() {
    let fetches = vec![
        root("fast", "{p{id}}"),
        root("slow", "{s}"),
        entities("slow", &[0], "p", template("P", &["id"])),
        entities("never", &[2], "p", template("P", &["id"])),
    ];
    let plan = executor::CompiledPlan::new(&plan(
        fetches,
        "p: P { id: ID name: String stock: Int } s: Int",
    ));
    let script = Script::fixed(&[("fast", json!({"data": {"p": {"__typename": "P", "id": "1"}}}))]);
    let (script, _gate) = script.gated("slow");
    let loaders = executor::Loaders::default();
    let response = block_on(async {
        let execution = executor::Execution {
            variables: &Map::new(),
            introspection: &Map::new(),
            transport: Arc::new(script) as Arc<dyn SubgraphTransport>,
            loaders: &loaders,
            deadline: Some(tokio::time::Instant::now()),
        };
        executor::execute(&plan, execution).await
    });
    expect![[r#"
        {"p":{"id":"1","name":null,"stock":null},"s":null}
        ["s"] {"code":"GATEWAY_TIMEOUT","service":"slow"} subgraph `slow` did not answer in time
        ["p"] {"code":"GATEWAY_TIMEOUT","service":"slow"} subgraph `slow` did not answer in time
        ["p"] {"code":"GATEWAY_TIMEOUT","service":"never"} subgraph `never` did not answer in time
    "#]]
    .assert_eq(&crate::support::pretty(response));
}

#[test]
fn the_future_can_move_between_threads() {
    fn is_send(_: impl Send) {}
    let plan = executor::CompiledPlan::new(&plan(Vec::new(), ""));
    let loaders = executor::Loaders::default();
    is_send(executor::execute(
        &plan,
        executor::Execution {
            variables: &Map::new(),
            introspection: &Map::new(),
            transport: Arc::new(Script::fixed(&[])),
            loaders: &loaders,
            deadline: None,
        },
    ));
}

#[test]
fn root_fields_below_the_root_are_merged_where_they_were_entered() {
    let below =
        Fetch { after: vec![0], at: crate::support::flatten_path("wraps.@"), ..root("b", "{b c}") };
    let plan = plan(vec![root("a", "{wraps{x}}"), below], "wraps: [W] { x: Int b: Int c: Int }");
    let script = |wraps: serde_json::Value| {
        Script::fixed(&[
            ("a", json!({"data": {"wraps": wraps}})),
            (
                "b",
                json!({"data": {"b": 2, "c": null}, "errors": [
                    {"message": "no c", "path": ["c"]}, {"message": "nowhere"},
                ]}),
            ),
        ])
    };
    check_requests(
        &plan,
        &json!({}),
        script(json!([{"x": 1}, null, {"x": 3}])),
        expect![[r#"
        a {}
        b {}
        {"wraps":[{"x":1,"b":2,"c":null},null,{"x":3,"b":2,"c":null}]}
        ["wraps",0,"c"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no c
        ["wraps",2,"c"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no c
        ["wraps",0,"c"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} nowhere
        ["wraps",2,"c"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} nowhere
    "#]],
    );
    check_requests(
        &plan,
        &json!({}),
        script(json!([null])),
        expect![[r#"
        a {}
        {"wraps":[null]}
    "#]],
    );
}

/// Root fields and entities that are wanted from one subgraph at one moment share a request.
fn root_and_entities() -> QueryPlan {
    let both = Fetch {
        after: vec![0],
        roots: vec!["total".to_owned()],
        ..entities("b", &[0], "ps.@", template("P", &["id"]))
    };
    plan(vec![root("a", "{ps{id}}"), both], "ps: [P] { name: String } total: Int")
}

#[test]
fn root_fields_and_entities_in_one_request() {
    let script = |ps: serde_json::Value, answer: serde_json::Value| {
        Script::fixed(&[("a", json!({"data": {"ps": ps}})), ("b", answer)])
    };
    let products = json!([{"__typename": "P", "id": "1"}, {"__typename": "P", "id": "2"}]);
    check_requests(
        &root_and_entities(),
        &json!({}),
        script(
            products.clone(),
            json!({
                "data": {"_entities": [{"name": "one"}, null], "total": null, "ps": 7},
                "errors": [
                    {"message": "no total", "path": ["total"]},
                    {"message": "no two", "path": ["_entities", 1]},
                ],
            }),
        ),
        expect![[r#"
            a {}
            b {"representations":[{"__typename":"P","id":"1"},{"__typename":"P","id":"2"}]}
            {"ps":[{"name":"one"},{"name":null}],"total":null}
            ["ps",1] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no two
            ["total"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} no total
        "#]],
    );
    check_requests(
        &root_and_entities(),
        &json!({}),
        script(products, json!({"errors": [{"message": "nothing"}]})),
        expect![[r#"
            a {}
            b {"representations":[{"__typename":"P","id":"1"},{"__typename":"P","id":"2"}]}
            {"ps":[{"name":null},{"name":null}],"total":null}
            ["ps"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} nothing
            ["total"] {"code":"DOWNSTREAM_SERVICE_ERROR","service":"b"} nothing
        "#]],
    );
    check_requests(
        &root_and_entities(),
        &json!({}),
        script(json!([]), json!({"data": {"_entities": [], "total": 3}})),
        expect![[r#"
            a {}
            b {"representations":[]}
            {"ps":[],"total":3}
        "#]],
    );
}
