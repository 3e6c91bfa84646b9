//! Rules on the merged schema.
use super::Input;
use super::merge::Merged;
use crate::diagnostic::Diagnostic;
pub(crate) fn validate(_merged: &mut Merged, _inputs: &[Input]) -> Result<(), Vec<Diagnostic>> { Ok(()) }
