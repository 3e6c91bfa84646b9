//! The state machines, each as one table.
//!
//! A table is the only place that says which status may follow which; everything that changes a
//! status asks [`Machine::next`] first and then makes one guarded update. The tables know
//! nothing of databases or processors.

mod dispute;
mod order;
mod payment;
mod payout;
mod refund;
mod ride;

use std::fmt::{Debug, Write};

pub use dispute::{DISPUTE_STATES, DisputeEvent, DisputeStatus};
pub use order::{ORDER_STATES, OrderEvent, OrderStatus};
pub use payment::{PAYMENT_STATES, PaymentEvent, PaymentStatus};
pub use payout::{PAYOUT_STATES, PayoutEvent, PayoutStatus};
pub use refund::{REFUND_STATES, RefundEvent, RefundStatus};
pub use ride::{RIDE_STATES, RideEvent, RideStatus};

/// One state machine: all allowed transitions, nothing else.
#[derive(Debug)]
pub struct Machine<S: 'static, E: 'static> {
    pub name: &'static str,
    pub transitions: &'static [(S, E, S)],
}

impl<S: Copy + PartialEq + Debug, E: Copy + PartialEq + Debug> Machine<S, E> {
    /// The status after `event`, or `None` when the event is not allowed in `from`.
    pub fn next(&self, from: S, event: E) -> Option<S> {
        self.transitions
            .iter()
            .find(|(state, on, _)| *state == from && *on == event)
            .map(|(_, _, to)| *to)
    }

    /// The table as Markdown, for the documentation.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n| from | event | to |\n| --- | --- | --- |\n", self.name);
        for (from, event, to) in self.transitions {
            writeln!(text, "| {from:?} | {event:?} | {to:?} |").expect("a String takes any text");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unambiguous<S: Copy + PartialEq + Debug, E: Copy + PartialEq + Debug>(
        machine: &Machine<S, E>,
    ) {
        for (index, (from, event, _)) in machine.transitions.iter().enumerate() {
            let twins =
                machine.transitions[index + 1..].iter().any(|(s, e, _)| s == from && e == event);
            assert!(!twins, "{}: {from:?} + {event:?} is listed twice", machine.name);
        }
    }

    #[test]
    fn every_pair_of_state_and_event_has_one_outcome() {
        unambiguous(&PAYMENT_STATES);
        unambiguous(&ORDER_STATES);
        unambiguous(&REFUND_STATES);
        unambiguous(&RIDE_STATES);
        unambiguous(&PAYOUT_STATES);
        unambiguous(&DISPUTE_STATES);
    }

    #[test]
    fn a_canceled_payment_stays_canceled() {
        assert!(PAYMENT_STATES.transitions.iter().all(|(from, _, _)| !matches!(
            from,
            PaymentStatus::Canceled | PaymentStatus::Failed | PaymentStatus::Refunded
        )));
    }
}
