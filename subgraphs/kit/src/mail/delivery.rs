//! What became of mails, for `Review.confirmationEmail`, `Account.emails` and the like.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::status;
use crate::clock::Timestamp;
use crate::connection::{Page, Slice};
use crate::entity::outbox::{Column, Entity, Model};
use crate::graphql::{EmailDelivery, EmailStatus};
use crate::id::EmailId;

/// The newest mail of one template about one thing.
pub async fn delivery(
    conn: &impl ConnectionTrait,
    template: &str,
    entity: Uuid,
) -> Result<Option<EmailDelivery>, DbErr> {
    Ok(deliveries_for(conn, &[template], &[entity]).await?.remove(&entity))
}

/// For each thing the newest mail among these templates, in one statement.
pub async fn deliveries_for(
    conn: &impl ConnectionTrait,
    templates: &[&str],
    entities: &[Uuid],
) -> Result<HashMap<Uuid, EmailDelivery>, DbErr> {
    let mails = Entity::find()
        .filter(Column::EntityId.is_in(entities.iter().copied()))
        .filter(Column::Template.is_in(templates.iter().copied()))
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    Ok(mails.into_iter().map(|mail| (mail.entity_id, mail.into())).collect())
}

/// A page of a person's mails, newest first, as rows with their ids for cursors.
pub type EmailPage = Slice<(Uuid, EmailDelivery)>;

/// The mails of a person; `beyond` is the id in the page's decoded cursor.
pub async fn emails_of(
    conn: &impl ConnectionTrait,
    user: Uuid,
    page: &Page,
    beyond: Option<Uuid>,
) -> Result<EmailPage, DbErr> {
    let mut condition = Condition::all().add(Column::UserId.eq(user));
    if let Some(beyond) = beyond {
        condition =
            condition.add(if page.forward { Column::Id.lt(beyond) } else { Column::Id.gt(beyond) });
    }
    let query = Entity::find().filter(condition);
    let query =
        if page.forward { query.order_by_desc(Column::Id) } else { query.order_by_asc(Column::Id) };
    let mails = query.limit(page.fetch()).all(conn).await?;
    Ok(page.slice(mails.into_iter().map(|mail| (mail.id, mail.into())).collect()))
}

impl From<Model> for EmailDelivery {
    fn from(mail: Model) -> Self {
        let status = match mail.status.as_str() {
            status::SENT => EmailStatus::Sent,
            status::DEAD => EmailStatus::Dead,
            status::SUPPRESSED => EmailStatus::Suppressed,
            _ if mail.attempts > 0 => EmailStatus::Retrying,
            _ => EmailStatus::Queued,
        };
        let pending = matches!(status, EmailStatus::Queued | EmailStatus::Retrying);
        Self {
            id: EmailId(mail.id).into(),
            template: mail.template,
            status,
            attempts: mail.attempts,
            queued_at: Timestamp(mail.created_at),
            sent_at: mail.sent_at.map(Timestamp),
            next_attempt_at: pending.then_some(Timestamp(mail.next_attempt_at)),
            last_error: mail.last_error,
        }
    }
}
