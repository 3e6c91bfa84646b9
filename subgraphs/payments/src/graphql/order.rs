//! Orders and their lines.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, Result, SimpleObject};
use kit::{
    connection,
    graphql::{Address, DateTime},
    id::ProductId,
};

use super::{
    context::loaders, int, payment::Payment, product::Product, reader::OrderRow, user::User,
    value::MoneyValue,
};
use crate::{
    entity::order_line,
    money::{Currency, Money},
    state::OrderStatus,
};

#[derive(Clone, Debug)]
pub(crate) struct Order {
    row: Arc<OrderRow>,
    address: Arc<Address>,
}

impl Order {
    /// `None` when the stored address does not read.
    pub(super) fn new(row: Arc<OrderRow>) -> Result<Self> {
        let address = Arc::new(serde_json::from_str(&row.order.address)?);
        Ok(Self { row, address })
    }
}

#[Object]
impl Order {
    pub(super) async fn id(&self) -> ID {
        self.row.order.id.into()
    }

    async fn number(&self) -> &str {
        &self.row.order.number
    }

    async fn buyer(&self) -> Option<User> {
        Some(User(self.row.order.buyer_id))
    }

    async fn lines(&self) -> Vec<OrderLine> {
        let currency = self.row.order.currency;
        self.row.lines.iter().map(|line| OrderLine::new(line, currency)).collect()
    }

    async fn subtotal(&self) -> MoneyValue {
        self.row.order.money(self.row.order.subtotal_minor).into()
    }

    async fn shipping(&self) -> MoneyValue {
        self.row.order.money(self.row.order.shipping_minor).into()
    }

    async fn tax(&self) -> MoneyValue {
        self.row.order.money(self.row.order.tax_minor).into()
    }

    async fn total(&self) -> MoneyValue {
        self.row.order.money(self.row.order.total_minor).into()
    }

    async fn shipping_address(&self) -> &Address {
        &self.address
    }

    async fn status(&self) -> OrderStatus {
        self.row.order.status
    }

    async fn reservation_expires_at(&self) -> Option<DateTime> {
        self.row.order.reservation_expires_at
    }

    async fn payments(&self) -> Vec<Payment> {
        self.row.payments.iter().cloned().map(Payment).collect()
    }

    async fn placed_at(&self) -> DateTime {
        self.row.order.created_at
    }

    async fn version(&self) -> i32 {
        int(self.row.order.version)
    }
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct OrderLine {
    id: ID,
    title: String,
    sku: String,
    quantity: i32,
    unit_price: MoneyValue,
    total: MoneyValue,
    quantity_refunded: i32,
    #[graphql(skip)]
    product_id: ProductId,
}

impl OrderLine {
    fn new(line: &order_line::Model, currency: Currency) -> Self {
        Self {
            id: line.id.into(),
            title: line.title.clone(),
            sku: line.sku.clone(),
            quantity: int(line.qty),
            unit_price: Money::new(line.unit_minor, currency).into(),
            total: Money::new(line.unit_minor * line.qty, currency).into(),
            quantity_refunded: int(line.qty_refunded),
            product_id: line.product_id,
        }
    }
}

#[ComplexObject]
impl OrderLine {
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        let row = loaders(ctx).load(self.product_id).await;
        row.map(|row| row.map(Product)).map_err(Into::into).transpose()
    }
}

connection!(OrderConnection, OrderEdge, Order);
