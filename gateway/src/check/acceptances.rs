//! Changes that people have agreed to, in a file that is checked in:
//!
//! ```yaml
//! - type: FIELD_REMOVED
//!   path: Product.price
//!   reason: nobody has used it since the redesign
//!   by: mara@shop.example
//!   expires: 2027-03-31
//! ```

use std::path::Path;

use federation::diff::{Change, ChangeType};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use time::Date;
use time::macros::format_description;

use super::CheckError;
use crate::spelling::did_you_mean;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    #[serde(rename = "type", deserialize_with = "change_type")]
    pub(crate) change_type: ChangeType,
    /// None for changes of root types, which have no path.
    #[serde(default)]
    pub(crate) path: Option<String>,
    pub(crate) reason: String,
    pub(crate) by: String,
    /// The last day on which it counts.
    #[serde(deserialize_with = "date", serialize_with = "write_date")]
    pub(crate) expires: Date,
}

/// The acceptances of a file, and which of them have been of use.
#[derive(Debug, Default)]
pub(crate) struct Acceptances {
    entries: Vec<(Acceptance, bool)>,
    today: Option<Date>,
}

impl Acceptances {
    pub(super) fn read(path: &Path, today: Date) -> Result<Self, CheckError> {
        let failed =
            |message: String| CheckError::Acceptances { file: path.display().to_string(), message };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text, today).map_err(failed)
    }

    fn parse(text: &str, today: Date) -> Result<Self, String> {
        let only_comments =
            text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        let entries: Vec<Acceptance> = if only_comments {
            Vec::new()
        } else {
            serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?
        };
        let blank = entries
            .iter()
            .find(|entry| entry.reason.trim().is_empty() || entry.by.trim().is_empty());
        if let Some(Acceptance { change_type, path, .. }) = blank {
            let path = path.as_deref().unwrap_or("the schema");
            return Err(format!("{change_type} {path}: `reason` and `by` must say something"));
        }
        let entries = entries.into_iter().map(|entry| (entry, false)).collect();
        Ok(Self { entries, today: Some(today) })
    }

    /// The acceptance of this change, if there is one that still counts.
    pub(super) fn accept(&mut self, change: &Change) -> Option<Acceptance> {
        let today = self.today;
        let (entry, used) = self.entries.iter_mut().find(|(entry, _)| {
            entry.change_type == change.change_type
                && entry.path == change.path
                && !is_expired(entry, today)
        })?;
        *used = true;
        Some(entry.clone())
    }

    pub(crate) fn expired(&self) -> impl Iterator<Item = &Acceptance> {
        self.entries.iter().map(|(entry, _)| entry).filter(|entry| is_expired(entry, self.today))
    }

    pub(crate) fn unused(&self) -> impl Iterator<Item = &Acceptance> {
        self.entries
            .iter()
            .filter(|(entry, used)| !used && !is_expired(entry, self.today))
            .map(|(entry, _)| entry)
    }
}

fn is_expired(entry: &Acceptance, today: Option<Date>) -> bool {
    today.is_some_and(|today| entry.expires < today)
}

fn change_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ChangeType, D::Error> {
    let name = String::deserialize(deserializer)?;
    ChangeType::from_name(&name).ok_or_else(|| {
        let known = ChangeType::ALL.iter().map(|known| known.as_str());
        D::Error::custom(format!("unknown change type `{name}`{}", did_you_mean(&name, known)))
    })
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    Date::parse(&text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| D::Error::custom(format!("`{text}` is not a date such as 2027-03-31")))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn write_date<S: serde::Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

#[cfg(test)]
mod tests {
    use federation::diff::Criticality;
    use time::macros::date;

    use super::*;

    const FILE: &str = "
- { type: FIELD_REMOVED, path: Product.price, reason: gone, by: mara, expires: 2027-03-31 }
- { type: TYPE_REMOVED, path: Old, reason: gone, by: mara, expires: 2026-01-01 }
";

    fn removed(path: &str) -> Change {
        Change {
            change_type: ChangeType::FieldRemoved,
            criticality: Criticality::Breaking,
            path: Some(path.to_owned()),
            message: String::new(),
            subject: None,
            implied: false,
        }
    }

    #[test]
    fn only_what_is_named_is_accepted() {
        let mut file = Acceptances::parse(FILE, date!(2026 - 12 - 01)).expect("parses");
        assert!(file.accept(&removed("Product.name")).is_none());
        assert_eq!(file.unused().count(), 1);
        assert_eq!(
            file.accept(&removed("Product.price")).map(|entry| entry.by),
            Some("mara".into())
        );
        assert_eq!((file.unused().count(), file.expired().count()), (0, 1));
    }

    #[test]
    fn expired_ones_do_not_count() {
        let mut file = Acceptances::parse(FILE, date!(2027 - 04 - 01)).expect("parses");
        assert!(file.accept(&removed("Product.price")).is_none());
        assert_eq!(file.expired().count(), 2);
    }

    #[test]
    fn typos_are_named_with_their_line() {
        let table = [
            (
                "- { type: FIELD_REMOVD, path: A.b, reason: r, by: b, expires: 2027-01-01 }",
                "did you mean `FIELD_REMOVED`",
            ),
            ("- { type: FIELD_REMOVED, pth: A.b, reason: r, by: b, expires: 2027-01-01 }", "pth"),
            ("- { type: FIELD_REMOVED, path: A.b, reason: r, by: b, expires: soon }", "not a date"),
            (
                "- { type: FIELD_REMOVED, path: A.b, reason: '', by: b, expires: 2027-01-01 }",
                "must say something",
            ),
            ("- { type: FIELD_REMOVED, path: A.b, by: b, expires: 2027-01-01 }", "reason"),
        ];
        for (text, message) in table {
            let error = Acceptances::parse(&format!("# accepted\n{text}"), date!(2026 - 12 - 01))
                .expect_err("must be refused");
            assert!(error.contains(message), "{error}");
        }
    }
}
