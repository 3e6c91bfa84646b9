//! What a change means for the clients that are known, and for those who have agreed to it.

use std::collections::BTreeMap;

use federation::diff::{Change, Criticality, Impact};

use super::acceptances::{Acceptance, Acceptances};
use super::operations::OperationsReport;
use super::places::{Place, Places};

/// One change with everything that is known about it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) change: Change,
    pub(crate) verdict: Verdict,
    /// In the new schema, or around where it was; in the old one for what was removed.
    pub(crate) place: Option<Place>,
    /// Where to annotate in the new schema.
    pub(crate) annotation: Option<Place>,
    /// Indices of the operations that notice it, if operations are known.
    pub(crate) noticed_by: Vec<usize>,
}

/// How a change counts in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As the schema alone says.
    Stands,
    /// No known operation notices it; how many there are.
    Unnoticed {
        operations: usize,
    },
    Accepted(Acceptance),
}

impl Finding {
    /// The criticality in the end.
    pub(crate) fn effective(&self) -> Criticality {
        match self.verdict {
            Verdict::Stands => self.change.criticality,
            Verdict::Unnoticed { .. } | Verdict::Accepted(_) => Criticality::NonBreaking,
        }
    }

    /// Why it is safe although the schema alone says otherwise.
    pub(crate) fn safe_because(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Stands => None,
            Verdict::Unnoticed { operations } => {
                Some(format!("none of {operations} operations notices it"))
            }
            Verdict::Accepted(Acceptance { reason, by, expires, .. }) => {
                Some(format!("accepted by {by} until {expires}: {reason}"))
            }
        }
    }
}

pub(super) struct Judge<'j> {
    pub(super) old: &'j Places<'j>,
    pub(super) new: &'j Places<'j>,
    pub(super) impact: Option<&'j Impact<'j>>,
    pub(super) operations: Option<&'j OperationsReport>,
}

impl Judge<'_> {
    pub(super) fn judge(
        &self,
        changes: Vec<Change>,
        acceptances: &mut Acceptances,
    ) -> Vec<Finding> {
        // Types come with hundreds of implied changes, which share their path's place.
        let mut places: BTreeMap<String, Option<Place>> = BTreeMap::new();
        changes
            .into_iter()
            .map(|change| {
                let noticed_by = self.noticed_by(&change);
                let verdict = self.verdict(&change, &noticed_by, acceptances);
                let path = change.path.clone().unwrap_or_default();
                let annotation = places
                    .entry(path.clone())
                    .or_insert_with(|| self.new.find(&path).or_else(|| self.new.beginning()))
                    .clone();
                let removed = change.change_type.as_str().ends_with("_REMOVED");
                let old = if removed { self.old.find(&path) } else { None };
                Finding {
                    place: old.or_else(|| annotation.clone()),
                    annotation,
                    change,
                    verdict,
                    noticed_by,
                }
            })
            .collect()
    }

    fn noticed_by(&self, change: &Change) -> Vec<usize> {
        match self.impact {
            Some(impact) if change.criticality > Criticality::NonBreaking => {
                impact.affected(change)
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn verdict(
        &self,
        change: &Change,
        noticed_by: &[usize],
        acceptances: &mut Acceptances,
    ) -> Verdict {
        if change.criticality == Criticality::NonBreaking {
            return Verdict::Stands;
        }
        if let Some(acceptance) = acceptances.accept(change) {
            return Verdict::Accepted(acceptance);
        }
        match self.operations {
            Some(operations)
                if noticed_by.is_empty() && change.criticality == Criticality::Breaking =>
            {
                Verdict::Unnoticed { operations: operations.operations.len() }
            }
            Some(_) | None => Verdict::Stands,
        }
    }
}
