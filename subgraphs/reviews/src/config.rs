//! Configuration of the reviews service: the common settings, the other services' addresses and
//! the numbers of the rules. Defaults are those of development.
//!
//! Environment variables override the file: `REVIEWS__RULES__REVIEWS_PER_DAY=10`.

use kit::Settings;
use kit::settings::{Period, Secret, development_credential};
use serde::Deserialize;
use std::time::Duration;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Database, passports, mail, logs: what all services have.
    pub kit: Settings,
    pub peers: Peers,
    pub rules: Rules,
}

/// The services whose feeds are followed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Peers {
    /// Base URL of users; empty: its feed is not followed and mails cannot be addressed.
    pub users_url: String,
    /// Base URL of payments; empty: purchases are known from imports only.
    pub payments_url: String,
    /// `svc_reviews_…`, known to both.
    pub credential: Secret,
    /// How long writing a review may wait for payments' answer.
    pub purchase_check_budget: Period,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            users_url: "http://127.0.0.1:4001".to_owned(),
            payments_url: "http://127.0.0.1:4003".to_owned(),
            credential: development_credential("reviews"),
            purchase_check_budget: Period(Duration::from_millis(800)),
        }
    }
}

/// The numbers of the rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// May only buyers review a product?
    pub products_require_purchase: bool,
    /// Days after a ride in which its rider may review it.
    pub ride_window_days: i64,
    pub reviews_per_day: i32,
    pub reviews_per_address_per_day: i32,
    /// Does the limit per address also count clients on this machine?
    pub limit_loopback: bool,
    pub votes_per_minute: i32,
    pub reports_per_day: i32,
    pub max_edits: i32,
    /// People who must have reported a review before it is hidden until a moderator looks.
    pub reporters_to_hide: i32,
    /// Reports of accounts younger than this count half. Zero: everybody counts in full, so that
    /// three people suffice whoever they are.
    pub young_account: Period,
    /// Rides a driver must have been rated for before an average is shown.
    pub driver_privacy_floor: i64,
    /// How often jobs look for work.
    pub job_interval: Period,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            products_require_purchase: true,
            ride_window_days: 30,
            reviews_per_day: 5,
            reviews_per_address_per_day: 20,
            limit_loopback: false,
            votes_per_minute: 30,
            reports_per_day: 20,
            max_edits: 10,
            reporters_to_hide: 3,
            young_account: Period(Duration::ZERO),
            driver_privacy_floor: 5,
            job_interval: Period(Duration::from_secs(5)),
        }
    }
}
