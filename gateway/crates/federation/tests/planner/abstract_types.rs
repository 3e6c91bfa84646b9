//! Interfaces and unions.

use expect_test::expect;

use crate::support::{check, check_projection};

const MEDIA: &str = r#"
    type Query @t(graph: A) @t(graph: B) { search: [Media] @f(graph: A) node: Node @f(graph: A) }
    union Media @t(graph: A) @m(graph: A, member: "Book") @m(graph: A, member: "Film") = Book | Film
    interface Node @t(graph: A) { id: ID! title: String }
    type Book implements Node @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: A, interface: "Node") {
      id: ID! title: String @f(graph: A) author: Person @f(graph: A) pages: Int @f(graph: B)
    }
    type Film implements Node @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: A, interface: "Node") {
      id: ID! title: String @f(graph: A) author: Person @f(graph: A) minutes: Int @f(graph: B) pages: String @f(graph: B)
    }
    type Person @t(graph: A, key: "id") @t(graph: B, key: "id") { id: ID! name: String @f(graph: B) }
"#;

#[test]
fn union_members_are_told_apart() {
    check(
        MEDIA,
        "{ search { __typename ... on Book { title pages } ... on Film { minutes } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                search {
                  __typename
                  ... on Book {
                    id
                    title
                  }
                  ... on Film {
                    id
                  }
                }
              }
            },
            Flatten(path: "search.@") {
              Fetch(service: "b") {
                {
                  ... on Book { __typename id }
                  ... on Film { __typename id }
                } =>
                {
                  ... on Book {
                    pages
                  }
                  ... on Film {
                    minutes
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
fn an_interface_field_is_selected_on_the_interface() {
    check(
        MEDIA,
        "{ node { title ... on Film { minutes } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                node {
                  __typename
                  title
                  ... on Film {
                    id
                  }
                }
              }
            },
            Flatten(path: "node") {
              Fetch(service: "b") {
                {
                  ... on Film { __typename id }
                } =>
                {
                  ... on Film {
                    minutes
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
fn paths_below_a_member_are_guarded() {
    check(
        MEDIA,
        "{ search { ... on Book { author { name } } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                search {
                  __typename
                  ... on Book {
                    author {
                      __typename
                      id
                    }
                  }
                }
              }
            },
            Flatten(path: "search.@|[Book].author") {
              Fetch(service: "b") {
                {
                  ... on Person { __typename id }
                } =>
                {
                  ... on Person {
                    name
                  }
                }
              },
            },
          },
        }
    "#]],
    );
    check(
        MEDIA,
        "{ search { ... on Book { author { name } } ... on Film { author { name } } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                search {
                  __typename
                  ... on Book {
                    author {
                      __typename
                      id
                    }
                  }
                  ... on Film {
                    author {
                      __typename
                      id
                    }
                  }
                }
              }
            },
            BatchFetch(service: "b") {
              _entities(paths: ["search.@|[Book].author", "search.@|[Film].author"]) {
                ... on Person { __typename id }
              } =>
              {
                _entities(representations: $representations) {
                  ... on Person {
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
fn fields_of_one_name_but_different_types_have_different_data_keys() {
    check(
        MEDIA,
        "{ search { ... on Book { n: pages } ... on Film { s: pages } } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                search {
                  __typename
                  ... on Book {
                    id
                  }
                  ... on Film {
                    id
                  }
                }
              }
            },
            Flatten(path: "search.@") {
              Fetch(service: "b") {
                {
                  ... on Book { __typename id }
                  ... on Film { __typename id }
                } =>
                {
                  ... on Book {
                    pages
                  }
                  ... on Film {
                    pages_2: pages
                  }
                }
              },
            },
          },
        }
    "#]],
    );
    check_projection(
        MEDIA,
        "{ search { ... on Book { n: pages } ... on Film { s: pages } } }",
        expect![[r#"
        search: search
          n: pages on Book
          s: pages_2 on Film
    "#]],
    );
}

#[test]
fn fragments_on_types_that_the_subgraph_does_not_know() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) { things: [Thing] @f(graph: A) }
        union Thing @t(graph: A) @t(graph: B) @m(graph: A, member: "X") @m(graph: B, member: "X") @m(graph: B, member: "Y") = X | Y
        interface Named @t(graph: B) { name: String }
        type X implements Named @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: B, interface: "Named") { id: ID! name: String @f(graph: B) }
        type Y implements Named @t(graph: B) @i(graph: B, interface: "Named") { name: String }
        "#,
        "{ things { ... on Named { name } ... on Y { __typename } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    things {
                      __typename
                      ... on X {
                        id
                      }
                    }
                  }
                },
                Flatten(path: "things.@") {
                  Fetch(service: "b") {
                    {
                      ... on X { __typename id }
                    } =>
                    {
                      ... on X {
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
fn an_interface_split_by_who_owns_the_implementations() {
    check(
        r#"
        type Query @t(graph: A) @t(graph: B) @t(graph: C) { all: [Animal] @f(graph: A) }
        interface Animal @t(graph: A) @t(graph: B) @t(graph: C) { id: ID! name: String @f(graph: B) @f(graph: C) }
        type Dog implements Animal @t(graph: A, key: "id") @t(graph: B, key: "id") @i(graph: A, interface: "Animal") @i(graph: B, interface: "Animal") { id: ID! name: String @f(graph: B) }
        type Cat implements Animal @t(graph: A, key: "id") @t(graph: C, key: "id") @i(graph: A, interface: "Animal") @i(graph: C, interface: "Animal") { id: ID! name: String @f(graph: C) }
        "#,
        "{ all { id name } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "a") {
                  {
                    all {
                      __typename
                      id
                    }
                  }
                },
                Parallel {
                  Flatten(path: "all.@") {
                    Fetch(service: "b") {
                      {
                        ... on Dog { __typename id }
                      } =>
                      {
                        ... on Dog {
                          name
                        }
                      }
                    },
                  },
                  Flatten(path: "all.@") {
                    Fetch(service: "c") {
                      {
                        ... on Cat { __typename id }
                      } =>
                      {
                        ... on Cat {
                          name
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
fn a_type_that_only_the_interface_names_is_still_asked_for() {
    check_projection(
        MEDIA,
        "{ node { __typename id ... on Node { id ... on Book { title } } } }",
        expect![[r#"
        node: node
          __typename: typename None
          id: id
          title: title on Book
    "#]],
    );
}

const INTERFACE_OBJECT: &str = r#"
    type Query @t(graph: A) @t(graph: B) { nodes: [Node] @f(graph: A) rated: [Node] @f(graph: B) }
    interface Node @t(graph: A, key: "id") @t(graph: B, key: "id", isInterfaceObject: true) { id: ID! name: String @f(graph: A) stars: Int @f(graph: B) peer: Node @f(graph: B) }
    type X implements Node @t(graph: A, key: "id") @i(graph: A, interface: "Node") { id: ID! name: String @f(graph: A) x: Int @f(graph: A) stars: Int @f peer: Node @f }
    type Y implements Node @t(graph: A, key: "id") @i(graph: A, interface: "Node") { id: ID! name: String @f(graph: A) stars: Int @f peer: Node @f }
"#;

#[test]
fn an_interface_object_adds_fields_to_every_implementation() {
    check(
        INTERFACE_OBJECT,
        "{ nodes { name stars } }",
        expect![[r#"
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                nodes {
                  __typename
                  id
                  name
                }
              }
            },
            Flatten(path: "nodes.@") {
              Fetch(service: "b") {
                {
                  ... on X|Y as Node { __typename id }
                } =>
                {
                  ... on Node {
                    stars
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
fn an_interface_object_needs_no_real_type_for_its_own_fields() {
    check(
        INTERFACE_OBJECT,
        "{ rated { id stars } }",
        expect![[r#"
        QueryPlan {
          Fetch(service: "b") {
            {
              rated {
                __typename
                id
                stars
              }
            }
          },
        }
    "#]],
    );
}

#[test]
fn the_real_type_behind_an_interface_object_is_looked_up() {
    check(
        INTERFACE_OBJECT,
        "{ rated { __typename stars } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "b") {
                  {
                    rated {
                      __typename
                      id
                      stars
                    }
                  }
                },
                Flatten(path: "rated.@") {
                  Fetch(service: "a") {
                    {
                      ... on Node|X|Y as Node { __typename id }
                    } =>
                    {
                      ... on Node {
                        __typename
                      }
                    }
                  },
                },
              },
            }
        "#]],
    );
    check(
        INTERFACE_OBJECT,
        "{ rated { name stars ... on X { x } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "b") {
                  {
                    rated {
                      __typename
                      id
                      stars
                    }
                  }
                },
                Flatten(path: "rated.@") {
                  Fetch(service: "a") {
                    {
                      ... on Node|X|Y as Node { __typename id }
                    } =>
                    {
                      ... on Node {
                        __typename
                        name
                        ... on X {
                          x
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
fn a_field_of_an_interface_object_on_one_implementation_only() {
    check(
        INTERFACE_OBJECT,
        "{ nodes { ... on X { stars } } rated { ... on X { peer { name } } } }",
        expect![[r#"
            QueryPlan {
              Sequence {
                Fetch(service: "b") {
                  {
                    rated {
                      __typename
                      id
                      peer {
                        __typename
                        id
                      }
                    }
                  }
                },
                BatchFetch(service: "a") {
                  _e0(paths: ["rated.@"]) {
                    ... on Node|X|Y as Node { __typename id }
                  } =>
                  {
                    nodes {
                      __typename
                      ... on X {
                        id
                      }
                    }
                    _e0: _entities(representations: $r0) {
                      ... on Node {
                        __typename
                      }
                    }
                  }
                },
                Parallel {
                  Flatten(path: "nodes.@") {
                    Fetch(service: "b") {
                      {
                        ... on X as Node { __typename id }
                      } =>
                      {
                        ... on Node {
                          stars
                        }
                      }
                    },
                  },
                  Flatten(path: "rated.@|[X].peer") {
                    Fetch(service: "a") {
                      {
                        ... on Node|X|Y as Node { __typename id }
                      } =>
                      {
                        ... on Node {
                          __typename
                          name
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
