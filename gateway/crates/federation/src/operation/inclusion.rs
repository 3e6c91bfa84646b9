//! Arithmetic on inclusion conditions. A conjunction is a sorted list of conditions; an
//! [`Inclusion`] is a disjunction of those, where none at all means *always*.

use crate::plan::{Condition, Inclusion};

pub(super) type Conjunction = Vec<Condition>;

/// Both, or `None` when they contradict each other.
pub(super) fn conjoin(a: &[Condition], b: &[Condition]) -> Option<Conjunction> {
    let mut both = a.to_vec();
    for condition in b {
        if both
            .iter()
            .any(|other| other.variable == condition.variable && other.value != condition.value)
        {
            return None;
        }
        if !both.contains(condition) {
            both.push(condition.clone());
        }
    }
    both.sort();
    Some(both)
}

/// Either of the alternatives, without those that another one covers.
pub(super) fn disjoin(alternatives: impl IntoIterator<Item = Conjunction>) -> Inclusion {
    let mut kept: Vec<Conjunction> = Vec::new();
    for mut new in alternatives {
        // `x or (not x and y)` is `x or y`: drop what an earlier alternative already decides.
        while let Some(place) = new.iter().position(|condition| {
            let opposite = Condition { value: !condition.value, ..condition.clone() };
            kept.iter().any(|old| {
                old.contains(&opposite)
                    && old.iter().all(|part| *part == opposite || new.contains(part))
            })
        }) {
            new.remove(place);
        }
        if new.is_empty() {
            return Inclusion::ALWAYS;
        }
        if kept.iter().any(|old| old.iter().all(|part| new.contains(part))) {
            continue;
        }
        kept.retain(|old| !new.iter().all(|part| old.contains(part)));
        kept.push(new);
    }
    Inclusion(kept)
}

/// Included when one of the two is.
pub(crate) fn or(a: &Inclusion, b: &Inclusion) -> Inclusion {
    if a.0.is_empty() || b.0.is_empty() {
        return Inclusion::ALWAYS;
    }
    disjoin(a.0.iter().chain(&b.0).cloned())
}

/// Included when both are; `None` when that cannot be.
pub(crate) fn and(a: &Inclusion, b: &Inclusion) -> Option<Inclusion> {
    if a.0.is_empty() {
        return Some(b.clone());
    }
    if b.0.is_empty() {
        return Some(a.clone());
    }
    let pairs = a.0.iter().flat_map(|one| b.0.iter().filter_map(|other| conjoin(one, other)));
    let pairs: Vec<Conjunction> = pairs.collect();
    if pairs.is_empty() { None } else { Some(disjoin(pairs)) }
}

/// Whether `b` holds wherever `a` does (may say no when it is not obvious).
pub(crate) fn implies(a: &Inclusion, b: &Inclusion) -> bool {
    b.0.is_empty()
        || (!a.0.is_empty()
            && a.0
                .iter()
                .all(|one| b.0.iter().any(|other| other.iter().all(|part| one.contains(part)))))
}

/// `conjunction`, but none of `earlier`: alternatives, none when it cannot be. `None` when that
/// would take too many alternatives to spell out.
pub(super) fn except(
    conjunction: &Conjunction,
    earlier: &[Conjunction],
) -> Option<Vec<Conjunction>> {
    let mut remaining = vec![conjunction.clone()];
    for other in earlier {
        let mut next = Vec::new();
        for part in &remaining {
            for condition in other {
                let opposite = Condition { value: !condition.value, ..condition.clone() };
                next.extend(conjoin(part, &[opposite]));
            }
        }
        next.sort();
        next.dedup();
        if next.len() > 16 {
            return None;
        }
        remaining = next;
    }
    Some(remaining)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parts: &[(&str, bool)]) -> Conjunction {
        parts
            .iter()
            .map(|(variable, value)| Condition { variable: (*variable).to_owned(), value: *value })
            .collect()
    }

    #[test]
    fn opposite_alternatives_are_always() {
        assert_eq!(disjoin([all(&[("a", true)]), all(&[("a", false)])]), Inclusion::ALWAYS);
    }

    #[test]
    fn narrower_alternatives_are_covered() {
        assert_eq!(
            disjoin([all(&[("a", true)]), all(&[("a", true), ("b", true)])]).0,
            [all(&[("a", true)])]
        );
    }

    #[test]
    fn contradictions_are_never() {
        assert_eq!(conjoin(&all(&[("a", true)]), &all(&[("a", false)])), None);
        assert_eq!(except(&all(&[("a", true)]), &[all(&[("a", true)])]), Some(Vec::new()));
    }
}
