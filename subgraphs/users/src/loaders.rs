//! Batched reads: however many people an answer names, their rows come in one statement.

use std::{collections::HashMap, sync::Arc};

use kit::{Batches, batch::Loader, id::UserId};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::{
    entity::{session, user, user_address},
    identity::Identity,
};

/// Reads for one request.
#[derive(Debug)]
pub struct Reads(Identity);

/// What one request has read, and what it is about to read together.
pub type Loaders = Batches<Reads>;

/// The loaders of one request.
pub fn loaders(identity: Identity) -> Loaders {
    Batches::new(Reads(identity))
}

/// Key: a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserById(pub UserId);

/// Key: the addresses of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressesOfUser(pub UserId);

/// Key: the open sessions of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionsOfUser(pub UserId);

impl Loader<UserById> for Reads {
    type Value = Arc<user::Model>;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[UserById]) -> Result<HashMap<UserById, Self::Value>, Self::Error> {
        let rows = self.0.users_by_id(&uuids(keys.iter().map(|key| key.0))).await?;
        Ok(rows.into_iter().map(|row| (UserById(row.id.into()), Arc::new(row))).collect())
    }
}

impl Loader<AddressesOfUser> for Reads {
    type Value = Vec<user_address::Model>;
    type Error = Arc<DbErr>;

    async fn load(
        &self,
        keys: &[AddressesOfUser],
    ) -> Result<HashMap<AddressesOfUser, Self::Value>, Self::Error> {
        let rows = self.0.addresses_of(&uuids(keys.iter().map(|key| key.0))).await?;
        Ok(grouped(rows, |row| AddressesOfUser(row.user_id.into())))
    }
}

impl Loader<SessionsOfUser> for Reads {
    type Value = Vec<session::Model>;
    type Error = Arc<DbErr>;

    async fn load(
        &self,
        keys: &[SessionsOfUser],
    ) -> Result<HashMap<SessionsOfUser, Self::Value>, Self::Error> {
        let rows = self.0.sessions_of(&uuids(keys.iter().map(|key| key.0))).await?;
        Ok(grouped(rows, |row| SessionsOfUser(row.user_id.into())))
    }
}

fn uuids(ids: impl Iterator<Item = UserId>) -> Vec<Uuid> {
    ids.map(|id| id.uuid()).collect()
}

fn grouped<K: std::hash::Hash + Eq, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, Vec<T>> {
    let mut groups: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
