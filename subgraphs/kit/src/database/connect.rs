//! Opening a database: the engine's options, one place for both engines.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::id::new_id;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database as Connector, DatabaseConnection};

use super::{Database, DatabaseError, DatabaseOptions, Durability, TemporaryFile};

pub(super) async fn connect(
    url: &str,
    options: DatabaseOptions,
) -> Result<Database, DatabaseError> {
    let statements = Arc::new(AtomicU64::new(0));
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        let pool = counted(postgres(url, &options).await?, &statements);
        return Ok(Database { reader: pool.clone(), writer: pool, statements, _temporary: None });
    }
    if !url.starts_with("sqlite:") {
        return Err(DatabaseError::UnknownScheme { url: without_password(url) });
    }
    let (url, temporary) = if url == "sqlite::memory:" {
        let (url, file) = temporary_file();
        (url, Some(Arc::new(file)))
    } else {
        (url.to_owned(), None)
    };
    // The writer first: it creates the file and switches it to WAL.
    let writer = sqlite(&url, &options, Role::Writer).await?;
    let reader = sqlite(&url, &options, Role::Reader).await?;
    Ok(Database {
        reader: counted(reader, &statements),
        writer: counted(writer, &statements),
        statements,
        _temporary: temporary,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Writer,
    Reader,
}

async fn sqlite(
    url: &str,
    options: &DatabaseOptions,
    role: Role,
) -> Result<DatabaseConnection, DatabaseError> {
    let synchronous = match options.durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    let mut connect = ConnectOptions::new(url);
    connect
        .max_connections(if role == Role::Writer { 1 } else { options.max_readers.max(1) })
        .min_connections(1)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite: SqliteConnectOptions| {
            let sqlite = sqlite
                .create_if_missing(role == Role::Writer)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .statement_cache_capacity(256)
                .pragma("temp_store", "memory")
                .pragma("mmap_size", "134217728");
            if role == Role::Reader { sqlite.pragma("query_only", "on") } else { sqlite }
        });
    open(url, connect).await
}

async fn postgres(
    url: &str,
    options: &DatabaseOptions,
) -> Result<DatabaseConnection, DatabaseError> {
    let mut connect = ConnectOptions::new(url);
    connect
        .max_connections(options.max_readers.max(2))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire_if_idle_for(Duration::from_secs(5))
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|postgres: PgConnectOptions| {
            postgres.options([("default_transaction_isolation", "read committed")])
        });
    open(url, connect).await
}

async fn open(url: &str, options: ConnectOptions) -> Result<DatabaseConnection, DatabaseError> {
    Connector::connect(options).await.map_err(|error| DatabaseError::Open {
        url: without_password(url),
        message: error.to_string(),
    })
}

fn counted(mut connection: DatabaseConnection, statements: &Arc<AtomicU64>) -> DatabaseConnection {
    let statements = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        statements.fetch_add(1, Ordering::Relaxed);
    });
    connection
}

fn temporary_file() -> (String, TemporaryFile) {
    let path: PathBuf =
        std::env::temp_dir().join(format!("concord-{}.sqlite", new_id(Clock::system().now())));
    (format!("sqlite://{}?mode=rwc", path.display()), TemporaryFile(path))
}

/// The URL as it may be shown: without the password.
pub(crate) fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => match parsed.set_password(Some("***")) {
            Ok(()) => parsed.into(),
            Err(()) => "(a URL with a password)".to_owned(),
        },
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://a:b@h/d"), "postgres://a:***@h/d");
        assert_eq!(without_password("sqlite:///x.sqlite"), "sqlite:///x.sqlite");
    }
}
