//! What people paid for: orders of goods and rides.

use uuid::Uuid;

use super::catalogue::Product;
use super::people::{Person, Role};
use super::{DAY_MS, DEMO_END_MS, Source};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

#[derive(Clone, Debug)]
pub struct Order {
    pub id: Uuid,
    pub payment: Uuid,
    pub buyer: Uuid,
    pub currency: &'static str,
    pub lines: Vec<OrderLine>,
    pub placed_ms: i64,
    pub paid_ms: i64,
    pub refund: Option<OrderRefund>,
}

#[derive(Clone, Debug)]
pub struct OrderLine {
    pub id: Uuid,
    pub product: Uuid,
    pub quantity: i64,
    pub unit_minor: i64,
}

/// One line given back and paid back.
#[derive(Clone, Debug)]
pub struct OrderRefund {
    pub id: Uuid,
    /// Index into the order's lines.
    pub line: usize,
    pub settled_ms: i64,
}

#[derive(Clone, Debug)]
pub struct Ride {
    pub id: Uuid,
    pub payment: Uuid,
    pub rider: Uuid,
    pub driver: Uuid,
    pub currency: &'static str,
    pub distance_meters: i64,
    pub duration_seconds: i64,
    pub tip_minor: Option<i64>,
    pub tip_payment: Uuid,
    pub picked_up_ms: i64,
    pub completed_ms: i64,
}

/// Every customer buys a good third of the catalogue, in baskets of one to five lines.
pub(super) fn orders(source: &mut Source, people: &[Person], products: &[Product]) -> Vec<Order> {
    let mut orders = Vec::new();
    for buyer in people.iter().filter(|person| person.role == Role::Customer) {
        for currency in ["EUR", "USD"] {
            let mut wanted: Vec<&Product> =
                products.iter().filter(|product| product.currency == currency).collect();
            shuffle(source, &mut wanted);
            wanted.truncate(if currency == "EUR" { 32 } else { 15 });
            while !wanted.is_empty() {
                let size = usize::try_from(source.between(1, 5)).expect("small").min(wanted.len());
                let basket: Vec<&Product> = wanted.split_off(wanted.len() - size);
                orders.push(order(source, buyer, currency, &basket));
            }
        }
    }
    orders.sort_by_key(|order| (order.placed_ms, order.id));
    orders
}

fn order(
    source: &mut Source,
    buyer: &Person,
    currency: &'static str,
    basket: &[&Product],
) -> Order {
    let placed_ms = DEMO_END_MS - source.between(20, 420) * DAY_MS + source.between(0, DAY_MS - 1);
    let paid_ms = placed_ms + source.between(1, 9) * MINUTE_MS;
    let lines: Vec<OrderLine> = basket
        .iter()
        .map(|product| OrderLine {
            id: source.id(placed_ms),
            product: product.id,
            quantity: if source.chance(80) { 1 } else { source.between(2, 4) },
            unit_minor: product.price_minor,
        })
        .collect();
    let refund = source.chance(5).then(|| OrderRefund {
        id: source.id(paid_ms + 9 * DAY_MS),
        line: source.index(lines.len()),
        settled_ms: paid_ms + 9 * DAY_MS + source.between(1, 50) * MINUTE_MS,
    });
    Order {
        id: source.id(placed_ms),
        payment: source.id(placed_ms + MINUTE_MS),
        buyer: buyer.id,
        currency,
        lines,
        placed_ms,
        paid_ms,
        refund,
    }
}

/// 180 completed rides.
pub(super) fn rides(source: &mut Source, people: &[Person]) -> Vec<Ride> {
    let drivers: Vec<&Person> =
        people.iter().filter(|person| person.role == Role::Driver).collect();
    let riders: Vec<&Person> =
        people.iter().filter(|person| person.role == Role::Customer).collect();
    let mut rides: Vec<Ride> = (0..180)
        .map(|_| {
            let picked_up_ms =
                DEMO_END_MS - source.between(2, 400) * DAY_MS + source.between(0, DAY_MS - 1);
            let duration_seconds = source.between(240, 3_000);
            let completed_ms = picked_up_ms + duration_seconds * 1_000;
            Ride {
                id: source.id(picked_up_ms - 10 * MINUTE_MS),
                payment: source.id(picked_up_ms - 9 * MINUTE_MS),
                rider: source.pick(&riders).id,
                driver: source.pick(&drivers).id,
                currency: "EUR",
                distance_meters: duration_seconds * source.between(6, 13),
                duration_seconds,
                tip_minor: source.chance(40).then(|| source.between(1, 12) * 50),
                tip_payment: source.id(completed_ms + HOUR_MS),
                picked_up_ms,
                completed_ms,
            }
        })
        .collect();
    rides.sort_by_key(|ride| (ride.completed_ms, ride.id));
    rides
}

pub(super) fn shuffle<T>(source: &mut Source, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let other = source.index(last + 1);
        items.swap(last, other);
    }
}
