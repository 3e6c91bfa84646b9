//! What administrators change on other people's accounts: status and roles.

use std::collections::BTreeSet;

use kit::{RequestOrigin, Timestamp, id::UserId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    ExprTrait, PaginatorTrait, QueryFilter, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Outcome},
    feed,
    registration::blank_user,
    security_log::{self, SecurityEventKind},
    sessions,
};
use crate::{
    account::{
        display_name::DisplayName,
        email::Email,
        roles::{Role, Roles},
        status::UserStatus,
    },
    entity::user,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdministrationRefusal {
    NotFound,
    /// Nobody would be left to undo it.
    LastAdmin,
    /// That status is not an administrator's to give, or the account is erased.
    StatusNotAllowed,
    NoRoles,
}

impl Identity {
    /// A verified person without a password, by an operator's hand.
    pub async fn create_person(
        &self,
        email: &Email,
        name: &DisplayName,
        roles: Roles,
    ) -> Result<UserId, DbErr> {
        let now = self.clock.now();
        let user = user::Model {
            email: Some(email.written().to_owned()),
            email_norm: Some(email.normal().to_owned()),
            email_verified_at: Some(now.0),
            display_name: name.as_str().to_owned(),
            status: UserStatus::Active,
            is_admin: roles.contains(Role::Admin),
            roles,
            ..blank_user(now)
        };
        let user = &user;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let row = user::ActiveModel::from(user.clone()).reset_all();
                    user::Entity::insert(row).exec_without_returning(tx).await?;
                    let origin = RequestOrigin::default();
                    let kind = SecurityEventKind::Registered;
                    security_log::record(tx, now, user.id, kind, &origin, None).await?;
                    feed::registered(tx, now, user).await
                })
            })
            .await?;
        Ok(UserId::from(user.id))
    }

    /// Suspends, deactivates or reactivates an account. All but reactivation end its sessions.
    pub async fn set_status(
        &self,
        id: UserId,
        status: UserStatus,
        reason: &str,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, AdministrationRefusal> {
        let refuse = Failure::Refused;
        if matches!(status, UserStatus::Erased | UserStatus::PendingVerification) {
            return Err(refuse(AdministrationRefusal::StatusNotAllowed));
        }
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    // Takes its turn behind every other change of this kind.
                    sessions::revoke_access_tokens(tx, now, id.uuid()).await?;
                    let before = user::Entity::find_by_id(id.uuid())
                        .one(tx)
                        .await?
                        .ok_or(refuse(AdministrationRefusal::NotFound))?;
                    if before.status == UserStatus::Erased {
                        return Err(refuse(AdministrationRefusal::StatusNotAllowed));
                    }
                    if status != UserStatus::Active && before.is_admin {
                        another_admin(tx, before.id).await?;
                    }
                    let change = user::ActiveModel {
                        status: Set(status),
                        email_verified_at: Set(before
                            .email_verified_at
                            .or((status == UserStatus::Active).then_some(now.0))),
                        erase_after: Set(None),
                        ..Default::default()
                    };
                    let user = update(tx, now, before.id, change).await?;
                    if status != UserStatus::Active {
                        sessions::revoke_all(tx, now, user.id, None, status.as_str()).await?;
                    }
                    if status == UserStatus::Suspended {
                        let kind = SecurityEventKind::Suspended;
                        let detail = Some(reason.to_owned());
                        security_log::record(tx, now, user.id, kind, origin, detail).await?;
                    }
                    publish(tx, now, &before, &user).await?;
                    Ok(user)
                })
            })
            .await
    }

    /// Replaces a person's roles. Access tokens with the old scopes die; sessions go on and get
    /// the new ones at the next refresh.
    pub async fn set_roles(
        &self,
        id: UserId,
        roles: &Roles,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, AdministrationRefusal> {
        if roles.is_empty() {
            return Err(Failure::Refused(AdministrationRefusal::NoRoles));
        }
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    sessions::revoke_access_tokens(tx, now, id.uuid()).await?;
                    let before = user::Entity::find_by_id(id.uuid())
                        .filter(user::Column::Status.ne(UserStatus::Erased))
                        .one(tx)
                        .await?
                        .ok_or(Failure::Refused(AdministrationRefusal::NotFound))?;
                    let is_admin = roles.contains(Role::Admin);
                    if before.is_admin && !is_admin {
                        another_admin(tx, before.id).await?;
                    }
                    let change = user::ActiveModel {
                        roles: Set(roles.clone()),
                        is_admin: Set(is_admin),
                        ..Default::default()
                    };
                    let user = update(tx, now, before.id, change).await?;
                    log_roles(tx, now, &before, &user, origin).await?;
                    if user.status == UserStatus::Active {
                        feed::updated(tx, now, &user).await?;
                    }
                    Ok(user)
                })
            })
            .await
    }
}

/// Refuses when `admin` is the only one left. Callers have taken the revocation counter's lock,
/// so two administrators cannot demote each other at the same time.
async fn another_admin(
    tx: &impl ConnectionTrait,
    admin: Uuid,
) -> Outcome<(), AdministrationRefusal> {
    let others = user::Entity::find()
        .filter(user::Column::IsAdmin.eq(true))
        .filter(user::Column::Status.eq(UserStatus::Active))
        .filter(user::Column::Id.ne(admin))
        .count(tx)
        .await?;
    if others == 0 {
        return Err(Failure::Refused(AdministrationRefusal::LastAdmin));
    }
    Ok(())
}

async fn update(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    id: Uuid,
    change: user::ActiveModel,
) -> Result<user::Model, DbErr> {
    user::Entity::update_many()
        .set(user::ActiveModel { updated_at: Set(now.0), ..change })
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
        .filter(user::Column::Id.eq(id))
        .exec_with_returning(tx)
        .await?
        .into_iter()
        .next()
        .ok_or(DbErr::RecordNotUpdated)
}

async fn publish(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    before: &user::Model,
    after: &user::Model,
) -> Result<(), DbErr> {
    match (before.status, after.status) {
        (UserStatus::PendingVerification, UserStatus::Active) => {
            feed::registered(tx, now, after).await
        }
        // Nobody has heard of them yet.
        (UserStatus::PendingVerification, _) => Ok(()),
        (_, UserStatus::Suspended) => feed::suspended(tx, now, after).await,
        _ => feed::updated(tx, now, after).await,
    }
}

async fn log_roles(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    before: &user::Model,
    after: &user::Model,
    origin: &RequestOrigin,
) -> Result<(), DbErr> {
    let old: BTreeSet<Role> = before.roles.iter().collect();
    let new: BTreeSet<Role> = after.roles.iter().collect();
    let granted = new.difference(&old).map(|role| (SecurityEventKind::RoleGranted, *role));
    let revoked = old.difference(&new).map(|role| (SecurityEventKind::RoleRevoked, *role));
    for (kind, role) in granted.chain(revoked) {
        let detail = Some(role.as_str().to_owned());
        security_log::record(tx, now, after.id, kind, origin, detail).await?;
    }
    Ok(())
}
