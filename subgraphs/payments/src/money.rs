//! Money: whole minor units and an ISO 4217 currency, never a float.
//!
//! Every operation is checked; adding two currencies is an error, not a number.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most minor units one payment may move.
pub const MAX_MINOR: i64 = 1_000_000_000_000;

/// Why an amount could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{left} and {right} are different currencies")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("the amount does not fit")]
    Overflow,
}

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash, sea_orm::DeriveValueType)]
#[sea_orm(value_type = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency with this alphabetic code, upper case.
    pub fn parse(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(code).map(Self)
    }

    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD. Metals and test
    /// currencies have none.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// `hundredths` of a major unit, in this currency's minor units, rounded up.
    pub fn from_hundredths(self, hundredths: i64) -> i64 {
        match self.exponent() {
            2 => hundredths,
            0 => hundredths.div_euclid(100) + i64::from(hundredths.rem_euclid(100) != 0),
            1 => hundredths.div_euclid(10) + i64::from(hundredths.rem_euclid(10) != 0),
            exponent => hundredths.saturating_mul(10_i64.saturating_pow(exponent - 2)),
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// The text is no currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a currency of ISO 4217")]
pub struct UnknownCurrency;

impl std::str::FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::parse(code).ok_or(UnknownCurrency)
    }
}

impl sea_orm::TryFromU64 for Currency {
    fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
        Err(sea_orm::DbErr::ConvertFromU64("Currency"))
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("unknown currency"))
    }
}

/// An amount of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    pub fn checked_mul(self, factor: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(factor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Plain decimal text: `12.34`, `1234` for JPY, `1.234` for KWD.
    pub fn decimal(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.decimal(), self.currency)
    }
}

/// Divides `amount` in proportion to `weights`, exactly: the parts add up to `amount`, and no
/// part exceeds its weight as long as `amount` does not exceed their sum. Units that do not
/// divide go to the largest remainders, then to the earlier parts.
///
/// ```
/// # use payments::money::allocate;
/// assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
/// assert_eq!(allocate(25, &[200, 460, 1840]), [2, 5, 18]);
/// ```
pub fn allocate(amount: i64, weights: &[i64]) -> Vec<i64> {
    let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if total <= 0 || amount <= 0 {
        return vec![0; weights.len()];
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let exact = i128::from(amount) * i128::from(*weight);
        parts.push(i64::try_from(exact / total).expect("a part is not larger than the amount"));
        remainders.push((exact % total, index));
    }
    let left = amount - parts.iter().sum::<i64>();
    remainders.sort_by(|(left, first), (right, second)| right.cmp(left).then(first.cmp(second)));
    for (_, index) in remainders.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[index] += 1;
    }
    parts
}

/// `value × numerator / denominator`, rounded half to even.
pub fn mul_div_half_even(value: i64, numerator: i64, denominator: i64) -> Result<i64, MoneyError> {
    let product = i128::from(value) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let (quotient, remainder) = (product.div_euclid(denominator), product.rem_euclid(denominator));
    let up = match (remainder * 2).cmp(&denominator) {
        Ordering::Greater => 1,
        Ordering::Less => 0,
        Ordering::Equal => quotient.rem_euclid(2),
    };
    i64::try_from(quotient + up).map_err(|_| MoneyError::Overflow)
}

/// `value × numerator / denominator`, rounded down.
pub fn mul_div_floor(value: i64, numerator: i64, denominator: i64) -> Result<i64, MoneyError> {
    let product = i128::from(value) * i128::from(numerator);
    i64::try_from(product.div_euclid(i128::from(denominator))).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, Currency::parse(code).unwrap())
    }

    #[test]
    fn decimals_follow_the_currency() {
        assert_eq!(money(1234, "EUR").decimal(), "12.34");
        assert_eq!(money(1234, "JPY").decimal(), "1234");
        assert_eq!(money(1234, "KWD").decimal(), "1.234");
        assert_eq!(money(5, "USD").decimal(), "0.05");
        assert_eq!(money(-1205, "USD").decimal(), "-12.05");
    }

    #[test]
    fn different_currencies_do_not_add() {
        assert!(matches!(
            money(1, "EUR").checked_add(money(1, "USD")),
            Err(MoneyError::CurrencyMismatch { .. })
        ));
        assert_eq!(money(i64::MAX, "EUR").checked_add(money(1, "EUR")), Err(MoneyError::Overflow));
    }

    #[test]
    fn hundredths_scale_to_the_exponent() {
        assert_eq!(Currency::parse("EUR").unwrap().from_hundredths(499), 499);
        assert_eq!(Currency::parse("JPY").unwrap().from_hundredths(499), 5);
        assert_eq!(Currency::parse("KWD").unwrap().from_hundredths(499), 4990);
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(mul_div_half_even(5, 1, 2), Ok(2));
        assert_eq!(mul_div_half_even(7, 1, 2), Ok(4));
        assert_eq!(mul_div_half_even(-5, 1, 2), Ok(-2));
    }
}
