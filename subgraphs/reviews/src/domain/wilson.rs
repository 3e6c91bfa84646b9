//! Lower bound of the Wilson score interval over helpful votes.
//!
//! It answers "how helpful is this review, at least, with 95 % confidence?", so one helpful
//! vote of one does not outrank ninety of a hundred. Stored in millionths: integers sort and
//! compare the same on every engine.

/// 97.5 % quantile of the normal distribution: a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The lower bound in millionths; zero without votes.
pub fn lower_bound_ppm(helpful: i32, unhelpful: i32) -> i64 {
    let total = f64::from(helpful) + f64::from(unhelpful);
    if helpful <= 0 {
        return 0;
    }
    let share = f64::from(helpful) / total;
    let z2 = Z * Z;
    let centre = share + z2 / (2.0 * total);
    let spread = Z * ((share * (1.0 - share) + z2 / (4.0 * total)) / total).sqrt();
    let bound = (centre - spread) / (1.0 + z2 / total);
    to_ppm(bound)
}

#[expect(clippy::cast_possible_truncation, reason = "a share in [0, 1] times a million fits")]
fn to_ppm(share: f64) -> i64 {
    (share.clamp(0.0, 1.0) * 1_000_000.0).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(lower_bound_ppm(0, 0), 0);
        assert_eq!(lower_bound_ppm(0, 9), 0);
        // Published examples: 1 of 1 → 0.2065, 90 of 100 → 0.8256, 40 of 100 → 0.3094.
        assert_eq!(lower_bound_ppm(1, 0) / 100, 2065);
        assert_eq!(lower_bound_ppm(90, 10) / 100, 8256);
        assert_eq!(lower_bound_ppm(40, 60) / 100, 3094);
    }

    #[test]
    fn more_votes_of_the_same_share_raise_it_and_unhelpful_ones_lower_it() {
        for n in 1..200 {
            assert!(lower_bound_ppm(2 * (n + 1), n + 1) > lower_bound_ppm(2 * n, n));
            assert!(lower_bound_ppm(n, n + 1) < lower_bound_ppm(n, n));
        }
    }
}
