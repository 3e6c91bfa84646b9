//! One SQL text for both engines: `{uuid}` stands for the engine's column type for ids.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend, DbErr};

/// Runs each statement after filling in the engine's words.
pub(super) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let uuid = match manager.get_database_backend() {
        DatabaseBackend::Postgres => "uuid",
        _ => "blob",
    };
    for statement in statements {
        let sql = statement.replace("{uuid}", uuid);
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Drops the tables in the given order.
pub(super) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    for table in tables {
        manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

/// Refuses UPDATE (unless `update_allowed_when` holds) and DELETE on the table.
///
/// `update_allowed_when` is a condition over `NEW` and `OLD`, written with `IS NOT DISTINCT
/// FROM` where a column may be null; both engines know it.
pub(super) async fn append_only(
    manager: &SchemaManager<'_>,
    table: &str,
    update_allowed_when: Option<&str>,
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let allowed = update_allowed_when.unwrap_or("1 = 0");
    let statements = match manager.get_database_backend() {
        DatabaseBackend::Postgres => vec![
            format!(
                "CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
            ),
            format!(
                "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW
                 WHEN (NOT ({allowed})) EXECUTE FUNCTION {table}_append_only()"
            ),
            format!(
                "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW
                 EXECUTE FUNCTION {table}_append_only()"
            ),
        ],
        _ => vec![
            format!(
                "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ({allowed})
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
            format!(
                "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
        ],
    };
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Drops what [`append_only`] left beside the table (PostgreSQL functions outlive tables).
pub(super) async fn drop_append_only(
    manager: &SchemaManager<'_>,
    table: &str,
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        let sql = format!("DROP FUNCTION {table}_append_only()");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}
