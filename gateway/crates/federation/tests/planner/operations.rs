//! Mutations, subscriptions, conditions, introspection, denied fields, errors.

use std::collections::BTreeSet;

use expect_test::expect;
use federation::planner::PlanOptions;

use crate::support::{check, check_projection, check_with, planner};

const SHOP: &str = r#"
    type Query @t(graph: A) @t(graph: B) { me: User @f(graph: A) count: Int @f(graph: B) }
    type Mutation @t(graph: A) @t(graph: B) { rename(to: String): User @f(graph: A) review(text: String): Review @f(graph: B) ping: Int }
    type Subscription @t(graph: B) { reviewed: Review }
    type User @t(graph: A, key: "id") @t(graph: B, key: "id") { id: ID! name: String @f(graph: A) mail: String! @f(graph: A) reviews: [Review] @f(graph: B) }
    type Review @t(graph: B) { body: String author: User query: Query }
"#;

#[test]
fn mutations_run_one_after_the_other() {
    check(
        SHOP,
        "mutation { a: rename(to: \"x\") { name } review(text: \"y\") { author { name } } b: rename(to: \"z\") { name } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                rename(to: "x") {
                  name
                }
              }
            },
            Fetch(service: "b") {
              {
                review(text: "y") {
                  author {
                    __typename
                    id
                  }
                }
              }
            },
            Flatten(path: "review.author") {
              Fetch(service: "a") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    name
                  }
                }
              },
            },
            Fetch(service: "a") {
              {
                rename_2: rename(to: "z") {
                  name
                }
              }
            },
          },
        }
    "#]],
    );
}

#[test]
fn mutations_of_one_subgraph_in_a_row_are_one_request() {
    check(
        SHOP,
        "mutation { a: rename(to: \"x\") { name } b: rename(to: \"z\") { reviews { body } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                rename(to: "x") {
                  name
                }
                rename_2: rename(to: "z") {
                  __typename
                  id
                }
              }
            },
            Flatten(path: "rename_2") {
              Fetch(service: "b") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    reviews {
                      body
                    }
                  }
                }
              },
            },
          },
        }
    "#]],
    );
}

#[test]
fn a_shared_mutation_happens_once() {
    check(
        SHOP,
        "mutation { ping }",
        expect![[r#"
        QueryPlan {
          Fetch(service: "a") {
            {
              ping
            }
          },
        }
    "#]],
    );
}

#[test]
fn a_subscription_is_followed_by_queries() {
    check(
        SHOP,
        "subscription { reviewed { body author { name } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "b") {
              {
                reviewed {
                  body
                  author {
                    __typename
                    id
                  }
                }
              }
            },
            Flatten(path: "reviewed.author") {
              Fetch(service: "a") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    name
                  }
                }
              },
            },
          },
        }
    "#]],
    );
}

#[test]
fn a_fetch_for_skipped_fields_only_is_conditional() {
    check(
        SHOP,
        "query($x: Boolean!, $y: Boolean!) { me { name @skip(if: $y) reviews @include(if: $x) { body @skip(if: $y) } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                me {
                  __typename
                  id @include(if: $x)
                  name @skip(if: $y)
                }
              }
            },
            Include(if: $x) {
              Flatten(path: "me") {
                Fetch(service: "b") {
                  {
                    ... on User { __typename id }
                  } =>
                  {
                    ... on User {
                      reviews {
                        body @skip(if: $y)
                      }
                    }
                  }
                },
              },
            },
          },
        }
    "#]],
    );
}

#[test]
fn what_is_skipped_for_sure_is_not_planned() {
    check(
        SHOP,
        "{ me { name @skip(if: true) reviews @include(if: false) { body } } }",
        expect![[r#"
        QueryPlan {
          Fetch(service: "a") {
            {
              me {
                __typename
              }
            }
          },
        }
    "#]],
    );
    check(
        SHOP,
        "query($x: Boolean!) { me @include(if: $x) { ... @skip(if: $x) { reviews { body } } name } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Include(if: $x) {
              Fetch(service: "a") {
                {
                  me {
                    __typename
                    id @skip(if: $x)
                    name
                  }
                }
              },
            },
            Skip(if: $x) {
              Flatten(path: "me") {
                Fetch(service: "b") {
                  {
                    ... on User { __typename id }
                  } =>
                  {
                    ... on User {
                      reviews {
                        body
                      }
                    }
                  }
                },
              },
            },
          },
        }
    "#]],
    );
}

#[test]
fn an_operation_whose_fields_are_all_skipped_needs_no_fetch() {
    check(
        SHOP,
        "{ me @skip(if: true) { name } }",
        expect![[r#"
        QueryPlan {
        }
    "#]],
    );
}

#[test]
fn introspection_is_not_fetched() {
    check(
        SHOP,
        "{ __typename __schema { types { name } } count }",
        expect![[r#"
        QueryPlan {
          Fetch(service: "b") {
            {
              count
            }
          },
        }
    "#]],
    );
    check_projection(
        SHOP,
        "{ __typename t: __type(name: \"User\") { name } count }",
        expect![[r#"
        __typename: typename Some("Query")
        t: introspection
        count: count
    "#]],
    );
}

#[test]
fn response_keys_are_in_the_specification_s_order() {
    check_projection(
        SHOP,
        "query($x: Boolean!) { me { a: name @include(if: $x) ...F a: name } } fragment F on User { id a: name @skip(if: $x) id }",
        expect![[r#"
            me: me
              a: name when [["x"]]
              id: id
              a: name when [["!x"]]
        "#]],
    );
}

#[test]
fn a_nested_query_is_entered_anew() {
    check(
        SHOP,
        "{ me { reviews { query { me { name } count } } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                me {
                  __typename
                  id
                }
              }
            },
            Flatten(path: "me") {
              Fetch(service: "b") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    reviews {
                      query {
                        count
                      }
                    }
                  }
                }
              },
            },
            Flatten(path: "me.reviews.@.query") {
              Fetch(service: "a") {
                {
                  me {
                    name
                  }
                }
              },
            },
          },
        }
    "#]],
    );
}

#[test]
fn denied_fields_are_neither_fetched_nor_silently_null() {
    let denied = BTreeSet::from(["User.reviews".to_owned(), "User.mail".to_owned()]);
    let options = PlanOptions { denied, ..PlanOptions::default() };
    check_with(
        SHOP,
        "{ me { name mail reviews { body } } }",
        &options,
        expect![[r#"
        QueryPlan {
          Fetch(service: "a") {
            {
              me {
                name
              }
            }
          },
        }
    "#]],
    );
}

#[test]
fn variables_reach_the_requests_that_use_them() {
    let planner = planner(SHOP);
    let text = "mutation M($a: String = \"x\", $representations: String) { rename(to: $a) { id } review(text: $representations) { author { name } } }";
    let operation = planner.operation(text, Some("M")).unwrap();
    let plan = planner.plan(&operation, &PlanOptions::default()).unwrap();
    let requests: Vec<String> = plan
        .fetches
        .iter()
        .map(|fetch| format!("{} {:?}", fetch.document, fetch.variables))
        .collect();
    expect![[r#"
        mutation M__a__0($a:String="x"){rename(to:$a){id}} ["a"]
        mutation M__b__1($representations:String){review(text:$representations){author{__typename id}}} ["representations"]
        query M__a__2($_representations:[_Any!]!){_entities(representations:$_representations){...on User{name}}} []"#]].assert_eq(&requests.join("\n"));
}

#[test]
fn without_merging_every_list_is_a_request() {
    let options = PlanOptions { merge_fetches: false, ..PlanOptions::default() };
    check_with(
        SHOP,
        "{ me { reviews { body author { name } } } count }",
        &options,
        expect![[r#"
        QueryPlan {
          Sequence {
            Parallel {
              Fetch(service: "a") {
                {
                  me {
                    __typename
                    id
                  }
                }
              },
              Fetch(service: "b") {
                {
                  count
                }
              },
            },
            Flatten(path: "me") {
              Fetch(service: "b") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    reviews {
                      body
                      author {
                        __typename
                        id
                      }
                    }
                  }
                }
              },
            },
            Flatten(path: "me.reviews.@.author") {
              Fetch(service: "a") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    name
                  }
                }
              },
            },
          },
        }
    "#]],
    );
}

#[test]
fn what_nobody_can_resolve_is_named() {
    let planner = planner(
        r#"
        type Query @t(graph: A) @t(graph: B) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id") @t(graph: B) { id: ID! @f(graph: A) price: Int @f(graph: B) }
        "#,
    );
    let operation = planner.operation("{ item { price } }", None).unwrap();
    let error = planner.plan(&operation, &PlanOptions::default()).unwrap_err();
    expect!["no subgraph can resolve `Item.price` when coming from a"]
        .assert_eq(&error.to_string());
}

#[test]
fn fuel_is_limited() {
    let planner = planner(SHOP);
    let operation =
        planner.operation("{ me { reviews { author { reviews { body } } } } }", None).unwrap();
    let options = PlanOptions { fuel: 2, ..PlanOptions::default() };
    let error = planner.plan(&operation, &options).unwrap_err();
    expect!["the operation is too complex to plan: more than 2 steps of search"]
        .assert_eq(&error.to_string());
}
