//! Loads many people at once, for demo data and migrations from elsewhere.
//!
//! People come in as if they had registered and verified: the same rows, the same events on the
//! feed. Only the mails are left out.

use std::collections::BTreeSet;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use kit::{
    Database, Timestamp,
    events::{self, NewEvent},
    graphql::AddressInput,
    id::UserId,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DbErr, EntityTrait};

use crate::{
    account::{
        address::{self, AddressError},
        display_name::{DisplayName, DisplayNameError},
        email::{Email, EmailError},
        roles::{Role, Roles},
        status::UserStatus,
    },
    entity::{user, user_address},
    identity::{feed, registration::blank_user},
    password::Password,
};

/// Far below the service's own cost, so that many people load quickly. Each hash is replaced by
/// a full one when its owner logs in.
const IMPORT_MEMORY_KIB: u32 = 512;
const BATCH: usize = 200;

#[derive(Debug, Clone)]
pub struct ImportedUser {
    pub id: UserId,
    pub email: String,
    pub password: ImportedPassword,
    pub display_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub avatar_url: Option<String>,
    pub locale: String,
    pub time_zone: String,
    pub roles: Vec<Role>,
    pub member_since: Timestamp,
    pub addresses: Vec<ImportedAddress>,
}

#[derive(Debug, Clone)]
pub struct ImportedAddress {
    pub label: Option<String>,
    pub address: AddressInput,
    pub is_default: bool,
}

#[derive(Clone)]
pub enum ImportedPassword {
    Plain(String),
    /// An Argon2 hash made elsewhere.
    Phc(String),
    /// Nobody can log in until a reset.
    None,
}

impl std::fmt::Debug for ImportedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ImportedPassword(..)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{id}: {source}")]
    Email { id: UserId, source: EmailError },
    #[error("{id}: {source}")]
    DisplayName { id: UserId, source: DisplayNameError },
    #[error("{id}: {source}")]
    Address { id: UserId, source: AddressError },
    #[error("{id}: the password is too long or cannot be hashed")]
    Password { id: UserId },
    #[error("hashing thread ended early")]
    Thread(#[source] tokio::task::JoinError),
    #[error("cannot store people: {0}")]
    Database(#[from] DbErr),
}

/// All of them or none. Returns the number of the last event.
pub async fn load(database: &Database, people: Vec<ImportedUser>) -> Result<i64, ImportError> {
    let mut rows = Vec::with_capacity(people.len());
    let mut addresses = Vec::new();
    let hashing: Vec<_> = people
        .iter()
        .map(|person| {
            let (id, password) = (person.id, person.password.clone());
            tokio::task::spawn_blocking(move || hash(id, &password))
        })
        .collect();
    for (person, hash) in people.into_iter().zip(hashing) {
        let hash = hash.await.map_err(ImportError::Thread)??;
        addresses.extend(address_rows(&person)?);
        rows.push(row(person, hash)?);
    }
    let events = rows.iter().map(event).collect::<Result<Vec<_>, DbErr>>()?;
    let (rows, addresses, events) = (&rows, &addresses, &events);
    database
        .write(|tx| {
            Box::pin(async move {
                for batch in rows.chunks(BATCH) {
                    let batch =
                        batch.iter().map(|row| user::ActiveModel::from(row.clone()).reset_all());
                    user::Entity::insert_many(batch).exec_without_returning(tx).await?;
                }
                for batch in addresses.chunks(BATCH) {
                    user_address::Entity::insert_many(batch.to_vec())
                        .exec_without_returning(tx)
                        .await?;
                }
                Ok(events::append_all(tx, events.clone()).await?)
            })
        })
        .await
}

fn row(person: ImportedUser, password_hash: Option<String>) -> Result<user::Model, ImportError> {
    let ImportedUser {
        id,
        email,
        password: _,
        display_name,
        given_name,
        family_name,
        avatar_url,
        locale,
        time_zone,
        roles,
        member_since,
        addresses: _,
    } = person;
    let email = Email::parse(&email).map_err(|source| ImportError::Email { id, source })?;
    let display_name = DisplayName::parse(&display_name)
        .map_err(|source| ImportError::DisplayName { id, source })?;
    let roles: BTreeSet<Role> = roles.into_iter().chain([Role::Customer]).collect();
    Ok(user::Model {
        id: id.uuid(),
        email: Some(email.written().to_owned()),
        email_norm: Some(email.normal().to_owned()),
        email_verified_at: Some(member_since.0),
        password_changed_at: password_hash.is_some().then_some(member_since.0),
        password_hash,
        display_name: display_name.as_str().to_owned(),
        given_name,
        family_name,
        locale,
        time_zone,
        avatar_url,
        status: UserStatus::Active,
        is_admin: roles.contains(&Role::Admin),
        roles: Roles::new(roles),
        ..blank_user(member_since)
    })
}

fn address_rows(person: &ImportedUser) -> Result<Vec<user_address::ActiveModel>, ImportError> {
    let id = person.id;
    let at = person.member_since;
    let row = |imported: &ImportedAddress| {
        let address = address::parse(imported.address.clone())
            .map_err(|source| ImportError::Address { id, source })?;
        let address = serde_json::to_string(&address)
            .map_err(|error| ImportError::Database(DbErr::Json(error.to_string())))?;
        Ok(user_address::ActiveModel {
            id: Set(kit::id::new_id(at)),
            user_id: Set(id.uuid()),
            label: Set(imported.label.clone()),
            address: Set(address),
            is_default: Set(imported.is_default),
            version: Set(1),
            created_at: Set(at.0),
            updated_at: Set(at.0),
        })
    };
    person.addresses.iter().map(row).collect()
}

fn event(row: &user::Model) -> Result<NewEvent, DbErr> {
    Ok(NewEvent {
        at: Timestamp(row.created_at),
        kind: "user.registered".to_owned(),
        key: UserId::from(row.id).to_string(),
        payload: feed::public(row).map_err(|error| DbErr::Json(error.to_string()))?,
    })
}

fn hash(id: UserId, password: &ImportedPassword) -> Result<Option<String>, ImportError> {
    let plain = match password {
        ImportedPassword::None => return Ok(None),
        ImportedPassword::Phc(phc) => return Ok(Some(phc.clone())),
        ImportedPassword::Plain(plain) => plain,
    };
    let failed = || ImportError::Password { id };
    let password = Password::new(plain).ok_or_else(failed)?;
    let params = Params::new(IMPORT_MEMORY_KIB, 1, 1, None).map_err(|_| failed())?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.expose().as_bytes())
        .map_err(|_| failed())?;
    Ok(Some(hash.to_string()))
}
