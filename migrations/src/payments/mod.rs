//! Migrations of the payments database: catalogue, orders, card payments, rides, the ledger,
//! payouts and disputes, webhooks, kept sums, and the sandbox processor's own books.
//!
//! The table definitions are written once in SQL; `dialect` fills in the few words the two
//! engines spell differently.

mod analytics;
mod cards_and_payments;
mod catalogue;
mod dialect;
mod disputes_and_payouts;
mod ledger;
mod m20261123_000001_base;
mod m20261123_000002_money_out;
mod orders;
mod rides;
mod sandbox;
mod webhooks;

use sea_orm_migration::prelude::*;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = crate::kit::migrations();
        migrations.push(Box::new(m20261123_000001_base::Migration));
        migrations.push(Box::new(m20261123_000002_money_out::Migration));
        migrations
    }
}
