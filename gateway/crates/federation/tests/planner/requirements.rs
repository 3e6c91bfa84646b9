//! `@requires`: fields that a subgraph computes from others' fields.

use expect_test::expect;

use crate::support::{check, check_projection};

const SHIPPING: &str = r#"
    type Query @t(graph: A) @t(graph: B) @t(graph: C) { item: Item @f(graph: A) }
    type Item @t(graph: A, key: "id") @t(graph: B, key: "id") @t(graph: C, key: "id") {
      id: ID!
      weight: Int @f(graph: A) @f(graph: B, external: true)
      size(unit: String): Int @f(graph: A) @f(graph: B, external: true) @f(graph: C, external: true)
      cost: Int @f(graph: B, requires: "weight")
      metric: Int @f(graph: B, requires: "size(unit: \"cm\")")
      imperial: Int @f(graph: B, requires: "size(unit: \"in\")")
      label: String @f(graph: C, requires: "cost") 
      cost2: Int @f(graph: B)
    }
"#;

const CHAIN: &str = r#"
    type Query @t(graph: A) @t(graph: B) @t(graph: C) { item: Item @f(graph: A) }
    type Item @t(graph: A, key: "id") @t(graph: B, key: "id") @t(graph: C, key: "id") {
      id: ID!
      one: Int @f(graph: A) @f(graph: B, external: true)
      two: Int @f(graph: B, requires: "one") @f(graph: C, external: true)
      three: Int @f(graph: C, requires: "two") @f(graph: B, external: true)
      four: Int @f(graph: B, requires: "three")
      other: Int @f(graph: B)
    }
"#;

#[test]
fn what_is_required_goes_into_the_representation() {
    check(
        SHIPPING,
        "{ item { cost } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                item {
                  __typename
                  id
                  weight
                }
              }
            },
            Flatten(path: "item") {
              Fetch(service: "b") {
                {
                  ... on Item { __typename id weight }
                } =>
                {
                  ... on Item {
                    cost
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
fn chains_of_requirements_are_followed() {
    check(
        CHAIN,
        "{ item { four } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                item {
                  __typename
                  id
                  one
                }
              }
            },
            Flatten(path: "item") {
              Fetch(service: "b") {
                {
                  ... on Item { __typename id one }
                } =>
                {
                  ... on Item {
                    two
                  }
                }
              },
            },
            Flatten(path: "item") {
              Fetch(service: "c") {
                {
                  ... on Item { __typename id two }
                } =>
                {
                  ... on Item {
                    three
                  }
                }
              },
            },
            Flatten(path: "item") {
              Fetch(service: "b") {
                {
                  ... on Item { __typename id three }
                } =>
                {
                  ... on Item {
                    four
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
fn what_can_wait_shares_a_later_request_but_not_its_representation() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id") @t(graph: B, key: "id") @t(graph: C, key: "id") {
          id: ID!
          weight: Int @f(graph: B, external: true) @f(graph: C)
          cost: Int @f(graph: B, requires: "weight")
          name: String @f(graph: B)
        }
        "#,
        "{ item { cost name } }",
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
                  Fetch(service: "c") {
                    {
                      ... on Item { __typename id }
                    } =>
                    {
                      ... on Item {
                        weight
                      }
                    }
                  },
                },
                BatchFetch(service: "b") {
                  _e0(paths: ["item"]) {
                    ... on Item { __typename id weight }
                  } =>
                  _e1(paths: ["item"]) {
                    ... on Item { __typename id }
                  } =>
                  {
                    _e0: _entities(representations: $r0) {
                      ... on Item {
                        cost
                      }
                    }
                    _e1: _entities(representations: $r1) {
                      ... on Item {
                        name
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
fn one_field_required_with_different_arguments() {
    check(
        SHIPPING,
        "{ item { metric imperial size(unit: \"m\") } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                item {
                  __typename
                  id
                  size(unit: "cm")
                  size_2: size(unit: "in")
                  size_3: size(unit: "m")
                }
              }
            },
            BatchFetch(service: "b") {
              _e0(paths: ["item"]) {
                ... on Item { __typename id size }
              } =>
              _e1(paths: ["item"]) {
                ... on Item { __typename id size:size_2 }
              } =>
              {
                _e0: _entities(representations: $r0) {
                  ... on Item {
                    metric
                  }
                }
                _e1: _entities(representations: $r1) {
                  ... on Item {
                    imperial
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
fn client_aliases_do_not_collide_with_required_fields() {
    check_projection(
        SHIPPING,
        "{ item { weight: id size: weight cost } }",
        expect![[r#"
        item: item
          weight: id
          size: weight
          cost: cost
    "#]],
    );
}

#[test]
fn a_requirement_with_nested_objects_interfaces_and_fragments() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { user: User @f(graph: A) }
        type User @t(graph: A, key: "id") @t(graph: B, key: "id") {
          id: ID!
          address: Address @f(graph: A) @f(graph: B, external: true)
          pet: Pet @f(graph: A) @f(graph: B, external: true)
          greeting: String @f(graph: B, requires: "address { city { name } } pet { name ... on Dog { barks } }")
        }
        type Address @t(graph: A) @t(graph: B) { city: City }
        type City @t(graph: A) @t(graph: B) { name: String }
        interface Pet @t(graph: A) @t(graph: B) { name: String }
        type Dog implements Pet @t(graph: A) @t(graph: B) @i(graph: A, interface: "Pet") @i(graph: B, interface: "Pet") { name: String barks: Boolean }
        type Cat implements Pet @t(graph: A) @t(graph: B) @i(graph: A, interface: "Pet") @i(graph: B, interface: "Pet") { name: String }
        "#,
        "{ user { greeting } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    user {
                      __typename
                      id
                      address {
                        city {
                          name
                        }
                      }
                      pet {
                        __typename
                        name
                        ... on Dog {
                          barks
                        }
                      }
                    }
                  }
                },
                Flatten(path: "user") {
                  Fetch(service: "b") {
                    {
                      ... on User { __typename id address { city { name } } pet { __typename name ... on Dog barks } }
                    } =>
                    {
                      ... on User {
                        greeting
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
fn a_requirement_through_an_entity_of_another_subgraph() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { order: Order @f(graph: A) }
        type Order @t(graph: A, key: "id") @t(graph: B, key: "id") {
          id: ID!
          buyer: User @f(graph: A) @f(graph: B, external: true)
          mail: String @f(graph: B, requires: "buyer { email }")
        }
        type User @t(graph: A, key: "id") @t(graph: B) @t(graph: C, key: "id") { id: ID! @f(graph: A) @f(graph: C) email: String @f(graph: B, external: true) @f(graph: C) }
        "#,
        "{ order { mail } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    order {
                      __typename
                      id
                      buyer {
                        __typename
                        id
                      }
                    }
                  }
                },
                Flatten(path: "order.buyer") {
                  Fetch(service: "c") {
                    {
                      ... on User { __typename id }
                    } =>
                    {
                      ... on User {
                        email
                      }
                    }
                  },
                },
                Flatten(path: "order") {
                  Fetch(service: "b") {
                    {
                      ... on Order { __typename id buyer { email } }
                    } =>
                    {
                      ... on Order {
                        mail
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
fn a_required_object_brings_children() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id") @t(graph: B, key: "id") {
          id: ID!
          weight: Int @f(graph: A) @f(graph: B, external: true)
          quote: Quote @f(graph: B, requires: "weight")
        }
        type Quote @t(graph: B) { price: Int item: Item }
        "#,
        "{ item { quote { price item { weight quote { price } } } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    item {
                      __typename
                      id
                      weight
                    }
                  }
                },
                Flatten(path: "item") {
                  Fetch(service: "b") {
                    {
                      ... on Item { __typename id weight }
                    } =>
                    {
                      ... on Item {
                        quote {
                          price
                          item {
                            __typename
                            id
                          }
                        }
                      }
                    }
                  },
                },
                Flatten(path: "item.quote.item") {
                  Fetch(service: "a") {
                    {
                      ... on Item { __typename id }
                    } =>
                    {
                      ... on Item {
                        weight
                      }
                    }
                  },
                },
                Flatten(path: "item.quote.item") {
                  Fetch(service: "b") {
                    {
                      ... on Item { __typename id weight }
                    } =>
                    {
                      ... on Item {
                        quote {
                          price
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
