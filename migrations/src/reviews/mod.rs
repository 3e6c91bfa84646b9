//! Migrations of the reviews database.
//!
//! Tables are written as SQL text because the checks, partial indexes and triggers are the
//! point of them; `dialect` fills in the few words on which the two engines differ.

mod dialect;
mod m0001_reviews;
mod m0002_counters;
mod m0003_projections;
mod m0004_search;

use sea_orm_migration::prelude::*;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = crate::kit::migrations();
        migrations.extend([
            Box::new(m0001_reviews::Migration) as Box<dyn MigrationTrait>,
            Box::new(m0002_counters::Migration),
            Box::new(m0003_projections::Migration),
            Box::new(m0004_search::Migration),
        ]);
        migrations
    }
}
