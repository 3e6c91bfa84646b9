//! Representations, batching, deduplication, and where loaded entities go.

use expect_test::expect;
use federation::plan::{Fetch, RepresentationTemplate};
use serde_json::{Value, json};

use crate::support::{
    Script, check_requests, entities, entity_list, ok, plan, representation_field, root, template,
};

/// Answers root fields from `data`, entities of any type by making up a name from the `id`.
fn naming(data: &Value) -> Script {
    let data = data.clone();
    Script::new(move |asked| {
        let representations = asked.variable("representations");
        let Some(representations) = representations.as_array() else {
            return Ok(ok(&json!({"data": data}).to_string()));
        };
        let entity = |representation: &Value| match representation["id"].as_str() {
            Some("gone") => Value::Null,
            id => json!({"name": format!("name of {}", id.unwrap_or("?"))}),
        };
        let entities: Vec<Value> = representations.iter().map(entity).collect();
        Ok(ok(&json!({"data": {"_entities": entities}}).to_string()))
    })
}

fn names_at(path: &str) -> Fetch {
    entities("names", &[0], path, template("P", &["id"]))
}

#[test]
fn all_targets_of_a_list_are_loaded_by_one_request_and_equal_ones_once() {
    let data = json!({"ps": [
        {"__typename": "P", "id": "1"}, {"__typename": "P", "id": "2"}, null, {"__typename": "P", "id": "1"},
    ]});
    check_requests(
        &plan(vec![root("a", "{ps{id}}"), names_at("ps.@")], "ps: [P] { name: String }"),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"P","id":"1"},{"__typename":"P","id":"2"}]}
            {"ps":[{"name":"name of 1"},{"name":"name of 2"},null,{"name":"name of 1"}]}
        "#]],
    );
}

#[test]
fn entities_that_cannot_be_found_are_not_asked_for() {
    let data = json!({"ps": [
        {"__typename": "P", "id": null},
        {"__typename": "P"},
        {"__typename": "Q", "id": "3"},
        {"id": "4"},
        {"__typename": "P", "id": "5"},
    ]});
    check_requests(
        &plan(vec![root("a", "{ps{id}}"), names_at("ps.@")], "ps: [X(P|Q)] { name: String }"),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"P","id":"5"}]}
            {"ps":[{"name":null},{"name":null},{"name":null},null,{"name":"name of 5"}]}
            ["ps",3] {"code":"RESPONSE_VALIDATION_FAILED"} `Query.ps` is an object of unknown type
        "#]],
    );
}

#[test]
fn without_any_entity_nothing_is_sent() {
    check_requests(
        &plan(vec![root("a", "{ps{id}}"), names_at("ps.@")], "ps: [P] { name: String }"),
        &json!({}),
        naming(&json!({"ps": []})),
        expect![[r#"
            a {}
            {"ps":[]}
        "#]],
    );
}

#[test]
fn an_entity_that_does_not_exist_leaves_its_target_as_it_is() {
    let data = json!({"ps": [{"__typename": "P", "id": "gone"}, {"__typename": "P", "id": "2"}]});
    check_requests(
        &plan(vec![root("a", "{ps{id}}"), names_at("ps.@")], "ps: [P] { id: ID! name: String }"),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"P","id":"gone"},{"__typename":"P","id":"2"}]}
            {"ps":[{"id":"gone","name":null},{"id":"2","name":"name of 2"}]}
        "#]],
    );
}

#[test]
fn targets_in_nested_lists_and_behind_type_conditions() {
    let data = json!({"rows": [
        [{"__typename": "P", "owner": {"__typename": "P", "id": "1"}}, {"__typename": "Q", "owner": {"__typename": "P", "id": "2"}}],
        null,
        [{"__typename": "P", "owner": {"__typename": "P", "id": "3"}}],
    ]});
    check_requests(
        &plan(
            vec![root("a", "{rows{owner{id}}}"), names_at("rows.@.@.[P].owner")],
            "rows: [[X(P|Q)]] { __typename owner: P { name: String } }",
        ),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"P","id":"1"},{"__typename":"P","id":"3"}]}
            {"rows":[[{"__typename":"P","owner":{"name":"name of 1"}},{"__typename":"Q","owner":{"name":null}}],null,[{"__typename":"P","owner":{"name":"name of 3"}}]]}
            ["rows",0,1,"owner","name"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.name` has been left out by its subgraph
        "#]],
    );
}

#[test]
fn several_paths_share_one_list() {
    let data = json!({"a": {"__typename": "P", "id": "1"}, "b": [{"__typename": "P", "id": "2"}, {"__typename": "P", "id": "1"}]});
    let mut fetch = names_at("a");
    fetch.entities = vec![entity_list(
        "_entities",
        "representations",
        &["a", "b.@"],
        vec![template("P", &["id"])],
    )];
    check_requests(
        &plan(
            vec![root("a", "{a{id}b{id}}"), fetch],
            "a: P { name: String } b: [P] { name: String }",
        ),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"P","id":"1"},{"__typename":"P","id":"2"}]}
            {"a":{"name":"name of 1"},"b":[{"name":"name of 2"},{"name":"name of 1"}]}
        "#]],
    );
}

#[test]
fn several_lists_go_out_in_one_request() {
    let mut fetch = names_at("a");
    fetch.entities = vec![
        entity_list("_e0", "r0", &["a"], vec![template("P", &["id"])]),
        entity_list("_e1", "r1", &["b.@"], vec![template("P", &["id"])]),
    ];
    let script = Script::new(|asked| {
        Ok(ok(if asked.subgraph == "a" {
            r#"{"data":{"a":{"__typename":"P","id":"1"},"b":[{"__typename":"P","id":"2"},{"__typename":"P","id":"1"}]}}"#
        } else {
            r#"{"data":{"_e1":[{"stock":2},{"stock":1}],"_e0":[{"name":"one"}]}}"#
        }))
    });
    check_requests(
        &plan(
            vec![root("a", "{a{id}b{id}}"), fetch],
            "a: P { name: String } b: [P] { stock: Int }",
        ),
        &json!({}),
        script,
        expect![[r#"
            a {}
            names {"r0":[{"__typename":"P","id":"1"}],"r1":[{"__typename":"P","id":"2"},{"__typename":"P","id":"1"}]}
            {"a":{"name":"one"},"b":[{"stock":2},{"stock":1}]}
        "#]],
    );
}

#[test]
fn representations_carry_nested_fields_type_conditions_and_required_nulls() {
    let mut template = RepresentationTemplate {
        types: vec!["P".to_owned(), "Q".to_owned()],
        typename: "I".to_owned(),
        fields: vec![
            representation_field("id"),
            representation_field("weight?"),
            representation_field("size?"),
            representation_field("only?"),
        ],
    };
    template.fields[2].fields = vec![representation_field("w"), representation_field("h?")];
    template.fields[2].name = "dimensions".to_owned();
    template.fields[3].types = Some(vec!["Q".to_owned()]);
    let data = json!({"ps": [
        {"__typename": "P", "id": "1", "weight": null, "size": {"w": 1.50, "h": null, "x": 1}, "only": 1},
        {"__typename": "Q", "id": "2", "weight": 7, "size": [{"w": 1, "h": 2}, null], "only": {"any": ["thing"]}},
        {"__typename": "P", "id": "3", "weight": 7, "size": null},
        {"__typename": "P", "id": "no w", "weight": 7, "size": {"w": null, "h": 1}},
        {"__typename": "P", "id": "no weight", "size": null},
    ]});
    check_requests(
        &plan(
            vec![root("a", "{ps{id}}"), entities("names", &[0], "ps.@", template)],
            "ps: [X(P|Q)] { name: String }",
        ),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"I","id":"1","weight":null,"dimensions":{"w":1.5,"h":null}},{"__typename":"I","id":"2","weight":7,"dimensions":[{"w":1,"h":2},null],"only":{"any":["thing"]}},{"__typename":"I","id":"3","weight":7,"dimensions":null}]}
            {"ps":[{"name":"name of 1"},{"name":"name of 2"},{"name":"name of 3"},{"name":null},{"name":null}]}
        "#]],
    );
}

#[test]
fn what_a_later_fetch_writes_at_one_target_does_not_show_at_another() {
    // Both targets share the entity with its owner; the owners are then completed at one place only.
    let mut owners = entities("owners", &[0], "a", template("P", &["id"]));
    owners.entities = vec![entity_list(
        "_entities",
        "representations",
        &["a", "b"],
        vec![template("P", &["id"])],
    )];
    let fetches = vec![
        root("root", "{a{id}b{id}}"),
        owners,
        entities("upper", &[1], "a.owner", template("U", &["id"])),
        entities("lower", &[1], "b.owner", template("U", &["id"])),
    ];
    let script = Script::fixed(&[
        (
            "root",
            json!({"data": {"a": {"__typename": "P", "id": "1"}, "b": {"__typename": "P", "id": "1"}}}),
        ),
        ("owners", json!({"data": {"_entities": [{"owner": {"__typename": "U", "id": "u"}}]}})),
        ("upper", json!({"data": {"_entities": [{"name": "ADA"}]}})),
        ("lower", json!({"data": {"_entities": [{"name": "ada"}]}})),
    ]);
    check_requests(
        &plan(fetches, "a: P { owner: U { name: String } } b: P { owner: U { name: String } }"),
        &json!({}),
        script,
        expect![[r#"
            root {}
            owners {"representations":[{"__typename":"P","id":"1"}]}
            upper {"representations":[{"__typename":"U","id":"u"}]}
            lower {"representations":[{"__typename":"U","id":"u"}]}
            {"a":{"owner":{"name":"ADA"}},"b":{"owner":{"name":"ada"}}}
        "#]],
    );
}

#[test]
fn an_entity_merges_deeply_into_what_its_target_has() {
    let fetches =
        vec![root("root", "{p{id parts{x}}}"), entities("more", &[0], "p", template("P", &["id"]))];
    let script = Script::fixed(&[
        (
            "root",
            json!({"data": {"p": {"__typename": "P", "id": "1", "parts": [{"x": 1}, {"x": 2}], "box": {"w": 1}}}}),
        ),
        (
            "more",
            json!({"data": {"_entities": [{"parts": [{"y": 1}, {"y": 2}], "box": {"h": 2}}]}}),
        ),
    ]);
    check_requests(
        &plan(fetches, "p: P { parts: [Part] { x: Int y: Int } box: Box { w: Int h: Int } }"),
        &json!({}),
        script,
        expect![[r#"
            root {}
            more {"representations":[{"__typename":"P","id":"1"}]}
            {"p":{"parts":[{"x":1,"y":1},{"x":2,"y":2}],"box":{"w":1,"h":2}}}
        "#]],
    );
}

#[test]
fn the_type_that_a_later_fetch_finds_replaces_the_interface() {
    let to_media =
        RepresentationTemplate { types: vec!["Media".to_owned()], ..template("Media", &["id"]) };
    let fetches = vec![root("ratings", "{top{id}}"), entities("catalog", &[0], "top", to_media)];
    let script = Script::fixed(&[
        ("ratings", json!({"data": {"top": {"__typename": "Media", "id": "1", "stars": 5}}})),
        ("catalog", json!({"data": {"_entities": [{"__typename": "Book", "pages": 9}]}})),
    ]);
    check_requests(
        &plan(
            fetches,
            "top: Media(Book|Movie) { __typename stars: Int on Book { pages: Int } on Movie { length: Int } }",
        ),
        &json!({}),
        script,
        expect![[r#"
            ratings {}
            catalog {"representations":[{"__typename":"Media","id":"1"}]}
            {"top":{"__typename":"Book","stars":5,"pages":9}}
        "#]],
    );
}

#[test]
fn an_entity_that_does_not_exist_has_no_non_null_fields() {
    let data = json!({"ps": [{"__typename": "P", "id": "gone"}, {"__typename": "P", "id": "2"}]});
    check_requests(
        &plan(vec![root("a", "{ps{id}}"), names_at("ps.@")], "ps: [P] { id: ID! name: String! }"),
        &json!({}),
        naming(&data),
        expect![[r#"
            a {}
            names {"representations":[{"__typename":"P","id":"gone"},{"__typename":"P","id":"2"}]}
            {"ps":[null,{"id":"2","name":"name of 2"}]}
            ["ps",0,"name"] {"code":"RESPONSE_VALIDATION_FAILED"} `P.name` must not be null, but no subgraph gave it a value
        "#]],
    );
}
