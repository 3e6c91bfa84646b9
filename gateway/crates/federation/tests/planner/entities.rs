//! Keys: how entities are entered.

use expect_test::expect;

use crate::support::check;

const USERS_AND_REVIEWS: &str = r#"
    type Query @t(graph: A) @t(graph: B) { me: User @f(graph: A) top: [Review] @f(graph: B) }
    type User @t(graph: A, key: "id") @t(graph: B, key: "id") {
      id: ID!
      name: String @f(graph: A)
      reviews(first: Int): [Review] @f(graph: B)
    }
    type Review @t(graph: B) { body: String author: User }
"#;

#[test]
fn one_subgraph_needs_one_fetch() {
    check(
        USERS_AND_REVIEWS,
        "{ me { name } }",
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
fn key_edge_adds_an_entity_fetch() {
    check(
        USERS_AND_REVIEWS,
        "{ me { reviews { body } } }",
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
fn entities_in_lists_are_reached_through_the_list() {
    check(
        USERS_AND_REVIEWS,
        "{ top { author { name } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "b") {
              {
                top {
                  author {
                    __typename
                    id
                  }
                }
              }
            },
            Flatten(path: "top.@.author") {
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
fn there_and_back_again() {
    check(
        USERS_AND_REVIEWS,
        "{ me { reviews { author { name } } } }",
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
fn fetches_of_one_wave_to_one_subgraph_are_one_request() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { user: User @f(graph: A) product: Product @f(graph: A) }
        type User @t(graph: A, key: "id") @t(graph: B, key: "id") { id: ID! reviews: Int @f(graph: B) }
        type Product @t(graph: A, key: "sku") @t(graph: B, key: "sku") { sku: ID! stars: Int @f(graph: B) }
        "#,
        "{ user { reviews } product { stars } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    user {
                      __typename
                      id
                    }
                    product {
                      __typename
                      sku
                    }
                  }
                },
                BatchFetch(service: "b") {
                  _e0(paths: ["user"]) {
                    ... on User { __typename id }
                  } =>
                  _e1(paths: ["product"]) {
                    ... on Product { __typename sku }
                  } =>
                  {
                    _e0: _entities(representations: $r0) {
                      ... on User {
                        reviews
                      }
                    }
                    _e1: _entities(representations: $r1) {
                      ... on Product {
                        stars
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
fn the_same_entities_at_several_places_share_a_list() {
    check(
        USERS_AND_REVIEWS,
        "{ a: top { author { name } } me { reviews { author { id } } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Parallel {
                  Fetch(service: "b") {
                    {
                      top {
                        author {
                          __typename
                          id
                        }
                      }
                    }
                  },
                  Fetch(service: "a") {
                    {
                      me {
                        __typename
                        id
                      }
                    }
                  },
                },
                Parallel {
                  Flatten(path: "top.@.author") {
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
                  Flatten(path: "me") {
                    Fetch(service: "b") {
                      {
                        ... on User { __typename id }
                      } =>
                      {
                        ... on User {
                          reviews {
                            author {
                              id
                            }
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
fn a_key_may_have_to_be_collected_on_the_way() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id") @t(graph: B, key: "id") @t(graph: B, key: "sku") @t(graph: C, key: "sku") {
          id: ID @f(graph: A) @f(graph: B)
          sku: ID @f(graph: B) @f(graph: C)
          price: Int @f(graph: C)
        }
        "#,
        "{ item { price } }",
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
                        sku
                      }
                    }
                  },
                },
                Flatten(path: "item") {
                  Fetch(service: "c") {
                    {
                      ... on Item { __typename sku }
                    } =>
                    {
                      ... on Item {
                        price
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
fn compound_and_nested_keys() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id owner { id region { code } }") @t(graph: B, key: "id owner { id region { code } }") {
          id: ID owner: Owner price: Int @f(graph: B)
        }
        type Owner @t(graph: A) @t(graph: B) { id: ID region: Region }
        type Region @t(graph: A) @t(graph: B) { code: ID }
        "#,
        "{ item { price } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    item {
                      __typename
                      id
                      owner {
                        id
                        region {
                          code
                        }
                      }
                    }
                  }
                },
                Flatten(path: "item") {
                  Fetch(service: "b") {
                    {
                      ... on Item { __typename id owner { id region { code } } }
                    } =>
                    {
                      ... on Item {
                        price
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
fn a_composite_key_gathered_from_two_subgraphs() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id") @t(graph: B, key: "id") @t(graph: C, key: "x y") {
          id: ID @f(graph: A) @f(graph: B)
          x: ID @f(graph: A) @f(graph: C)
          y: ID @f(graph: B) @f(graph: C)
          z: Int @f(graph: C)
        }
        "#,
        "{ item { z } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    item {
                      __typename
                      id
                      x
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
                        y
                      }
                    }
                  },
                },
                Flatten(path: "item") {
                  Fetch(service: "c") {
                    {
                      ... on Item { __typename x y }
                    } =>
                    {
                      ... on Item {
                        z
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
fn a_key_that_is_not_resolvable_leads_nowhere() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { item: Item @f(graph: A) }
        type Item @t(graph: A, key: "id") @t(graph: B, key: "id", resolvable: false) @t(graph: B, key: "sku") @t(graph: C, key: "id") {
          id: ID!
          sku: ID @f(graph: B) @f(graph: C)
          price: Int @f(graph: B)
        }
        "#,
        "{ item { price } }",
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
                        sku
                      }
                    }
                  },
                },
                Flatten(path: "item") {
                  Fetch(service: "b") {
                    {
                      ... on Item { __typename sku }
                    } =>
                    {
                      ... on Item {
                        price
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
fn client_aliases_do_not_collide_with_keys() {
    check(
        USERS_AND_REVIEWS,
        "{ me { id: name reviews { body } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                me {
                  __typename
                  id
                  name
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
fn one_field_with_different_arguments_has_different_data_keys() {
    check(
        USERS_AND_REVIEWS,
        "query Q($n: Int) { me { few: reviews(first: 2) { body } many: reviews(first: $n) { body } } }",
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
                        reviews(first: 2) {
                          body
                        }
                        reviews_2: reviews(first: $n) {
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
