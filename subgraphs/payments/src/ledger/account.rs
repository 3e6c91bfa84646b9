//! The chart of accounts. Every account exists once per currency.

use std::fmt;

use kit::id::UserId;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// What processors owe us.
    PspClearing,
    Bank,
    MerchantRevenue,
    ShippingRevenue,
    TaxPayable,
    PlatformFees,
    ProcessorFees,
    /// Earned, not yet old enough to be paid out.
    DriverPending(UserId),
    DriverAvailable(UserId),
    PayoutsInTransit,
    /// Promised to payers, not yet given back.
    RefundsPayable,
    DisputesHeld,
    /// What a rider still owes for a ride.
    RiderDebt(UserId),
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PspClearing => formatter.write_str("psp_clearing"),
            Self::Bank => formatter.write_str("bank"),
            Self::MerchantRevenue => formatter.write_str("merchant_revenue"),
            Self::ShippingRevenue => formatter.write_str("shipping_revenue"),
            Self::TaxPayable => formatter.write_str("tax_payable"),
            Self::PlatformFees => formatter.write_str("platform_fees"),
            Self::ProcessorFees => formatter.write_str("processor_fees"),
            Self::DriverPending(driver) => write!(formatter, "driver:{driver}:pending"),
            Self::DriverAvailable(driver) => write!(formatter, "driver:{driver}:available"),
            Self::PayoutsInTransit => formatter.write_str("payouts_in_transit"),
            Self::RefundsPayable => formatter.write_str("refunds_payable"),
            Self::DisputesHeld => formatter.write_str("disputes_held"),
            Self::RiderDebt(rider) => write!(formatter, "rider:{rider}:debt"),
        }
    }
}

impl Account {
    /// The account with this name, as [`fmt::Display`] wrote it.
    pub fn parse(name: &str) -> Option<Self> {
        let plain = [
            Self::PspClearing,
            Self::Bank,
            Self::MerchantRevenue,
            Self::ShippingRevenue,
            Self::TaxPayable,
            Self::PlatformFees,
            Self::ProcessorFees,
            Self::PayoutsInTransit,
            Self::RefundsPayable,
            Self::DisputesHeld,
        ];
        if let Some(account) = plain.into_iter().find(|account| account.to_string() == name) {
            return Some(account);
        }
        let mut parts = name.split(':');
        let (owner, id, purse) = (parts.next()?, UserId::parse(parts.next()?)?, parts.next()?);
        match (owner, purse, parts.next()) {
            ("driver", "pending", None) => Some(Self::DriverPending(id)),
            ("driver", "available", None) => Some(Self::DriverAvailable(id)),
            ("rider", "debt", None) => Some(Self::RiderDebt(id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let user = UserId(kit::Uuid::from_u128(7));
        for account in [
            Account::PspClearing,
            Account::RefundsPayable,
            Account::DriverPending(user),
            Account::DriverAvailable(user),
            Account::RiderDebt(user),
        ] {
            assert_eq!(Account::parse(&account.to_string()), Some(account));
        }
        assert_eq!(Account::parse("driver:someone:pending"), None);
    }
}
