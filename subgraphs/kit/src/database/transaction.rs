//! A running write transaction. It is a connection like any other, except that it remembers
//! whether one of its statements failed in a way that another try may cure.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use crate::async_trait;

use super::transient::is_transient;

/// Given to the work of [`Database::write`](super::Database::write). The lifetime is that of the
/// locals the work borrows.
#[derive(Debug)]
pub struct Transaction<'outer> {
    inner: DatabaseTransaction,
    transient: AtomicBool,
    outer: PhantomData<&'outer ()>,
}

impl Transaction<'_> {
    pub(super) fn new(inner: DatabaseTransaction) -> Self {
        Self { inner, transient: AtomicBool::new(false), outer: PhantomData }
    }

    pub(super) fn met_transient_error(&self) -> bool {
        self.transient.load(Ordering::Relaxed)
    }

    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }

    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    fn watch<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &outcome
            && is_transient(error)
        {
            self.transient.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

#[async_trait]
impl ConnectionTrait for Transaction<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.watch(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.watch(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.watch(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.watch(self.inner.query_all_raw(statement).await)
    }
}
