//! Guesses what somebody meant.

/// `; did you mean …?` with the nearest of the known names, or nothing if none is near.
pub(crate) fn did_you_mean<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let nearest = known.map(|known| (distance(known, name), known)).min();
    match nearest {
        Some((distance, known)) if distance <= name.len().max(3) / 3 => {
            format!("; did you mean `{known}`?")
        }
        Some(_) | None => String::new(),
    }
}

/// Single-character edits between two words, whatever their case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        let known = || ["FIELD_REMOVED", "TYPE_REMOVED"].into_iter();
        assert_eq!(did_you_mean("FIELD_REMOVD", known()), "; did you mean `FIELD_REMOVED`?");
        assert_eq!(did_you_mean("something", known()), "");
    }
}
