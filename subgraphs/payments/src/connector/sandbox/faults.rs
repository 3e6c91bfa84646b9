//! How the sandbox process misbehaves when it is told to: a list of faults, each used up by the
//! calls it spoils.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The call takes long before anything is booked.
    Delay,
    /// The call is carried out and its answer never arrives.
    DropAnswer,
    /// The call is carried out and answered with an error of the server.
    ErrorAfter,
    /// The server fails without saying whether it has done anything, and has not.
    ErrorBefore,
    /// The call is carried out and answered with nonsense.
    Garbage,
    /// The call is refused with the promise that nothing has happened.
    Refuse,
    /// Another amount is booked than was asked for.
    WrongAmount,
    /// Every message is sent three times.
    DuplicateWebhooks,
    /// Messages are sent newest first.
    ReorderWebhooks,
    /// The next payouts fail.
    FailPayouts,
}

/// One fault and how often it strikes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// Path of the call without `/v1/`; every call when empty.
    #[serde(default)]
    pub call: String,
    #[serde(default = "once")]
    pub times: u32,
    #[serde(default)]
    pub millis: u64,
}

fn once() -> u32 {
    1
}

/// The faults that are still to come.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    pub fn replace(&self, faults: Vec<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// The fault that spoils this call, and how long it takes.
    pub fn strike(&self, call: &str) -> Option<(FaultKind, Duration)> {
        self.take(|fault| fault.call.is_empty() || fault.call == call)
    }

    /// Is this fault in force? Uses nothing up.
    pub fn has(&self, kind: FaultKind) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|fault| fault.kind == kind)
    }

    fn take(&self, fits: impl Fn(&Fault) -> bool) -> Option<(FaultKind, Duration)> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = |kind| {
            matches!(
                kind,
                FaultKind::DuplicateWebhooks | FaultKind::ReorderWebhooks | FaultKind::FailPayouts
            )
        };
        let fault = faults
            .iter_mut()
            .find(|fault| fault.times > 0 && !lasting(fault.kind) && fits(fault))?;
        fault.times -= 1;
        let struck = (fault.kind, Duration::from_millis(fault.millis));
        faults.retain(|fault| fault.times > 0);
        Some(struck)
    }
}
