//! Migrations of the payments database: catalogue, orders, card payments, rides, the ledger and
//! the sandbox processor's own books.
//!
//! The table definitions are written once in SQL; `dialect` fills in the few words the two
//! engines spell differently.

mod cards_and_payments;
mod catalogue;
mod dialect;
mod ledger;
mod m20261123_000001_base;
mod orders;
mod rides;
mod sandbox;

use sea_orm_migration::prelude::*;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = crate::kit::migrations();
        migrations.push(Box::new(m20261123_000001_base::Migration));
        migrations
    }
}
