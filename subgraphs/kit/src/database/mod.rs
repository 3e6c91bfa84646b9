//! One service's database, SQLite or PostgreSQL, behind the same few calls.
//!
//! SQLite gets one connection that writes and several that only read (its readers never wait for
//! the writer in WAL mode); PostgreSQL gets one pool. Every change goes through
//! [`Database::write`], which begins the transaction so that it cannot fail half-way for a lock
//! and runs the work again when the engine asks for it.

mod connect;
mod migrate;
#[cfg(test)]
mod tests;
mod transaction;
mod transient;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqlErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

pub use transaction::Transaction;

use crate::entity::feed_counter;

/// How often a transaction is tried before its error is given to the caller.
const ATTEMPTS: u32 = 6;

/// Does a commit wait for the disk?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Every commit survives a power cut.
    #[default]
    Full,
    /// A power cut may lose the last commits, never the order or the consistency.
    Normal,
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// SQLite only; PostgreSQL is configured at the server.
    pub durability: Durability,
    /// Connections that only read (SQLite), or all connections (PostgreSQL).
    pub max_readers: u32,
    /// How long a request may wait for a free connection.
    pub acquire_timeout: Duration,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            max_readers: 8,
            acquire_timeout: Duration::from_secs(10),
        }
    }
}

/// Why a database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("database URL `{url}` is neither sqlite: nor postgres:")]
    UnknownScheme { url: String },
    #[error("cannot open the database `{url}`: {message}")]
    Open { url: String, message: String },
    #[error("cannot migrate the database: {source}")]
    Migrate { source: DbErr },
}

/// A handle to a service's database; clones share the connections.
#[derive(Debug, Clone)]
pub struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    statements: Arc<AtomicU64>,
    /// Removes the file of `sqlite::memory:` when the last handle goes.
    _temporary: Option<Arc<TemporaryFile>>,
}

impl Database {
    /// Opens `sqlite:///path/file.sqlite`, `sqlite::memory:` (a private file that is gone with
    /// the last handle) or `postgres://…`. Missing SQLite files are created.
    pub async fn connect(url: &str, options: DatabaseOptions) -> Result<Self, DatabaseError> {
        connect::connect(url, options).await
    }

    /// For queries. On SQLite a write through this connection is refused by the engine.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back when it
    /// returns `Err`, run again (up to five times) when the engine reports a busy database, a
    /// deadlock or a serialisation failure. `work` must therefore change nothing but rows.
    ///
    /// Never call this within itself: SQLite has one writer.
    pub async fn write<'outer, T, E, W>(&self, work: W) -> Result<T, E>
    where
        W: for<'tx> Fn(&'tx Transaction<'outer>) -> BoxFuture<'tx, Result<T, E>> + Send + Sync,
        T: Send,
        E: From<DbErr> + Send,
    {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (outcome, transient) = self.attempt(&work).await;
            match outcome {
                Err(_) if transient && attempt < ATTEMPTS => {
                    tokio::time::sleep(transient::pause()).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// One try; the flag says whether another one may help.
    async fn attempt<'outer, T, E, W>(&self, work: &W) -> (Result<T, E>, bool)
    where
        W: for<'tx> Fn(&'tx Transaction<'outer>) -> BoxFuture<'tx, Result<T, E>> + Send + Sync,
        T: Send,
        E: From<DbErr> + Send,
    {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: (self.backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = match self.writer.begin_with_options(immediate).await {
            Ok(begun) => Transaction::new(begun),
            Err(error) => {
                let transient = transient::is_transient(&error);
                return (Err(error.into()), transient);
            }
        };
        match work(&transaction).await {
            Ok(value) => match transaction.commit().await {
                Ok(()) => (Ok(value), false),
                Err(error) => {
                    let transient = transient::is_transient(&error);
                    (Err(error.into()), transient)
                }
            },
            Err(error) => {
                let transient = transaction.met_transient_error();
                // The first error is the one that matters; a connection that cannot even roll
                // back is closed by the pool.
                if let Err(rollback) = transaction.rollback().await {
                    tracing::warn!(error = %rollback, "rollback failed");
                }
                (Err(error), transient)
            }
        }
    }

    pub fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// Statements run so far through this database, for tests that count them.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Can it be reached? A writer that is busy for a second is reachable.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.reader.ping().await?;
        let writer = tokio::time::timeout(Duration::from_secs(1), self.writer.ping());
        writer.await.unwrap_or(Ok(()))
    }

    /// Can it be written to? A full disk and a read-only server are reachable and of no use. A
    /// writer that is busy for a second is fine.
    pub async fn check_writable(&self) -> Result<(), DbErr> {
        let touch = Query::update()
            .table(feed_counter::Entity)
            .value(feed_counter::Column::N, Expr::col(feed_counter::Column::N))
            .to_owned();
        let touch = &touch;
        let touched = self.write(|tx| Box::pin(async move { tx.execute(touch).await.map(drop) }));
        tokio::time::timeout(Duration::from_secs(1), touched).await.unwrap_or(Ok(()))
    }

    /// Closes all connections; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}

/// Did an insert or update break a unique index?
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// A SQLite file and its two companions, deleted on drop.
#[derive(Debug)]
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            // Best effort: the folder is the system's temporary one.
            drop(std::fs::remove_file(name));
        }
    }
}
