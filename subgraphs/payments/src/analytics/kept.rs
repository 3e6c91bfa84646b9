//! Sums that are kept in the transaction that moves the money, and how a range is read from them.
//!
//! Rows are added to, never set, so parallel transactions agree in any order.

use std::collections::BTreeMap;

use kit::{Database, Timestamp, id::ProductId};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TryGetable};

use super::{DAY, HOUR, Hour, Interval, Sales, Span};
use crate::{
    connector::DeclineCode,
    entity::{
        order, order_line, payment,
        payment_attempt::{self, AttemptOperation, AttemptStatus},
    },
    ledger::Account,
    money::Currency,
};

/// Days in the longer stretch for which products' sales are kept.
const BLOCK: i64 = 32;

const COLUMNS: [&str; 11] = [
    "gross",
    "payments",
    "tips",
    "refunded",
    "approved",
    "declined",
    "platform_fees",
    "processor_fees",
    "disputed",
    "paid_out",
    "disputes",
];

fn values(hour: &Hour) -> [i64; 11] {
    let Hour {
        start: _,
        gross,
        payments,
        tips,
        refunded,
        approved,
        declined,
        platform_fees,
        processor_fees,
        disputed,
        paid_out,
        disputes,
        declines: _,
    } = hour;
    [
        *gross,
        *payments,
        *tips,
        *refunded,
        *approved,
        *declined,
        *platform_fees,
        *processor_fees,
        *disputed,
        *paid_out,
        *disputes,
    ]
}

/// What a batch of postings adds to the sums.
#[derive(Debug, Default)]
pub(crate) struct Kept(BTreeMap<(Currency, i64), Hour>);

impl Kept {
    fn hour(&mut self, currency: Currency, at: Timestamp) -> &mut Hour {
        self.0.entry((currency, at.0.div_euclid(HOUR) * HOUR)).or_default()
    }

    /// Notes one entry of a posting: debits positive, credits negative.
    pub(crate) fn posted(
        &mut self,
        kind: &str,
        tip: bool,
        account: &Account,
        currency: Currency,
        amount: i64,
        at: Timestamp,
    ) {
        match (account, kind) {
            (Account::PspClearing, "capture") => {
                let hour = self.hour(currency, at);
                hour.gross += amount;
                hour.payments += 1;
                hour.tips += if tip { amount } else { 0 };
            }
            (Account::PspClearing, "refund_settled") => self.hour(currency, at).refunded -= amount,
            (Account::PlatformFees, _) => self.hour(currency, at).platform_fees -= amount,
            (Account::ProcessorFees, _) => self.hour(currency, at).processor_fees += amount,
            (Account::DisputesHeld, "dispute_lost") => self.hour(currency, at).disputed -= amount,
            (Account::Bank, "payout_paid") => self.hour(currency, at).paid_out -= amount,
            _ => {}
        }
    }

    pub(crate) fn attempt(&mut self, attempt: &payment_attempt::Model) {
        let (status, decline) = (attempt.status, attempt.decline);
        if let Some(hour) = first_attempt(attempt, status, decline.is_some()) {
            let sum = self.hour(attempt.currency, attempt.started_at);
            sum.approved += hour.approved;
            sum.declined += hour.declined;
        }
    }

    /// Adds everything to the kept sums, in the order of currency and hour.
    pub(crate) async fn write(self, tx: &impl ConnectionTrait) -> Result<(), DbErr> {
        for ((currency, start), hour) in self.0 {
            add(tx, currency, start, &hour).await?;
        }
        Ok(())
    }
}

async fn add(
    tx: &impl ConnectionTrait,
    currency: Currency,
    start: i64,
    hour: &Hour,
) -> Result<(), DbErr> {
    let columns = COLUMNS.join(", ");
    let numbers: Vec<String> = values(hour).iter().map(i64::to_string).collect();
    let changes: Vec<String> = COLUMNS
        .iter()
        .zip(values(hour))
        .filter(|(_, value)| *value != 0)
        .map(|(column, _)| format!("{column} = analytics_hours.{column} + excluded.{column}"))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    run(
        tx,
        format!(
            "INSERT INTO analytics_hours (currency, hour, {columns})
             VALUES ('{code}', {start}, {numbers})
             ON CONFLICT (currency, hour) DO UPDATE SET {changes}",
            code = currency.code(),
            numbers = numbers.join(", "),
            changes = changes.join(", "),
        ),
    )
    .await
}

/// Integers and closed lists of words only; nothing of a caller's gets into the text.
async fn run(tx: &impl ConnectionTrait, sql: String) -> Result<(), DbErr> {
    tx.execute_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
    Ok(())
}

fn first_attempt(
    attempt: &payment_attempt::Model,
    status: AttemptStatus,
    declined: bool,
) -> Option<Hour> {
    if attempt.op != AttemptOperation::Authorize || attempt.seq != 1 {
        return None;
    }
    match status {
        AttemptStatus::Succeeded => Some(Hour { approved: 1, ..Hour::default() }),
        AttemptStatus::Failed if declined => Some(Hour { declined: 1, ..Hour::default() }),
        AttemptStatus::Failed | AttemptStatus::Pending | AttemptStatus::Unknown => None,
    }
}

/// Notes how an attempt ended.
pub(crate) async fn attempt_closed(
    tx: &impl ConnectionTrait,
    attempt: &payment_attempt::Model,
    status: AttemptStatus,
    decline: Option<(DeclineCode, &str)>,
) -> Result<(), DbErr> {
    let start = attempt.started_at.0.div_euclid(HOUR) * HOUR;
    if let Some(hour) = first_attempt(attempt, status, decline.is_some()) {
        add(tx, attempt.currency, start, &hour).await?;
    }
    let Some((code, _)) = decline.filter(|_| attempt.op == AttemptOperation::Authorize) else {
        return Ok(());
    };
    run(
        tx,
        format!(
            "INSERT INTO analytics_declines (currency, hour, code, n)
             VALUES ('{currency}', {start}, '{code}', 1)
             ON CONFLICT (currency, hour, code) DO UPDATE SET n = analytics_declines.n + 1",
            currency = attempt.currency.code(),
            code = sea_orm::ActiveEnum::to_value(&code),
        ),
    )
    .await
}

/// Notes that a payment is contested, at the time it was captured.
pub(crate) async fn disputed(
    tx: &impl ConnectionTrait,
    payment: &payment::Model,
) -> Result<(), DbErr> {
    let Some(at) = payment.captured_at else { return Ok(()) };
    let hour = Hour { disputes: 1, ..Hour::default() };
    add(tx, payment.currency, at.0.div_euclid(HOUR) * HOUR, &hour).await
}

/// What orders have sold, by currency, length and start of the stretch, and product.
#[derive(Debug, Default)]
pub(crate) struct Sold(BTreeMap<(Currency, i64, i64, ProductId), (i64, i64)>);

impl Sold {
    pub(crate) fn line(&mut self, currency: Currency, line: &order_line::Model, at: Timestamp) {
        for days in [1, BLOCK] {
            let start = at.0.div_euclid(days * DAY) * days * DAY;
            let sum = self.0.entry((currency, days, start, line.product_id)).or_default();
            sum.0 += line.qty;
            sum.1 += line.qty * line.unit_minor;
        }
    }

    /// Adds everything to the kept sums, in one order for everybody.
    pub(crate) async fn write(self, tx: &impl ConnectionTrait) -> Result<(), DbErr> {
        let backend = tx.get_database_backend();
        let marks = match backend {
            sea_orm::DbBackend::Postgres => "$1, $2, $3, $4, $5, $6",
            _ => "?, ?, ?, ?, ?, ?",
        };
        let sql = format!(
            "INSERT INTO analytics_products (currency, days, start, product_id, units, revenue)
             VALUES ({marks}) ON CONFLICT (currency, days, start, product_id) DO UPDATE
             SET units = analytics_products.units + excluded.units,
                 revenue = analytics_products.revenue + excluded.revenue"
        );
        for ((currency, days, start, product), (units, revenue)) in self.0 {
            let values = [
                currency.code().into(),
                days.into(),
                start.into(),
                product.uuid().into(),
                units.into(),
                revenue.into(),
            ];
            tx.execute_raw(Statement::from_sql_and_values(backend, &sql, values)).await?;
        }
        Ok(())
    }
}

/// Notes what a paid order has sold.
pub(crate) async fn sold(
    tx: &impl ConnectionTrait,
    order: &order::Model,
    lines: &[order_line::Model],
    at: Timestamp,
) -> Result<(), DbErr> {
    let mut sold = Sold::default();
    for line in lines {
        sold.line(order.currency, line, at);
    }
    sold.write(tx).await
}

async fn query(database: &Database, sql: String) -> Result<Vec<QueryResult>, DbErr> {
    let statement = Statement::from_string(database.backend(), sql);
    database.read().query_all_raw(statement).await
}

/// Whole hours of the range, in stretches no longer than the interval.
pub(super) async fn hours(
    database: &Database,
    span: Span,
    interval: Interval,
    currency: Currency,
) -> Result<Vec<Hour>, DbErr> {
    let grain = interval.grain();
    let code = currency.code();
    let within =
        format!("currency = '{code}' AND hour >= {} AND hour < {}", span.from.0, span.to.0);
    let sums: Vec<String> =
        COLUMNS.iter().map(|column| format!("CAST(SUM({column}) AS BIGINT) AS {column}")).collect();
    let sql = format!(
        "SELECT (hour / {grain}) * {grain} AS start, {sums} FROM analytics_hours
          WHERE {within} GROUP BY 1",
        sums = sums.join(", "),
    );
    let mut found = Vec::new();
    for row in query(database, sql).await? {
        let sum = |column: &str| row.try_get::<i64>("", column);
        found.push(Hour {
            // A day may have begun before the range.
            start: Timestamp(row.try_get::<i64>("", "start")?.max(span.from.0)),
            gross: sum("gross")?,
            payments: sum("payments")?,
            tips: sum("tips")?,
            refunded: sum("refunded")?,
            approved: sum("approved")?,
            declined: sum("declined")?,
            platform_fees: sum("platform_fees")?,
            processor_fees: sum("processor_fees")?,
            disputed: sum("disputed")?,
            paid_out: sum("paid_out")?,
            disputes: sum("disputes")?,
            declines: Vec::new(),
        });
    }
    let sql = format!(
        "SELECT code, CAST(SUM(n) AS BIGINT) AS n FROM analytics_declines
          WHERE {within} GROUP BY code"
    );
    let mut declines = Vec::new();
    for row in query(database, sql).await? {
        declines.push((DeclineCode::try_get(&row, "", "code")?, row.try_get("", "n")?));
    }
    if !declines.is_empty() {
        found.push(Hour { start: span.from, declines, ..Hour::default() });
    }
    Ok(found)
}

impl Sales {
    pub(super) fn of(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            product_id: row.try_get("", "product_id")?,
            units: row.try_get("", "units")?,
            revenue: row.try_get("", "revenue")?,
        })
    }
}

/// The best-selling products: long stretches, days around them, rows at the edges.
pub(super) async fn products(
    database: &Database,
    span: Span,
    currency: Currency,
) -> Result<Vec<Sales>, DbErr> {
    let code = currency.code();
    let mut parts = Vec::new();
    let rows = |span: Span| {
        format!(
            "SELECT l.product_id AS product_id, l.qty AS units, l.qty * l.unit_minor AS revenue
               FROM orders o JOIN order_lines l ON l.order_id = o.id
              WHERE o.currency = '{code}' AND o.paid_at >= {} AND o.paid_at < {}",
            span.from.0, span.to.0
        )
    };
    let kept = |span: Span, days: i64| {
        format!(
            "SELECT product_id, units, revenue FROM analytics_products
              WHERE currency = '{code}' AND days = {days} AND start >= {} AND start < {}",
            span.from.0, span.to.0
        )
    };
    match span.whole(DAY) {
        None => parts.push(rows(span)),
        Some(whole_days) => {
            parts.extend(span.around(whole_days).map(rows));
            match whole_days.whole(BLOCK * DAY) {
                None => parts.push(kept(whole_days, 1)),
                Some(blocks) => {
                    parts.extend(whole_days.around(blocks).map(|days| kept(days, 1)));
                    parts.push(kept(blocks, BLOCK));
                }
            }
        }
    }
    let sql = format!(
        "SELECT product_id, CAST(SUM(units) AS BIGINT) AS units,
                CAST(SUM(revenue) AS BIGINT) AS revenue
           FROM ({parts}) AS parts
          GROUP BY product_id ORDER BY revenue DESC, units DESC, product_id LIMIT 100",
        parts = parts.join(" UNION ALL ")
    );
    query(database, sql).await?.iter().map(Sales::of).collect()
}
