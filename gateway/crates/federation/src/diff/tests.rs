//! One small pair of schemas per rule.

use std::fmt::Write;

use apollo_compiler::Schema;
use expect_test::{Expect, expect};

use super::{ChangeType, diff};

fn check(old: &str, new: &str, expected: Expect) {
    let parse = |sdl: &str| Schema::parse(sdl, "schema.graphql").expect("schema parses");
    let changes = diff(&parse(old), &parse(new));
    let mut lines = String::new();
    for change in &changes {
        writeln!(lines, "{change}").unwrap();
    }
    expected.assert_eq(&lines);
}

#[test]
fn equal_schemas_have_no_changes() {
    let sdl =
        "type Query { a(b: Int = 1): [String!]! @deprecated } enum E { A B } directive @d on FIELD";
    check(sdl, sdl, expect![[""]]);
}

#[test]
fn output_may_be_tightened_but_not_loosened() {
    check(
        "type Query { a: Int b: Int! c: [Int] d: [Int!] e: Int }",
        "type Query { a: Int! b: Int c: [Int!]! d: [Int] e: Float }",
        expect![[r"
            NON_BREAKING FIELD_TYPE_CHANGED Query.a: type of field `Query.a` changed from `Int` to `Int!`
            BREAKING FIELD_TYPE_CHANGED Query.b: type of field `Query.b` changed from `Int!` to `Int`
            NON_BREAKING FIELD_TYPE_CHANGED Query.c: type of field `Query.c` changed from `[Int]` to `[Int!]!`
            BREAKING FIELD_TYPE_CHANGED Query.d: type of field `Query.d` changed from `[Int!]` to `[Int]`
            BREAKING FIELD_TYPE_CHANGED Query.e: type of field `Query.e` changed from `Int` to `Float`
        "]],
    );
}

#[test]
fn input_may_be_loosened_but_not_tightened() {
    check(
        "type Query { f(a: Int!, b: Int, c: [Int!], gone: Int): Int } input I { x: Int! y: Int }",
        "type Query { f(a: Int, b: Int!, c: [Int], new: Int, must: Int!): Int } input I { x: Int y: Int! z: Int! w: Int = 1 v: Int }",
        expect![[r"
            NON_BREAKING INPUT_FIELD_ADDED I.v: input field `v: Int` was added to `I`
            DANGEROUS INPUT_FIELD_ADDED I.w: input field `w: Int` was added to `I`
            NON_BREAKING INPUT_FIELD_TYPE_CHANGED I.x: type of input field `I.x` changed from `Int!` to `Int`
            BREAKING INPUT_FIELD_TYPE_CHANGED I.y: type of input field `I.y` changed from `Int` to `Int!`
            BREAKING INPUT_FIELD_ADDED I.z: input field `z: Int!` was added to `I`
            NON_BREAKING FIELD_ARGUMENT_TYPE_CHANGED Query.f.a: type of argument `Query.f.a` changed from `Int!` to `Int`
            BREAKING FIELD_ARGUMENT_TYPE_CHANGED Query.f.b: type of argument `Query.f.b` changed from `Int` to `Int!`
            NON_BREAKING FIELD_ARGUMENT_TYPE_CHANGED Query.f.c: type of argument `Query.f.c` changed from `[Int!]` to `[Int]`
            BREAKING FIELD_ARGUMENT_REMOVED Query.f.gone: argument `Query.f.gone` was removed
            BREAKING FIELD_ARGUMENT_ADDED Query.f.must: argument `must: Int!` was added to field `Query.f`
            DANGEROUS FIELD_ARGUMENT_ADDED Query.f.new: argument `new: Int` was added to field `Query.f`
        "]],
    );
}

#[test]
fn what_is_part_of_something_new_is_safe() {
    check(
        "type Query { a: Int }",
        "type Query { a: Int b(x: Int! @d(y: 1)): New @deprecated } type New { c: Int } directive @d(y: Int) on ARGUMENT_DEFINITION",
        expect![[r"
            NON_BREAKING DIRECTIVE_ADDED @d: directive `@d` was added
            NON_BREAKING DIRECTIVE_LOCATION_ADDED @d: location `ARGUMENT_DEFINITION` of directive `@d` was added
            NON_BREAKING DIRECTIVE_ARGUMENT_ADDED @d: argument `y: Int` was added to directive `@d`
            NON_BREAKING TYPE_ADDED New: type `New` was added
            NON_BREAKING FIELD_ADDED New.c: field `New.c: Int` was added
            NON_BREAKING FIELD_ADDED Query.b: field `Query.b: New` was added
            NON_BREAKING FIELD_DEPRECATION_ADDED Query.b.@deprecated: field `Query.b` was deprecated
            NON_BREAKING DIRECTIVE_USAGE_FIELD_DEFINITION_ADDED Query.b.@deprecated: directive `@deprecated` was added to `Query.b`
            NON_BREAKING FIELD_ARGUMENT_ADDED Query.b.x: argument `x: Int!` was added to field `Query.b`
        "]],
    );
}

#[test]
fn abstract_types_and_enums() {
    check(
        "type Query { u: U e: E } union U = A | B type A { x: Int } type B { x: Int } enum E { OLD KEPT }",
        "type Query { u: U e: E } union U = A | C type A implements I { x: Int } type C { x: Int } enum E { NEW KEPT @deprecated(reason: \"r\") } interface I { x: Int }",
        expect![[r#"
            DANGEROUS OBJECT_TYPE_INTERFACE_ADDED A: `A` implements interface `I` now
            BREAKING TYPE_REMOVED B: type `B` was removed
            NON_BREAKING TYPE_ADDED C: type `C` was added
            NON_BREAKING FIELD_ADDED C.x: field `C.x: Int` was added
            NON_BREAKING ENUM_VALUE_DEPRECATION_REASON_ADDED E.KEPT.@deprecated: enum value `E.KEPT` was deprecated
            NON_BREAKING DIRECTIVE_USAGE_ENUM_VALUE_ADDED E.KEPT.@deprecated: directive `@deprecated` was added to `E.KEPT`
            NON_BREAKING DIRECTIVE_USAGE_ARGUMENT_ADDED E.KEPT.@deprecated.reason: argument `reason: "r"` was added to `@deprecated` on `E.KEPT`
            DANGEROUS ENUM_VALUE_ADDED E.NEW: enum value `E.NEW` was added
            BREAKING ENUM_VALUE_REMOVED E.OLD: enum value `E.OLD` was removed
            NON_BREAKING TYPE_ADDED I: type `I` was added
            NON_BREAKING FIELD_ADDED I.x: field `I.x: Int` was added
            DANGEROUS UNION_MEMBER_ADDED U: member `C` was added to union `U`
            BREAKING UNION_MEMBER_REMOVED U: member `B` was removed from union `U`
        "#]],
    );
}

#[test]
fn directive_definitions_and_uses() {
    check(
        "schema @s { query: Query } directive @s on SCHEMA directive @d(a: Int = 1) repeatable on FIELD | OBJECT type Query @d(a: 1) @d(a: 2) { a: Int }",
        "schema { query: Query } directive @s on SCHEMA directive @d(a: Int = 2, b: Int!) on FIELD type Query @d(a: 1) @d(a: 3) { a: Int @d(b: 1) }",
        expect![[r"
            DANGEROUS DIRECTIVE_USAGE_SCHEMA_REMOVED .@s: directive `@s` was removed from the schema
            BREAKING DIRECTIVE_LOCATION_REMOVED @d: location `OBJECT` of directive `@d` was removed
            DANGEROUS DIRECTIVE_REPEATABLE_REMOVED @d: directive `@d` is no longer repeatable
            BREAKING DIRECTIVE_ARGUMENT_ADDED @d: argument `b: Int!` was added to directive `@d`
            DANGEROUS DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED @d.a: default value of directive argument `@d.a` changed from `1` to `2`
            NON_BREAKING DIRECTIVE_USAGE_ARGUMENT_ADDED Query.@d.a: argument `a: 3` was added to `@d` on `Query`
            DANGEROUS DIRECTIVE_USAGE_ARGUMENT_REMOVED Query.@d.a: argument `a: 2` was removed from `@d` on `Query`
            DANGEROUS DIRECTIVE_USAGE_FIELD_DEFINITION_ADDED Query.a.@d: directive `@d` was added to `Query.a`
            NON_BREAKING DIRECTIVE_USAGE_ARGUMENT_ADDED Query.a.@d.b: argument `b: 1` was added to `@d` on `Query.a`
        "]],
    );
}

#[test]
fn root_types_and_kinds() {
    check(
        "schema { query: Query } type Query { a: Int } type Root { a: Int } scalar Time",
        "schema { query: Root mutation: M } type Query { a: Int } type Root { a: Int } type M { m: Int } enum Time { NOW }",
        expect![[r"
            BREAKING SCHEMA_QUERY_TYPE_CHANGED: query root type changed from `Query` to `Root`
            NON_BREAKING SCHEMA_MUTATION_TYPE_CHANGED: mutation root type changed from none to `M`
            NON_BREAKING TYPE_ADDED M: type `M` was added
            NON_BREAKING FIELD_ADDED M.m: field `M.m: Int` was added
            BREAKING TYPE_KIND_CHANGED Time: type `Time` changed from a scalar to an enum
        "]],
    );
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> =
        ChangeType::ALL.iter().map(|change_type| change_type.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ChangeType::ALL.len());
}
