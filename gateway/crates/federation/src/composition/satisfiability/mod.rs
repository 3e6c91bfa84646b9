//! Sat.
use super::merge::Merged;
use crate::diagnostic::Diagnostic;
pub(crate) fn validate(_merged: &Merged) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> { Ok(Vec::new()) }
