//! The double-entry ledger. Entries are only ever added; a correction is a reversal.
//!
//! A [`Posting`] balances by construction or is refused. Running balances are kept as two sums
//! that only grow, so parallel postings never read before they write.

mod account;
mod verify;

use std::collections::BTreeMap;

use kit::{Timestamp, Uuid, id::PaymentId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    sea_query::{Alias, Expr, ExprTrait, OnConflict},
};

use crate::{
    analytics,
    entity::{ledger_balance, ledger_entry, ledger_transaction},
    money::{Currency, Money},
};

pub use account::Account;
pub use verify::{Drift, verify};

/// Why a posting was not made.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("posting {kind} of {source_type} does not balance in {currency}")]
    Unbalanced { source_type: &'static str, kind: &'static str, currency: Currency },
    #[error("posting {kind} of {source_type} has no entries")]
    Empty { source_type: &'static str, kind: &'static str },
    #[error("the ledger could not be written")]
    Storage(#[from] DbErr),
}

/// One balanced transaction to be posted.
#[derive(Clone, Debug)]
pub struct Posting {
    source_type: &'static str,
    source_id: Uuid,
    kind: &'static str,
    payment_id: Option<PaymentId>,
    reverses: Option<Uuid>,
    at: Timestamp,
    /// What is captured is a tip.
    tip: bool,
    /// Account, amount in minor units: debits positive, credits negative.
    entries: Vec<(Account, Currency, i64)>,
}

impl Posting {
    /// A posting of `kind` for a source; the pair can be posted once.
    pub fn new(
        source_type: &'static str,
        source_id: impl Into<Uuid>,
        kind: &'static str,
        at: Timestamp,
    ) -> Self {
        Self {
            source_type,
            source_id: source_id.into(),
            kind,
            payment_id: None,
            reverses: None,
            at,
            tip: false,
            entries: Vec::new(),
        }
    }

    #[must_use]
    pub fn payment(mut self, payment: PaymentId) -> Self {
        self.payment_id = Some(payment);
        self
    }

    #[must_use]
    pub fn tip(mut self, tip: bool) -> Self {
        self.tip = tip;
        self
    }

    #[must_use]
    pub fn reversing(mut self, transaction: Uuid) -> Self {
        self.reverses = Some(transaction);
        self
    }

    #[must_use]
    pub fn debit(mut self, account: Account, amount: Money) -> Self {
        self.entries.push((account, amount.currency, amount.minor));
        self
    }

    #[must_use]
    pub fn credit(mut self, account: Account, amount: Money) -> Self {
        self.entries.push((account, amount.currency, -amount.minor));
        self
    }

    /// Entries that move something; every currency must add up to nothing.
    fn balanced(&self) -> Result<Vec<(&Account, Currency, i64)>, LedgerError> {
        let entries: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, _, amount)| *amount != 0)
            .map(|(account, currency, amount)| (account, *currency, *amount))
            .collect();
        let Self { source_type, kind, .. } = *self;
        if entries.is_empty() {
            return Err(LedgerError::Empty { source_type, kind });
        }
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (_, currency, amount) in &entries {
            *sums.entry(*currency).or_default() += i128::from(*amount);
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((currency, _)) => Err(LedgerError::Unbalanced { source_type, kind, currency }),
            None => Ok(entries),
        }
    }
}

/// Posts one transaction and returns its id.
pub async fn post(tx: &impl ConnectionTrait, posting: Posting) -> Result<Uuid, LedgerError> {
    let ids = post_all(tx, std::slice::from_ref(&posting)).await?;
    ids.first()
        .copied()
        .ok_or(LedgerError::Empty { source_type: posting.source_type, kind: posting.kind })
}

/// Posts many transactions with few statements; what a bulk load needs.
pub async fn post_all(
    tx: &impl ConnectionTrait,
    postings: &[Posting],
) -> Result<Vec<Uuid>, LedgerError> {
    let mut ids = Vec::with_capacity(postings.len());
    let mut transactions = Vec::with_capacity(postings.len());
    let mut entries = Vec::new();
    let mut sums: BTreeMap<(String, Currency), (i64, i64)> = BTreeMap::new();
    let mut kept = analytics::Kept::default();
    for posting in postings {
        let id = kit::id::new_id(posting.at);
        ids.push(id);
        for (account, currency, amount) in posting.balanced()? {
            let (debit, credit) = (std::cmp::max(amount, 0), std::cmp::max(-amount, 0));
            let sum = sums.entry((account.to_string(), currency)).or_default();
            sum.0 += debit;
            sum.1 += credit;
            kept.posted(posting.kind, posting.tip, account, currency, amount, posting.at);
            entries.push(ledger_entry::ActiveModel {
                id: Set(kit::id::new_id(posting.at)),
                tx_id: Set(id),
                account: Set(account.to_string()),
                currency: Set(currency),
                debit: Set(debit),
                credit: Set(credit),
                at: Set(posting.at),
            });
        }
        transactions.push(ledger_transaction::ActiveModel {
            id: Set(id),
            source_type: Set(posting.source_type.to_owned()),
            source_id: Set(posting.source_id),
            kind: Set(posting.kind.to_owned()),
            reverses: Set(posting.reverses),
            payment_id: Set(posting.payment_id),
            at: Set(posting.at),
        });
    }
    for chunk in transactions.chunks(BATCH) {
        ledger_transaction::Entity::insert_many(chunk.to_vec()).exec_without_returning(tx).await?;
    }
    for chunk in entries.chunks(BATCH) {
        ledger_entry::Entity::insert_many(chunk.to_vec()).exec_without_returning(tx).await?;
    }
    kept.write(tx).await?;
    add_to_balances(tx, sums).await?;
    Ok(ids)
}

/// Rows per insert: well below every engine's limit of bound values.
const BATCH: usize = 500;

/// Adds to the running sums, in the order of account names so that two postings cannot wait for
/// each other.
async fn add_to_balances(
    tx: &impl ConnectionTrait,
    sums: BTreeMap<(String, Currency), (i64, i64)>,
) -> Result<(), DbErr> {
    let rows: Vec<_> = sums
        .into_iter()
        .map(|((account, currency), (debits, credits))| ledger_balance::ActiveModel {
            account: Set(account),
            currency: Set(currency),
            debits: Set(debits),
            credits: Set(credits),
        })
        .collect();
    let sum_of = |column: ledger_balance::Column| {
        Expr::col((ledger_balance::Entity, column)).add(Expr::col((Alias::new("excluded"), column)))
    };
    for chunk in rows.chunks(BATCH) {
        ledger_balance::Entity::insert_many(chunk.to_vec())
            .on_conflict(
                OnConflict::columns([
                    ledger_balance::Column::Account,
                    ledger_balance::Column::Currency,
                ])
                .value(ledger_balance::Column::Debits, sum_of(ledger_balance::Column::Debits))
                .value(ledger_balance::Column::Credits, sum_of(ledger_balance::Column::Credits))
                .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// The entries of an earlier transaction: accounts with what was debited (negative: credited).
pub async fn entries_of(
    tx: &impl ConnectionTrait,
    (source_type, source_id, kind): (&'static str, Uuid, &str),
) -> Result<Vec<(Account, Money)>, LedgerError> {
    let missing = || DbErr::RecordNotFound(format!("{kind} of {source_type} {source_id}"));
    let original = ledger_transaction::Entity::find()
        .filter(ledger_transaction::Column::SourceType.eq(source_type))
        .filter(ledger_transaction::Column::SourceId.eq(source_id))
        .filter(ledger_transaction::Column::Kind.eq(kind))
        .one(tx)
        .await?
        .ok_or_else(missing)?;
    let entries = ledger_entry::Entity::find()
        .filter(ledger_entry::Column::TxId.eq(original.id))
        .all(tx)
        .await?;
    let entries = entries.into_iter().map(|entry| {
        let account = Account::parse(&entry.account).ok_or_else(missing)?;
        Ok((account, Money::new(entry.debit - entry.credit, entry.currency)))
    });
    entries.collect()
}

/// Posts the mirror image of an earlier transaction, named by its source and kind.
pub async fn reverse(
    tx: &impl ConnectionTrait,
    (source_type, source_id, kind): (&'static str, Uuid, &str),
    reversal: &'static str,
    at: Timestamp,
) -> Result<Uuid, LedgerError> {
    let missing = || DbErr::RecordNotFound(format!("{kind} of {source_type} {source_id}"));
    let original = ledger_transaction::Entity::find()
        .filter(ledger_transaction::Column::SourceType.eq(source_type))
        .filter(ledger_transaction::Column::SourceId.eq(source_id))
        .filter(ledger_transaction::Column::Kind.eq(kind))
        .one(tx)
        .await?
        .ok_or_else(missing)?;
    let entries = ledger_entry::Entity::find()
        .filter(ledger_entry::Column::TxId.eq(original.id))
        .all(tx)
        .await?;
    let mut posting = Posting::new(source_type, source_id, reversal, at).reversing(original.id);
    posting.payment_id = original.payment_id;
    for entry in entries {
        let account = Account::parse(&entry.account).ok_or_else(missing)?;
        let amount = Money::new(entry.credit - entry.debit, entry.currency);
        posting = posting.debit(account, amount);
    }
    post(tx, posting).await
}
