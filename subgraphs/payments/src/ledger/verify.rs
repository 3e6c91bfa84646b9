//! Recounts the books from the entries up and reports everything that does not agree.

use std::fmt;

use kit::Database;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};

/// Two numbers that should be equal and are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub what: &'static str,
    pub subject: String,
    pub recorded: i64,
    pub recounted: i64,
}

impl fmt::Display for Drift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, subject, recorded, recounted } = self;
        write!(formatter, "{what} {subject}: recorded {recorded}, recounted {recounted}")
    }
}

/// All drifts; none means the books are right.
pub async fn verify(database: &Database) -> Result<Vec<Drift>, DbErr> {
    let mut drifts = Vec::new();
    for (what, sql) in CHECKS {
        let statement = Statement::from_string(database.backend(), *sql);
        for row in database.read().query_all_raw(statement).await? {
            let Row { subject, recorded, recounted } = Row::from_query_result(&row, "")?;
            drifts.push(Drift { what, subject, recorded, recounted });
        }
    }
    Ok(drifts)
}

#[derive(FromQueryResult)]
struct Row {
    subject: String,
    recorded: i64,
    recounted: i64,
}

/// Each query returns one row per disagreement.
const CHECKS: &[(&str, &str)] = &[
    (
        "transaction does not balance",
        "SELECT currency AS subject, CAST(SUM(debit) AS BIGINT) AS recorded,
                CAST(SUM(credit) AS BIGINT) AS recounted
           FROM ledger_entries GROUP BY tx_id, currency HAVING SUM(debit) <> SUM(credit)",
    ),
    (
        "debits of account",
        "SELECT b.account || ' ' || b.currency AS subject, b.debits AS recorded,
                CAST(COALESCE(e.debits, 0) AS BIGINT) AS recounted
           FROM ledger_balances b
           LEFT JOIN (SELECT account, currency, SUM(debit) AS debits FROM ledger_entries
                       GROUP BY account, currency) e
             ON e.account = b.account AND e.currency = b.currency
          WHERE b.debits <> COALESCE(e.debits, 0)",
    ),
    (
        "credits of account",
        "SELECT b.account || ' ' || b.currency AS subject, b.credits AS recorded,
                CAST(COALESCE(e.credits, 0) AS BIGINT) AS recounted
           FROM ledger_balances b
           LEFT JOIN (SELECT account, currency, SUM(credit) AS credits FROM ledger_entries
                       GROUP BY account, currency) e
             ON e.account = b.account AND e.currency = b.currency
          WHERE b.credits <> COALESCE(e.credits, 0)",
    ),
    (
        "account without a balance",
        "SELECT e.account || ' ' || e.currency AS subject, CAST(0 AS BIGINT) AS recorded,
                CAST(SUM(e.debit) - SUM(e.credit) AS BIGINT) AS recounted
           FROM ledger_entries e
           LEFT JOIN ledger_balances b ON b.account = e.account AND b.currency = e.currency
          WHERE b.account IS NULL GROUP BY e.account, e.currency",
    ),
    (
        "captured amount of payments in",
        "SELECT p.currency AS subject, CAST(SUM(p.captured) AS BIGINT) AS recorded,
                CAST(COALESCE(MAX(l.amount), 0) AS BIGINT) AS recounted
           FROM payments p
           LEFT JOIN (SELECT e.currency, SUM(e.debit) AS amount FROM ledger_entries e
                       JOIN ledger_transactions t ON t.id = e.tx_id
                      WHERE e.account = 'psp_clearing' AND t.kind = 'capture'
                      GROUP BY e.currency) l ON l.currency = p.currency
          GROUP BY p.currency HAVING SUM(p.captured) <> COALESCE(MAX(l.amount), 0)",
    ),
    (
        "refunded amount of payments in",
        "SELECT p.currency AS subject, CAST(SUM(p.refunded) AS BIGINT) AS recorded,
                CAST(COALESCE(MAX(l.amount), 0) AS BIGINT) AS recounted
           FROM payments p
           LEFT JOIN (SELECT e.currency, SUM(e.credit) AS amount FROM ledger_entries e
                       JOIN ledger_transactions t ON t.id = e.tx_id
                      WHERE e.account = 'psp_clearing' AND t.kind = 'refund_settled'
                      GROUP BY e.currency) l ON l.currency = p.currency
          GROUP BY p.currency HAVING SUM(p.refunded) <> COALESCE(MAX(l.amount), 0)",
    ),
    (
        "splits of a captured payment in",
        "SELECT p.currency AS subject, p.captured AS recorded,
                CAST(COALESCE(SUM(s.amount), 0) AS BIGINT) AS recounted
           FROM payments p LEFT JOIN payment_splits s ON s.payment_id = p.id
          WHERE p.captured > 0 GROUP BY p.id, p.currency, p.captured
         HAVING p.captured <> COALESCE(SUM(s.amount), 0)",
    ),
    (
        "pieces on hand of",
        "SELECT p.sku AS subject, s.on_hand AS recorded,
                CAST(COALESCE(SUM(m.delta), 0) AS BIGINT) AS recounted
           FROM stock s JOIN products p ON p.id = s.product_id
           LEFT JOIN stock_movements m ON m.product_id = s.product_id
          GROUP BY p.sku, s.product_id, s.on_hand
         HAVING s.on_hand <> COALESCE(SUM(m.delta), 0)",
    ),
    (
        "reserved pieces of",
        "SELECT p.sku AS subject, s.reserved AS recorded,
                CAST(COALESCE(SUM(m.reserved_delta), 0) AS BIGINT) AS recounted
           FROM stock s JOIN products p ON p.id = s.product_id
           LEFT JOIN stock_movements m ON m.product_id = s.product_id
          GROUP BY p.sku, s.product_id, s.reserved
         HAVING s.reserved <> COALESCE(SUM(m.reserved_delta), 0)",
    ),
    (
        "held reservations of",
        "SELECT p.sku AS subject, s.reserved AS recorded,
                CAST(COALESCE(SUM(r.qty), 0) AS BIGINT) AS recounted
           FROM stock s JOIN products p ON p.id = s.product_id
           LEFT JOIN reservations r ON r.product_id = s.product_id AND r.state = 'HELD'
          GROUP BY p.sku, s.product_id, s.reserved
         HAVING s.reserved <> COALESCE(SUM(r.qty), 0)",
    ),
];
