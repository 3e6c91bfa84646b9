//! Slows guessing down: per address (known to us or not), per network, and against stuffing.
//!
//! Counters live in the database, so restarts do not reset them and replicas share them. A
//! failure is recorded while the hashing slot is still held, so that no burst of parallel
//! guesses can run ahead of its own lock-out by more than the slots. Nothing here ever blocks a
//! password reset, except too many of its own kind.

use std::{net::IpAddr, time::Duration};

use kit::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{
    Identity,
    failure::{Failure, Outcome, RateLimited},
};
use crate::{
    account::email::Email,
    entity::{login_counter, login_failure},
};

/// Failures per address that cost nothing.
const FREE_FAILURES: i64 = 5;
const MAX_WAIT: Duration = Duration::from_mins(15);
/// After so many failures in a row the password stops working until it is reset.
const DEAD_AFTER: i64 = 100;
/// Per network: so many failures ...
const BURST: i64 = 20;
/// ... and one more each time this has passed.
const EMISSION: Duration = Duration::from_secs(45);
/// So many addresses failing from one network are stuffing.
const STUFFED_ACCOUNTS: u64 = 15;
const STUFFING_WINDOW: Duration = Duration::from_hours(3);
const STUFFING_BLOCK: Duration = Duration::from_hours(24);
const FOREVER: i64 = i64::MAX;

/// Under which keys an attempt is counted.
#[derive(Debug, Clone)]
pub struct CounterKeys {
    account: Vec<u8>,
    network: Option<Vec<u8>>,
}

impl CounterKeys {
    pub(crate) fn account(&self) -> &[u8] {
        &self.account
    }
}

/// Things that may be asked for only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Reset links: 3 an hour and address.
    Reset,
    /// Verification links on demand: 3 an hour.
    Verify,
    /// Verification links sent by a log-in: one in 5 minutes.
    VerifyAtLogIn,
    /// Tokens ended without a credential: 60 a minute, per network instead of per address.
    Revoke,
}

impl Quota {
    fn kind(self) -> &'static str {
        match self {
            Self::Reset => "RESET",
            Self::Verify => "VERIFY",
            Self::VerifyAtLogIn => "VERIFY_AT_LOG_IN",
            Self::Revoke => "REVOKE",
        }
    }

    fn limit(self) -> (i64, Duration) {
        match self {
            Self::Reset | Self::Verify => (3, Duration::from_hours(1)),
            Self::VerifyAtLogIn => (1, Duration::from_mins(5)),
            Self::Revoke => (60, Duration::from_mins(1)),
        }
    }
}

impl Identity {
    pub(crate) fn counter_keys(&self, email_norm: &str, ip: Option<IpAddr>) -> CounterKeys {
        CounterKeys {
            account: self.account_key(email_norm),
            network: ip.map(|ip| self.network_key(ip)),
        }
    }

    pub(crate) fn account_key(&self, email_norm: &str) -> Vec<u8> {
        self.keys.counters.mac(&[b"account", email_norm.as_bytes()]).to_vec()
    }

    fn network_key(&self, ip: IpAddr) -> Vec<u8> {
        self.keys.counters.mac(&[b"network", network(ip).as_bytes()]).to_vec()
    }

    /// May somebody without a credential end a token from this network once more?
    pub(crate) async fn admit_public_revocation(&self, ip: IpAddr) -> Outcome<(), RateLimited> {
        let now = self.clock.now();
        let key = &self.network_key(ip);
        self.database
            .write(|tx| Box::pin(async move { self.take(tx, Quota::Revoke, key, now).await }))
            .await?
            .map_err(Failure::Refused)
    }

    /// Must the caller wait? One statement.
    pub(crate) async fn locked(&self, keys: &CounterKeys) -> Result<Option<RateLimited>, DbErr> {
        let now = self.clock.now();
        let locks = login_counter::Entity::find()
            .filter(
                Condition::any()
                    .add(is(&keys.account, "ACCOUNT"))
                    .add_option(keys.network.as_ref().map(|network| is(network, "IP"))),
            )
            .filter(login_counter::Column::LockedUntil.gt(now.0))
            .all(self.database.read())
            .await?;
        Ok(locks.iter().map(|lock| lock.locked_until).max().map(|until| wait(now, until)))
    }

    /// Counts a failed log-in. Says whether it locked the account.
    pub(crate) async fn record_failure(
        &self,
        tx: &impl ConnectionTrait,
        keys: &CounterKeys,
        now: Timestamp,
    ) -> Result<bool, DbErr> {
        let account = bump(tx, "ACCOUNT", &keys.account, now).await?;
        let locked_until = account_lock(account.failures, now);
        if locked_until > now.0 {
            lock(tx, "ACCOUNT", &keys.account, now.0, locked_until).await?;
        }
        if let Some(network) = &keys.network {
            record_network_failure(tx, network, &keys.account, now).await?;
        }
        Ok(locked_until > now.0)
    }

    /// After a success, a reset, or an operator's unlock.
    pub(crate) async fn clear_failures(
        &self,
        tx: &impl ConnectionTrait,
        account_key: &[u8],
    ) -> Result<(), DbErr> {
        login_counter::Entity::delete_many().filter(is(account_key, "ACCOUNT")).exec(tx).await?;
        Ok(())
    }

    /// An operator's word that the address is not under attack any more.
    pub async fn unlock(&self, email: &Email) -> Result<(), DbErr> {
        let account = self.account_key(email.normal());
        let account = account.as_slice();
        self.database
            .write(|tx| Box::pin(async move { self.clear_failures(tx, account).await }))
            .await
    }

    /// Counts one use of a quota; refused when it is used up. Fixed windows.
    pub(crate) async fn take(
        &self,
        tx: &impl ConnectionTrait,
        quota: Quota,
        account_key: &[u8],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, DbErr> {
        let (limit, window) = quota.limit();
        let counter = bump(tx, quota.kind(), account_key, now).await?;
        let ends = Timestamp(counter.window_start).plus(window);
        if ends <= now {
            login_counter::Entity::update_many()
                .col_expr(login_counter::Column::Failures, Expr::value(1i64))
                .col_expr(login_counter::Column::WindowStart, Expr::value(now.0))
                .filter(is(account_key, quota.kind()))
                .exec(tx)
                .await?;
            return Ok(Ok(()));
        }
        Ok(if counter.failures > limit { Err(wait(now, ends.0)) } else { Ok(()) })
    }

    /// Forgets counters that no longer say anything.
    pub(crate) async fn sweep_counters(
        &self,
        tx: &impl ConnectionTrait,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        login_failure::Entity::delete_many()
            .filter(login_failure::Column::At.lt(now.minus(STUFFING_WINDOW).0))
            .exec(tx)
            .await?;
        login_counter::Entity::delete_many()
            .filter(login_counter::Column::Kind.ne("ACCOUNT"))
            .filter(login_counter::Column::LockedUntil.lt(now.0))
            .filter(login_counter::Column::WindowStart.lt(now.minus(Duration::from_hours(1)).0))
            .exec(tx)
            .await?;
        Ok(())
    }
}

fn is(key: &[u8], kind: &str) -> Condition {
    Condition::all()
        .add(login_counter::Column::Kind.eq(kind))
        .add(login_counter::Column::Key.eq(key.to_vec()))
}

fn plus_one() -> Expr {
    use sea_orm::ExprTrait;
    Expr::col((login_counter::Entity, login_counter::Column::Failures)).add(1i64)
}

/// Adds one and takes the row's lock until the transaction ends.
async fn bump(
    tx: &impl ConnectionTrait,
    kind: &str,
    key: &[u8],
    now: Timestamp,
) -> Result<login_counter::Model, DbErr> {
    login_counter::Entity::insert(login_counter::ActiveModel {
        kind: Set(kind.to_owned()),
        key: Set(key.to_vec()),
        failures: Set(1),
        window_start: Set(now.0),
        locked_until: Set(0),
    })
    .on_conflict(
        OnConflict::columns([login_counter::Column::Kind, login_counter::Column::Key])
            .value(login_counter::Column::Failures, plus_one())
            .to_owned(),
    )
    .exec_with_returning(tx)
    .await
}

async fn lock(
    tx: &impl ConnectionTrait,
    kind: &str,
    key: &[u8],
    window_start: i64,
    locked_until: i64,
) -> Result<(), DbErr> {
    login_counter::Entity::update_many()
        .col_expr(login_counter::Column::LockedUntil, Expr::value(locked_until))
        .col_expr(login_counter::Column::WindowStart, Expr::value(window_start))
        .filter(is(key, kind))
        .exec(tx)
        .await?;
    Ok(())
}

/// 5 failures are free, then 1 s, 2 s, 4 s ... up to 15 minutes, and at 100 no more.
fn account_lock(failures: i64, now: Timestamp) -> i64 {
    if failures >= DEAD_AFTER {
        return FOREVER;
    }
    let Ok(doublings) = u32::try_from(failures - FREE_FAILURES) else { return 0 };
    let seconds = 1u64.checked_shl(doublings).unwrap_or(u64::MAX).min(MAX_WAIT.as_secs());
    now.plus(Duration::from_secs(seconds)).0
}

/// GCRA: `window_start` holds the theoretical arrival time of the next failure.
async fn record_network_failure(
    tx: &impl ConnectionTrait,
    network: &[u8],
    account: &[u8],
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = bump(tx, "IP", network, now).await?;
    let arrival = Timestamp(row.window_start.max(now.0)).plus(EMISSION);
    let allowance = EMISSION * u32::try_from(BURST - 1).unwrap_or_default();
    let mut locked_until = row.locked_until.max(arrival.minus(allowance).0);
    login_failure::Entity::insert(login_failure::ActiveModel {
        ip_key: Set(network.to_vec()),
        account_key: Set(account.to_vec()),
        at: Set(now.0),
    })
    .on_conflict(
        OnConflict::columns([login_failure::Column::IpKey, login_failure::Column::AccountKey])
            .update_column(login_failure::Column::At)
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    let accounts = login_failure::Entity::find()
        .filter(login_failure::Column::IpKey.eq(network.to_vec()))
        .filter(login_failure::Column::At.gt(now.minus(STUFFING_WINDOW).0))
        .count(tx)
        .await?;
    if accounts >= STUFFED_ACCOUNTS {
        locked_until = locked_until.max(now.plus(STUFFING_BLOCK).0);
    }
    lock(tx, "IP", network, arrival.0, locked_until).await
}

/// The /64 of an IPv6 address: one household or one attacker, not 2^64 of them.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn wait(now: Timestamp, until: i64) -> RateLimited {
    let millis = until.saturating_sub(now.0).max(1);
    let seconds = if until == FOREVER {
        i64::try_from(MAX_WAIT.as_secs()).unwrap_or(i64::MAX)
    } else {
        millis.saturating_add(999) / 1000
    };
    RateLimited { retry_after_seconds: i32::try_from(seconds).unwrap_or(i32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let wait = |failures| account_lock(failures, Timestamp(0)) / 1000;
        assert_eq!([4, 5, 6, 9, 14, 15, 40, 99].map(wait), [0, 1, 2, 16, 512, 900, 900, 900]);
        assert_eq!(account_lock(100, Timestamp(0)), FOREVER);
    }

    #[test]
    fn ipv6_neighbours_share_a_counter() {
        let check = |ip: &str| network(ip.parse().unwrap());
        assert_eq!(check("2001:db8:1:2:3::4"), check("2001:db8:1:2:ffff::1"));
        assert_ne!(check("2001:db8:1:2::1"), check("2001:db8:1:3::1"));
        assert_eq!(check("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
