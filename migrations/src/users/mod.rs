//! Migrations of the users database.
//!
//! Times are epoch milliseconds, ids UUIDv7, enums text with a CHECK: the same on both engines.
//! This module must know nothing of what the rows mean; the service does.

mod m0001_people;
mod m0002_sessions;
mod m0003_credentials;
mod m0004_erasures;
mod m0005_revocation_quota;
mod shape;

use sea_orm_migration::prelude::*;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = crate::kit::migrations();
        migrations.push(Box::new(m0001_people::People));
        migrations.push(Box::new(m0002_sessions::Sessions));
        migrations.push(Box::new(m0003_credentials::Credentials));
        migrations.push(Box::new(m0004_erasures::Erasures));
        migrations.push(Box::new(m0005_revocation_quota::RevocationQuota));
        migrations
    }
}
