//! What people wrote about what they bought and rode.

use uuid::Uuid;

use super::catalogue::Product;
use super::people::{Person, Role};
use super::trips::{Order, Ride};
use super::{DAY_MS, DEMO_END_MS, Source};

#[derive(Clone, Debug)]
pub struct Review {
    pub id: Uuid,
    pub author: Uuid,
    pub subject: Subject,
    pub rating: u8,
    pub title: Option<String>,
    pub body: Option<String>,
    pub locale: &'static str,
    pub created_ms: i64,
    /// Voters, and whether they found it helpful.
    pub votes: Vec<(Uuid, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Product(Uuid),
    Ride(Uuid),
}

impl Subject {
    pub fn id(self) -> Uuid {
        match self {
            Self::Product(id) | Self::Ride(id) => id,
        }
    }
}

/// Titles and sentences by rating, best last.
const TITLES: [[&str; 4]; 5] = [
    ["Went straight back", "Not for me", "Disappointed", "Would not buy again"],
    ["Expected more", "Below average", "Only just usable", "Good idea, poor result"],
    ["Does the job", "Fine for the price", "Mixed feelings", "Solid, nothing more"],
    ["Very good", "Happy with it", "Nearly perfect", "Good value"],
    ["Love it", "Best I have owned", "Exactly right", "Would buy again today"],
];
const OPENINGS: [[&str; 3]; 5] = [
    [
        "I gave it two weeks and then gave up.",
        "Sadly this one failed early.",
        "I wanted to like it.",
    ],
    [
        "There are better ones around.",
        "It works on good days.",
        "The idea is better than the making.",
    ],
    [
        "It is what you would expect.",
        "Neither good nor bad.",
        "After a month my feelings are mixed.",
    ],
    [
        "After two months I would pick it again.",
        "Well made and well packed.",
        "A good buy overall.",
    ],
    [
        "I use it every single day.",
        "I have already given one as a present.",
        "It could not be better.",
    ],
];
const CLOSINGS: [&str; 6] = [
    "Delivery took three days.",
    "The packaging was all paper, which I liked.",
    "The seller answered within an hour.",
    "Bought it for a friend as well.",
    "The manual is short and clear.",
    "I compared four others before.",
];
const RIDES: [[&str; 2]; 5] = [
    ["Late, and the wrong entrance.", "Did not feel safe at that speed."],
    ["A long way round.", "The car was cold the whole way."],
    ["An ordinary ride.", "On time, no more to say."],
    ["Friendly and on time.", "Smooth ride, clean car."],
    ["Perfect from door to door.", "Helped with the luggage and knew every shortcut."],
];
const GERMAN: [&str; 5] = [
    "Leider zurückgeschickt.",
    "Hatte mehr erwartet.",
    "Ganz in Ordnung.",
    "Sehr gut, gerne wieder.",
    "Einfach großartig!",
];
const FRENCH: [&str; 5] = [
    "Très déçu, retourné.",
    "Je m'attendais à mieux.",
    "Correct, sans plus.",
    "Très bien, je recommande.",
    "Parfait, un vrai plaisir.",
];

/// One review per buyer and product for most purchases, and a rating for most rides.
pub(super) fn generate(
    source: &mut Source,
    people: &[Person],
    products: &[Product],
    orders: &[Order],
    rides: &[Ride],
) -> Vec<Review> {
    let mut reviews = Vec::new();
    for order in orders {
        let author =
            people.iter().find(|person| person.id == order.buyer).expect("buyers are people");
        for line in &order.lines {
            if source.chance(88) {
                let product = products
                    .iter()
                    .find(|product| product.id == line.product)
                    .expect("sold from the catalogue");
                let mut review = product_review(source, author, product, order.paid_ms);
                review.votes = votes(source, people, order.buyer);
                reviews.push(review);
            }
        }
    }
    for ride in rides {
        if source.chance(70) {
            reviews.push(ride_review(source, ride));
        }
    }
    reviews.sort_by_key(|review| (review.created_ms, review.id));
    reviews
}

fn product_review(source: &mut Source, author: &Person, product: &Product, paid_ms: i64) -> Review {
    let created_ms = (paid_ms + source.between(2, 19) * DAY_MS + source.between(0, DAY_MS / 2))
        .min(DEMO_END_MS - 1);
    let rating = rating(source, quality(product));
    let at = usize::from(rating) - 1;
    let (title, body) = match author.locale {
        "de" if source.chance(60) => (None, Some(GERMAN[at].to_owned())),
        "fr" if source.chance(60) => (None, Some(FRENCH[at].to_owned())),
        _ if source.chance(15) => (None, None),
        _ => {
            let detail = if rating >= 4 { product.shelf.praise } else { product.shelf.complaint };
            let body =
                format!("{} {detail} {}", source.pick(&OPENINGS[at]), source.pick(&CLOSINGS));
            (Some((*source.pick(&TITLES[at])).to_owned()), Some(body))
        }
    };
    Review {
        id: source.id(created_ms),
        author: author.id,
        subject: Subject::Product(product.id),
        rating,
        locale: if title.is_none() && body.is_some() { author.locale } else { "en" },
        title,
        body,
        created_ms,
        votes: Vec::new(),
    }
}

fn ride_review(source: &mut Source, ride: &Ride) -> Review {
    let created_ms = (ride.completed_ms + source.between(1, 30) * 600_000).min(DEMO_END_MS - 1);
    let rating = rating(source, 80);
    Review {
        id: source.id(created_ms),
        author: ride.rider,
        subject: Subject::Ride(ride.id),
        rating,
        title: None,
        body: source.chance(50).then(|| (*source.pick(&RIDES[usize::from(rating) - 1])).to_owned()),
        locale: "en",
        created_ms,
        votes: Vec::new(),
    }
}

/// Some products are simply better: 35 to 94, fixed by the sku.
fn quality(product: &Product) -> i64 {
    35 + product.sku.bytes().fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 60)
}

fn rating(source: &mut Source, quality: i64) -> u8 {
    let roll = source.between(1, 100);
    if roll <= quality * 6 / 10 {
        5
    } else if roll <= quality {
        4
    } else if roll <= quality + (100 - quality) / 2 {
        3
    } else if roll <= quality + (100 - quality) * 8 / 10 {
        2
    } else {
        1
    }
}

fn votes(source: &mut Source, people: &[Person], author: Uuid) -> Vec<(Uuid, bool)> {
    if !source.chance(35) {
        return Vec::new();
    }
    let mut voters: Vec<Uuid> = people
        .iter()
        .filter(|person| person.role == Role::Customer && person.id != author)
        .map(|person| person.id)
        .collect();
    super::trips::shuffle(source, &mut voters);
    voters.truncate(usize::try_from(source.between(1, 9)).expect("small"));
    voters.into_iter().map(|voter| (voter, source.chance(78))).collect()
}
