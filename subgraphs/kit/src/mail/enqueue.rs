//! Queueing a mail.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Set, TryInsertResult};
use uuid::Uuid;

use super::{status, suppression};
use crate::clock::Timestamp;
use crate::entity::outbox::{ActiveModel, Column, Entity};
use crate::id::new_id;

/// A mail to be sent. It is queued once for each (template, entity, entity version).
#[derive(Debug, Clone)]
pub struct NewMail<'a> {
    pub template: &'static str,
    /// An address, or a person's id (`usr_…`) to be resolved by the service's
    /// [`Recipients`](super::Recipients) when the mail is sent.
    pub to: &'a str,
    /// Used unless the person's own is known when the mail is sent.
    pub locale: &'a str,
    /// What the mail is about: the order, the review, the token.
    pub entity: Uuid,
    pub entity_version: i64,
    /// What the template shows.
    pub data: serde_json::Value,
    /// Whose mail it is, for their list of mails and for erasure.
    pub user: Option<Uuid>,
}

/// Queues the mail in the caller's transaction. `None` when it had been queued before; a
/// suppressed address gets a row that will never be sent.
pub async fn enqueue(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    mail: NewMail<'_>,
) -> Result<Option<Uuid>, DbErr> {
    let NewMail { template, to, locale, entity, entity_version, data, user } = mail;
    let suppressed = suppression::is_suppressed(tx, to).await?;
    let id = new_id(now);
    let row = ActiveModel {
        id: Set(id),
        template: Set(template.to_owned()),
        recipient: Set(to.to_owned()),
        locale: Set(locale.to_owned()),
        entity_id: Set(entity),
        entity_version: Set(entity_version),
        user_id: Set(user),
        data: Set(if suppressed { "{}".to_owned() } else { data.to_string() }),
        status: Set(if suppressed { status::SUPPRESSED } else { status::QUEUED }.to_owned()),
        attempts: Set(0),
        next_attempt_at: Set(now.0),
        lease_owner: Set(None),
        lease_until: Set(None),
        sent_at: Set(None),
        failure: Set(None),
        last_error: Set(None),
        created_at: Set(now.0),
        updated_at: Set(now.0),
    };
    let once = [Column::Template, Column::EntityId, Column::EntityVersion];
    let inserted = Entity::insert(row)
        .on_conflict(OnConflict::columns(once).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)).then_some(id))
}
