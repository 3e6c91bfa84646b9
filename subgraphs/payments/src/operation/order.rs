//! Orders: prices frozen, stock held, later paid or given up.

use std::collections::HashMap;

use kit::{
    Caller, Timestamp, Transaction, Uuid,
    graphql::AddressInput,
    id::{OrderId, OrderLineId, ProductId, UserId},
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, entity::prelude::*};
use serde::Serialize;

use super::{
    attempt,
    idempotent::{Claim, Key, Recorded},
    payment::{self as payments, CancelReason},
    stock::{self, Wanted},
    transition,
};
use crate::{
    address::{Validation, validate},
    app::{App, key_owner, person},
    entity::{order, order_line, payment, product},
    money::{Currency, MAX_MINOR, MoneyError, mul_div_half_even},
    refusal::{Failure, Refusal, indexed},
    state::{OrderEvent, OrderStatus, PaymentStatus},
};

const MAX_LINES: usize = 50;
const MAX_QUANTITY: i64 = 999;

#[derive(Clone, Debug, Serialize)]
pub struct CreateOrder {
    /// Product ids as they came, with quantities.
    pub lines: Vec<(String, i64)>,
    pub shipping_address: AddressInput,
    pub currency: Currency,
}

/// Freezes prices, holds the stock and waits for payment.
pub async fn create(
    app: &App,
    caller: &Caller,
    command: CreateOrder,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let buyer = person(caller)?;
    let key = Key::new(key_owner(caller)?, "orderCreate", idempotency_key, &command)?;
    let wanted = wanted(&command)?;
    let validation = validate(&command.shipping_address, &app.config.shipping);
    let Validation { normalized: Some(address), .. } = &validation else {
        return Err(Refusal::InvalidAddress {
            validation: Box::new(validation),
            path: vec!["input".into(), "shippingAddress".into()],
        }
        .into());
    };
    let address = serde_json::to_string(address)?;
    let draft = Draft {
        buyer,
        currency: command.currency,
        country: command.shipping_address.country_code.clone(),
        address,
        wanted,
    };
    let (draft, key, now) = (&draft, &key, app.now());
    app.database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(recorded);
                }
                let id = place(tx, app, draft, now).await?;
                let recorded = Recorded::done(id);
                key.finish(tx, &recorded).await?;
                Ok(recorded)
            })
        })
        .await
}

struct Draft {
    buyer: UserId,
    currency: Currency,
    country: kit::graphql::CountryCode,
    address: String,
    wanted: Vec<Wanted>,
}

/// Lines with known ids and sensible quantities; the same product twice is one line.
fn wanted(command: &CreateOrder) -> Result<Vec<Wanted>, Refusal> {
    if command.lines.is_empty() || command.lines.len() > MAX_LINES {
        return Err(Refusal::invalid(
            "INVALID_LINES",
            "an order has 1 to 50 lines",
            &["input", "lines"],
        ));
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for (index, (id, quantity)) in command.lines.iter().enumerate() {
        if !(1..=MAX_QUANTITY).contains(quantity) {
            return Err(Refusal::InvalidInput {
                code: "INVALID_QUANTITY".into(),
                message: "a quantity is 1 to 999".into(),
                path: indexed("input", "lines", index, "quantity"),
            });
        }
        let product_id = ProductId::parse(id).ok_or_else(|| unknown_product(index))?;
        match wanted.iter_mut().find(|item| item.product_id == product_id) {
            Some(item) => item.quantity += quantity,
            None => wanted.push(Wanted { product_id, quantity: *quantity, index }),
        }
    }
    Ok(wanted)
}

fn unknown_product(index: usize) -> Refusal {
    Refusal::NotFound {
        code: "NOT_FOUND".into(),
        message: "there is no such product".into(),
        path: indexed("input", "lines", index, "productId"),
    }
}

async fn place(
    tx: &Transaction<'_>,
    app: &App,
    draft: &Draft,
    now: Timestamp,
) -> Result<OrderId, Failure> {
    let products = products(tx, draft).await?;
    let id = OrderId::new(now);
    let totals = totals(app, draft, &products)?;
    let lifetime = app.config.orders.reservation.0;
    let row = order::ActiveModel {
        id: Set(id),
        number: Set(number_of(id.uuid())),
        buyer_id: Set(draft.buyer),
        currency: Set(draft.currency),
        subtotal_minor: Set(totals.subtotal),
        shipping_minor: Set(totals.shipping),
        tax_minor: Set(totals.tax),
        total_minor: Set(totals.total),
        address: Set(draft.address.clone()),
        status: Set(OrderStatus::PendingPayment),
        saga_step: Set("RESERVED".to_owned()),
        saga_attempts: Set(0),
        reservation_expires_at: Set(Some(now.plus(lifetime))),
        paid_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
        version: Set(1),
    };
    order::Entity::insert(row).exec_without_returning(tx).await?;
    let lines = draft.wanted.iter().enumerate().filter_map(|(position, item)| {
        let product = products.get(&item.product_id)?;
        Some(order_line::ActiveModel {
            id: Set(OrderLineId::new(now)),
            order_id: Set(id),
            position: Set(i64::try_from(position).unwrap_or(i64::MAX)),
            product_id: Set(item.product_id),
            seller_id: Set(product.seller_id),
            sku: Set(product.sku.clone()),
            title: Set(product.title.clone()),
            unit_minor: Set(product.price_minor),
            qty: Set(item.quantity),
            qty_refunded: Set(0),
        })
    });
    order_line::Entity::insert_many(lines).exec_without_returning(tx).await?;
    stock::reserve(tx, id, &draft.wanted, now, lifetime).await?;
    Ok(id)
}

async fn products(
    tx: &impl ConnectionTrait,
    draft: &Draft,
) -> Result<HashMap<ProductId, product::Model>, Failure> {
    let ids = draft.wanted.iter().map(|item| item.product_id);
    let rows = product::Entity::find().filter(product::Column::Id.is_in(ids)).all(tx).await?;
    let products: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    for item in &draft.wanted {
        let product = products.get(&item.product_id).filter(|product| product.active);
        let product = product.ok_or_else(|| unknown_product(item.index))?;
        if product.currency != draft.currency {
            return Err(Refusal::InvalidInput {
                code: "CURRENCY_MISMATCH".into(),
                message: "all lines of an order are in the order's currency".into(),
                path: indexed("input", "lines", item.index, "productId"),
            }
            .into());
        }
    }
    Ok(products)
}

struct Totals {
    subtotal: i64,
    shipping: i64,
    tax: i64,
    total: i64,
}

fn totals(
    app: &App,
    draft: &Draft,
    products: &HashMap<ProductId, product::Model>,
) -> Result<Totals, Failure> {
    let subtotal = draft.wanted.iter().try_fold(0_i64, |sum, item| {
        let price = products.get(&item.product_id).map_or(0, |product| product.price_minor);
        price.checked_mul(item.quantity).and_then(|line| sum.checked_add(line))
    });
    let subtotal = subtotal.ok_or(MoneyError::Overflow)?;
    let rules = &app.config.orders;
    let free_from = draft.currency.from_hundredths(rules.free_shipping_from_hundredths);
    let shipping = if subtotal >= free_from {
        0
    } else {
        draft.currency.from_hundredths(rules.shipping_hundredths)
    };
    let bps = rules.tax_bps.get(&draft.country).copied().unwrap_or(0);
    let tax = mul_div_half_even(subtotal, bps, 10_000)?;
    let total = subtotal
        .checked_add(shipping)
        .and_then(|sum| sum.checked_add(tax))
        .filter(|total| *total <= MAX_MINOR)
        .ok_or_else(|| {
            Refusal::invalid("AMOUNT_TOO_LARGE", "the order is too large", &["input", "lines"])
        })?;
    if total == 0 {
        let message = "there is nothing to pay";
        return Err(Refusal::invalid("NOTHING_TO_PAY", message, &["input", "lines"]).into());
    }
    Ok(Totals { subtotal, shipping, tax, total })
}

/// A number people can read out: ten characters without ambiguous letters.
pub(crate) fn number_of(id: Uuid) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let random = id.as_u128() ^ (id.as_u128() >> 60);
    let digits = (0..10).map(|place| {
        let digit = (random >> (place * 5)) & 31;
        char::from(ALPHABET[usize::try_from(digit).expect("five bits fit")])
    });
    format!("C-{}", digits.collect::<String>())
}

/// Gives an unpaid order up: its stock goes back, its payment ends.
pub async fn cancel(app: &App, caller: &Caller, id: OrderId) -> Result<OrderId, Failure> {
    let buyer = person(caller)?;
    let now = app.now();
    let begun: Result<Option<_>, Failure> = app
        .database
        .write(|tx| {
            Box::pin(async move {
                let order = order::Entity::find_by_id(id)
                    .one(tx)
                    .await?
                    .filter(|row| row.buyer_id == buyer)
                    .ok_or_else(|| Refusal::not_found("you have no such order", &["id"]))?;
                give_up(tx, app, &order, OrderEvent::Cancel, now).await
            })
        })
        .await;
    let begun = begun
        .map_err(|failure| conflict_of_state(failure, "the order cannot be canceled any more"))?;
    if let Some(void) = begun {
        attempt::run_all(app, void).await?;
        ended(app, id).await?;
    }
    Ok(id)
}

/// The goods have been handed to the carrier.
pub async fn fulfill(
    app: &App,
    caller: &Caller,
    id: OrderId,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let key = Key::new(key_owner(caller)?, "orderFulfill", idempotency_key, &id)?;
    let anybodys = caller.has_role("ADMIN") || caller.is_service();
    let (key, now) = (&key, app.now());
    let fulfilled: Result<Recorded, Failure> = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(recorded);
                }
                let unknown = || Refusal::not_found("you have sold nothing of this order", &["id"]);
                let order = order::Entity::find_by_id(id).one(tx).await?.ok_or_else(unknown)?;
                let lines = lines_of(tx, id).await?;
                if !anybodys && !lines.iter().any(|line| caller.is(&line.seller_id)) {
                    return Err(unknown().into());
                }
                let (event, change) = (OrderEvent::Fulfill, transition::no_change());
                transition::order(tx, &order, event, "orderFulfill", now, change).await?;
                let recorded = Recorded::done(id);
                key.finish(tx, &recorded).await?;
                Ok(recorded)
            })
        })
        .await;
    fulfilled.map_err(|failure| conflict_of_state(failure, "only a paid order can be fulfilled"))
}

/// The error union of orders knows no states; a wrong state is a conflict there.
fn conflict_of_state(failure: Failure, message: &'static str) -> Failure {
    match failure {
        Failure::Refused(refusal) if matches!(*refusal, Refusal::InvalidState { .. }) => {
            Refusal::conflict("INVALID_STATE", message).into()
        }
        failure => failure,
    }
}

/// Was the order really given up, or was the money taken first?
async fn ended(app: &App, id: OrderId) -> Result<(), Failure> {
    let order = order::Entity::find_by_id(id).one(app.database.read()).await?;
    if order.is_some_and(|order| order.status == OrderStatus::PendingPayment) {
        return Err(Refusal::conflict(
            "PAYMENT_IN_PROGRESS",
            "the payment of this order cannot be stopped now; try again",
        )
        .into());
    }
    Ok(())
}

/// Ends an unpaid order, or starts to void the money held for it.
pub(crate) async fn give_up(
    tx: &Transaction<'_>,
    app: &App,
    order: &order::Model,
    event: OrderEvent,
    now: Timestamp,
) -> Result<Option<kit::id::PaymentAttemptId>, Failure> {
    let live = payment::Entity::find()
        .filter(payment::Column::PurposeId.eq(order.id.uuid()))
        .filter(payment::Column::Status.is_not_in([PaymentStatus::Canceled, PaymentStatus::Failed]))
        .one(tx)
        .await?;
    let reason = match event {
        OrderEvent::Expire => CancelReason::OrderExpired,
        _ => CancelReason::OrderCanceled,
    };
    match live {
        Some(row) if order.status == OrderStatus::PendingPayment => match row.status {
            PaymentStatus::RequiresCapture | PaymentStatus::RequiresAction => {
                return payments::begin_void(tx, app, &row, reason, None, now).await.map(Some);
            }
            PaymentStatus::RequiresPaymentMethod | PaymentStatus::RequiresConfirmation => {
                payments::cancel_unpaid(tx, &row, reason, now).await?;
            }
            _ => {
                return Err(Refusal::conflict(
                    "PAYMENT_IN_PROGRESS",
                    "the payment of this order is being processed",
                )
                .into());
            }
        },
        _ => {}
    }
    end(tx, order, event, now).await?;
    Ok(None)
}

/// Gives the stock back and closes the order.
pub(crate) async fn end(
    tx: &impl ConnectionTrait,
    order: &order::Model,
    event: OrderEvent,
    now: Timestamp,
) -> Result<(), Failure> {
    let change = order::ActiveModel {
        saga_step: Set("RELEASED".to_owned()),
        reservation_expires_at: Set(None),
        ..Default::default()
    };
    transition::order(tx, order, event, "orderCancel", now, change).await?;
    stock::release(tx, order.id, now).await
}

/// An order's lines as they were entered.
pub(crate) async fn lines_of(
    tx: &impl ConnectionTrait,
    id: OrderId,
) -> Result<Vec<order_line::Model>, DbErr> {
    order_line::Entity::find()
        .filter(order_line::Column::OrderId.eq(id))
        .order_by_asc(order_line::Column::Position)
        .all(tx)
        .await
}
