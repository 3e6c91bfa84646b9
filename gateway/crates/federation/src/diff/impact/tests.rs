//! One row per rule: a change, an operation that notices it, and one that does not.

use apollo_compiler::{ExecutableDocument, Schema};

use super::{Impact, operation_use};
use crate::diff::{ChangeType, Criticality, diff};

const OLD: &str = r"
    directive @hint(level: Int = 1, must: Int) on FIELD | QUERY
    type Query implements Root {
        node(id: ID, kind: Kind = A, in: In): Node
        any: Any
        kind: Kind
        list(kinds: [Kind!]): [Item!]!
    }
    interface Root { kind: Kind }
    type Mutation { put(in: In!): Item }
    interface Node { id: ID! name: String }
    type Item implements Node { id: ID! name: String! size: Int }
    type Box implements Node { id: ID! name: String! }
    union Any = Item | Box
    enum Kind { A B }
    input In { a: Int b: Kind = B nested: Nested }
    input Nested { x: Int }
";

/// `replace` → `with` in the schema; the operations that notice the first change of that type.
fn check(replace: &str, with: &str, change_type: ChangeType, notices: &str, does_not: &str) {
    assert!(OLD.contains(replace), "`{replace}`");
    let parse = |sdl: &str| Schema::builder().parse(sdl, "s.graphql").build().expect("a schema");
    let (old, new) = (parse(OLD), parse(&OLD.replace(replace, with)));
    let valid = old.clone().validate().expect("valid");
    let uses = [notices, does_not].map(|text| {
        let document =
            ExecutableDocument::parse_and_validate(&valid, text, "o.graphql").expect("valid");
        let operation = document.operations.iter().next().expect("an operation");
        operation_use(&old, &document, operation)
    });
    let impact = Impact::new(&old, &new, uses.into());
    let changes = diff(&old, &new);
    let change = changes
        .iter()
        .find(|change| {
            change.change_type == change_type && change.criticality > Criticality::NonBreaking
        })
        .unwrap_or_else(|| panic!("no {change_type} in {changes:?}"));
    assert_eq!(impact.affected(change), [0], "{change}: `{notices}`, not `{does_not}`");
}

#[test]
fn output() {
    use ChangeType as C;
    let rows = [
        (" size: Int", "", C::FieldRemoved, "{ list { size } }", "{ list { id } }"),
        (
            "name: String! size",
            "name: String size",
            C::FieldTypeChanged,
            "{ node { name } }",
            "{ node { id } }",
        ),
        (
            "Any = Item | Box",
            "Any = Item",
            C::UnionMemberRemoved,
            "{ any { ... on Box { id } } }",
            "{ any { ... on Item { id } } }",
        ),
        (
            "type Box implements Node",
            "type Box",
            C::ObjectTypeInterfaceRemoved,
            "{ node { ... on Box { id } } }",
            "{ any { __typename } }",
        ),
        (
            "enum Kind { A B }",
            "enum Kind { A }",
            C::EnumValueRemoved,
            "{ kind }",
            "{ any { __typename } }",
        ),
        (
            "enum Kind { A B }",
            "enum Kind { A B C }",
            C::EnumValueAdded,
            "{ kind }",
            "{ node(kind: B) { id } }",
        ),
        ("union Any = Item | Box", "", C::TypeRemoved, "{ any { __typename } }", "{ kind }"),
    ];
    for (replace, with, change_type, notices, does_not) in rows {
        check(replace, with, change_type, notices, does_not);
    }
}

#[test]
fn input() {
    use ChangeType as C;
    let rows = [
        (
            "id: ID, kind",
            "kind",
            C::FieldArgumentRemoved,
            "{ node(id: 1) { id } }",
            "{ node { id } }",
        ),
        (
            "node(id: ID,",
            "node(must: Int!, id: ID,",
            C::FieldArgumentAdded,
            "{ node { id } }",
            "{ kind }",
        ),
        (
            "node(id: ID,",
            "node(id: ID!,",
            C::FieldArgumentTypeChanged,
            "query($i: ID) { node(id: $i) { id } }",
            "query($i: ID!) { node(id: $i) { id } }",
        ),
        (
            "node(id: ID,",
            "node(id: ID!,",
            C::FieldArgumentTypeChanged,
            "{ node { id } }",
            "{ node(id: 1) { id } }",
        ),
        (
            "node(id: ID,",
            "node(id: Int,",
            C::FieldArgumentTypeChanged,
            "{ node(id: \"x\") { id } }",
            "{ node(id: 1) { id } }",
        ),
        (
            "kind: Kind = A",
            "kind: Kind = B",
            C::FieldArgumentDefaultChanged,
            "{ node { id } }",
            "{ node(kind: A) { id } }",
        ),
        (
            "enum Kind { A B }",
            "enum Kind { A }",
            C::EnumValueRemoved,
            "{ node(kind: B) { id } }",
            "{ node(kind: A) { id } }",
        ),
        (
            "enum Kind { A B }",
            "enum Kind { A }",
            C::EnumValueRemoved,
            "query($k: [Kind!] = [B]) { list(kinds: $k) { id } }",
            "{ list(kinds: [A]) { id } }",
        ),
        (
            "input In { a: Int",
            "input In {",
            C::InputFieldRemoved,
            "{ node(in: {a: 1}) { id } }",
            "{ node(in: {b: A}) { id } }",
        ),
        (
            "input In { a: Int",
            "input In {",
            C::InputFieldRemoved,
            "mutation($i: In!) { put(in: $i) { id } }",
            "mutation { put(in: {}) { id } }",
        ),
        (
            "input In {",
            "input In { must: Int!",
            C::InputFieldAdded,
            "mutation { put(in: {a: 1}) { id } }",
            "{ node { id } }",
        ),
        (
            "{ x: Int }",
            "{ x: Int! }",
            C::InputFieldTypeChanged,
            "{ node(in: {nested: {}}) { id } }",
            "{ node(in: {nested: {x: 1}}) { id } }",
        ),
        (
            "{ x: Int }",
            "{ y: Int }",
            C::InputFieldRemoved,
            "query($i: In) { node(in: $i) { id } }",
            "{ node(in: {nested: {}}) { id } }",
        ),
    ];
    for (replace, with, change_type, notices, does_not) in rows {
        check(replace, with, change_type, notices, does_not);
    }
}

#[test]
fn directives_and_roots() {
    use ChangeType as C;
    let rows = [
        (
            "directive @hint(level: Int = 1, must: Int) on FIELD | QUERY",
            "",
            C::DirectiveRemoved,
            "{ kind @hint }",
            "{ kind }",
        ),
        (
            "on FIELD | QUERY",
            "on FIELD",
            C::DirectiveLocationRemoved,
            "query @hint { kind }",
            "{ kind @hint }",
        ),
        (
            "level: Int = 1, must",
            "must",
            C::DirectiveArgumentRemoved,
            "{ kind @hint(level: 2) }",
            "{ kind @hint }",
        ),
        (
            "must: Int)",
            "must: Int!)",
            C::DirectiveArgumentTypeChanged,
            "{ kind @hint }",
            "{ kind @hint(must: 1) }",
        ),
        (
            "must: Int)",
            "must: Int, new: Int!)",
            C::DirectiveArgumentAdded,
            "{ kind @hint }",
            "{ kind }",
        ),
    ];
    for (replace, with, change_type, notices, does_not) in rows {
        check(replace, with, change_type, notices, does_not);
    }
    check(
        "type Mutation { put",
        "type Writes { put",
        C::SchemaMutationTypeChanged,
        "mutation { put(in: {}) { id } }",
        "{ kind }",
    );
}
