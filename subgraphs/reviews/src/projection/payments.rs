//! The feed of payments: what is sold, what was ridden, who bought what.

use kit::events::{Event, Handler};
use kit::id::{OrderId, ProductId, RideId, UserId};
use kit::{Timestamp, Transaction, async_trait};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Deserialize;
use uuid::Uuid;

use super::optional_instant;
use crate::domain::subject::Subject;
use crate::store::sql::Sql;

/// Applies the feed to the database of the transaction.
#[derive(Clone, Copy, Debug)]
pub struct PaymentsProjection;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(rename = "productId")]
    id: ProductId,
    seller_id: Option<UserId>,
    #[serde(default)]
    title: Option<String>,
    active: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ride {
    #[serde(rename = "rideId")]
    id: RideId,
    rider_id: UserId,
    driver_id: UserId,
    #[serde(default, deserialize_with = "optional_instant")]
    completed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    user_id: UserId,
    #[serde(rename = "orderId")]
    id: OrderId,
    product_ids: Vec<ProductId>,
    #[serde(default, deserialize_with = "optional_instant")]
    paid_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refund {
    order_id: OrderId,
    #[serde(default)]
    product_ids: Vec<ProductId>,
    /// Is nothing of the order left unrefunded?
    #[serde(default)]
    whole: bool,
    #[serde(default, deserialize_with = "optional_instant")]
    refunded_at: Option<Timestamp>,
}

#[async_trait]
impl Handler for PaymentsProjection {
    async fn apply(&self, tx: &Transaction<'_>, event: &Event) -> Result<(), DbErr> {
        match event.kind.as_str() {
            "product.created" | "product.updated" | "product.deactivated" => {
                let product: Product = event.decode()?;
                let active = product.active.unwrap_or(event.kind != "product.deactivated");
                keep_product(tx, &product, active, event.seq).await
            }
            "ride.completed" => {
                let ride: Ride = event.decode()?;
                let completed_at = ride.completed_at.unwrap_or(event.at);
                keep_ride(tx, &ride, completed_at, event.seq).await?;
                let subject = Subject::ride(ride.id.uuid());
                keep_purchase(tx, ride.rider_id, subject, subject.id, completed_at).await
            }
            "order.paid" => {
                let order: Order = event.decode()?;
                let paid_at = order.paid_at.unwrap_or(event.at);
                for product in order.product_ids {
                    let subject = Subject::product(product.uuid());
                    keep_purchase(tx, order.user_id, subject, order.id.uuid(), paid_at).await?;
                }
                Ok(())
            }
            "order.refunded" => {
                let refund: Refund = event.decode()?;
                mark_refunded(tx, &refund, refund.refunded_at.unwrap_or(event.at)).await
            }
            _ => Ok(()),
        }
    }
}

async fn keep_product(
    tx: &Transaction<'_>,
    product: &Product,
    active: bool,
    seq: i64,
) -> Result<(), DbErr> {
    let sql = Sql::new(
        "INSERT INTO subject_replica \
         (subject_type, subject_id, seller_id, title, active, seq) \
         VALUES ('PRODUCT', ?, ?, ?, ?, ?) ON CONFLICT (subject_type, subject_id) DO UPDATE SET \
         seller_id = COALESCE(excluded.seller_id, subject_replica.seller_id), \
         title = COALESCE(excluded.title, subject_replica.title), \
         active = excluded.active, seq = excluded.seq WHERE subject_replica.seq < excluded.seq",
    )
    .bind(product.id.uuid())
    .bind(product.seller_id.map(|seller| seller.uuid()))
    .bind(product.title.clone())
    .bind(active)
    .bind(seq);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}

async fn keep_ride(
    tx: &Transaction<'_>,
    ride: &Ride,
    completed_at: Timestamp,
    seq: i64,
) -> Result<(), DbErr> {
    let sql = Sql::new(
        "INSERT INTO subject_replica \
         (subject_type, subject_id, rider_id, driver_id, active, completed_at, seq) \
         VALUES ('RIDE', ?, ?, ?, ?, ?, ?) ON CONFLICT (subject_type, subject_id) DO UPDATE SET \
         rider_id = excluded.rider_id, driver_id = excluded.driver_id, \
         completed_at = excluded.completed_at, seq = excluded.seq \
         WHERE subject_replica.seq < excluded.seq",
    )
    .bind(ride.id.uuid())
    .bind(ride.rider_id.uuid())
    .bind(ride.driver_id.uuid())
    .bind(true)
    .bind(completed_at.0)
    .bind(seq);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}

async fn keep_purchase(
    tx: &Transaction<'_>,
    user: UserId,
    subject: Subject,
    order: Uuid,
    paid_at: Timestamp,
) -> Result<(), DbErr> {
    let sql = Sql::new(
        "INSERT INTO purchases (user_id, kind, subject_id, order_id, paid_at) \
         VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id, kind, subject_id, order_id) DO NOTHING",
    )
    .bind(user.uuid())
    .bind(subject.kind.as_str())
    .bind(subject.id)
    .bind(order)
    .bind(paid_at.0);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}

/// A refund is remembered, but takes no badge away: the review was written by a buyer.
async fn mark_refunded(
    tx: &Transaction<'_>,
    refund: &Refund,
    refunded_at: Timestamp,
) -> Result<(), DbErr> {
    if !refund.whole && refund.product_ids.is_empty() {
        return Ok(());
    }
    let sql = Sql::new("UPDATE purchases SET refunded_at = ? WHERE order_id = ?")
        .bind(refunded_at.0)
        .bind(refund.order_id.uuid());
    let sql = if refund.whole {
        sql
    } else {
        sql.text(" AND subject_id IN ").list(refund.product_ids.iter().map(ProductId::uuid))
    };
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}
