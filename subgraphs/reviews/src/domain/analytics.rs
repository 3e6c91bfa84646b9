//! Time buckets and the distribution of the time to publication.
//!
//! Buckets are cut in UTC by integer arithmetic, so both engines and this code agree. The
//! median comes from a histogram of fixed classes: a recount of the reviews through the same
//! classes gives the same number.

pub const DAY_MS: i64 = 86_400_000;
pub const HOUR_MS: i64 = 3_600_000;

/// Upper ends, in milliseconds, of the classes of the time from writing to publication; the
/// last class is open.
pub const PUBLISH_CLASSES: [i64; 9] = [
    60_000,
    900_000,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    8 * HOUR_MS,
    24 * HOUR_MS,
    48 * HOUR_MS,
    168 * HOUR_MS,
];

/// Number of classes.
pub const CLASSES: usize = PUBLISH_CLASSES.len() + 1;

/// Days since 1970 of a point in time.
pub fn day_of(at: i64) -> i32 {
    i32::try_from(at.div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

/// The class of a time to publication.
pub fn publish_class(elapsed: i64) -> usize {
    PUBLISH_CLASSES.iter().position(|end| elapsed < *end).unwrap_or(CLASSES - 1)
}

/// The median in hours, interpolated within its class; none without publications.
pub fn median_hours(classes: &[i64; CLASSES]) -> Option<f64> {
    let total: i64 = classes.iter().sum();
    if total == 0 {
        return None;
    }
    let half = super::rating::ratio(total, 2);
    let mut below = 0;
    for (class, count) in classes.iter().enumerate() {
        let upto = super::rating::ratio(below + count, 1);
        if *count > 0 && upto >= half {
            let start = if class == 0 { 0 } else { PUBLISH_CLASSES[class - 1] };
            let end = PUBLISH_CLASSES.get(class).copied().unwrap_or(2 * start);
            let into = (half - super::rating::ratio(below, 1)) / super::rating::ratio(*count, 1);
            let at = super::rating::ratio(start, HOUR_MS)
                + into * super::rating::ratio(end - start, HOUR_MS);
            return Some(at);
        }
        below += count;
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

impl Interval {
    /// Start of the bucket that holds `at`. Weeks begin on Monday.
    pub fn start(self, at: i64) -> i64 {
        match self {
            Self::Hour => at.div_euclid(HOUR_MS) * HOUR_MS,
            Self::Day => at.div_euclid(DAY_MS) * DAY_MS,
            // 1970-01-01 was a Thursday: three days after a Monday.
            Self::Week => {
                let day = at.div_euclid(DAY_MS);
                (day - (day + 3).rem_euclid(7)) * DAY_MS
            }
            Self::Month => {
                let (year, month) = year_and_month(at.div_euclid(DAY_MS));
                first_day(year, month) * DAY_MS
            }
        }
    }

    /// Start of the bucket after the one that starts at `start`.
    pub fn next(self, start: i64) -> i64 {
        match self {
            Self::Hour => start + HOUR_MS,
            Self::Day => start + DAY_MS,
            Self::Week => start + 7 * DAY_MS,
            Self::Month => self.start(start + 31 * DAY_MS),
        }
    }

    /// Starts of all buckets that touch `from..to`.
    pub fn starts(self, from: i64, to: i64) -> Vec<i64> {
        let mut starts = Vec::new();
        let mut start = self.start(from);
        while start < to {
            starts.push(start);
            start = self.next(start);
        }
        starts
    }
}

/// Civil year and month of a day since 1970 (Gregorian, proleptic), by counting days in eras
/// of 400 years that begin in March.
fn year_and_month(day: i64) -> (i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month)
}

fn first_day(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march_month + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: time::Month, day: u8, hour: u8) -> i64 {
        let date = time::Date::from_calendar_date(year, month, day).unwrap();
        date.with_hms(hour, 30, 0).unwrap().assume_utc().unix_timestamp() * 1000
    }

    #[test]
    fn buckets_agree_with_the_calendar() {
        use time::Month::{February, January, March};
        let midnight = |y, m, d| at(y, m, d, 0) - 1_800_000;
        let noon = at(2024, February, 29, 12);
        assert_eq!(Interval::Hour.start(noon), noon - 1_800_000);
        assert_eq!(Interval::Day.start(noon), midnight(2024, February, 29));
        assert_eq!(Interval::Week.start(noon), midnight(2024, February, 26));
        assert_eq!(Interval::Month.start(noon), midnight(2024, February, 1));
        assert_eq!(Interval::Month.next(midnight(2024, February, 1)), midnight(2024, March, 1));
        assert_eq!(Interval::Month.start(at(2023, January, 31, 1)), midnight(2023, January, 1));
    }

    #[test]
    fn months_over_four_centuries() {
        for day in (-150_000..150_000).step_by(13) {
            let start = Interval::Month.start(day * DAY_MS + 5);
            let date = time::OffsetDateTime::from_unix_timestamp(day * 86_400).unwrap().date();
            let first = date.replace_day(1).unwrap().midnight().assume_utc().unix_timestamp();
            assert_eq!(start, first * 1000, "{date}");
        }
    }

    #[test]
    fn the_median_lies_in_the_class_that_holds_the_middle() {
        let mut classes = [0; CLASSES];
        assert_eq!(median_hours(&classes), None);
        classes[publish_class(30 * 60_000)] = 2;
        classes[publish_class(3 * HOUR_MS)] = 4;
        let median = median_hours(&classes).unwrap();
        assert!((2.0..4.0).contains(&median), "{median}");
        assert_eq!(publish_class(0), 0);
        assert_eq!(publish_class(i64::MAX), CLASSES - 1);
    }
}
