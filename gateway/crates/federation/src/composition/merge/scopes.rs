//! Requirements of access as alternatives of things all needed: `[["a", "b"], ["c"]]`.

use std::collections::BTreeSet;

use apollo_compiler::Node;
use apollo_compiler::ast::Value;

/// Alternatives; one of them must be met in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement(pub(crate) BTreeSet<BTreeSet<String>>);

impl Requirement {
    /// Nothing required.
    pub(crate) fn none() -> Self {
        Self(BTreeSet::from([BTreeSet::new()]))
    }

    pub(crate) fn from_value(value: &Value) -> Self {
        let strings = |value: &Value| -> BTreeSet<String> {
            match value {
                Value::List(items) => {
                    items.iter().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
                }
                single => single.as_str().map(ToOwned::to_owned).into_iter().collect(),
            }
        };
        match value {
            Value::List(alternatives) => {
                Self(alternatives.iter().map(|alternative| strings(alternative)).collect())
                    .reduced()
            }
            single => Self(BTreeSet::from([strings(single)])),
        }
    }

    /// Both required: every alternative of one with every alternative of the other.
    pub(crate) fn and(&self, other: &Self) -> Self {
        if self.0.is_empty() || other.0.is_empty() {
            // Nothing can meet an empty set of alternatives.
            return Self(BTreeSet::new());
        }
        let mut all = BTreeSet::new();
        for a in &self.0 {
            for b in &other.0 {
                all.insert(a.union(b).cloned().collect());
                if all.len() > MAX_ALTERNATIVES {
                    return Self(all).reduced();
                }
            }
        }
        Self(all).reduced()
    }

    /// Whether meeting `self` always meets `other`.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        self.0.iter().all(|own| other.0.iter().any(|needed| needed.is_subset(own)))
    }

    /// Without alternatives that need more than another.
    fn reduced(self) -> Self {
        let kept = self
            .0
            .iter()
            .filter(|set| !self.0.iter().any(|other| other != *set && other.is_subset(set)))
            .cloned()
            .collect();
        Self(kept)
    }

    pub(crate) fn to_value(&self) -> Node<Value> {
        let list = |set: &BTreeSet<String>| {
            let items = set.iter().map(|item| Node::new(Value::String(item.clone()))).collect();
            Node::new(Value::List(items))
        };
        Node::new(Value::List(self.0.iter().map(list).collect()))
    }
}

/// Beyond this many alternatives a requirement is no longer multiplied out.
const MAX_ALTERNATIVES: usize = 4096;
