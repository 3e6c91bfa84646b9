//! The figures counted from the rows: payments, refunds, attempts, disputes and the ledger.

use std::collections::BTreeMap;

use kit::{Database, Timestamp};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TryGetable};

use super::{HOUR, Hour, Sales, Span};
use crate::{connector::DeclineCode, money::Currency};

/// Queries of one range and currency. Numbers are written into the text: they are integers and a
/// code of a closed list, never a caller's text.
pub(super) struct Books<'a> {
    database: &'a Database,
    span: Span,
    code: &'static str,
}

impl<'a> Books<'a> {
    pub(super) fn new(database: &'a Database, span: Span, currency: Currency) -> Self {
        Self { database, span, code: currency.code() }
    }

    async fn rows(&self, sql: String) -> Result<Vec<QueryResult>, DbErr> {
        let statement = Statement::from_string(self.database.backend(), sql);
        self.database.read().query_all_raw(statement).await
    }

    /// `column` within the range.
    fn within(&self, column: &str) -> String {
        format!("{column} >= {} AND {column} < {}", self.span.from.0, self.span.to.0)
    }

    /// Everything but products, by hours.
    pub(super) async fn hours(&self) -> Result<Vec<Hour>, DbErr> {
        let mut hours: BTreeMap<i64, Hour> = BTreeMap::new();
        let at = |row: &QueryResult| -> Result<i64, DbErr> { row.try_get("", "start") };
        let code = self.code;
        let captures = format!(
            "SELECT {bucket} AS start, CAST(SUM(captured) AS BIGINT) AS gross, COUNT(*) AS n,
                    CAST(SUM(CASE WHEN role = 'TIP' THEN captured ELSE 0 END) AS BIGINT) AS tips
               FROM payments WHERE currency = '{code}' AND {within} GROUP BY 1",
            bucket = bucket("captured_at"),
            within = self.within("captured_at"),
        );
        for row in self.rows(captures).await? {
            let hour = hour(&mut hours, at(&row)?);
            hour.gross += row.try_get::<i64>("", "gross")?;
            hour.payments += row.try_get::<i64>("", "n")?;
            hour.tips += row.try_get::<i64>("", "tips")?;
        }
        let refunds = format!(
            "SELECT {bucket} AS start, CAST(SUM(amount) AS BIGINT) AS refunded FROM refunds
              WHERE status = 'SUCCEEDED' AND currency = '{code}' AND {within} GROUP BY 1",
            bucket = bucket("settled_at"),
            within = self.within("settled_at"),
        );
        for row in self.rows(refunds).await? {
            hour(&mut hours, at(&row)?).refunded += row.try_get::<i64>("", "refunded")?;
        }
        let attempts = format!(
            "SELECT {bucket} AS start,
                    CAST(SUM(CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END) AS BIGINT) AS yes,
                    CAST(SUM(CASE WHEN status = 'FAILED' AND decline IS NOT NULL THEN 1 ELSE 0 END)
                         AS BIGINT) AS no
               FROM payment_attempts
              WHERE op = 'AUTHORIZE' AND seq = 1 AND currency = '{code}' AND {within} GROUP BY 1",
            bucket = bucket("started_at"),
            within = self.within("started_at"),
        );
        for row in self.rows(attempts).await? {
            let hour = hour(&mut hours, at(&row)?);
            hour.approved += row.try_get::<i64>("", "yes")?;
            hour.declined += row.try_get::<i64>("", "no")?;
        }
        let declines = format!(
            "SELECT {bucket} AS start, decline, COUNT(*) AS n FROM payment_attempts
              WHERE op = 'AUTHORIZE' AND status = 'FAILED' AND decline IS NOT NULL
                AND currency = '{code}' AND {within} GROUP BY 1, 2",
            bucket = bucket("started_at"),
            within = self.within("started_at"),
        );
        for row in self.rows(declines).await? {
            let decline = DeclineCode::try_get(&row, "", "decline")?;
            let count = row.try_get::<i64>("", "n")?;
            hour(&mut hours, at(&row)?).declines.push((decline, count));
        }
        let disputes = format!(
            "SELECT {bucket} AS start, COUNT(*) AS n
               FROM disputes d JOIN payments p ON p.id = d.payment_id
              WHERE p.currency = '{code}' AND {within} GROUP BY 1",
            bucket = bucket("p.captured_at"),
            within = self.within("p.captured_at"),
        );
        for row in self.rows(disputes).await? {
            hour(&mut hours, at(&row)?).disputes += row.try_get::<i64>("", "n")?;
        }
        let ledger = format!(
            "SELECT {bucket} AS start, e.account AS account, t.kind AS kind,
                    CAST(SUM(e.debit) - SUM(e.credit) AS BIGINT) AS amount
               FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.tx_id
              WHERE e.currency = '{code}' AND {within}
                AND e.account IN ('platform_fees', 'processor_fees', 'disputes_held', 'bank')
              GROUP BY 1, 2, 3",
            bucket = bucket("e.at"),
            within = self.within("e.at"),
        );
        for row in self.rows(ledger).await? {
            let (account, kind): (String, String) =
                (row.try_get("", "account")?, row.try_get("", "kind")?);
            let amount = row.try_get::<i64>("", "amount")?;
            let hour = hour(&mut hours, at(&row)?);
            match (account.as_str(), kind.as_str()) {
                ("platform_fees", _) => hour.platform_fees -= amount,
                ("processor_fees", _) => hour.processor_fees += amount,
                ("disputes_held", "dispute_lost") => hour.disputed -= amount,
                ("bank", "payout_paid") => hour.paid_out -= amount,
                _ => {}
            }
        }
        Ok(hours.into_values().collect())
    }

    pub(super) async fn products(&self) -> Result<Vec<Sales>, DbErr> {
        let sql = format!(
            "SELECT l.product_id AS product_id, CAST(SUM(l.qty) AS BIGINT) AS units,
                    CAST(SUM(l.qty * l.unit_minor) AS BIGINT) AS revenue
               FROM orders o JOIN order_lines l ON l.order_id = o.id
              WHERE o.currency = '{code}' AND {within}
              GROUP BY l.product_id ORDER BY revenue DESC, units DESC, product_id LIMIT 100",
            within = self.within("o.paid_at"),
            code = self.code,
        );
        self.rows(sql).await?.iter().map(Sales::of).collect()
    }
}

/// The sums of the hour that begins at `start`.
fn hour(hours: &mut BTreeMap<i64, Hour>, start: i64) -> &mut Hour {
    hours.entry(start).or_insert_with(|| Hour { start: Timestamp(start), ..Hour::default() })
}

fn bucket(column: &str) -> String {
    format!("({column} / {HOUR}) * {HOUR}")
}
