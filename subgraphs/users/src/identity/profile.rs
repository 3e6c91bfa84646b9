//! Changing one's profile.

use kit::{Timestamp, id::UserId};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::Expr,
};

use super::{
    Identity,
    failure::{Failure, Outcome},
    feed,
};
use crate::{
    account::{display_name::DisplayName, status::UserStatus},
    entity::user,
};

/// What to change; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    pub given_name: Option<Option<String>>,
    pub family_name: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub avatar_url: Option<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileRefusal {
    /// Somebody else changed the account first.
    Conflict,
    NotFound,
}

impl Identity {
    pub async fn update_profile(
        &self,
        user: UserId,
        change: &ProfileChange,
        expected_version: Option<i64>,
    ) -> Outcome<user::Model, ProfileRefusal> {
        let now = self.clock.now();
        let row = row(change, now);
        let row = &row;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let mut update = user::Entity::update_many()
                        .set(row.clone())
                        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
                        .filter(user::Column::Id.eq(user.uuid()))
                        .filter(user::Column::Status.eq(UserStatus::Active));
                    if let Some(version) = expected_version {
                        update = update.filter(user::Column::Version.eq(version));
                    }
                    let updated = update.exec_with_returning(tx).await?.into_iter().next();
                    let Some(updated) = updated else {
                        let exists = user::Entity::find_by_id(user.uuid())
                            .filter(user::Column::Status.eq(UserStatus::Active))
                            .one(tx)
                            .await?
                            .is_some();
                        return Err(Failure::Refused(if exists {
                            ProfileRefusal::Conflict
                        } else {
                            ProfileRefusal::NotFound
                        }));
                    };
                    if change.is_public() {
                        feed::updated(tx, now, &updated).await?;
                    }
                    Ok(updated)
                })
            })
            .await
    }

    /// The account as its owner changes it.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>, DbErr> {
        user::Entity::find_by_id(id.uuid()).one(self.database.read()).await
    }
}

impl ProfileChange {
    /// Other services keep copies of the public part only.
    fn is_public(&self) -> bool {
        self.display_name.is_some() || self.avatar_url.is_some()
    }
}

fn row(change: &ProfileChange, now: Timestamp) -> user::ActiveModel {
    let ProfileChange {
        display_name,
        given_name,
        family_name,
        phone,
        locale,
        time_zone,
        avatar_url,
    } = change.clone();
    user::ActiveModel {
        display_name: display_name.map_or(NotSet, |name| Set(name.as_str().to_owned())),
        given_name: given_name.map_or(NotSet, Set),
        family_name: family_name.map_or(NotSet, Set),
        phone: phone.map_or(NotSet, Set),
        locale: locale.map_or(NotSet, Set),
        time_zone: time_zone.map_or(NotSet, Set),
        avatar_url: avatar_url.map_or(NotSet, Set),
        updated_at: Set(now.0),
        ..Default::default()
    }
}
