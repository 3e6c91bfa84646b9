//! One log for all programs: every line says in colour whose it is.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone)]
pub(crate) struct DevLog {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    coloured: bool,
}

impl std::fmt::Debug for DevLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DevLog").finish_non_exhaustive()
    }
}

const COLOURS: [u8; 6] = [36, 35, 34, 33, 32, 96];

impl DevLog {
    pub(crate) fn new(out: Box<dyn Write + Send>, coloured: bool) -> Self {
        Self { out: Arc::new(Mutex::new(out)), coloured }
    }

    /// Writes all lines of a text under a name.
    pub(crate) fn lines(&self, name: &str, text: &str) {
        let colour = name.bytes().fold(0_usize, |sum, byte| sum + usize::from(byte));
        let colour = COLOURS[colour % COLOURS.len()];
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.trim_end().lines() {
            // A terminal that has gone away leaves nobody to tell.
            let _ = if self.coloured {
                writeln!(out, "\x1b[{colour}m{name:>10} |\x1b[0m {line}")
            } else {
                writeln!(out, "{name:>10} | {line}")
            };
        }
        let _ = out.flush();
    }
}
