//! A ride: the quote, the fare once it is known, and what is still owed.

use async_graphql::Enum;
use kit::{
    Timestamp, Uuid,
    id::{PaymentMethodId, RideId, UserId},
};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    fare::Fare,
    money::{Currency, Money},
    state::RideStatus,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rides")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RideId,
    pub quote_id: Uuid,
    pub rider_id: UserId,
    pub driver_id: UserId,
    pub method_id: Option<PaymentMethodId>,
    pub status: RideStatus,
    pub currency: Currency,
    pub quote_minor: i64,
    pub authorized_minor: i64,
    pub surge_percent: i64,
    pub distance_meters: i64,
    pub duration_seconds: i64,
    pub fare_base: Option<i64>,
    pub fare_distance: Option<i64>,
    pub fare_time: Option<i64>,
    pub fare_surge: Option<i64>,
    pub fare_tolls: Option<i64>,
    pub fare_tax: Option<i64>,
    pub fare_total: Option<i64>,
    pub platform_fee: Option<i64>,
    pub driver_earnings: Option<i64>,
    pub canceled_by: Option<RideParty>,
    pub tip_minor: i64,
    pub debt_minor: i64,
    pub assigned_at: Option<Timestamp>,
    pub pickup_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub canceled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The two people of a ride.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Enum,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RideParty {
    Rider,
    Driver,
}

impl Model {
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// The fare, once the ride is over.
    pub fn fare(&self) -> Option<Fare> {
        Some(Fare {
            base: self.fare_base?,
            distance: self.fare_distance?,
            time: self.fare_time?,
            surge: self.fare_surge?,
            tolls: self.fare_tolls?,
            tax: self.fare_tax?,
            total: self.fare_total?,
            platform_fee: self.platform_fee?,
            driver_earnings: self.driver_earnings?,
        })
    }
}
