//! Federated graphs with data, and queries that each exercise one thing.

use serde_json::{Value, json};

use crate::gateway::{Gateway, Sources};

/// Everybody's first federated graph: entities over four subgraphs.
pub(crate) fn shop() -> Gateway {
    Gateway::of(&shop_sources(), shop_rows())
}

pub(crate) fn shop_sources() -> Sources {
    let link = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@external", "@requires", "@provides", "@shareable", "@inaccessible", "@override"])"#;
    let sdl = |body: &str| format!("{link}\n{body}");
    let users = sdl(r#"
        type Query { me: User user(id: ID!): User users: [User!]! }
        type User @key(fields: "id") @key(fields: "email") {
            id: ID! email: String! name(upper: Boolean = false): String nick: String @shareable shape: Shape
        }
        type Shape @shareable { width: Int height: Int }
    "#);
    let products = sdl(r#"
        type Query { product(sku: ID!): Product products(first: Int): [Product!]! search: [Found!]! node(id: ID!): Node }
        interface Node { id: ID! }
        union Found = Book | Game | Shelf
        enum Mood { GLAD SAD HIDDEN @inaccessible }
        type Product @key(fields: "sku") {
            sku: ID! title: String! price: Int weight: Int mood: Mood moods: [Mood] tags: [[String]] similar: [Product]
        }
        type Book implements Node @key(fields: "id") { id: ID! title: String! pages: Int product: Product }
        type Game implements Node @key(fields: "id") { id: ID! title: String! players: Int! product: Product! }
        type Shelf { label: String items: [Node!]! }
    "#);
    let stock = sdl(r#"
        type Product @key(fields: "sku") {
            sku: ID! price: Int @external weight: Int @external
            inStock: Boolean shipping: Int @requires(fields: "price weight") left(at: ID): Int!
        }
        type Game @key(fields: "id") { id: ID! copies: Int }
    "#);
    let reviews = sdl(r#"
        type Query { reviews(first: Int): [Review!]! }
        type Review @key(fields: "id") { id: ID! body: String author: User @provides(fields: "nick") subject: Product! answers: [Review!] }
        type User @key(fields: "id") { id: ID! nick: String @external reviews: [Review] favourite: Product }
        type Product @key(fields: "sku") { sku: ID! reviews(first: Int): [Review!]! rating: Float }
    "#);
    vec![("users", users), ("products", products), ("stock", stock), ("reviews", reviews)]
}

fn shop_rows() -> Value {
    json!({
        "Query": {
            "me": "&ada", "users": ["&ada", "&bob", "&eve"], "products": ["&table", "&chair", "&lamp", "&table"],
            "search": ["&book", "&game", "&shelf"], "reviews": ["&r1", "&r2", "&r3", "&r4"],
            "node(id:\"b1\")": "&book", "node(id:\"g1\")": "&game",
        },
        "ada": {"__typename": "User", "id": "1", "email": "ada@x", "name": "Ada", "nick": "ad", "name(upper:true)": "ADA", "shape": {"width": 1, "height": 2}, "reviews": ["&r1", null, "&r2"], "favourite": "&table"},
        "bob": {"__typename": "User", "id": "2", "email": "bob@x", "name": "Bob", "nick": null, "name(upper:true)": "BOB", "shape": null, "reviews": [], "favourite": null},
        "eve": {"__typename": "User", "id": "3", "email": "eve@x", "name": null, "nick": "ev", "reviews": null, "favourite": "&ghost"},
        "table": {"__typename": "Product", "sku": "t", "title": "Table", "price": 90, "weight": 30, "mood": "GLAD", "moods": ["SAD", "GLAD", null], "tags": [["a"], null, ["b", null]], "similar": ["&chair", null, "&lamp"], "inStock": true, "shipping": 9, "left": 4, "left(at:\"x\")": 1, "reviews": ["&r1", "&r3"], "rating": 4.5},
        "chair": {"__typename": "Product", "sku": "c", "title": "Chair", "price": 40, "weight": null, "mood": "SAD", "moods": [], "tags": [], "similar": ["&table"], "inStock": false, "shipping": null, "left": 0, "reviews": ["&r2"], "rating": null},
        "lamp": {"__typename": "Product", "sku": "l", "title": "Lamp \"Ümlaut\" \n", "price": null, "weight": 2, "inStock": null, "shipping": 1, "left": 7, "reviews": [], "rating": 3.0, "similar": []},
        "ghost": {"__typename": "Product", "sku": "g", "title": "Ghost", "similar": ["&ghost"], "left": 0, "reviews": []},
        "book": {"__typename": "Book", "id": "b1", "title": "Book", "pages": 100, "product": "&lamp"},
        "game": {"__typename": "Game", "id": "g1", "title": "Game", "players": 4, "product": "&table", "copies": 12},
        "shelf": {"__typename": "Shelf", "label": "top", "items": ["&game", "&book", "&game"]},
        "r1": {"__typename": "Review", "id": "r1", "body": "good", "author": "&ada", "subject": "&table", "answers": ["&r4"]},
        "r2": {"__typename": "Review", "id": "r2", "body": null, "author": "&ada", "subject": "&chair", "answers": []},
        "r3": {"__typename": "Review", "id": "r3", "body": "bad", "author": "&bob", "subject": "&table", "answers": null},
        "r4": {"__typename": "Review", "id": "r4", "body": "no", "author": null, "subject": "&table"},
    })
}

/// An interface that one subgraph knows only as an object.
pub(crate) fn media_sources() -> Sources {
    let catalog = r#"
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable"])
        type Query { media: [Media!]! film(id: ID!): Film }
        interface Media @key(fields: "id") { id: ID! title: String }
        type Film implements Media @key(fields: "id") { id: ID! title: String minutes: Int }
        type Song implements Media @key(fields: "id") { id: ID! title: String artist: Artist! }
        type Artist @key(fields: "name") { name: String! songs: [Song] }
    "#;
    let ratings = r#"
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@interfaceObject"])
        type Query { top: [Media] worst: Media! }
        type Media @key(fields: "id") @interfaceObject { id: ID! stars: Int! raters: [Artist!] }
        type Artist @key(fields: "name") { name: String! fame: Int }
    "#;
    vec![("catalog", catalog.to_owned()), ("ratings", ratings.to_owned())]
}

pub(crate) fn media() -> Gateway {
    let rows = json!({
        "Query": {"media": ["&film", "&song", "&remake"], "top": ["&song", null, "&film"], "worst": "&remake"},
        "film": {"__typename": "Film", "id": "f", "title": "Film", "minutes": 90, "stars": 5, "raters": ["&ann"]},
        "remake": {"__typename": "Film", "id": "rm", "title": null, "minutes": null, "stars": 1, "raters": []},
        "song": {"__typename": "Song", "id": "s", "title": "Song", "artist": "&ann", "stars": 4, "raters": ["&ann", "&joe"]},
        "ann": {"__typename": "Artist", "name": "Ann", "songs": ["&song"], "fame": 10},
        "joe": {"__typename": "Artist", "name": "Joe", "songs": [], "fame": null},
    });
    Gateway::of(&media_sources(), rows)
}

#[test]
fn one_subgraph_is_asked_once() {
    let shop = shop();
    assert_eq!(
        shop.check(
            "{ me { id name email shape { width } } users { name(upper: true) } }",
            &json!({})
        ),
        1
    );
}

#[test]
fn entities_over_two_and_three_subgraphs() {
    let shop = shop();
    assert_eq!(shop.check("{ me { name reviews { body subject { sku } } } }", &json!({})), 2);
    assert_eq!(
        shop.check("{ me { name reviews { body subject { title inStock } } } }", &json!({})),
        4
    );
    assert_eq!(
        shop.check(
            "{ products { title inStock rating reviews { author { name email } } } }",
            &json!({})
        ),
        4
    );
}

#[test]
fn required_fields_are_fetched_first_and_not_shown() {
    assert_eq!(
        shop().check("{ products { shipping } reviews { subject { shipping } } }", &json!({})),
        3
    );
}

#[test]
fn provided_fields_need_no_fetch() {
    assert_eq!(shop().check("{ reviews { author { nick } } }", &json!({})), 1);
}

#[test]
fn aliases_that_look_like_keys_and_fields() {
    let shop = shop();
    shop.check(
        "{ products { sku: title title: sku __typename: price reviews { id: body } } }",
        &json!({}),
    );
    shop.check("{ a: products { name: inStock left id: left(at: \"x\") } b: products(first: 1) { left: rating } }", &json!({}));
    shop.check(
        "{ users { small: name big: name(upper: true) name: favourite { name: title } } }",
        &json!({}),
    );
}

#[test]
fn fields_with_different_arguments_at_different_places() {
    shop().check(
        "{ me { favourite { reviews(first: 1) { author { name(upper: true) } } } }
           products { reviews { author { name } } r1: reviews(first: 1) { author { n: name(upper: true) } } } }",
        &json!({}),
    );
}

#[test]
fn unions_and_interfaces() {
    let shop = shop();
    shop.check(
        "{ search { __typename ... on Book { name: title pages of: product { inStock } } ... on Game { players copies product { rating } }
           ... on Shelf { label items { __typename id ... on Game { copies } ... on Book { product { title } } } } } }",
        &json!({}),
    );
    shop.check("{ search { ... on Node { id } ... on Shelf { items { id ... on Game { title copies } } } } }", &json!({}));
    shop.check("{ b: node(id: \"b1\") { id ... on Book { pages } } g: node(id: \"g1\") { ... on Game { copies } } }", &json!({}));
}

#[test]
fn variables_and_conditions() {
    let shop = shop();
    let query = "query($n: Int, $up: Boolean = true, $show: Boolean!, $hide: Boolean! = false) {
        products(first: $n) { sku reviews(first: $n) { author { name(upper: $up) } body @include(if: $show) } inStock @skip(if: $hide) }
        me @include(if: $show) { email @skip(if: $hide) ... @skip(if: $show) { id } favourite { rating title @include(if: $hide) } }
    }";
    for (show, hide) in [(true, true), (true, false), (false, true), (false, false)] {
        shop.check(query, &json!({"n": 2, "show": show, "hide": hide}));
        shop.check(query, &json!({"up": false, "show": show, "hide": hide}));
    }
}

#[test]
fn interface_objects() {
    let media = media();
    media.check("{ media { __typename id title stars } }", &json!({}));
    media.check(
        "{ top { stars title ... on Song { artist { name fame } } ... on Film { minutes } } }",
        &json!({}),
    );
    media.check("{ top { __typename stars raters { fame songs { title stars } } } worst { __typename id stars } }", &json!({}));
    media.check("{ worst { stars } top { id } }", &json!({}));
    media.check("{ film(id: \"f\") { stars raters { name } } }", &json!({}));
}

#[test]
fn nothing_there() {
    let shop = shop();
    shop.check("{ user(id: \"nobody\") { name reviews { body } } product(sku: \"none\") { inStock } node(id: \"none\") { id } }", &json!({}));
    shop.check(
        "{ user(id: \"3\") { name reviews { body } favourite { title price shipping } } }",
        &json!({}),
    );
}
