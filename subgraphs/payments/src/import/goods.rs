//! Products, and the orders that were placed for them.

use kit::{
    Timestamp,
    events::NewEvent,
    id::{PaymentAttemptId, ProductId},
};

use super::{
    Catalogue, Dataset, ImportError, ImportedOrder, ImportedRefund, Pieces,
    rows::{Attempt, Cards, Paid, Rows, booking, derived},
};
use crate::{
    address::validate,
    config::Config,
    connector::sandbox::{NAME, OperationKind, processor_ref},
    entity::{
        order, order_line,
        payment::{self, PaymentRole, PurposeType},
        payment_attempt::AttemptOperation,
        product, refund,
        refund::RefundReason,
        refund_line, refund_part, reservation,
        reservation::ReservationState,
        sandbox_operation, stock, stock_movement,
        stock_movement::MovementKind,
    },
    money::{Currency, allocate, mul_div_half_even},
    operation::{
        catalogue::{product_event, search_text},
        order::number_of,
        refund::promise_posting,
        settle::{Share, order_paid_event, order_refunded_event, order_shares, settled_posting},
    },
    state::{OrderStatus, RefundStatus},
};

pub(super) fn products(dataset: &Dataset, rows: &mut Rows) -> Result<(), ImportError> {
    let (sold, returned) = moved(dataset);
    for item in &dataset.products {
        let at = item.listed_at;
        let currency = currency(&item.currency, || format!("product {}", item.id))?;
        rows.products.push(product::Model {
            id: item.id,
            sku: item.sku.clone(),
            title: item.title.clone(),
            description: item.description.clone(),
            image_url: item.image_url.clone(),
            price_minor: item.price_minor,
            currency,
            seller_id: item.seller,
            active: true,
            search_text: search_text(&item.sku, &item.title, item.description.as_deref()),
            created_at: at,
            updated_at: at,
            version: 1,
        });
        rows.stock.push(stock::Model {
            product_id: item.id,
            on_hand: item.on_hand,
            reserved: 0,
            updated_at: at,
        });
        let count = |pieces: &Pieces| pieces.get(&item.id).copied().unwrap_or(0);
        let received = item.on_hand + count(&sold) - count(&returned);
        if received < 0 || item.on_hand < 0 {
            return Err(ImportError::Amount { subject: format!("product {}", item.id) });
        }
        if received > 0 {
            let source = ("IMPORT", item.id.uuid());
            movement(rows, item.id, received, MovementKind::Received, source, at);
        }
        let payload = product_event(item.id, item.seller, true, &item.sku, &item.title);
        rows.events.push(event(at, "product.created", item.id.to_string(), payload));
    }
    Ok(())
}

/// Pieces sold and pieces that came back.
fn moved(dataset: &Dataset) -> (Pieces, Pieces) {
    let (mut sold, mut returned) = (Pieces::new(), Pieces::new());
    for order in &dataset.orders {
        for line in &order.lines {
            *sold.entry(line.product).or_default() += line.quantity;
        }
        let refunded = order.refund.as_ref().and_then(|refund| order.lines.get(refund.line));
        if let Some(line) = refunded {
            *returned.entry(line.product).or_default() += line.quantity;
        }
    }
    (sold, returned)
}

pub(super) fn orders(
    dataset: &Dataset,
    config: &Config,
    cards: &mut Cards<'_>,
    rows: &mut Rows,
) -> Result<(), ImportError> {
    let catalogue: Catalogue<'_> = dataset.products.iter().map(|item| (item.id, item)).collect();
    for item in &dataset.orders {
        let lines = lines(item, &catalogue)?;
        let refunded = match &item.refund {
            None => 0,
            Some(ImportedRefund { line, .. }) => {
                let line = lines.get(*line);
                let line = line
                    .ok_or_else(|| ImportError::Amount { subject: format!("order {}", item.id) })?;
                line.unit_minor * line.qty
            }
        };
        let row = order_row(item, &lines, config, refunded)?;
        let method = cards.of(item.buyer, item.placed_at);
        let shares = order_shares(&row, &lines, row.total_minor);
        let paid = Paid {
            id: item.payment,
            payer: item.buyer,
            purpose: (PurposeType::Order, item.id.uuid()),
            role: PaymentRole::Order,
            currency: row.currency,
            authorized: row.total_minor,
            captured: row.total_minor,
            refunded,
            method,
            opened_at: item.placed_at,
            captured_at: item.paid_at,
        };
        let payment = rows.paid(&paid, &shares);
        let payload = order_paid_event(&row, &lines);
        rows.events.push(event(item.paid_at, "order.paid", item.id.to_string(), payload));
        sell(rows, item, &lines);
        if let Some(refund) = &item.refund {
            give_back(rows, refund, &row, &lines[refund.line], &payment, &shares);
        }
        rows.orders.push(row);
        rows.lines.extend(lines);
    }
    Ok(())
}

fn lines(
    item: &ImportedOrder,
    catalogue: &Catalogue<'_>,
) -> Result<Vec<order_line::Model>, ImportError> {
    let refunded = item.refund.as_ref().map(|refund| refund.line);
    (0_usize..)
        .zip(&item.lines)
        .map(|(index, line)| {
            let product = catalogue
                .get(&line.product)
                .ok_or(ImportError::UnknownProduct { order: item.id })?;
            Ok(order_line::Model {
                id: line.id,
                order_id: item.id,
                position: i64::try_from(index).unwrap_or(i64::MAX),
                product_id: line.product,
                seller_id: product.seller,
                sku: product.sku.clone(),
                title: product.title.clone(),
                unit_minor: line.unit_minor,
                qty: line.quantity,
                qty_refunded: if refunded == Some(index) { line.quantity } else { 0 },
            })
        })
        .collect()
}

fn order_row(
    item: &ImportedOrder,
    lines: &[order_line::Model],
    config: &Config,
    refunded: i64,
) -> Result<order::Model, ImportError> {
    let currency = currency(&item.currency, || format!("order {}", item.id))?;
    let invalid = || ImportError::InvalidAddress { order: item.id };
    let address = validate(&item.address, &config.shipping).normalized.ok_or_else(invalid)?;
    let rules = &config.orders;
    let subtotal: i64 = lines.iter().map(|line| line.unit_minor * line.qty).sum();
    let free_from = currency.from_hundredths(rules.free_shipping_from_hundredths);
    let shipping =
        if subtotal >= free_from { 0 } else { currency.from_hundredths(rules.shipping_hundredths) };
    let bps = rules.tax_bps.get(&item.address.country_code).copied().unwrap_or(0);
    let tax = mul_div_half_even(subtotal, bps, 10_000)?;
    let total = subtotal + shipping + tax;
    let status = match refunded {
        0 => OrderStatus::Paid,
        refunded if refunded == total => OrderStatus::Refunded,
        _ => OrderStatus::PartiallyRefunded,
    };
    Ok(order::Model {
        id: item.id,
        number: number_of(item.id.uuid()),
        buyer_id: item.buyer,
        currency,
        subtotal_minor: subtotal,
        shipping_minor: shipping,
        tax_minor: tax,
        total_minor: total,
        address: serde_json::to_string(&address).map_err(|_| invalid())?,
        status,
        saga_step: "DONE".to_owned(),
        saga_attempts: 0,
        reservation_expires_at: None,
        paid_at: Some(item.paid_at),
        created_at: item.placed_at,
        updated_at: item.paid_at,
        version: 2,
    })
}

fn sell(rows: &mut Rows, item: &ImportedOrder, lines: &[order_line::Model]) {
    for line in lines {
        let hold = derived("hold", line.id.uuid());
        rows.reservations.push(reservation::Model {
            id: derived("reservation", line.id.uuid()),
            order_id: item.id,
            product_id: line.product_id,
            qty: line.qty,
            state: ReservationState::Committed,
            hold_id: hold,
            expires_at: item.paid_at,
            created_at: item.placed_at,
            updated_at: item.paid_at,
        });
        let source = ("RESERVATION", hold);
        movement(rows, line.product_id, -line.qty, MovementKind::Sold, source, item.paid_at);
    }
}

fn give_back(
    rows: &mut Rows,
    item: &ImportedRefund,
    order: &order::Model,
    line: &order_line::Model,
    payment: &payment::Model,
    shares: &[Share],
) {
    let (at, amount) = (item.settled_at, line.unit_minor * line.qty);
    let attempt = PaymentAttemptId(derived("refund", item.id.uuid()));
    let row = refund::Model {
        id: item.id,
        payment_id: payment.id,
        amount,
        currency: payment.currency,
        status: RefundStatus::Succeeded,
        reason: RefundReason::RequestedByCustomer,
        note: None,
        restock: true,
        failure: None,
        connector: NAME.to_owned(),
        connector_ref: Some(processor_ref(attempt.uuid())),
        created_at: at,
        settled_at: Some(at),
        updated_at: at,
        version: 2,
    };
    let weights: Vec<i64> = shares.iter().map(|share| share.amount).collect();
    let mut parts = Vec::new();
    for ((seq, share), amount) in (1..).zip(shares).zip(allocate(amount, &weights)) {
        if amount > 0 {
            rows.refund_parts.push(refund_part::Model {
                refund_id: item.id,
                split_seq: seq,
                amount,
            });
            parts.push((share.account.clone(), amount));
        }
    }
    rows.refund_lines.push(refund_line::Model {
        refund_id: item.id,
        order_line_id: line.id,
        qty: line.qty,
    });
    rows.postings.push(promise_posting(payment, item.id, amount, &parts, at));
    rows.postings.push(settled_posting(payment, &row, at));
    let made = Attempt { id: attempt, op: AttemptOperation::Refund, seq: 2 };
    rows.attempt(payment, made, amount, at, Some(item.id));
    rows.bookings.push(sandbox_operation::Model {
        parent_ref: payment.processor_ref.clone(),
        ..booking(attempt, OperationKind::Refund, amount, payment, at)
    });
    let source = ("REFUND", item.id.uuid());
    movement(rows, line.product_id, line.qty, MovementKind::Returned, source, at);
    let whole = order.status == OrderStatus::Refunded;
    let payload = order_refunded_event(order, &row, &[line.product_id], whole);
    rows.events.push(event(at, "order.refunded", order.id.to_string(), payload));
    rows.refunds.push(row);
}

fn movement(
    rows: &mut Rows,
    product_id: ProductId,
    delta: i64,
    kind: MovementKind,
    (source_type, source_id): (&str, kit::Uuid),
    at: Timestamp,
) {
    rows.movements.push(stock_movement::Model {
        id: kit::id::new_id(at),
        product_id,
        delta,
        reserved_delta: 0,
        kind,
        source_type: source_type.to_owned(),
        source_id,
        created_at: at,
    });
}

pub(super) fn event(
    at: Timestamp,
    kind: &str,
    key: String,
    payload: serde_json::Value,
) -> NewEvent {
    NewEvent { at, kind: kind.to_owned(), key, payload }
}

pub(super) fn currency(
    code: &str,
    subject: impl FnOnce() -> String,
) -> Result<Currency, ImportError> {
    Currency::parse(code)
        .ok_or_else(|| ImportError::UnknownCurrency { subject: subject(), code: code.to_owned() })
}
