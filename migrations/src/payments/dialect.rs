//! The words SQLite and PostgreSQL spell differently, and the triggers that make a table
//! append-only on both.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr};

/// Runs `statements` one by one, with `{uuid}` and `{bytes}` replaced by the engine's types.
pub(super) async fn run<C: ConnectionTrait>(
    connection: &C,
    statements: &[&str],
) -> Result<(), DbErr> {
    for statement in statements {
        connection
            .execute_unprepared(&localise(statement, connection.get_database_backend()))
            .await?;
    }
    Ok(())
}

/// Refuses `UPDATE` and `DELETE` on `table` inside the database itself.
pub(super) async fn append_only<C: ConnectionTrait>(
    connection: &C,
    table: &str,
) -> Result<(), DbErr> {
    match connection.get_database_backend() {
        DbBackend::Postgres => {
            connection
                .execute_unprepared(
                    "CREATE OR REPLACE FUNCTION payments_append_only() RETURNS trigger AS \
                     $$ BEGIN RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME; END $$ \
                     LANGUAGE plpgsql",
                )
                .await?;
            connection
                .execute_unprepared(&format!(
                    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                     FOR EACH ROW EXECUTE FUNCTION payments_append_only()"
                ))
                .await?;
            connection
                .execute_unprepared(&format!(
                    "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} \
                     FOR EACH STATEMENT EXECUTE FUNCTION payments_append_only()"
                ))
                .await?;
        }
        _ => {
            for event in ["UPDATE", "DELETE"] {
                let name = event.to_lowercase();
                connection
                    .execute_unprepared(&format!(
                        "CREATE TRIGGER {table}_no_{name} BEFORE {event} ON {table} \
                         BEGIN SELECT RAISE(ABORT, 'table {table} is append-only'); END"
                    ))
                    .await?;
            }
        }
    }
    Ok(())
}

/// Drops the tables in the order given.
pub(super) async fn drop_tables<C: ConnectionTrait>(
    connection: &C,
    tables: &[&str],
) -> Result<(), DbErr> {
    for table in tables {
        connection.execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    Ok(())
}

fn localise(statement: &str, backend: DbBackend) -> String {
    let (uuid, bytes) = match backend {
        DbBackend::Postgres => ("uuid", "bytea"),
        _ => ("blob", "blob"),
    };
    statement.replace("{uuid}", uuid).replace("{bytes}", bytes)
}
