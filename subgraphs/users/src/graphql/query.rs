//! What can be asked, and how the gateway asks for people other services name.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use kit::{PageArgs, id::UserId};

use super::{
    internal,
    user::{Activity, User},
};
use crate::{
    account::status::UserStatus,
    entity::user,
    identity::{Identity, directory::UserFilter},
    loaders::{Loaders, UserById},
};

kit::connection!(UserConnection, UserEdge, User, total_count: i32);

#[derive(Debug)]
pub struct Query;

#[Object]
impl Query {
    /// The caller, or null when anonymous
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        let id = kit::caller(ctx).user_id()?;
        Some(load(ctx, id).await.transpose()?.map(User::new))
    }

    async fn user(&self, ctx: &Context<'_>, id: ID) -> Option<Result<User>> {
        let id = UserId::parse(&id)?;
        Some(visible(ctx, id).await.transpose()?.map(User::new))
    }

    #[graphql(requires_scopes = "users:admin")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
        query: Option<String>,
        status: Option<UserStatus>,
    ) -> Option<Result<UserConnection>> {
        let filter = UserFilter { query, status };
        Some(people(ctx, PageArgs::forward(first, after), &filter).await)
    }

    #[graphql(entity)]
    async fn find_user_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
        published_review_count: Option<i32>,
        paid_order_count: Option<i32>,
        completed_ride_count: Option<i32>,
    ) -> Option<Result<User>> {
        let id = UserId::parse(&id)?;
        let row = visible(ctx, id).await.transpose()?;
        let activity = Activity {
            published_reviews: published_review_count,
            paid_orders: paid_order_count,
            completed_rides: completed_ride_count,
        };
        Some(row.map(|row| User { row, activity }))
    }
}

async fn load(ctx: &Context<'_>, id: UserId) -> Result<Option<Arc<user::Model>>> {
    let loaders = ctx.data_unchecked::<Loaders>();
    loaders.load(UserById(id)).await.map_err(|error| kit::graphql::internal(&error))
}

/// Nobody is public before they have verified their address.
async fn visible(ctx: &Context<'_>, id: UserId) -> Result<Option<Arc<user::Model>>> {
    let caller = kit::caller(ctx);
    let row = load(ctx, id).await?;
    Ok(row.filter(|row| {
        row.status != UserStatus::PendingVerification
            || caller.is(&id)
            || caller.has_scope("users:admin")
    }))
}

async fn people(ctx: &Context<'_>, args: PageArgs, filter: &UserFilter) -> Result<UserConnection> {
    kit::graphql::scopes(ctx, &["users:admin"])?;
    let identity = ctx.data_unchecked::<Identity>();
    let key = &identity.cursors;
    let page = args.validate()?;
    let after = page.cursor.as_deref().map(|cursor| key.decode("users", cursor)).transpose()?;
    let (slice, count) =
        identity.users(filter, &page, after).await.map_err(|error| internal(&error.into()))?;
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let edge = |row: user::Model| (key.encode("users", &row.id), User::from(row));
    Ok(UserConnection::new(slice, edge, count))
}
