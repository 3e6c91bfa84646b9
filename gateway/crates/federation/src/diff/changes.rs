//! Collects changes in the order in which the comparison meets them.

use apollo_compiler::Schema;
use apollo_compiler::ast::InputValueDefinition;

use super::change::{Change, ChangeType, Criticality};
use super::default_value::default_value;

#[derive(Debug)]
pub(super) struct Changes<'s> {
    pub(super) old: &'s Schema,
    pub(super) new: &'s Schema,
    found: Vec<Change>,
    inside_new: bool,
}

impl<'s> Changes<'s> {
    pub(super) fn between(old: &'s Schema, new: &'s Schema) -> Self {
        Self { old, new, found: Vec::new(), inside_new: false }
    }

    /// What is found in `work` belongs to something new: nobody can depend on it yet.
    pub(super) fn inside_new(&mut self, work: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.inside_new, true);
        work(self);
        self.inside_new = outer;
    }

    pub(super) fn push(
        &mut self,
        change_type: ChangeType,
        criticality: Criticality,
        path: impl Into<Option<String>>,
        message: String,
    ) {
        let implied = self.inside_new;
        let criticality = if implied { Criticality::NonBreaking } else { criticality };
        let (path, subject) = (path.into(), None);
        self.found.push(Change { change_type, criticality, path, message, subject, implied });
    }

    /// Names what the last change is about, where its path does not.
    pub(super) fn about(&mut self, subject: impl std::fmt::Display) {
        if let Some(change) = self.found.last_mut() {
            change.subject = Some(subject.to_string());
        }
    }

    pub(super) fn breaking(&mut self, change_type: ChangeType, path: &str, message: String) {
        self.push(change_type, Criticality::Breaking, path.to_owned(), message);
    }

    pub(super) fn dangerous(&mut self, change_type: ChangeType, path: &str, message: String) {
        self.push(change_type, Criticality::Dangerous, path.to_owned(), message);
    }

    pub(super) fn safe(&mut self, change_type: ChangeType, path: &str, message: String) {
        self.push(change_type, Criticality::NonBreaking, path.to_owned(), message);
    }

    /// A description that came, went or became another one. An empty one counts as none, unless
    /// the other side has text.
    pub(super) fn description(
        &mut self,
        types: DescriptionTypes,
        path: &str,
        old: Option<&str>,
        new: Option<&str>,
    ) {
        if old.unwrap_or_default() == new.unwrap_or_default() {
            return;
        }
        let what = types.what;
        let (change_type, happened) = match (old, new) {
            (None, _) => (types.added, "was added"),
            (Some(_), None) => (types.removed, "was removed"),
            (Some(_), Some(_)) => (types.changed, "changed"),
        };
        self.safe(change_type, path, format!("description of {what} `{path}` {happened}"));
    }

    /// A message if the default value is not the same any more. Values are compared as they
    /// arrive in the field, so `1` and `1.0` are the same float, and the defaults of an input
    /// object's fields are part of a literal that leaves them out.
    pub(super) fn default_changed(
        &self,
        what: &str,
        path: &str,
        old: &InputValueDefinition,
        new: &InputValueDefinition,
    ) -> Option<String> {
        if default_value(self.old, old) == default_value(self.new, new) {
            return None;
        }
        Some(match (&old.default_value, &new.default_value) {
            (None, Some(new)) => format!("default value `{new}` of {what} `{path}` was added"),
            (Some(old), None) => format!("default value `{old}` of {what} `{path}` was removed"),
            (Some(old), Some(new)) if old != new => {
                format!("default value of {what} `{path}` changed from `{old}` to `{new}`")
            }
            (Some(_), Some(value)) => {
                format!("default value `{value}` of {what} `{path}` means something else now")
            }
            (None, None) => return None,
        })
    }

    pub(super) fn finish(self) -> Vec<Change> {
        self.found
    }
}

/// Which change types a changed description is reported under.
#[derive(Clone, Copy, Debug)]
pub(super) struct DescriptionTypes {
    pub(super) what: &'static str,
    pub(super) added: ChangeType,
    pub(super) changed: ChangeType,
    pub(super) removed: ChangeType,
}

impl DescriptionTypes {
    /// One type for all three.
    pub(super) fn one(what: &'static str, change_type: ChangeType) -> Self {
        Self { what, added: change_type, changed: change_type, removed: change_type }
    }
}
