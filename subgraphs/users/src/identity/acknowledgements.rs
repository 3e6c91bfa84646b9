//! Erasure is done when every service has said so: each tells it on its own feed, which this
//! service follows.

use std::time::Duration;

use kit::{
    Timestamp, Transaction,
    events::{Event, Handler},
    id::UserId,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::Identity;
use crate::entity::erasure::{ActiveModel, Column, Entity, Model};

/// After so long an open acknowledgement is somebody's to look into.
const OVERDUE_AFTER: Duration = Duration::from_hours(24);
const LISTED: u64 = 200;

/// Reads what `service` says on its feed.
#[derive(Debug, Clone)]
pub struct Acknowledgements {
    pub service: &'static str,
}

#[kit::async_trait]
impl Handler for Acknowledgements {
    async fn apply(&self, tx: &Transaction<'_>, event: &Event) -> Result<(), DbErr> {
        if event.kind != "user.erasure_completed" {
            return Ok(());
        }
        // A key that is no person's id is none of ours.
        let Some(user) = UserId::parse(&event.key) else { return Ok(()) };
        Entity::update_many()
            .col_expr(Column::AcknowledgedAt, Expr::value(event.at.0))
            .filter(Column::UserId.eq(user.uuid()))
            .filter(Column::Service.eq(self.service))
            .filter(Column::AcknowledgedAt.is_null())
            .exec(tx)
            .await?;
        Ok(())
    }
}

/// Writes down whose word is awaited.
pub(super) async fn expect(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    services: &[String],
) -> Result<(), DbErr> {
    if services.is_empty() {
        return Ok(());
    }
    let rows = services.iter().map(|service| ActiveModel {
        user_id: Set(user),
        service: Set(service.clone()),
        requested_at: Set(now.0),
        acknowledged_at: Set(None),
    });
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

impl Identity {
    /// Erasures that a service has not confirmed, oldest first.
    pub async fn open_erasures(&self) -> Result<Vec<Model>, DbErr> {
        Entity::find()
            .filter(Column::AcknowledgedAt.is_null())
            .order_by_asc(Column::RequestedAt)
            .limit(LISTED)
            .all(self.database.read())
            .await
    }

    /// How many have been open for more than a day; says so in log and metrics.
    pub async fn report_overdue_erasures(&self) -> Result<u64, DbErr> {
        let overdue = Entity::find()
            .filter(Column::AcknowledgedAt.is_null())
            .filter(Column::RequestedAt.lte(self.clock.now().minus(OVERDUE_AFTER).0))
            .count(self.database.read())
            .await?;
        #[expect(clippy::cast_precision_loss, reason = "a count for a graph")]
        metrics::gauge!("erasures_overdue").set(overdue as f64);
        if overdue > 0 {
            tracing::error!(
                overdue,
                "services have not confirmed erasures for a day; see `users admin erasures`"
            );
        }
        Ok(overdue)
    }
}
