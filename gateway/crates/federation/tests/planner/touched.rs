//! What of a supergraph a document touches: only a change there gives another fingerprint.

use federation::operation::Document;

use crate::support::planner;

const TYPES: &str = r#"
type Query @t(graph: A) @t(graph: B) { me: User @f(graph: A) other: Other @f(graph: B) all(by: By): [Node] @f(graph: A) }
interface Node @t(graph: A) { id: ID! }
type User implements Node @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: A, interface: "Node") {
    id: ID! name: String @f(graph: A) score: Int @f(graph: B, requires: "name") name2: String @f(graph: B)
}
type Other @t(graph: B) { name: String size: Size }
enum Size @t(graph: B) { S @v(graph: B) }
input By @t(graph: A) { n: Int = 1 }
"#;

fn is_touched(document: &str, from: &str, to: &str) -> bool {
    assert!(TYPES.contains(from), "{from}");
    let document = Document::parse(document).unwrap();
    let (old, new) = (planner(TYPES), planner(&TYPES.replacen(from, to, 1)));
    old.fingerprint(&document) != new.fingerprint(&document)
}

#[test]
fn what_lies_elsewhere_is_not_touched() {
    let document = "{ me { name score } }";
    assert!(!is_touched(document, "size: Size", "size: Size more: Int"));
    assert!(!is_touched(document, "S @v", "T @v(graph: B) S @v"));
    assert!(!is_touched(document, "other: Other", "other(n: Int): Other"));
    assert!(!is_touched(document, "name2: String", "name2: Int"));
    assert!(!is_touched(document, "n: Int = 1", "n: Int = 2"));
}

#[test]
fn what_is_selected_is_touched() {
    let document = "{ me { name score } }";
    assert!(is_touched(document, "me: User", "me: User!"));
    assert!(is_touched(document, "name: String", "name(n: Int): String"));
    assert!(is_touched(document, "requires: \"name\"", "requires: \"id\""));
    assert!(is_touched(
        document,
        "@t(graph: B, key: \"id\")",
        "@t(graph: B, key: \"id\", resolvable: false)"
    ));
}

#[test]
fn what_may_stand_behind_an_abstract_type_is_touched() {
    let more = "type Bot implements Node @t(graph: A) @i(graph: A, interface: \"Node\") { id: ID! } input By";
    assert!(is_touched("{ all { id } }", "input By", more));
    assert!(!is_touched("{ other { name } }", "input By", more));
    assert!(is_touched("{ all(by: {n: 2}) { id } }", "n: Int = 1", "n: Int = 2"));
    assert!(is_touched(
        "query($b: By) { all(by: $b) { __typename } }",
        "n: Int = 1",
        "n: Int! = 1"
    ));
}

#[test]
fn introspection_touches_all() {
    assert!(is_touched("{ __schema { queryType { name } } }", "size: Size", "size: Int"));
}
