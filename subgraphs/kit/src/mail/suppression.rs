//! Addresses that get no mail any more, and forgetting a person's mails.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

use super::status;
use crate::clock::Timestamp;
use crate::entity::{dev_mail, outbox, suppression};

fn normal(address: &str) -> String {
    address.trim().to_lowercase()
}

pub async fn is_suppressed(conn: &impl ConnectionTrait, address: &str) -> Result<bool, DbErr> {
    let found = suppression::Entity::find_by_id(normal(address)).one(conn).await?;
    Ok(found.is_some())
}

/// Sends nothing to the address from now on.
pub async fn suppress(
    tx: &impl ConnectionTrait,
    address: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = suppression::ActiveModel {
        address: Set(normal(address)),
        reason: Set(reason.to_owned()),
        created_at: Set(now.0),
    };
    suppression::Entity::insert(row)
        .on_conflict(OnConflict::column(suppression::Column::Address).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Removes a person's address and texts from the outbox and the development inbox. What was
/// queued is not sent.
pub async fn erase_user(
    tx: &impl ConnectionTrait,
    user: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    let mails = outbox::Entity::find().filter(outbox::Column::UserId.eq(user)).all(tx).await?;
    for mail in mails {
        dev_mail::Entity::delete_by_id(mail.id).exec(tx).await?;
    }
    outbox::Entity::update_many()
        .col_expr(outbox::Column::Status, Expr::value(status::SUPPRESSED))
        .filter(outbox::Column::UserId.eq(user))
        .filter(outbox::Column::Status.eq(status::QUEUED))
        .exec(tx)
        .await?;
    outbox::Entity::update_many()
        .col_expr(outbox::Column::Recipient, Expr::value(""))
        .col_expr(outbox::Column::Data, Expr::value("{}"))
        .col_expr(outbox::Column::LastError, Expr::value(Option::<String>::None))
        .col_expr(outbox::Column::UpdatedAt, Expr::value(now.0))
        .filter(outbox::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    Ok(())
}
