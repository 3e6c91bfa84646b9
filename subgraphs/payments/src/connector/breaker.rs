//! Leaves a processor alone for a while after it could not be reached several times in a row,
//! then lets one call through to see whether it is back.

use std::{sync::Mutex, time::Duration};

use kit::Timestamp;

/// Failures in a row that open the breaker.
const THRESHOLD: u32 = 3;
/// How long it stays open before a call is let through.
const PAUSE: Duration = Duration::from_secs(30);

/// One processor's breaker.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breaker {
    /// May a call be made now? An open breaker lets one through when its pause is over, and
    /// waits again until that call has ended.
    pub fn allows(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        match state.open_until {
            None => true,
            Some(until) if until <= now => {
                state.open_until = Some(now.plus(PAUSE));
                true
            }
            Some(_) => false,
        }
    }

    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state().open_until.is_some_and(|until| until > now)
    }

    /// Notes how a call ended.
    pub fn note(&self, reached: bool, now: Timestamp) {
        let mut state = self.state();
        if reached {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= THRESHOLD {
            state.open_until = Some(now.plus(PAUSE));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_three_failures_and_closes_after_a_good_probe() {
        let breaker = Breaker::default();
        let now = Timestamp(1_000);
        for _ in 0..THRESHOLD {
            assert!(breaker.allows(now));
            breaker.note(false, now);
        }
        assert!(!breaker.allows(now));
        let later = now.plus(PAUSE);
        assert!(breaker.allows(later), "one probe");
        assert!(!breaker.allows(later), "and no more until it has ended");
        breaker.note(true, later);
        assert!(breaker.allows(later) && !breaker.is_open(later));
    }
}
