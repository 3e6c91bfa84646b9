//! Issues and redeems the tokens that work once.

use std::time::Duration;

use kit::Timestamp;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    entity::one_time_token::{ActiveModel, Column, Entity, Model},
    token::{
        one_time::{self, Kind},
        secrets::Key,
    },
};

/// A new token for `user`; every older one of its kind is dead from here on. Returns the id that
/// the token is derived from: the mail carries it, the token itself is made when it is rendered.
pub(crate) async fn issue(
    tx: &impl ConnectionTrait,
    key: &Key,
    now: Timestamp,
    user: Uuid,
    kind: Kind,
    lifetime: Duration,
    payload: Option<String>,
) -> Result<Uuid, DbErr> {
    withdraw(tx, now, user, kind).await?;
    let id = kit::id::new_id(now);
    Entity::insert(ActiveModel {
        id: Set(id),
        user_id: Set(user),
        kind: Set(kind.as_str().to_owned()),
        hash: Set(one_time::hash(&one_time::token(key, kind, id))),
        payload: Set(payload),
        tries: Set(0),
        expires_at: Set(now.plus(lifetime).0),
        used_at: Set(None),
        created_at: Set(now.0),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(id)
}

pub(crate) async fn withdraw(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    kind: Kind,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now.0))
        .filter(Column::UserId.eq(user))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The live row of a token, without using it up.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    now: Timestamp,
    kind: Kind,
    token: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::Hash.eq(one_time::hash(token)))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.0))
        .one(connection)
        .await
}

/// Uses the token up. `None` when it is unknown, used, replaced, expired or of another kind; of
/// two who present it at the same time one gets it.
pub(crate) async fn redeem(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    kind: Kind,
    token: &str,
) -> Result<Option<Model>, DbErr> {
    let rows = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now.0))
        .filter(Column::Hash.eq(one_time::hash(token)))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.0))
        .exec_with_returning(tx)
        .await?;
    Ok(rows.into_iter().next())
}

pub(crate) async fn sweep(tx: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(now.minus(Duration::from_hours(24)).0))
        .exec(tx)
        .await?;
    Ok(())
}
