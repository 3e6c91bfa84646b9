//! The rows: groups of six users, five products and eleven reviews, each group like the first.
//!
//! Within a group every user wrote the same two reviews of its first product, and all reviews name
//! the group's first user as their author: so the heavy query meets few entities at many places.

use std::sync::LazyLock;

pub(crate) const SERVICES: [&str; 4] = ["accounts", "inventory", "products", "reviews"];

pub(crate) const USERS: usize = 6;
pub(crate) const PRODUCTS: usize = 5;
const REVIEWS: usize = 11;
/// Ids above are unknown.
pub(crate) const GROUPS: usize = 500;

const NAMES: [(&str, &str); USERS] = [
    ("adal7", "Ada Lovelace Byron"),
    ("grace-hop", "Grace Hopper"),
    ("katherine123", "Kathy Johnson"),
    ("barbara", "Barbara Liskov"),
    ("margarets1", "M. Hamilton"),
    ("radiap", "Radia Perlman"),
];

const GOODS: [(&str, u32, u32, bool); PRODUCTS] = [
    ("Table", 899, 100, true),
    ("Couch", 1299, 1000, false),
    ("Glass", 15, 20, false),
    ("Chair", 499, 100, false),
    ("TV", 1299, 1000, true),
];

/// By review of a group: its product and the length of its text.
const TEXTS: [(usize, usize); REVIEWS] = [
    (0, 445),
    (0, 289),
    (0, 275),
    (0, 143),
    (1, 445),
    (1, 289),
    (1, 275),
    (1, 143),
    (2, 143),
    (3, 143),
    (3, 844),
];

const SENTENCE: &str = "It came on a rainy Tuesday in a box twice its size, and within the hour \
    nobody in the house could say how we had lived without it. The colour is not quite that of the \
    picture, but it has grown on us; the children have given it a name. After three months of daily \
    use there is one scratch, for which the cat is to blame. Delivery was on time, the courier was \
    kind, and the instructions had all of their pages. Would we buy it again? We already have. ";

/// All numbers count from zero; ids count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Review(pub(crate) usize);

impl User {
    pub(crate) fn find(id: &str) -> Option<Self> {
        find(id, USERS).map(Self)
    }

    pub(crate) fn username(self) -> &'static str {
        NAMES[self.0 % USERS].0
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES[self.0 % USERS].1
    }

    pub(crate) fn reviews(self) -> Vec<Review> {
        let first = self.0 / USERS * REVIEWS;
        vec![Review(first), Review(first + 1)]
    }
}

impl Product {
    pub(crate) fn find(upc: &str) -> Option<Self> {
        find(upc, PRODUCTS).map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        GOODS[self.0 % PRODUCTS].0
    }

    pub(crate) fn price(self) -> u32 {
        GOODS[self.0 % PRODUCTS].1
    }

    pub(crate) fn weight(self) -> u32 {
        GOODS[self.0 % PRODUCTS].2
    }

    pub(crate) fn in_stock(self) -> bool {
        GOODS[self.0 % PRODUCTS].3
    }

    pub(crate) fn reviews(self) -> Vec<Review> {
        let first = self.0 / PRODUCTS * REVIEWS;
        let of_product = |review: &usize| TEXTS[*review].0 == self.0 % PRODUCTS;
        (0..REVIEWS).filter(of_product).map(|review| Review(first + review)).collect()
    }
}

impl Review {
    pub(crate) fn find(id: &str) -> Option<Self> {
        find(id, REVIEWS).map(Self)
    }

    pub(crate) fn body(self) -> &'static str {
        static BODIES: LazyLock<[String; REVIEWS]> = LazyLock::new(|| {
            TEXTS.map(|(_, length)| SENTENCE.chars().cycle().take(length).collect())
        });
        &BODIES[self.0 % REVIEWS]
    }

    pub(crate) fn product(self) -> Product {
        Product(self.0 / REVIEWS * PRODUCTS + TEXTS[self.0 % REVIEWS].0)
    }

    pub(crate) fn author(self) -> User {
        User(self.0 / REVIEWS * USERS)
    }
}

fn find(id: &str, per_group: usize) -> Option<usize> {
    let number: usize = id.parse().ok()?;
    (1..=GROUPS * per_group).contains(&number).then(|| number - 1)
}
