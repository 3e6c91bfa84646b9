//! Saved addresses: at most twenty, at most one of them the default.

use kit::{
    Timestamp,
    graphql::Address,
    id::{AddressId, UserId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Outcome},
};
use crate::entity::{user, user_address};

const MAX_ADDRESSES: u64 = 20;

#[derive(Debug, Clone)]
pub struct AddressChange {
    /// `None` adds a new one.
    pub id: Option<AddressId>,
    pub label: Option<String>,
    pub address: Address,
    pub make_default: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRefusal {
    NotFound,
    TooMany,
}

impl Identity {
    pub async fn save_address(
        &self,
        user: UserId,
        change: &AddressChange,
    ) -> Outcome<user_address::Model, AddressRefusal> {
        let now = self.clock.now();
        let text = serde_json::to_string(&change.address)?;
        let text = text.as_str();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    // The account's row is the lock that keeps count and default consistent.
                    lock(tx, now, user).await?;
                    if change.make_default {
                        clear_default(tx, user).await?;
                    }
                    match change.id {
                        None => add(tx, now, user, change, text).await,
                        Some(id) => replace(tx, now, user, id.uuid(), change, text).await,
                    }
                })
            })
            .await
    }

    pub async fn delete_address(&self, user: UserId, id: AddressId) -> Outcome<(), AddressRefusal> {
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let deleted = user_address::Entity::delete_many()
                        .filter(user_address::Column::Id.eq(id.uuid()))
                        .filter(user_address::Column::UserId.eq(user.uuid()))
                        .exec(tx)
                        .await?;
                    if deleted.rows_affected == 0 {
                        return Err(Failure::Refused(AddressRefusal::NotFound));
                    }
                    Ok(())
                })
            })
            .await
    }
}

async fn lock(tx: &impl ConnectionTrait, now: Timestamp, user: UserId) -> Result<(), DbErr> {
    user::Entity::update_many()
        .col_expr(user::Column::UpdatedAt, Expr::value(now.0))
        .filter(user::Column::Id.eq(user.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

async fn clear_default(tx: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    user_address::Entity::update_many()
        .col_expr(user_address::Column::IsDefault, Expr::value(false))
        .filter(user_address::Column::UserId.eq(user.uuid()))
        .filter(user_address::Column::IsDefault.eq(true))
        .exec(tx)
        .await?;
    Ok(())
}

async fn add(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: UserId,
    change: &AddressChange,
    text: &str,
) -> Outcome<user_address::Model, AddressRefusal> {
    let count = user_address::Entity::find()
        .filter(user_address::Column::UserId.eq(user.uuid()))
        .count(tx)
        .await?;
    if count >= MAX_ADDRESSES {
        return Err(Failure::Refused(AddressRefusal::TooMany));
    }
    let row = user_address::Model {
        id: kit::id::new_id(now),
        user_id: user.uuid(),
        label: change.label.clone(),
        address: text.to_owned(),
        is_default: change.make_default,
        version: 1,
        created_at: now.0,
        updated_at: now.0,
    };
    user_address::Entity::insert(user_address::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(row)
}

async fn replace(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: UserId,
    id: Uuid,
    change: &AddressChange,
    text: &str,
) -> Outcome<user_address::Model, AddressRefusal> {
    let mut update = user_address::Entity::update_many()
        .col_expr(user_address::Column::Label, Expr::value(change.label.clone()))
        .col_expr(user_address::Column::Address, Expr::value(text))
        .col_expr(user_address::Column::UpdatedAt, Expr::value(now.0))
        .col_expr(user_address::Column::Version, Expr::col(user_address::Column::Version).add(1i64))
        .filter(user_address::Column::Id.eq(id))
        .filter(user_address::Column::UserId.eq(user.uuid()));
    if change.make_default {
        update = update.col_expr(user_address::Column::IsDefault, Expr::value(true));
    }
    let updated = update.exec_with_returning(tx).await?;
    updated.into_iter().next().ok_or(Failure::Refused(AddressRefusal::NotFound))
}
