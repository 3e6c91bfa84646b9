//! `@provides`, `@shareable`, `@override`, and objects without keys.

use std::collections::BTreeSet;

use expect_test::expect;
use federation::planner::PlanOptions;

use crate::support::{check, check_with};

#[test]
fn a_provided_field_needs_no_further_fetch() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { top: [Review] @f(graph: B) }
        type Review @t(graph: B) { author: User @f(graph: B, provides: "name address { city }") other: User @f(graph: B) }
        type User @t(graph: A, key: "id") @t(graph: B, key: "id") { id: ID! name: String @f(graph: A) @f(graph: B, external: true) address: Address @f(graph: A) @f(graph: B, external: true) }
        type Address @t(graph: A) @t(graph: B) { city: String zip: String @f(graph: A) }
        "#,
        "{ top { author { name address { city } } other { name } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "b") {
                  {
                    top {
                      author {
                        name
                        address {
                          city
                        }
                      }
                      other {
                        __typename
                        id
                      }
                    }
                  }
                },
                Flatten(path: "top.@.other") {
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
fn a_root_is_chosen_because_it_provides() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { media: Media @f(graph: A) @f(graph: B, provides: "title") }
        type Media @t(graph: A, key: "id") @t(graph: B, key: "id") @t(graph: C, key: "id") { id: ID! title: String @f(graph: B, external: true) @f(graph: C) }
        "#,
        "{ media { id title } }",
        expect![[r#"
            QueryPlan {
              Fetch(service: "b") {
                {
                  media {
                    id
                    title
                  }
                }
              },
            }
        "#]],
    );
}

#[test]
fn provided_fields_of_an_interface_and_its_members() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { animals: [Animal] @f(graph: A, provides: "name ... on Dog { breed }") }
        interface Animal @t(graph: A) { id: ID! name: String }
        type Dog implements Animal @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: A, interface: "Animal") { id: ID! name: String @f(graph: A, external: true) @f(graph: B) breed: String @f(graph: A, external: true) @f(graph: B) age: Int @f(graph: B) }
        type Cat implements Animal @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: A, interface: "Animal") { id: ID! name: String @f(graph: A, external: true) @f(graph: B) age: Int @f(graph: B) }
        "#,
        "{ animals { name ... on Dog { breed } ... on Cat { age } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    animals {
                      __typename
                      name
                      ... on Cat {
                        id
                      }
                      ... on Dog {
                        breed
                      }
                    }
                  }
                },
                Flatten(path: "animals.@") {
                  Fetch(service: "b") {
                    {
                      ... on Cat { __typename id }
                    } =>
                    {
                      ... on Cat {
                        age
                      }
                    }
                  },
                },
              },
            }
        "#]],
    );
}

const VALUES: &str = r#"
    type Query @t(graph: A) @t(graph: B) @t(graph: C) { box: Box products: [Product] item: Item @f(graph: A) }
    type Box @t(graph: A) @t(graph: B) @t(graph: C) { a: Int @f(graph: A) b: Int @f(graph: B) c: Int @f(graph: C) inner: Inner }
    type Inner @t(graph: A) @t(graph: B) @t(graph: C) { x: Int @f(graph: A) y: Int @f(graph: B) z: Int @f(graph: A) @f(graph: C) }
    type Product @t(graph: A) @t(graph: B) @t(graph: C) { name: String @f(graph: A) @f(graph: B) price: Int @f(graph: B) @f(graph: C) stock: Int @f(graph: C) }
    type Item @t(graph: A, key: "id") @t(graph: B, key: "id") { id: ID! @f(graph: A) @f(graph: B) details: Details @f(graph: A) @f(graph: B) }
    type Details @t(graph: A) @t(graph: B) { size: Int @f(graph: A) color: String @f(graph: B) }
"#;

#[test]
fn a_shared_value_is_put_together_from_several_subgraphs() {
    check(
        VALUES,
        "{ box { a b inner { x y } } }",
        expect![[r#"
        QueryPlan {
          Parallel {
            Fetch(service: "a") {
              {
                box {
                  a
                  inner {
                    x
                  }
                }
              }
            },
            Fetch(service: "b") {
              {
                box {
                  b
                  inner {
                    y
                  }
                }
              }
            },
          },
        }
    "#]],
    );
}

#[test]
fn as_few_subgraphs_as_do_share_a_list() {
    check(
        VALUES,
        "{ products { name price stock } }",
        expect![[r#"
        QueryPlan {
          Parallel {
            Fetch(service: "a") {
              {
                products {
                  name
                }
              }
            },
            Fetch(service: "c") {
              {
                products {
                  price
                  stock
                }
              }
            },
          },
        }
    "#]],
    );
}

#[test]
fn a_child_without_key_is_reached_through_its_parent() {
    check(
        VALUES,
        "{ item { details { size color } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                item {
                  __typename
                  id
                  details {
                    size
                  }
                }
              }
            },
            Flatten(path: "item") {
              Fetch(service: "b") {
                {
                  ... on Item { __typename id }
                } =>
                {
                  ... on Item {
                    details {
                      color
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
fn of_two_equal_ways_one_that_is_used_anyway() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { x: Int @f(graph: A) @f(graph: B) y: Int @f(graph: B) @f(graph: C) z: Int @f(graph: C) }
        "#,
        "{ x y z }",
        expect![[r#"
            QueryPlan {
              Parallel {
                Fetch(service: "a") {
                  {
                    x
                  }
                },
                Fetch(service: "c") {
                  {
                    y
                    z
                  }
                },
              },
            }
        "#]],
    );
}

const OVERRIDE: &str = r#"
    type Query @t(graph: A) @t(graph: B) { item: Item @f(graph: A) }
    type Item @t(graph: A, key: "id") @t(graph: B, key: "id") {
      id: ID!
      moved: Int @f(graph: B, override: "a")
      moving: Int @f(graph: A, overrideLabel: "percent(5)") @f(graph: B, override: "a", overrideLabel: "percent(5)")
    }
"#;

#[test]
fn an_overridden_field_comes_from_its_new_home() {
    check(
        OVERRIDE,
        "{ item { moved } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                item {
                  __typename
                  id
                }
              }
            },
            Flatten(path: "item") {
              Fetch(service: "b") {
                {
                  ... on Item { __typename id }
                } =>
                {
                  ... on Item {
                    moved
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
fn a_progressive_override_follows_its_label() {
    check(
        OVERRIDE,
        "{ item { moving } }",
        expect![[r#"
        QueryPlan {
          Fetch(service: "a") {
            {
              item {
                moving
              }
            }
          },
        }
    "#]],
    );
    let override_labels = BTreeSet::from(["percent(5)".to_owned()]);
    let options = PlanOptions { override_labels, ..PlanOptions::default() };
    check_with(
        OVERRIDE,
        "{ item { moving } }",
        &options,
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                item {
                  __typename
                  id
                }
              }
            },
            Flatten(path: "item") {
              Fetch(service: "b") {
                {
                  ... on Item { __typename id }
                } =>
                {
                  ... on Item {
                    moving
                  }
                }
              },
            },
          },
        }
    "#]],
    );
}
