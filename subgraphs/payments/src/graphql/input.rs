//! Inputs of mutations and how they become commands.

use async_graphql::{ID, InputObject};
use kit::{
    graphql::{AddressInput, CurrencyCode, DateTime, MinorUnits},
    id::{OrderId, PaymentId, PaymentMethodId, ProductId, RideId, UserId},
};

use super::value::{MoneyInput, currency};
use crate::{
    entity::{payment::CaptureMethod, refund::RefundReason},
    fare::Trip,
    money::Currency,
    operation::{
        capture::Capture,
        catalogue::{AdjustStock, SaveProduct, StockReason},
        method::Attach,
        order::CreateOrder,
        payment::{Confirm, CreatePayment},
        refund::CreateRefund,
        ride::{Authorize, Complete, Tip},
    },
    refusal::Refusal,
};

/// An id of the wanted type; anything else names nothing.
fn id<T>(text: &ID, parse: fn(&str) -> Option<T>, path: &[&'static str]) -> Result<T, Refusal> {
    parse(text).ok_or_else(|| Refusal::not_found("there is nothing with this id", path))
}

#[derive(Debug, InputObject)]
pub(super) struct ProductSaveInput {
    id: Option<ID>,
    sku: String,
    title: String,
    description: Option<String>,
    image_url: Option<String>,
    price: MoneyInput,
    #[graphql(default_with = "Some(true)")]
    active: Option<bool>,
    expected_version: Option<i32>,
}

impl ProductSaveInput {
    pub(super) fn command(self) -> Result<SaveProduct, Refusal> {
        let id = self.id.map(|text| id(&text, ProductId::parse, &["input", "id"])).transpose()?;
        let price = self.price.money(&["input", "price", "currency"])?;
        Ok(SaveProduct {
            id,
            sku: self.sku,
            title: self.title,
            description: self.description,
            image_url: self.image_url,
            price_minor: price.minor,
            currency: price.currency,
            active: self.active.unwrap_or(true),
            expected_version: self.expected_version.map(i64::from),
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct StockAdjustInput {
    product_id: ID,
    delta: i32,
    reason: StockReason,
    pub(super) idempotency_key: String,
}

impl StockAdjustInput {
    pub(super) fn command(&self) -> Result<AdjustStock, Refusal> {
        Ok(AdjustStock {
            product_id: id(&self.product_id, ProductId::parse, &["input", "productId"])?,
            delta: i64::from(self.delta),
            reason: self.reason,
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct PaymentMethodAttachInput {
    /// From POST /vault/v1/tokens; single use, 15 minutes
    token: String,
    billing_address: Option<AddressInput>,
    #[graphql(default_with = "Some(false)")]
    make_default: Option<bool>,
    pub(super) idempotency_key: String,
}

impl PaymentMethodAttachInput {
    pub(super) fn command(&self) -> Attach {
        Attach {
            token: self.token.clone(),
            billing_address: self.billing_address.clone(),
            make_default: self.make_default.unwrap_or(false),
        }
    }
}

#[derive(Debug, InputObject)]
pub(super) struct OrderLineInput {
    product_id: ID,
    quantity: i32,
}

#[derive(Debug, InputObject)]
pub(super) struct OrderCreateInput {
    lines: Vec<OrderLineInput>,
    shipping_address: AddressInput,
    currency: CurrencyCode,
    pub(super) idempotency_key: String,
}

impl OrderCreateInput {
    pub(super) fn command(&self) -> Result<CreateOrder, Refusal> {
        let lines = self.lines.iter();
        Ok(CreateOrder {
            lines: lines
                .map(|line| (line.product_id.to_string(), i64::from(line.quantity)))
                .collect(),
            shipping_address: self.shipping_address.clone(),
            currency: currency(&self.currency, &["input", "currency"])?,
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct PaymentCreateInput {
    order_id: ID,
    #[graphql(default_with = "Some(CaptureMethod::Automatic)")]
    capture_method: Option<CaptureMethod>,
    pub(super) idempotency_key: String,
}

impl PaymentCreateInput {
    pub(super) fn command(&self) -> Result<CreatePayment, Refusal> {
        Ok(CreatePayment {
            order_id: id(&self.order_id, OrderId::parse, &["input", "orderId"])?,
            capture_method: self.capture_method.unwrap_or(CaptureMethod::Automatic),
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct PaymentConfirmInput {
    payment_id: ID,
    payment_method_id: ID,
    pub(super) idempotency_key: String,
    return_url: Option<String>,
}

impl PaymentConfirmInput {
    pub(super) fn command(&self) -> Result<Confirm, Refusal> {
        let method = &self.payment_method_id;
        Ok(Confirm {
            payment_id: id(&self.payment_id, PaymentId::parse, &["input", "paymentId"])?,
            payment_method_id: id(method, PaymentMethodId::parse, &["input", "paymentMethodId"])?,
            return_url: self.return_url.clone(),
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct PaymentCaptureInput {
    payment_id: ID,
    amount: Option<MoneyInput>,
    pub(super) idempotency_key: String,
}

impl PaymentCaptureInput {
    pub(super) fn command(&self) -> Result<Capture, Refusal> {
        let amount = self.amount.as_ref();
        Ok(Capture {
            payment_id: id(&self.payment_id, PaymentId::parse, &["input", "paymentId"])?,
            amount: amount
                .map(|money| money.money(&["input", "amount", "currency"]))
                .transpose()?,
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct RefundLineInput {
    order_line_id: ID,
    quantity: i32,
}

#[derive(Debug, InputObject)]
pub(super) struct RefundCreateInput {
    payment_id: ID,
    amount: Option<MoneyInput>,
    lines: Option<Vec<RefundLineInput>>,
    reason: RefundReason,
    note: Option<String>,
    #[graphql(default_with = "Some(true)")]
    restock: Option<bool>,
    pub(super) idempotency_key: String,
}

impl RefundCreateInput {
    pub(super) fn command(&self) -> Result<CreateRefund, Refusal> {
        let amount = self.amount.as_ref();
        let lines = self.lines.as_ref().map(|lines| {
            lines
                .iter()
                .map(|line| (line.order_line_id.to_string(), i64::from(line.quantity)))
                .collect()
        });
        Ok(CreateRefund {
            payment_id: id(&self.payment_id, PaymentId::parse, &["input", "paymentId"])?,
            amount: amount
                .map(|money| money.money(&["input", "amount", "currency"]))
                .transpose()?,
            lines,
            reason: self.reason,
            note: self.note.clone(),
            restock: self.restock.unwrap_or(true),
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct RideQuoteInput {
    distance_meters: i32,
    duration_seconds: i32,
    currency: CurrencyCode,
    #[graphql(default_with = "Some(100)")]
    surge_percent: Option<i32>,
    #[graphql(default_with = "Some(MinorUnits(0))")]
    tolls_minor: Option<MinorUnits>,
}

impl RideQuoteInput {
    pub(super) fn terms(&self) -> Result<(Currency, Trip), Refusal> {
        let trip = Trip {
            distance_meters: i64::from(self.distance_meters),
            duration_seconds: i64::from(self.duration_seconds),
            surge_percent: i64::from(self.surge_percent.unwrap_or(100)),
            tolls_minor: self.tolls_minor.map_or(0, |tolls| tolls.0),
        };
        Ok((currency(&self.currency, &["input", "currency"])?, trip))
    }
}

#[derive(Debug, InputObject)]
pub(super) struct RideAuthorizeInput {
    quote_token: String,
    driver_id: ID,
    payment_method_id: ID,
    pub(super) idempotency_key: String,
}

impl RideAuthorizeInput {
    pub(super) fn command(&self) -> Result<Authorize, Refusal> {
        let method = &self.payment_method_id;
        Ok(Authorize {
            quote_token: self.quote_token.clone(),
            driver_id: id(&self.driver_id, UserId::parse, &["input", "driverId"])?,
            payment_method_id: id(method, PaymentMethodId::parse, &["input", "paymentMethodId"])?,
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct RideCompleteInput {
    ride_id: ID,
    distance_meters: i32,
    duration_seconds: i32,
    #[graphql(default_with = "Some(MinorUnits(0))")]
    tolls_minor: Option<MinorUnits>,
    pub(super) idempotency_key: String,
}

impl RideCompleteInput {
    pub(super) fn command(&self) -> Result<Complete, Refusal> {
        Ok(Complete {
            ride_id: id(&self.ride_id, RideId::parse, &["input", "rideId"])?,
            distance_meters: i64::from(self.distance_meters),
            duration_seconds: i64::from(self.duration_seconds),
            tolls_minor: self.tolls_minor.map_or(0, |tolls| tolls.0),
        })
    }
}

#[derive(Debug, InputObject)]
pub(super) struct RideTipInput {
    ride_id: ID,
    amount: MoneyInput,
    pub(super) idempotency_key: String,
}

impl RideTipInput {
    pub(super) fn command(&self) -> Result<Tip, Refusal> {
        Ok(Tip {
            ride_id: id(&self.ride_id, RideId::parse, &["input", "rideId"])?,
            amount: self.amount.money(&["input", "amount", "currency"])?,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub(super) enum AnalyticsInterval {
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Debug, InputObject)]
pub(super) struct AnalyticsRange {
    pub(super) from: DateTime,
    pub(super) to: DateTime,
    #[graphql(default_with = "Some(AnalyticsInterval::Day)")]
    pub(super) interval: Option<AnalyticsInterval>,
}
