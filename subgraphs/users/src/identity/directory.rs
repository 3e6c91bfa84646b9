//! Reading people: by id in batches, as pages, and what belongs to them.

use kit::connection::{Page, Slice};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, Func, LikeExpr},
};
use uuid::Uuid;

use super::Identity;
use crate::{
    account::status::UserStatus,
    entity::{security_event, session, user, user_address},
};

/// Which people an administrator looks for.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Part of a name, or the beginning of an address.
    pub query: Option<String>,
    pub status: Option<UserStatus>,
}

impl Identity {
    pub async fn users_by_id(&self, ids: &[Uuid]) -> Result<Vec<user::Model>, DbErr> {
        user::Entity::find()
            .filter(user::Column::Id.is_in(ids.iter().copied()))
            .all(self.database.read())
            .await
    }

    /// Newest first.
    pub async fn users(
        &self,
        filter: &UserFilter,
        page: &Page,
        after: Option<Uuid>,
    ) -> Result<(Slice<user::Model>, u64), DbErr> {
        let condition = condition(filter);
        let count =
            user::Entity::find().filter(condition.clone()).count(self.database.read()).await?;
        let mut query = user::Entity::find().filter(condition).order_by_desc(user::Column::Id);
        if let Some(after) = after {
            query = query.filter(user::Column::Id.lt(after));
        }
        let rows = query.limit(page.fetch()).all(self.database.read()).await?;
        Ok((page.slice(rows), count))
    }

    /// The default one first, then newest first.
    pub async fn addresses_of(&self, users: &[Uuid]) -> Result<Vec<user_address::Model>, DbErr> {
        user_address::Entity::find()
            .filter(user_address::Column::UserId.is_in(users.iter().copied()))
            .order_by_desc(user_address::Column::IsDefault)
            .order_by_desc(user_address::Column::Id)
            .all(self.database.read())
            .await
    }

    /// Live ones, last used first.
    pub async fn sessions_of(&self, users: &[Uuid]) -> Result<Vec<session::Model>, DbErr> {
        let now = self.clock.now();
        session::Entity::find()
            .filter(session::Column::UserId.is_in(users.iter().copied()))
            .filter(session::Column::RevokedAt.is_null())
            .filter(session::Column::IdleExpiresAt.gt(now.0))
            .filter(session::Column::ExpiresAt.gt(now.0))
            .order_by_desc(session::Column::LastSeenAt)
            .order_by_desc(session::Column::Id)
            .all(self.database.read())
            .await
    }

    /// Newest first.
    pub async fn security_events_of(
        &self,
        user: Uuid,
        page: &Page,
        after: Option<Uuid>,
    ) -> Result<Slice<security_event::Model>, DbErr> {
        let mut query = security_event::Entity::find()
            .filter(security_event::Column::UserId.eq(user))
            .order_by_desc(security_event::Column::Id);
        if let Some(after) = after {
            query = query.filter(security_event::Column::Id.lt(after));
        }
        Ok(page.slice(query.limit(page.fetch()).all(self.database.read()).await?))
    }
}

fn condition(filter: &UserFilter) -> Condition {
    let mut condition = Condition::all();
    if let Some(status) = filter.status {
        condition = condition.add(user::Column::Status.eq(status));
    }
    if let Some(query) = filter.query.as_deref().map(str::trim).filter(|query| !query.is_empty()) {
        let query = query.to_lowercase();
        let literal = escape(&query);
        let mut any = Condition::any()
            .add(
                Expr::expr(Func::lower(Expr::col(user::Column::DisplayName)))
                    .like(LikeExpr::new(format!("%{literal}%")).escape('\\')),
            )
            .add(
                Expr::col(user::Column::EmailNorm)
                    .like(LikeExpr::new(format!("{literal}%")).escape('\\')),
            );
        if let Some(id) = kit::id::UserId::parse(&query) {
            any = any.add(user::Column::Id.eq(id.uuid()));
        }
        condition = condition.add(any);
    }
    condition
}

/// What was typed, not a pattern.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
