//! One small schema per rule: what it finds, and that it finds nothing in a clean one.

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::{LintOptions, LintSource, Rule, apply_edits, lint};

fn options(rules: &[Rule]) -> LintOptions {
    LintOptions { rules: rules.iter().copied().collect(), known_tags: ["public".to_owned()].into() }
}

fn check(rules: &[Rule], documents: &[&str], expected: Expect) {
    let names = ["first", "second"];
    let sources: Vec<LintSource<'_>> =
        documents.iter().zip(names).map(|(sdl, name)| LintSource { name, sdl }).collect();
    let mut lines = String::new();
    for found in lint(&sources, &options(rules)).expect("parses") {
        writeln!(lines, "{}:{} {}: {}", found.line, found.column, found.rule, found.message)
            .unwrap();
    }
    expected.assert_eq(&lines);
}

#[test]
fn names() {
    check(
        Rule::ALL,
        &["type Query { getUser(User_id: ID): user_type }\ntype user_type { x: Int }"],
        expect![[r"
            1:1 CONTACT_DIRECTIVE_MISSING: `first` names no contact (`schema @contact(name: …)`)
            1:6 ALL_TYPES_REQUIRE_DESCRIPTION: `Query` has no description
            1:6 ALL_ELEMENTS_REQUIRE_DESCRIPTION: `Query` has no description
            1:14 RESTY_FIELD_NAMES: `Query.getUser` should not begin with `get`
            1:14 ALL_ELEMENTS_REQUIRE_DESCRIPTION: `Query.getUser` has no description
            1:22 INPUT_ARGUMENT_NAMES_SHOULD_BE_CAMEL_CASE: `Query.getUser.User_id` should be camelCase
            1:22 ALL_ELEMENTS_REQUIRE_DESCRIPTION: `Query.getUser.User_id` has no description
            2:6 TYPE_NAMES_SHOULD_BE_PASCAL_CASE: type `user_type` should be PascalCase
            2:6 ALL_TYPES_REQUIRE_DESCRIPTION: `user_type` has no description
            2:6 ALL_ELEMENTS_REQUIRE_DESCRIPTION: `user_type` has no description
            2:6 STRICT_ID_IN_TYPES: `user_type` has no `id: ID!`
            2:18 ALL_ELEMENTS_REQUIRE_DESCRIPTION: `user_type.x` has no description
        "]],
    );
}

#[test]
fn federated_shapes() {
    check(
        &[
            Rule::SharedTypeWithoutKey,
            Rule::KeyFieldNullable,
            Rule::UnusedExternal,
            Rule::UnboundedList,
            Rule::NPlusOneShape,
        ],
        &[
            "type Query { users: [User] }\ntype User { id: ID! friends(near: String): [User] }",
            "type User { id: ID! }\ntype Item @key(fields: \"sku\") { sku: ID stock: Int @external }",
        ],
        expect![[r"
            1:14 UNBOUNDED_LIST: `Query.users` is a list without a limit such as `first`, nor a @listSize
            2:6 SHARED_TYPE_WITHOUT_KEY: `User` has an id in `first` and `second`, but no @key: neither can ask the other for its fields
            2:21 UNBOUNDED_LIST: `User.friends` is a list without a limit such as `first`, nor a @listSize
            2:21 N_PLUS_ONE_SHAPE: `User.friends` takes arguments and returns a list, and its type is itself returned in lists: every element asks for a list of its own
            2:6 KEY_FIELD_NULLABLE: `Item.sku` is nullable, but part of the key `sku`: an entity without it cannot be found
            2:41 UNUSED_EXTERNAL: `Item.stock` is @external, but no @key, @requires or @provides uses it
        "]],
    );
}

#[test]
fn relay_and_order() {
    check(
        &[
            Rule::RelayConnectionTypes,
            Rule::RelayArguments,
            Rule::OrderFields,
            Rule::RelayEdgeTypes,
        ],
        &[
            "type Query { b: UserConnection a: Int }\ntype UserConnection { edges: [UserEdge] }\ntype UserEdge { node: Int }",
        ],
        expect![[r"
            1:6 ORDER_FIELDS: `Query.a` is not in alphabetical order
            1:14 RELAY_ARGUMENTS: `Query.b` returns a connection, but takes neither first and after nor last and before
            2:6 RELAY_CONNECTION_TYPES: `UserConnection` has no field `pageInfo`
            3:6 RELAY_EDGE_TYPES: `UserEdge` has no field `cursor`
        "]],
    );
}

#[test]
fn deprecations_tags_and_descriptions() {
    check(
        &[
            Rule::DeprecatedDirectiveMissingReason,
            Rule::RequireDeprecationDate,
            Rule::TagDirectiveUsesUnknownName,
            Rule::NoHashtagDescription,
            Rule::ContactDirectiveMissing,
            Rule::DefinedTypesAreUnused,
        ],
        &[
            "# All roots.\ntype Query { a: Int @deprecated b: Int @deprecated(reason: \"until 2027-01-31\") @tag(name: \"secret\") }\ntype Lost { a: Int }",
        ],
        expect![[r"
            1:1 CONTACT_DIRECTIVE_MISSING: `first` names no contact (`schema @contact(name: …)`)
            2:6 NO_HASHTAG_DESCRIPTION: the comment above `Query` is not seen by clients
            2:14 DEPRECATED_DIRECTIVE_MISSING_REASON: the deprecation of `Query.a` gives no reason
            2:14 REQUIRE_DEPRECATION_DATE: the deprecation of `Query.a` names no date
            2:33 TAG_DIRECTIVE_USES_UNKNOWN_NAME: `Query.b` has the unknown tag `secret`
            3:6 DEFINED_TYPES_ARE_UNUSED: type `Lost` is not used
        "]],
    );
}

#[test]
fn fixes_change_the_text_only() {
    let sdl = "# All roots.\ntype Query {\n  b(x: Int): Int\n  # The first.\n  a: Int\n}\n";
    let source = LintSource { name: "first", sdl };
    let fix = |rules: &[Rule]| {
        let found = lint(&[source], &options(rules)).expect("parses");
        apply_edits(sdl, found.into_iter().flat_map(|found| found.fix)).0
    };
    expect![[r#"
        """
        All roots.
        """
        type Query {
          b(x: Int): Int
          """
          The first.
          """
          a: Int
        }
    "#]]
    .assert_eq(&fix(&[Rule::NoHashtagDescription]));
    expect![[r"
        # All roots.
        type Query {
          a: Int
          # The first.
          b(x: Int): Int
        }
    "]]
    .assert_eq(&fix(&[Rule::OrderFields]));
}

#[test]
fn syntax_errors_are_named() {
    let source = LintSource { name: "first", sdl: "type Query {" };
    let error = lint(&[source], &LintOptions::default()).expect_err("must be refused");
    assert_eq!((error.name.as_str(), error.line), ("first", 1));
}

#[test]
fn rule_names_are_unique() {
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}
