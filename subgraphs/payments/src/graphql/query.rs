//! The root of reading, and how the gateway reaches entities.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object, Result, SimpleObject};
use kit::{
    PageArgs, caller,
    graphql::{
        AddressInput, CountryCode, CurrencyCode, DateTime, bad_request, forbidden, scopes,
        unauthenticated,
    },
    id::{
        DisputeId, OrderId, PaymentId, PaymentMethodId, PayoutId, ProductId, RefundId, RideId,
        UserId,
    },
};

use super::{
    analytics::{self, PaymentAnalytics},
    context::{app, error_of, loaders, owner, owner_or_support},
    dispute::Dispute,
    driver::Payout,
    input::{AnalyticsRange, RideQuoteInput},
    method::PaymentMethod,
    order::Order,
    payment::Payment,
    product::{self, Listing, Product, ProductConnection, ProductSort},
    reader::Sku,
    refund::Refund,
    ride::Ride,
    user::User,
    value::{MoneyValue, currency},
};
use crate::{
    address::{AddressFormat, Validation, address_format, validate},
    operation::ride,
    refusal::{Failure, Refusal},
};

#[derive(Debug, Default)]
pub(crate) struct Query;

#[Object]
impl Query {
    async fn product(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        sku: Option<String>,
    ) -> Option<Result<Product>> {
        match (id, sku) {
            (Some(id), None) => product_by_id(ctx, &id).await.transpose(),
            (None, Some(sku)) => product_by_sku(ctx, sku).await.transpose(),
            _ => Some(Err(bad_request("name a product by its id or by its sku"))),
        }
    }

    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<String>,
        search: Option<String>,
        in_stock: Option<bool>,
        #[graphql(default_with = "Some(ProductSort::Newest)")] sort: Option<ProductSort>,
    ) -> Option<Result<ProductConnection>> {
        let sort = sort.unwrap_or(ProductSort::Newest);
        let args = PageArgs::new(first, after, None, None);
        Some(product::list(ctx, args, Listing { search, in_stock, sort }).await)
    }

    async fn address_format(&self, country_code: CountryCode) -> Option<AddressFormat> {
        address_format(&country_code)
    }

    async fn address_validate(
        &self,
        ctx: &Context<'_>,
        address: AddressInput,
    ) -> Option<Validation> {
        Some(validate(&address, &app(ctx).config.shipping))
    }

    #[graphql(requires_scopes = "payments:read")]
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Order>> {
        match scopes(ctx, &["payments:read"]) {
            Ok(()) => order(ctx, &id).await.transpose(),
            Err(error) => Some(Err(error)),
        }
    }

    #[graphql(requires_scopes = "payments:read")]
    async fn payment(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Payment>> {
        match scopes(ctx, &["payments:read"]) {
            Ok(()) => payment(ctx, &id).await.transpose(),
            Err(error) => Some(Err(error)),
        }
    }

    #[graphql(requires_scopes = "payments:read")]
    async fn ride(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Ride>> {
        match scopes(ctx, &["payments:read"]) {
            Ok(()) => own_ride(ctx, &id).await.transpose(),
            Err(error) => Some(Err(error)),
        }
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn ride_quote(
        &self,
        ctx: &Context<'_>,
        input: RideQuoteInput,
    ) -> Option<Result<RideQuote>> {
        Some(ride_quote(ctx, &input))
    }

    #[graphql(requires_scopes = "payments:analytics")]
    async fn payment_analytics(
        &self,
        ctx: &Context<'_>,
        range: AnalyticsRange,
        currency: CurrencyCode,
    ) -> Option<Result<PaymentAnalytics>> {
        Some(match scopes(ctx, &["payments:analytics"]) {
            Ok(()) => payment_analytics(ctx, &range, &currency).await,
            Err(error) => Err(error),
        })
    }

    #[graphql(entity)]
    async fn find_product_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Product>> {
        product_by_id(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_product_by_sku(&self, ctx: &Context<'_>, sku: String) -> Option<Result<Product>> {
        product_by_sku(ctx, sku).await.transpose()
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<Result<User>> {
        UserId::parse(&id).map(|id| Ok(User(id)))
    }

    #[graphql(entity)]
    async fn find_payment_method_by_id(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<PaymentMethod>> {
        payment_method(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_payment_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Payment>> {
        payment(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_refund_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Refund>> {
        refund(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_dispute_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Dispute>> {
        dispute(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_payout_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Payout>> {
        payout(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_order_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Order>> {
        order(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_ride_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
        driver_rating: Option<i32>,
    ) -> Option<Result<Ride>> {
        ride_entity(ctx, &id, driver_rating).await.transpose()
    }
}

async fn product_by_id(ctx: &Context<'_>, id: &ID) -> Result<Option<Product>> {
    let Some(id) = ProductId::parse(id) else { return Ok(None) };
    Ok(loaders(ctx).load(id).await?.map(Product))
}

async fn product_by_sku(ctx: &Context<'_>, sku: String) -> Result<Option<Product>> {
    Ok(loaders(ctx).load(Sku(sku)).await?.map(Product))
}

async fn order(ctx: &Context<'_>, id: &ID) -> Result<Option<Order>> {
    let Some(id) = OrderId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    owner_or_support(ctx, &row.order.buyer_id)?;
    Order::new(row).map(Some)
}

async fn payment(ctx: &Context<'_>, id: &ID) -> Result<Option<Payment>> {
    let Some(id) = PaymentId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    owner_or_support(ctx, &row.payment.payer_id)?;
    Ok(Some(Payment(row)))
}

async fn refund(ctx: &Context<'_>, id: &ID) -> Result<Option<Refund>> {
    let Some(id) = RefundId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    owner_or_support(ctx, &row.payment.payment.payer_id)?;
    Ok(Some(Refund(row)))
}

async fn dispute(ctx: &Context<'_>, id: &ID) -> Result<Option<Dispute>> {
    let Some(id) = DisputeId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    owner_or_support(ctx, &row.payment.payment.payer_id)?;
    Ok(Some(Dispute { row: Arc::new(row.dispute.clone()), payment: row.payment.clone() }))
}

async fn payout(ctx: &Context<'_>, id: &ID) -> Result<Option<Payout>> {
    let Some(id) = PayoutId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    owner_or_support(ctx, &row.payee_id)?;
    Ok(Some(Payout(row)))
}

async fn payment_method(ctx: &Context<'_>, id: &ID) -> Result<Option<PaymentMethod>> {
    let Some(id) = PaymentMethodId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    owner(ctx, &row.user_id)?;
    Ok(Some(PaymentMethod { row, now: app(ctx).now() }))
}

async fn own_ride(ctx: &Context<'_>, id: &ID) -> Result<Option<Ride>> {
    let Some(id) = RideId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    let ride = Ride::new(row);
    ride.participants(ctx)?;
    Ok(Some(ride))
}

/// A ride for the gateway: everybody may see who drove. The quote cannot be null, so who asks for
/// it must be one of the two people.
async fn ride_entity(
    ctx: &Context<'_>,
    id: &ID,
    driver_rating: Option<i32>,
) -> Result<Option<Ride>> {
    let Some(id) = RideId::parse(id) else { return Ok(None) };
    let Some(row) = loaders(ctx).load(id).await? else { return Ok(None) };
    let ride = Ride::rated(Arc::clone(&row), driver_rating);
    if ctx.look_ahead().field("quote").exists() {
        ride.participants(ctx)?;
    }
    Ok(Some(ride))
}

#[derive(Clone, Debug, SimpleObject)]
struct RideQuote {
    token: String,
    amount: MoneyValue,
    expires_at: DateTime,
}

fn ride_quote(ctx: &Context<'_>, input: &RideQuoteInput) -> Result<RideQuote> {
    scopes(ctx, &["payments:write"])?;
    let quote = input
        .terms()
        .map_err(Failure::from)
        .and_then(|(currency, trip)| ride::quote(app(ctx), caller(ctx), currency, trip));
    match quote {
        Ok(ride::Quote { token, amount, expires_at }) => {
            Ok(RideQuote { token, amount: amount.into(), expires_at })
        }
        Err(Failure::Refused(refusal)) => Err(refused(&refusal)),
        Err(Failure::Forbidden) => Err(forbidden()),
        Err(Failure::Unauthenticated) => Err(unauthenticated()),
        Err(failure) => Err(error_of(&failure)),
    }
}

/// A refusal where there is no payload to put it into.
fn refused(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::InvalidInput { message, .. } => bad_request(message),
        _ => bad_request("this input is not accepted"),
    }
}

async fn payment_analytics(
    ctx: &Context<'_>,
    range: &AnalyticsRange,
    code: &CurrencyCode,
) -> Result<PaymentAnalytics> {
    let currency = currency(code, &["currency"]).map_err(|refusal| refused(&refusal))?;
    analytics::of_range(ctx, range, currency).await
}
