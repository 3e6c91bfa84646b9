//! Bulk loading of demo data: products, paid orders and completed rides that are already over.
//!
//! Writes the rows, postings, movements and events the real operations would have written, in
//! batches and in one transaction, so that [`verify`](crate::verify) agrees afterwards. No mail
//! is queued: what is loaded is history.

mod goods;
mod rides;
mod rows;

use std::collections::{BTreeMap, HashMap};

use kit::{
    Database, Timestamp, Transaction,
    events::{NewEvent, append_all},
    graphql::AddressInput,
    id::{OrderId, OrderLineId, PaymentId, ProductId, RefundId, RideId, UserId},
};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IntoActiveModel};

use crate::{
    analytics::{Kept, Sold},
    config::Config,
    ledger::{LedgerError, post_all},
    money::MoneyError,
    secrets::Secrets,
};

use rows::Rows;

/// What is to be loaded. Prices are those of the day; totals are worked out here.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    pub products: Vec<ImportedProduct>,
    pub orders: Vec<ImportedOrder>,
    pub rides: Vec<ImportedRide>,
}

#[derive(Clone, Debug)]
pub struct ImportedProduct {
    pub id: ProductId,
    pub sku: String,
    pub title: String,
    pub description: Option<String>,
    pub image_url: Option<String>,
    pub price_minor: i64,
    pub currency: String,
    pub seller: UserId,
    /// Pieces on hand after all orders.
    pub on_hand: i64,
    pub listed_at: Timestamp,
}

/// An order that was paid by card.
#[derive(Clone, Debug)]
pub struct ImportedOrder {
    pub id: OrderId,
    pub payment: PaymentId,
    pub buyer: UserId,
    pub currency: String,
    pub address: AddressInput,
    pub lines: Vec<ImportedLine>,
    pub placed_at: Timestamp,
    pub paid_at: Timestamp,
    pub refund: Option<ImportedRefund>,
}

#[derive(Clone, Debug)]
pub struct ImportedLine {
    pub id: OrderLineId,
    pub product: ProductId,
    pub quantity: i64,
    pub unit_minor: i64,
}

/// One line given back and paid back.
#[derive(Clone, Debug)]
pub struct ImportedRefund {
    pub id: RefundId,
    /// Index into the order's lines.
    pub line: usize,
    pub settled_at: Timestamp,
}

/// A ride that was completed and paid.
#[derive(Clone, Debug)]
pub struct ImportedRide {
    pub id: RideId,
    pub payment: PaymentId,
    pub rider: UserId,
    pub driver: UserId,
    pub currency: String,
    pub distance_meters: i64,
    pub duration_seconds: i64,
    pub tip_minor: Option<i64>,
    /// The payment of the tip, if there is one.
    pub tip_payment: PaymentId,
    pub picked_up_at: Timestamp,
    pub completed_at: Timestamp,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{subject} names the unknown currency `{code}`")]
    UnknownCurrency { subject: String, code: String },
    #[error("order {order} names a product that is not loaded")]
    UnknownProduct { order: OrderId },
    #[error("the address of order {order} is not valid")]
    InvalidAddress { order: OrderId },
    #[error("{subject} has amounts that do not add up")]
    Amount { subject: String },
    #[error("an amount is too large")]
    Money(#[from] MoneyError),
    #[error("the ledger refused a posting")]
    Ledger(#[from] LedgerError),
    #[error("the database failed")]
    Storage(#[from] DbErr),
}

/// Loads into a service that runs with development's configuration; returns the number of the
/// last event.
pub async fn load(database: &Database, dataset: &Dataset) -> Result<i64, ImportError> {
    load_with(database, dataset, &Config::default()).await
}

/// Loads with the prices and the secret of `config`; the service must run with the same.
pub async fn load_with(
    database: &Database,
    dataset: &Dataset,
    config: &Config,
) -> Result<i64, ImportError> {
    let mut rows = Rows::default();
    let secrets = Secrets::derive(config.master_secret.expose().as_bytes());
    let mut cards = rows::Cards::new(&secrets);
    goods::products(dataset, &mut rows)?;
    goods::orders(dataset, config, &mut cards, &mut rows)?;
    rides::rides(dataset, config, &mut cards, &mut rows)?;
    cards.finish(&mut rows);
    rows.events.sort_by_key(|event| event.at);
    let rows = &rows;
    database.write(|tx| Box::pin(async move { write(tx, rows).await })).await
}

async fn write(tx: &Transaction<'_>, rows: &Rows) -> Result<i64, ImportError> {
    let Rows {
        products,
        stock,
        movements,
        orders,
        lines,
        reservations,
        cards,
        sandbox_cards,
        payments,
        attempts,
        splits,
        refunds,
        refund_lines,
        refund_parts,
        rides,
        bookings,
        earnings,
        postings,
        events,
    } = rows;
    insert(tx, products).await?;
    insert(tx, stock).await?;
    insert(tx, movements).await?;
    insert(tx, orders).await?;
    insert(tx, lines).await?;
    insert(tx, reservations).await?;
    insert(tx, cards).await?;
    insert(tx, sandbox_cards).await?;
    insert(tx, payments).await?;
    insert(tx, splits).await?;
    insert(tx, refunds).await?;
    insert(tx, refund_lines).await?;
    insert(tx, refund_parts).await?;
    insert(tx, attempts).await?;
    insert(tx, rides).await?;
    insert(tx, bookings).await?;
    insert(tx, earnings).await?;
    keep_sums(tx, rows).await?;
    post_all(tx, postings).await?;
    let events: Vec<NewEvent> = events.clone();
    Ok(append_all(tx, events).await?)
}

/// What postings do not tell the kept sums: attempts, and what was sold.
async fn keep_sums(tx: &impl ConnectionTrait, rows: &Rows) -> Result<(), DbErr> {
    let mut kept = Kept::default();
    for attempt in &rows.attempts {
        kept.attempt(attempt);
    }
    kept.write(tx).await?;
    let orders: HashMap<OrderId, _> = rows.orders.iter().map(|order| (order.id, order)).collect();
    let mut sold = Sold::default();
    for line in &rows.lines {
        if let Some((order, at)) =
            orders.get(&line.order_id).and_then(|order| Some((order, order.paid_at?)))
        {
            sold.line(order.currency, line, at);
        }
    }
    sold.write(tx).await
}

/// Rows per statement; every engine takes this many of the widest table's columns.
const BATCH: usize = 400;

async fn insert<M>(tx: &impl ConnectionTrait, rows: &[M]) -> Result<(), DbErr>
where
    M: sea_orm::ModelTrait + Clone + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: Send,
{
    for batch in rows.chunks(BATCH) {
        let batch = batch.iter().cloned().map(IntoActiveModel::into_active_model);
        M::Entity::insert_many(batch).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Sums by product, for stock.
type Pieces = BTreeMap<ProductId, i64>;

/// Products by id, for orders.
type Catalogue<'a> = HashMap<ProductId, &'a ImportedProduct>;
