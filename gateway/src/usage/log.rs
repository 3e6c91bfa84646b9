//! The database of the usage log: one row per operation text, one per hour, operation and client.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use super::recorder::{Client, Counted};
use crate::check::operations::ClientCount;

#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("usage log `{database}`: write sqlite://FILE or postgres://USER@HOST/NAME")]
    Address { database: String },
    #[error("usage log `{database}`: there is no such file")]
    Missing { database: String },
    #[error("usage log {database}: {source}")]
    Database { database: String, source: sqlx::Error },
}

/// An operation as it was sent, and who sent it how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedOperation {
    pub(crate) name: Option<String>,
    pub(crate) document: String,
    pub(crate) clients: Vec<ClientCount>,
}

#[derive(Clone, Debug)]
pub(crate) struct UsageLog {
    /// Without the password, for messages.
    database: String,
    pool: Pool,
}

#[derive(Clone, Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The address as it may be shown.
pub(crate) fn without_password(database: &str) -> String {
    let Ok(mut url) = url::Url::parse(database) else { return database.to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_ok() {
        return url.into();
    }
    database.to_owned()
}

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS concord_usage_operations (
        id VARCHAR(64) NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        document TEXT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS concord_usage_counts (
        hour BIGINT NOT NULL,
        operation_id VARCHAR(64) NOT NULL,
        client_name VARCHAR(255) NOT NULL,
        client_version VARCHAR(255) NOT NULL,
        requests BIGINT NOT NULL,
        PRIMARY KEY (hour, operation_id, client_name, client_version)
    )",
];

const ADD_OPERATION: &str = "INSERT INTO concord_usage_operations (id, name, document) \
     VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";

const ADD_COUNT: &str = "INSERT INTO concord_usage_counts \
     (hour, operation_id, client_name, client_version, requests) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (hour, operation_id, client_name, client_version) \
     DO UPDATE SET requests = concord_usage_counts.requests + excluded.requests";

const FORGET: [&str; 2] = [
    "DELETE FROM concord_usage_counts WHERE hour < $1",
    "DELETE FROM concord_usage_operations WHERE $1 = $1 AND NOT EXISTS \
     (SELECT 1 FROM concord_usage_counts WHERE operation_id = concord_usage_operations.id)",
];

const SINCE: &str = "SELECT operation.id, operation.name, operation.document, count.client_name, \
     count.client_version, CAST(SUM(count.requests) AS BIGINT) \
     FROM concord_usage_counts count \
     JOIN concord_usage_operations operation ON operation.id = count.operation_id \
     WHERE count.hour >= $1 \
     GROUP BY operation.id, operation.name, operation.document, count.client_name, count.client_version \
     ORDER BY operation.name, operation.id, count.client_name, count.client_version";

type Row = (String, String, String, String, String, i64);

impl UsageLog {
    /// Makes the tables if they are not there.
    pub(crate) async fn open(database: &str) -> Result<Self, UsageError> {
        let log = Self::connect(database, true).await?;
        for statement in TABLES {
            log.execute(statement).await?;
        }
        Ok(log)
    }

    /// For reading: a log that is not there is an error, not an empty one.
    pub(crate) async fn open_existing(database: &str) -> Result<Self, UsageError> {
        Self::connect(database, false).await
    }

    async fn connect(database: &str, create: bool) -> Result<Self, UsageError> {
        let shown = without_password(database);
        let failed = |source| UsageError::Database { database: shown.clone(), source };
        let pool = if let Some(file) = database.strip_prefix("sqlite:") {
            let file = file.trim_start_matches("//");
            if !create && !std::path::Path::new(file).is_file() {
                return Err(UsageError::Missing { database: shown });
            }
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(create)
                .journal_mode(SqliteJournalMode::Wal)
                .busy_timeout(Duration::from_secs(5));
            let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
            Pool::Sqlite(pool.map_err(failed)?)
        } else if database.starts_with("postgres:") || database.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(database).map_err(failed)?;
            let pool = PgPoolOptions::new().max_connections(2).connect_with(options).await;
            Pool::Postgres(pool.map_err(failed)?)
        } else {
            return Err(UsageError::Address { database: shown });
        };
        Ok(Self { database: shown, pool })
    }

    fn failed(&self, source: sqlx::Error) -> UsageError {
        UsageError::Database { database: self.database.clone(), source }
    }

    async fn execute(&self, statement: &'static str) -> Result<(), UsageError> {
        let done = match &self.pool {
            Pool::Sqlite(pool) => sqlx::query(statement).execute(pool).await.map(|_| ()),
            Pool::Postgres(pool) => sqlx::query(statement).execute(pool).await.map(|_| ()),
        };
        done.map_err(|source| self.failed(source))
    }

    /// Adds counts to an hour, all or none.
    pub(super) async fn add(&self, hour: i64, counted: &[Counted]) -> Result<(), UsageError> {
        macro_rules! add {
            ($pool:expr) => {{
                let mut transaction = $pool.begin().await?;
                for Counted { id, operation, client, requests } in counted {
                    let Client { name, version } = client;
                    sqlx::query(ADD_OPERATION)
                        .bind(id)
                        .bind(operation.name.as_deref().unwrap_or_default())
                        .bind(&*operation.document)
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(ADD_COUNT)
                        .bind(hour)
                        .bind(id)
                        .bind(name)
                        .bind(version)
                        .bind(i64::try_from(*requests).unwrap_or(i64::MAX))
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await
            }};
        }
        let work = async {
            match &self.pool {
                Pool::Sqlite(pool) => add!(pool),
                Pool::Postgres(pool) => add!(pool),
            }
        };
        work.await.map_err(|source| self.failed(source))
    }

    /// Removes what is older than `retention`.
    pub(super) async fn forget(&self, retention: Duration) -> Result<(), UsageError> {
        let oldest = hour_of(SystemTime::now() - retention);
        for statement in FORGET {
            let done = match &self.pool {
                Pool::Sqlite(pool) => {
                    sqlx::query(statement).bind(oldest).execute(pool).await.map(|_| ())
                }
                Pool::Postgres(pool) => {
                    sqlx::query(statement).bind(oldest).execute(pool).await.map(|_| ())
                }
            };
            done.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// Every operation of the last `window`.
    pub(crate) async fn since(&self, window: Duration) -> Result<Vec<LoggedOperation>, UsageError> {
        let oldest = hour_of(SystemTime::now() - window);
        let rows: Result<Vec<Row>, sqlx::Error> = match &self.pool {
            Pool::Sqlite(pool) => sqlx::query_as(SINCE).bind(oldest).fetch_all(pool).await,
            Pool::Postgres(pool) => sqlx::query_as(SINCE).bind(oldest).fetch_all(pool).await,
        };
        let mut operations: Vec<LoggedOperation> = Vec::new();
        let mut last = String::new();
        for (id, name, document, client, version, requests) in
            rows.map_err(|source| self.failed(source))?
        {
            let client = ClientCount {
                name: client,
                version,
                count: u64::try_from(requests).unwrap_or_default(),
            };
            match operations.last_mut() {
                Some(operation) if id == last => operation.clients.push(client),
                _ => {
                    let name = Some(name).filter(|name| !name.is_empty());
                    operations.push(LoggedOperation { name, document, clients: vec![client] });
                }
            }
            last = id;
        }
        Ok(operations)
    }
}

/// Hours since 1970.
pub(super) fn hour_of(time: SystemTime) -> i64 {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds / 3_600).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::recorder::SentOperation;
    use super::*;

    fn counted(document: &str, client: &str, requests: u64) -> Counted {
        Counted {
            id: document.to_owned(),
            operation: SentOperation { name: Some("Q".into()), document: Arc::from(document) },
            client: Client { name: client.to_owned(), version: String::new() },
            requests,
        }
    }

    async fn counts_are_added_and_forgotten(database: &str) {
        let log = UsageLog::open(database).await.expect("opens");
        let hour = hour_of(SystemTime::now());
        let week = Duration::from_hours(7 * 24);
        log.add(hour, &[counted("{ a }", "web", 2), counted("{ b }", "app", 1)])
            .await
            .expect("adds");
        log.add(hour, &[counted("{ a }", "web", 3)]).await.expect("adds");
        log.add(hour - 200, &[counted("{ old }", "web", 9)]).await.expect("adds");
        let seen = |operations: Vec<LoggedOperation>| -> Vec<(String, u64)> {
            let sum = |operation: &LoggedOperation| operation.clients.iter().map(|c| c.count).sum();
            operations
                .iter()
                .map(|operation| (operation.document.clone(), sum(operation)))
                .collect()
        };
        let expected = [("{ a }".to_owned(), 5), ("{ b }".to_owned(), 1)];
        let reader = UsageLog::open_existing(database).await.expect("opens");
        assert_eq!(seen(reader.since(week).await.expect("reads")), expected);
        assert_eq!(seen(log.since(week * 2).await.expect("reads")).len(), 3);
        log.forget(week).await.expect("forgets");
        assert_eq!(seen(log.since(week * 2).await.expect("reads")), expected);
    }

    #[tokio::test]
    async fn sqlite() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("usage.db");
        counts_are_added_and_forgotten(&format!("sqlite://{}", file.display())).await;
    }

    #[tokio::test]
    #[expect(clippy::print_stderr, reason = "says what was left out")]
    async fn postgresql() {
        let Ok(server) = std::env::var("CONCORD_TEST_POSTGRES") else {
            eprintln!("not run: CONCORD_TEST_POSTGRES is not set");
            return;
        };
        let name = format!("usage_{}", uuid::Uuid::now_v7().simple());
        let admin = PgPool::connect(&server).await.expect("connects");
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&admin).await.expect("creates");
        let mut url = url::Url::parse(&server).expect("a URL");
        url.set_path(&name);
        counts_are_added_and_forgotten(url.as_str()).await;
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://a:secret@h/d"), "postgres://a:***@h/d");
        assert_eq!(without_password("sqlite://a.db"), "sqlite://a.db");
    }
}
