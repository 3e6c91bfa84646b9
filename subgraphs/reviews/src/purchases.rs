//! Asking payments who bought what, when the projection of its feed does not know (yet).

use std::time::Duration;

use kit::id::{ProductId, RideId, UserId};
use kit::settings::Secret;
use kit::{Timestamp, async_trait};
use serde::Deserialize;

/// What payments says about a person and a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductFacts {
    pub purchased: bool,
    pub seller: Option<UserId>,
}

/// What payments says about a ride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RideFacts {
    pub rider: UserId,
    pub driver: UserId,
    /// None while the ride is not completed.
    pub completed_at: Option<Timestamp>,
}

/// Payments did not answer in time, or not in a way that says anything.
#[derive(Debug, thiserror::Error)]
#[error("payments cannot be asked: {0}")]
pub struct Unavailable(pub String);

/// The question to payments. `Ok(None)`: there is no such product or ride.
#[async_trait]
pub trait PurchaseCheck: Send + Sync {
    async fn product(
        &self,
        user: UserId,
        product: ProductId,
    ) -> Result<Option<ProductFacts>, Unavailable>;

    async fn ride(&self, user: UserId, ride: RideId) -> Result<Option<RideFacts>, Unavailable>;
}

/// Asks over HTTP with the service credential.
#[derive(Clone, Debug)]
pub struct HttpPurchaseCheck {
    url: String,
    credential: Secret,
    client: reqwest::Client,
}

impl HttpPurchaseCheck {
    /// `budget` limits the whole exchange.
    pub fn new(
        payments_url: &str,
        credential: Secret,
        budget: Duration,
    ) -> Result<Self, Unavailable> {
        let client = reqwest::Client::builder()
            .timeout(budget)
            .build()
            .map_err(|error| Unavailable(error.to_string()))?;
        let url = format!("{}/internal/purchases", payments_url.trim_end_matches('/'));
        Ok(Self { url, credential, client })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        user: UserId,
        kind: &str,
        subject: String,
    ) -> Result<Option<T>, Unavailable> {
        let failed = |error: reqwest::Error| Unavailable(error.to_string());
        let answer = self
            .client
            .get(format!("{}?user={user}&{kind}={subject}", self.url))
            .bearer_auth(self.credential.expose())
            .send()
            .await
            .map_err(failed)?;
        match answer.status() {
            reqwest::StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => answer.json().await.map(Some).map_err(failed),
            status => Err(Unavailable(format!("status {status}"))),
        }
    }
}

#[derive(Deserialize)]
struct ProductAnswer {
    purchased: bool,
    product: ProductPart,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductPart {
    seller_id: Option<UserId>,
}

#[derive(Deserialize)]
struct RideAnswer {
    ride: RidePart,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RidePart {
    rider_id: UserId,
    driver_id: UserId,
    #[serde(default, deserialize_with = "crate::projection::optional_instant")]
    completed_at: Option<Timestamp>,
}

#[async_trait]
impl PurchaseCheck for HttpPurchaseCheck {
    async fn product(
        &self,
        user: UserId,
        product: ProductId,
    ) -> Result<Option<ProductFacts>, Unavailable> {
        let answer: Option<ProductAnswer> = self.ask(user, "product", product.to_string()).await?;
        Ok(answer.map(|answer| ProductFacts {
            purchased: answer.purchased,
            seller: answer.product.seller_id,
        }))
    }

    async fn ride(&self, user: UserId, ride: RideId) -> Result<Option<RideFacts>, Unavailable> {
        let answer: Option<RideAnswer> = self.ask(user, "ride", ride.to_string()).await?;
        Ok(answer.map(|RideAnswer { ride }| RideFacts {
            rider: ride.rider_id,
            driver: ride.driver_id,
            completed_at: ride.completed_at,
        }))
    }
}

/// For a service that runs without payments: everything waits.
#[derive(Clone, Copy, Debug)]
pub struct NoPurchaseCheck;

#[async_trait]
impl PurchaseCheck for NoPurchaseCheck {
    async fn product(&self, _: UserId, _: ProductId) -> Result<Option<ProductFacts>, Unavailable> {
        Err(Unavailable("no address of payments is configured".to_owned()))
    }

    async fn ride(&self, _: UserId, _: RideId) -> Result<Option<RideFacts>, Unavailable> {
        Err(Unavailable("no address of payments is configured".to_owned()))
    }
}
