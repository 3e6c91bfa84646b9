//! Batched reading: each kind of key costs a fixed number of statements, however many keys.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use kit::batch::{Batches, Loader};
use kit::{
    Database, Uuid,
    graphql::EmailDelivery,
    id::{
        DisputeId, OrderId, PaymentId, PaymentMethodId, PayoutId, ProductId, RefundId, RideId,
        UserId,
    },
};
use sea_orm::{DbErr, QueryOrder, QuerySelect, entity::prelude::*, sea_query::ExprTrait};

use super::Loaders;
use crate::{
    entity::{
        dispute, order, order_line, payment, payment_attempt, payment_method, payment_split,
        payout, product, refund, ride, stock,
    },
    state::{OrderStatus, RideStatus},
};

/// An error that a batch can hand to each of its keys.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ReadError(Arc<DbErr>);

impl From<DbErr> for ReadError {
    fn from(error: DbErr) -> Self {
        Self(Arc::new(error))
    }
}

/// Reads rows together with what their non-null fields show.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    database: Database,
}

pub(super) fn loaders(database: &Database) -> Loaders {
    Batches::new(Reader::new(database))
}

/// A product and its stock.
#[derive(Clone, Debug)]
pub(crate) struct ProductRow {
    pub(super) product: product::Model,
    pub(super) stock: stock::Model,
}

/// A payment with everything its fields show without asking again.
#[derive(Clone, Debug)]
pub(crate) struct PaymentRow {
    pub(super) payment: payment::Model,
    pub(super) attempts: Vec<payment_attempt::Model>,
    pub(super) splits: Vec<payment_split::Model>,
    pub(super) refunds: Vec<refund::Model>,
    pub(super) disputes: Vec<dispute::Model>,
}

/// An order with its lines and payments.
#[derive(Clone, Debug)]
pub(crate) struct OrderRow {
    pub(super) order: order::Model,
    pub(super) lines: Vec<order_line::Model>,
    pub(super) payments: Vec<Arc<PaymentRow>>,
}

/// Key: a product by its SKU.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sku(pub(super) String);

/// Key: has this person bought that product?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bought(pub(super) UserId, pub(super) ProductId);

/// Key: how many orders has this person paid?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PaidOrders(pub(super) UserId);

/// Key: how many rides has this person completed as the rider?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CompletedRides(pub(super) UserId);

/// Key: the payments made for an order or a ride.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PaymentsFor(pub(super) Uuid);

/// Key: the newest mail of a template about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Email(pub(super) &'static str, pub(super) Uuid);

impl Reader {
    pub(super) fn new(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    /// Products with their stock, in the order of the rows.
    pub(super) async fn with_stock(
        &self,
        products: Vec<product::Model>,
    ) -> Result<Vec<ProductRow>, ReadError> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        let ids = products.iter().map(|row| row.id);
        let stock = stock::Entity::find()
            .filter(stock::Column::ProductId.is_in(ids))
            .all(self.database.read())
            .await?;
        let mut stock: HashMap<_, _> = stock.into_iter().map(|row| (row.product_id, row)).collect();
        Ok(products
            .into_iter()
            .map(|product| {
                let none = stock::Model {
                    product_id: product.id,
                    on_hand: 0,
                    reserved: 0,
                    updated_at: product.created_at,
                };
                let stock = stock.remove(&product.id).unwrap_or(none);
                ProductRow { product, stock }
            })
            .collect())
    }

    /// Payments with attempts, splits and refunds, in the order of the rows.
    pub(super) async fn with_details(
        &self,
        payments: Vec<payment::Model>,
    ) -> Result<Vec<Arc<PaymentRow>>, ReadError> {
        if payments.is_empty() {
            return Ok(Vec::new());
        }
        let reader = self.database.read();
        let ids: Vec<PaymentId> = payments.iter().map(|row| row.id).collect();
        let attempts = payment_attempt::Entity::find()
            .filter(payment_attempt::Column::PaymentId.is_in(ids.clone()))
            .order_by_asc(payment_attempt::Column::Seq)
            .all(reader)
            .await?;
        let splits = payment_split::Entity::find()
            .filter(payment_split::Column::PaymentId.is_in(ids.clone()))
            .order_by_asc(payment_split::Column::Seq)
            .all(reader)
            .await?;
        let refunds = refund::Entity::find()
            .filter(refund::Column::PaymentId.is_in(ids.clone()))
            .order_by_desc(refund::Column::CreatedAt)
            .order_by_desc(refund::Column::Id)
            .all(reader)
            .await?;
        let disputes = dispute::Entity::find()
            .filter(dispute::Column::PaymentId.is_in(ids))
            .order_by_desc(dispute::Column::OpenedAt)
            .order_by_desc(dispute::Column::Id)
            .all(reader)
            .await?;
        let mut disputes = grouped(disputes, |row| Some(row.payment_id));
        let mut attempts = grouped(attempts, |row| row.payment_id);
        let mut splits = grouped(splits, |row| Some(row.payment_id));
        let mut refunds = grouped(refunds, |row| Some(row.payment_id));
        Ok(payments
            .into_iter()
            .map(|payment| {
                let id = payment.id;
                Arc::new(PaymentRow {
                    payment,
                    attempts: attempts.remove(&id).unwrap_or_default(),
                    splits: splits.remove(&id).unwrap_or_default(),
                    refunds: refunds.remove(&id).unwrap_or_default(),
                    disputes: disputes.remove(&id).unwrap_or_default(),
                })
            })
            .collect())
    }

    /// Orders with lines and payments, in the order of the rows.
    pub(super) async fn with_lines(
        &self,
        orders: Vec<order::Model>,
    ) -> Result<Vec<Arc<OrderRow>>, ReadError> {
        if orders.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<OrderId> = orders.iter().map(|row| row.id).collect();
        let lines = order_line::Entity::find()
            .filter(order_line::Column::OrderId.is_in(ids.clone()))
            .order_by_asc(order_line::Column::Position)
            .all(self.database.read())
            .await?;
        let mut lines = grouped(lines, |row| Some(row.order_id));
        let mut payments = self.payments_for(ids.into_iter().map(|id| id.uuid()).collect()).await?;
        Ok(orders
            .into_iter()
            .map(|order| {
                let lines = lines.remove(&order.id).unwrap_or_default();
                let payments = payments.remove(&order.id.uuid()).unwrap_or_default();
                Arc::new(OrderRow { order, lines, payments })
            })
            .collect())
    }

    async fn payments_for(
        &self,
        purposes: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Vec<Arc<PaymentRow>>>, ReadError> {
        let rows = payment::Entity::find()
            .filter(payment::Column::PurposeId.is_in(purposes))
            .order_by_asc(payment::Column::CreatedAt)
            .order_by_asc(payment::Column::Id)
            .all(self.database.read())
            .await?;
        Ok(grouped(self.with_details(rows).await?, |row| Some(row.payment.purpose_id)))
    }
}

fn grouped<K: std::hash::Hash + Eq, T>(
    rows: Vec<T>,
    key: impl Fn(&T) -> Option<K>,
) -> HashMap<K, Vec<T>> {
    let mut groups: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        if let Some(key) = key(&row) {
            groups.entry(key).or_default().push(row);
        }
    }
    groups
}

impl Loader<ProductId> for Reader {
    type Value = Arc<ProductRow>;
    type Error = ReadError;

    async fn load(&self, keys: &[ProductId]) -> Result<HashMap<ProductId, Self::Value>, ReadError> {
        let rows = product::Entity::find()
            .filter(product::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        let rows = self.with_stock(rows).await?;
        Ok(rows.into_iter().map(|row| (row.product.id, Arc::new(row))).collect())
    }
}

impl Loader<Sku> for Reader {
    type Value = Arc<ProductRow>;
    type Error = ReadError;

    async fn load(&self, keys: &[Sku]) -> Result<HashMap<Sku, Self::Value>, ReadError> {
        let rows = product::Entity::find()
            .filter(product::Column::Sku.is_in(keys.iter().map(|Sku(sku)| sku.as_str())))
            .all(self.database.read())
            .await?;
        let rows = self.with_stock(rows).await?;
        Ok(rows.into_iter().map(|row| (Sku(row.product.sku.clone()), Arc::new(row))).collect())
    }
}

impl Loader<Bought> for Reader {
    type Value = bool;
    type Error = ReadError;

    async fn load(&self, keys: &[Bought]) -> Result<HashMap<Bought, bool>, ReadError> {
        let users: HashSet<UserId> = keys.iter().map(|Bought(user, _)| *user).collect();
        let products: HashSet<ProductId> = keys.iter().map(|Bought(_, product)| *product).collect();
        let pairs: Vec<(UserId, ProductId)> = order_line::Entity::find()
            .select_only()
            .column(order::Column::BuyerId)
            .column(order_line::Column::ProductId)
            .distinct()
            .join_rev(
                sea_orm::JoinType::InnerJoin,
                order::Entity::belongs_to(order_line::Entity)
                    .from(order::Column::Id)
                    .to(order_line::Column::OrderId)
                    .into(),
            )
            .filter(order::Column::BuyerId.is_in(users))
            .filter(order_line::Column::ProductId.is_in(products))
            .filter(bought())
            .into_tuple()
            .all(self.database.read())
            .await?;
        let bought: HashSet<(UserId, ProductId)> = pairs.into_iter().collect();
        Ok(keys.iter().map(|key| (*key, bought.contains(&(key.0, key.1)))).collect())
    }
}

/// Orders that were paid and not given back entirely.
pub(super) fn bought() -> sea_orm::sea_query::SimpleExpr {
    Expr::col((order::Entity, order::Column::PaidAt))
        .is_not_null()
        .and(order::Column::Status.ne(OrderStatus::Refunded))
}

impl Loader<PaidOrders> for Reader {
    type Value = i64;
    type Error = ReadError;

    async fn load(&self, keys: &[PaidOrders]) -> Result<HashMap<PaidOrders, i64>, ReadError> {
        let counts: Vec<(UserId, i64)> = order::Entity::find()
            .select_only()
            .column(order::Column::BuyerId)
            .column_as(order::Column::Id.count(), "n")
            .filter(order::Column::BuyerId.is_in(keys.iter().map(|PaidOrders(user)| *user)))
            .filter(bought())
            .group_by(order::Column::BuyerId)
            .into_tuple()
            .all(self.database.read())
            .await?;
        let counts: HashMap<UserId, i64> = counts.into_iter().collect();
        Ok(keys.iter().map(|key| (*key, counts.get(&key.0).copied().unwrap_or(0))).collect())
    }
}

impl Loader<CompletedRides> for Reader {
    type Value = i64;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[CompletedRides],
    ) -> Result<HashMap<CompletedRides, i64>, ReadError> {
        let counts: Vec<(UserId, i64)> = ride::Entity::find()
            .select_only()
            .column(ride::Column::RiderId)
            .column_as(ride::Column::Id.count(), "n")
            .filter(ride::Column::RiderId.is_in(keys.iter().map(|CompletedRides(user)| *user)))
            .filter(ride::Column::Status.eq(RideStatus::Completed))
            .group_by(ride::Column::RiderId)
            .into_tuple()
            .all(self.database.read())
            .await?;
        let counts: HashMap<UserId, i64> = counts.into_iter().collect();
        Ok(keys.iter().map(|key| (*key, counts.get(&key.0).copied().unwrap_or(0))).collect())
    }
}

impl Loader<PaymentId> for Reader {
    type Value = Arc<PaymentRow>;
    type Error = ReadError;

    async fn load(&self, keys: &[PaymentId]) -> Result<HashMap<PaymentId, Self::Value>, ReadError> {
        let rows = payment::Entity::find()
            .filter(payment::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        let rows = self.with_details(rows).await?;
        Ok(rows.into_iter().map(|row| (row.payment.id, row)).collect())
    }
}

impl Loader<PaymentsFor> for Reader {
    type Value = Vec<Arc<PaymentRow>>;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[PaymentsFor],
    ) -> Result<HashMap<PaymentsFor, Self::Value>, ReadError> {
        let mut found = self.payments_for(keys.iter().map(|PaymentsFor(id)| *id).collect()).await?;
        Ok(keys.iter().map(|key| (*key, found.remove(&key.0).unwrap_or_default())).collect())
    }
}

impl Loader<OrderId> for Reader {
    type Value = Arc<OrderRow>;
    type Error = ReadError;

    async fn load(&self, keys: &[OrderId]) -> Result<HashMap<OrderId, Self::Value>, ReadError> {
        let rows = order::Entity::find()
            .filter(order::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        let rows = self.with_lines(rows).await?;
        Ok(rows.into_iter().map(|row| (row.order.id, row)).collect())
    }
}

impl Loader<RideId> for Reader {
    type Value = Arc<ride::Model>;
    type Error = ReadError;

    async fn load(&self, keys: &[RideId]) -> Result<HashMap<RideId, Self::Value>, ReadError> {
        let rows = ride::Entity::find()
            .filter(ride::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }
}

impl Loader<PaymentMethodId> for Reader {
    type Value = Arc<payment_method::Model>;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[PaymentMethodId],
    ) -> Result<HashMap<PaymentMethodId, Self::Value>, ReadError> {
        let rows = payment_method::Entity::find()
            .filter(payment_method::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }
}

/// A refund and the payment it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct RefundRow {
    pub(super) refund: refund::Model,
    pub(super) payment: Arc<PaymentRow>,
}

impl Loader<RefundId> for Reader {
    type Value = Arc<RefundRow>;
    type Error = ReadError;

    async fn load(&self, keys: &[RefundId]) -> Result<HashMap<RefundId, Self::Value>, ReadError> {
        let refunds = refund::Entity::find()
            .filter(refund::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        let ids: HashSet<PaymentId> = refunds.iter().map(|row| row.payment_id).collect();
        let ids: Vec<PaymentId> = ids.into_iter().collect();
        let payments: HashMap<PaymentId, Arc<PaymentRow>> =
            Loader::<PaymentId>::load(self, &ids).await?;
        Ok(refunds
            .into_iter()
            .filter_map(|refund| {
                let payment = payments.get(&refund.payment_id)?.clone();
                Some((refund.id, Arc::new(RefundRow { refund, payment })))
            })
            .collect())
    }
}

/// A dispute and the payment it is about.
#[derive(Clone, Debug)]
pub(crate) struct DisputeRow {
    pub(super) dispute: dispute::Model,
    pub(super) payment: Arc<PaymentRow>,
}

impl Loader<DisputeId> for Reader {
    type Value = Arc<DisputeRow>;
    type Error = ReadError;

    async fn load(&self, keys: &[DisputeId]) -> Result<HashMap<DisputeId, Self::Value>, ReadError> {
        let disputes = dispute::Entity::find()
            .filter(dispute::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        let ids: HashSet<PaymentId> = disputes.iter().map(|row| row.payment_id).collect();
        let ids: Vec<PaymentId> = ids.into_iter().collect();
        let payments: HashMap<PaymentId, Arc<PaymentRow>> =
            Loader::<PaymentId>::load(self, &ids).await?;
        Ok(disputes
            .into_iter()
            .filter_map(|dispute| {
                let payment = payments.get(&dispute.payment_id)?.clone();
                Some((dispute.id, Arc::new(DisputeRow { dispute, payment })))
            })
            .collect())
    }
}

impl Loader<PayoutId> for Reader {
    type Value = Arc<payout::Model>;
    type Error = ReadError;

    async fn load(&self, keys: &[PayoutId]) -> Result<HashMap<PayoutId, Self::Value>, ReadError> {
        let rows = payout::Entity::find()
            .filter(payout::Column::Id.is_in(keys.iter().copied()))
            .all(self.database.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }
}

impl Loader<Email> for Reader {
    type Value = EmailDelivery;
    type Error = ReadError;

    async fn load(&self, keys: &[Email]) -> Result<HashMap<Email, EmailDelivery>, ReadError> {
        let mut found = HashMap::new();
        let templates: HashSet<&'static str> =
            keys.iter().map(|Email(template, _)| *template).collect();
        let mut templates: Vec<_> = templates.into_iter().collect();
        templates.sort_unstable();
        for template in templates {
            let about: Vec<Uuid> =
                keys.iter().filter(|key| key.0 == template).map(|key| key.1).collect();
            let mails =
                kit::mail::deliveries_for(self.database.read(), &[template], &about).await?;
            for id in about {
                if let Some(mail) = mails.get(&id) {
                    found.insert(Email(template, id), mail.clone());
                }
            }
        }
        Ok(found)
    }
}
