//! The figures as the schema shows them.

use async_graphql::{ComplexObject, Context, Object, Result, SimpleObject};
use kit::graphql::{CurrencyCode, DateTime, bad_request};

use super::{
    context::{app, loaders},
    input::{AnalyticsInterval, AnalyticsRange},
    int,
    product::Product,
    value::MoneyValue,
};
use crate::{
    analytics::{Figures, Interval, MAX_POINTS, Point, Sales, Span, figures, points, ratio},
    connector::DeclineCode,
    money::{Currency, Money, mul_div_half_even},
};

#[derive(Clone, Debug)]
pub(super) struct PaymentAnalytics {
    figures: Figures,
    currency: Currency,
}

pub(super) async fn of_range(
    ctx: &Context<'_>,
    range: &AnalyticsRange,
    currency: Currency,
) -> Result<PaymentAnalytics> {
    let span = Span { from: range.from, to: range.to };
    let interval = match range.interval.unwrap_or(AnalyticsInterval::Day) {
        AnalyticsInterval::Hour => Interval::Hour,
        AnalyticsInterval::Day => Interval::Day,
        AnalyticsInterval::Week => Interval::Week,
        AnalyticsInterval::Month => Interval::Month,
    };
    if span.from >= span.to {
        return Err(bad_request("`from` must be before `to`"));
    }
    if points(span, interval).len() > MAX_POINTS {
        return Err(bad_request("the range has too many intervals; choose longer ones"));
    }
    let figures = figures(&app(ctx).database, span, interval, currency).await?;
    Ok(PaymentAnalytics { figures, currency })
}

impl PaymentAnalytics {
    fn money(&self, minor: i64) -> MoneyValue {
        Money::new(minor, self.currency).into()
    }
}

#[Object]
impl PaymentAnalytics {
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode::parse(self.currency.code()).expect("codes of ISO 4217 are well-formed")
    }

    async fn gross_volume(&self) -> MoneyValue {
        self.money(self.figures.total.gross)
    }

    async fn net_volume(&self) -> MoneyValue {
        self.money(self.figures.net())
    }

    async fn refunded(&self) -> MoneyValue {
        self.money(self.figures.total.refunded)
    }

    async fn disputed(&self) -> MoneyValue {
        self.money(self.figures.disputed)
    }

    async fn platform_fees(&self) -> MoneyValue {
        self.money(self.figures.platform_fees)
    }

    async fn tips(&self) -> MoneyValue {
        self.money(self.figures.tips)
    }

    async fn paid_out(&self) -> MoneyValue {
        self.money(self.figures.paid_out)
    }

    async fn payment_count(&self) -> i32 {
        int(self.figures.total.payments)
    }

    async fn authorization_rate(&self) -> Option<f64> {
        self.figures.total.attempts.rate()
    }

    async fn refund_rate(&self) -> Option<f64> {
        ratio(self.figures.total.refunded, self.figures.total.gross)
    }

    async fn dispute_rate(&self) -> Option<f64> {
        ratio(self.figures.disputes, self.figures.total.payments)
    }

    async fn average_ticket(&self) -> Option<MoneyValue> {
        let Point { gross, payments, .. } = self.figures.total;
        (payments > 0)
            .then(|| mul_div_half_even(gross, 1, payments).ok())
            .flatten()
            .map(|minor| self.money(minor))
    }

    async fn declines(&self) -> Vec<DeclineCount> {
        let declines = self.figures.declines.iter();
        declines.map(|(code, count)| DeclineCount { code: *code, count: int(*count) }).collect()
    }

    async fn series(&self) -> Vec<PaymentAnalyticsPoint> {
        self.figures
            .series
            .iter()
            .map(|(start, point)| PaymentAnalyticsPoint {
                start: *start,
                gross_volume: self.money(point.gross),
                refunded: self.money(point.refunded),
                payment_count: int(point.payments),
                authorization_rate: point.attempts.rate(),
            })
            .collect()
    }

    async fn top_products(&self, #[graphql(default = 10)] first: Option<i32>) -> Vec<ProductSales> {
        let first = usize::try_from(first.unwrap_or(10)).unwrap_or(0).min(100);
        let sales = self.figures.products.iter().take(first);
        sales
            .map(|sales| ProductSales {
                units_sold: int(sales.units),
                revenue: self.money(sales.revenue),
                sales: *sales,
            })
            .collect()
    }
}

#[derive(Clone, Debug, SimpleObject)]
struct DeclineCount {
    code: DeclineCode,
    count: i32,
}

#[derive(Clone, Debug, SimpleObject)]
struct PaymentAnalyticsPoint {
    start: DateTime,
    gross_volume: MoneyValue,
    refunded: MoneyValue,
    payment_count: i32,
    authorization_rate: Option<f64>,
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
struct ProductSales {
    units_sold: i32,
    revenue: MoneyValue,
    #[graphql(skip)]
    sales: Sales,
}

#[ComplexObject]
impl ProductSales {
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        let row = loaders(ctx).load(self.sales.product_id).await;
        row.map(|row| row.map(Product)).map_err(Into::into).transpose()
    }
}
