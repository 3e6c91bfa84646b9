//! The documentation shows the tables of the code.

use expect_test::expect_file;
use payments::state::{
    DISPUTE_STATES, ORDER_STATES, PAYMENT_STATES, PAYOUT_STATES, REFUND_STATES, RIDE_STATES,
};

/// `UPDATE_EXPECT=1 cargo test -p payments documentation` renews the file.
#[test]
fn the_state_machines_are_printed() {
    let tables = [
        PAYMENT_STATES.markdown(),
        ORDER_STATES.markdown(),
        REFUND_STATES.markdown(),
        RIDE_STATES.markdown(),
        PAYOUT_STATES.markdown(),
        DISPUTE_STATES.markdown(),
    ];
    let text = format!(
        "# States\n\nPrinted from the tables in `src/state`; what is not listed is refused with `INVALID_STATE`.\n\n{}",
        tables.join("\n")
    );
    expect_file!["../../STATES.md"].assert_eq(&text);
}
