//! Moving an account to another address: the current password, a confirmation at the new
//! address, and seven days in which the old address can take it back.

use std::time::Duration;

use kit::{RequestOrigin, Timestamp, database::is_unique_violation, id::UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Outcome},
    mailing, one_time,
    passwords::{ProofRefusal, RESET_LIFETIME},
    registration::InvalidToken,
    security_log::{self, SecurityEventKind},
    sessions,
};
use crate::{
    account::{email::Email, status::UserStatus},
    entity::user,
    password::Password,
    token::one_time::Kind,
};

const CONFIRM_LIFETIME: Duration = Duration::from_hours(1);
const UNDO_LIFETIME: Duration = Duration::from_hours(24 * 7);

impl Identity {
    /// Sends a link to the new address. If that address has an account already, its owner is
    /// told instead; the answer is the same.
    pub async fn request_email_change(
        &self,
        user: UserId,
        new: &Email,
        current: &Password,
        origin: &RequestOrigin,
    ) -> Outcome<(), ProofRefusal> {
        let user = self.prove(user, current, origin).await?;
        let now = self.clock.now();
        let user = &user;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    set(
                        tx,
                        now,
                        user.id,
                        user::ActiveModel {
                            pending_email: Set(Some(new.written().to_owned())),
                            ..Default::default()
                        },
                    )
                    .await?;
                    let owner = user::Entity::find()
                        .filter(user::Column::EmailNorm.eq(new.normal()))
                        .one(tx)
                        .await?;
                    match owner {
                        Some(owner) if owner.id != user.id => {
                            one_time::withdraw(tx, now, user.id, Kind::EmailChange).await?;
                            mailing::already_registered(tx, now, &owner).await?;
                        }
                        _ => {
                            let (key, life) = (&self.keys.one_time, CONFIRM_LIFETIME);
                            let payload = Some(new.written().to_owned());
                            let kind = Kind::EmailChange;
                            let token =
                                one_time::issue(tx, key, now, user.id, kind, life, payload).await?;
                            let to = new.written();
                            mailing::email_change_confirm(tx, now, user, to, token).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Follows either link: the one that confirms the new address, or the one that undoes it.
    pub async fn confirm_email_change(
        &self,
        token: &str,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, InvalidToken> {
        let now = self.clock.now();
        let changed = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    match one_time::redeem(tx, now, Kind::EmailChange, token).await? {
                        Some(row) => self.confirm(tx, now, row.user_id, row.payload, origin).await,
                        None => match one_time::redeem(tx, now, Kind::Undo, token).await? {
                            Some(row) => self.undo(tx, now, row.user_id, row.payload, origin).await,
                            None => Err(Failure::Refused(InvalidToken)),
                        },
                    }
                })
            })
            .await;
        match changed {
            // Somebody has registered the address since the link was sent.
            Err(Failure::Fault(super::failure::Fault::Database(error)))
                if is_unique_violation(&error) =>
            {
                Err(Failure::Refused(InvalidToken))
            }
            changed => changed,
        }
    }

    async fn confirm(
        &self,
        tx: &impl ConnectionTrait,
        now: Timestamp,
        user: Uuid,
        address: Option<String>,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, InvalidToken> {
        let (before, after) = self.move_to(tx, now, user, address).await?;
        if let Some(old) = before.email {
            let (key, life) = (&self.keys.one_time, UNDO_LIFETIME);
            let payload = Some(old.clone());
            let token = one_time::issue(tx, key, now, user, Kind::Undo, life, payload).await?;
            mailing::email_change_notice(tx, now, &after, &old, token).await?;
        }
        let kind = SecurityEventKind::EmailChanged;
        security_log::record(tx, now, user, kind, origin, None).await?;
        Ok(after)
    }

    /// Whoever changed the address knew the password: everything is logged out, and the owner
    /// gets a link to set a new one.
    async fn undo(
        &self,
        tx: &impl ConnectionTrait,
        now: Timestamp,
        user: Uuid,
        address: Option<String>,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, InvalidToken> {
        let (_, after) = self.move_to(tx, now, user, address).await?;
        one_time::withdraw(tx, now, user, Kind::EmailChange).await?;
        sessions::revoke_all(tx, now, user, None, "EMAIL_CHANGE_UNDONE").await?;
        let (key, life) = (&self.keys.one_time, RESET_LIFETIME);
        let token = one_time::issue(tx, key, now, user, Kind::Reset, life, None).await?;
        mailing::password_reset(tx, now, &after, token).await?;
        let kind = SecurityEventKind::EmailChanged;
        let detail = Some("undone".to_owned());
        security_log::record(tx, now, user, kind, origin, detail).await?;
        Ok(after)
    }

    /// The account before and after.
    async fn move_to(
        &self,
        tx: &impl ConnectionTrait,
        now: Timestamp,
        user: Uuid,
        address: Option<String>,
    ) -> Outcome<(user::Model, user::Model), InvalidToken> {
        let invalid = || Failure::Refused(InvalidToken);
        let email = address.and_then(|address| Email::parse(&address).ok()).ok_or_else(invalid)?;
        let before = user::Entity::find_by_id(user)
            .filter(user::Column::Status.eq(UserStatus::Active))
            .one(tx)
            .await?
            .ok_or_else(invalid)?;
        let after = set(
            tx,
            now,
            user,
            user::ActiveModel {
                email: Set(Some(email.written().to_owned())),
                email_norm: Set(Some(email.normal().to_owned())),
                email_verified_at: Set(Some(now.0)),
                pending_email: Set(None),
                ..Default::default()
            },
        )
        .await?;
        Ok((before, after))
    }
}

async fn set(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    change: user::ActiveModel,
) -> Result<user::Model, DbErr> {
    user::Entity::update_many()
        .set(user::ActiveModel { updated_at: Set(now.0), ..change })
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
        .filter(user::Column::Id.eq(user))
        .exec_with_returning(tx)
        .await?
        .into_iter()
        .next()
        .ok_or(DbErr::RecordNotUpdated)
}
