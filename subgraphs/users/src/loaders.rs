//! Batched reads: however many people an answer names, their rows come in one statement.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use kit::id::UserId;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::{
    entity::{session, user, user_address},
    identity::Identity,
};

#[derive(Debug)]
pub struct UserById(pub Identity);

impl Loader<UserId> for UserById {
    type Value = Arc<user::Model>;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        let rows = self.0.users_by_id(&uuids(keys)).await?;
        Ok(rows.into_iter().map(|row| (UserId::from(row.id), Arc::new(row))).collect())
    }
}

#[derive(Debug)]
pub struct AddressesOfUser(pub Identity);

impl Loader<UserId> for AddressesOfUser {
    type Value = Vec<user_address::Model>;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        let rows = self.0.addresses_of(&uuids(keys)).await?;
        Ok(grouped(rows, |row| row.user_id))
    }
}

#[derive(Debug)]
pub struct SessionsOfUser(pub Identity);

impl Loader<UserId> for SessionsOfUser {
    type Value = Vec<session::Model>;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        let rows = self.0.sessions_of(&uuids(keys)).await?;
        Ok(grouped(rows, |row| row.user_id))
    }
}

fn uuids(keys: &[UserId]) -> Vec<Uuid> {
    keys.iter().map(UserId::uuid).collect()
}

fn grouped<T>(rows: Vec<T>, owner: impl Fn(&T) -> Uuid) -> HashMap<UserId, Vec<T>> {
    let mut groups: HashMap<UserId, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(UserId::from(owner(&row))).or_default().push(row);
    }
    groups
}
