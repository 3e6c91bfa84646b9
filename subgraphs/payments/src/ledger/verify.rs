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
    (
        "earnings of drivers and their balances in",
        "SELECT b.currency AS subject, CAST(SUM(b.credits - b.debits) AS BIGINT) AS recorded,
                CAST(MAX(e.pending) AS BIGINT) AS recounted
           FROM ledger_balances b
           JOIN (SELECT currency, SUM(CASE WHEN released_at IS NULL THEN amount - reversed ELSE 0 END)
                        AS pending FROM driver_earnings GROUP BY currency) e
             ON e.currency = b.currency
          WHERE b.account LIKE 'driver:%:pending' GROUP BY b.currency
         HAVING SUM(b.credits - b.debits) <> MAX(e.pending)",
    ),
    (
        "payouts under way in",
        "SELECT b.currency AS subject, b.credits - b.debits AS recorded,
                CAST(COALESCE(p.amount, 0) AS BIGINT) AS recounted
           FROM ledger_balances b
           LEFT JOIN (SELECT currency, SUM(amount) AS amount FROM payouts
                       WHERE status IN ('PENDING', 'IN_TRANSIT') GROUP BY currency) p
             ON p.currency = b.currency
          WHERE b.account = 'payouts_in_transit' AND b.credits - b.debits <> COALESCE(p.amount, 0)",
    ),
    (
        "disputed money held in",
        "SELECT b.currency AS subject, b.debits - b.credits AS recorded,
                CAST(COALESCE(d.amount, 0) AS BIGINT) AS recounted
           FROM ledger_balances b
           LEFT JOIN (SELECT currency, SUM(amount) AS amount FROM disputes
                       WHERE status IN ('NEEDS_RESPONSE', 'UNDER_REVIEW') GROUP BY currency) d
             ON d.currency = b.currency
          WHERE b.account = 'disputes_held' AND b.debits - b.credits <> COALESCE(d.amount, 0)",
    ),
    (
        "refunds promised and not made in",
        "SELECT b.currency AS subject, b.credits - b.debits AS recorded,
                CAST(COALESCE(r.amount, 0) AS BIGINT) AS recounted
           FROM ledger_balances b
           LEFT JOIN (SELECT currency, SUM(amount) AS amount FROM refunds
                       WHERE status = 'PENDING' GROUP BY currency) r ON r.currency = b.currency
          WHERE b.account = 'refunds_payable' AND b.credits - b.debits <> COALESCE(r.amount, 0)",
    ),
    (
        "debts of riders in",
        "SELECT b.currency AS subject, CAST(SUM(b.debits - b.credits) AS BIGINT) AS recorded,
                CAST(COALESCE(MAX(r.debt), 0) AS BIGINT) AS recounted
           FROM ledger_balances b
           LEFT JOIN (SELECT currency, SUM(debt_minor) AS debt FROM rides GROUP BY currency) r
             ON r.currency = b.currency
          WHERE b.account LIKE 'rider:%:debt' GROUP BY b.currency
         HAVING SUM(b.debits - b.credits) <> COALESCE(MAX(r.debt), 0)",
    ),
    (
        "amounts of payments, by rule",
        "SELECT 'payment' AS subject, captured AS recorded, refund_reserved AS recounted
           FROM payments
          WHERE captured > authorized OR refund_reserved > captured OR refunded > refund_reserved",
    ),
    (
        "kept sums of hour",
        "SELECT currency || ' ' || CAST(hour AS TEXT) AS subject,
                CAST(SUM(gross) AS BIGINT) AS recorded,
                CAST(SUM(payments + tips + refunded + approved + declined + platform_fees
                         + processor_fees + disputed + paid_out + disputes) AS BIGINT) AS recounted
           FROM (
            SELECT currency, hour, -gross AS gross, -payments AS payments, -tips AS tips,
                   -refunded AS refunded, -approved AS approved, -declined AS declined,
                   -platform_fees AS platform_fees, -processor_fees AS processor_fees,
                   -disputed AS disputed, -paid_out AS paid_out, -disputes AS disputes
              FROM analytics_hours
            UNION ALL
            SELECT currency, (captured_at / 3600000) * 3600000, captured, 1,
                   CASE WHEN role = 'TIP' THEN captured ELSE 0 END, 0, 0, 0, 0, 0, 0, 0, 0
              FROM payments WHERE captured_at IS NOT NULL
            UNION ALL
            SELECT currency, (settled_at / 3600000) * 3600000, 0, 0, 0, amount, 0, 0, 0, 0, 0, 0, 0
              FROM refunds WHERE status = 'SUCCEEDED'
            UNION ALL
            SELECT currency, (started_at / 3600000) * 3600000, 0, 0, 0, 0,
                   CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END,
                   CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END, 0, 0, 0, 0, 0
              FROM payment_attempts
             WHERE op = 'AUTHORIZE' AND seq = 1
               AND (status = 'SUCCEEDED' OR (status = 'FAILED' AND decline IS NOT NULL))
            UNION ALL
            SELECT e.currency, (e.at / 3600000) * 3600000, 0, 0, 0, 0, 0, 0,
                   CASE WHEN e.account = 'platform_fees' THEN e.credit - e.debit ELSE 0 END,
                   CASE WHEN e.account = 'processor_fees' THEN e.debit - e.credit ELSE 0 END,
                   CASE WHEN e.account = 'disputes_held' AND t.kind = 'dispute_lost'
                        THEN e.credit - e.debit ELSE 0 END,
                   CASE WHEN e.account = 'bank' AND t.kind = 'payout_paid'
                        THEN e.credit - e.debit ELSE 0 END, 0
              FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.tx_id
             WHERE e.account IN ('platform_fees', 'processor_fees', 'disputes_held', 'bank')
            UNION ALL
            SELECT p.currency, (p.captured_at / 3600000) * 3600000,
                   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
              FROM disputes d JOIN payments p ON p.id = d.payment_id
           ) AS parts
          GROUP BY currency, hour
         HAVING SUM(gross) <> 0 OR SUM(payments) <> 0 OR SUM(tips) <> 0 OR SUM(refunded) <> 0
             OR SUM(approved) <> 0 OR SUM(declined) <> 0 OR SUM(platform_fees) <> 0
             OR SUM(processor_fees) <> 0 OR SUM(disputed) <> 0 OR SUM(paid_out) <> 0
             OR SUM(disputes) <> 0",
    ),
    (
        "kept declines of hour",
        "SELECT currency || ' ' || code || ' ' || CAST(hour AS TEXT) AS subject,
                CAST(SUM(kept) AS BIGINT) AS recorded, CAST(SUM(counted) AS BIGINT) AS recounted
           FROM (
            SELECT currency, hour, code, n AS kept, 0 AS counted FROM analytics_declines
            UNION ALL
            SELECT currency, (started_at / 3600000) * 3600000, decline, 0, 1 FROM payment_attempts
             WHERE op = 'AUTHORIZE' AND status = 'FAILED' AND decline IS NOT NULL
           ) AS parts
          GROUP BY currency, hour, code HAVING SUM(kept) <> SUM(counted)",
    ),
    (
        "kept sales of products in",
        "SELECT currency || ' ' || CAST(days AS TEXT) AS subject,
                CAST(SUM(kept) AS BIGINT) AS recorded, CAST(SUM(counted) AS BIGINT) AS recounted
           FROM (
            SELECT currency, days, start, product_id, revenue AS kept, 0 AS counted
              FROM analytics_products
            UNION ALL
            SELECT o.currency, d.days, (o.paid_at / (d.days * 86400000)) * d.days * 86400000,
                   l.product_id, 0, l.qty * l.unit_minor
              FROM orders o JOIN order_lines l ON l.order_id = o.id
              JOIN (SELECT CAST(1 AS BIGINT) AS days UNION ALL SELECT CAST(32 AS BIGINT)) d ON o.paid_at IS NOT NULL
           ) AS parts
          GROUP BY currency, days, start, product_id HAVING SUM(kept) <> SUM(counted)",
    ),
];
