//! Values that are probably meant: small spelling distance, or the beginning of a name.

/// At most this many suggestions.
const SUGGESTIONS: usize = 3;

/// The labels nearest to `value`, best first.
pub(super) fn nearest(value: &str, choices: &[(&str, &str)]) -> Vec<String> {
    let wanted = value.trim().to_lowercase();
    let mut near: Vec<(usize, &str)> = choices
        .iter()
        .filter_map(|(_, label)| {
            let lower = label.to_lowercase();
            let distance = distance(&wanted, &lower);
            let close = distance <= 1 + wanted.chars().count() / 4;
            let begins = wanted.chars().count() >= 3 && lower.starts_with(&wanted);
            (close || begins).then_some((distance, *label))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(SUGGESTIONS).map(|(_, label)| label.to_owned()).collect()
}

/// Insertions, deletions and replacements from `left` to `right`.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, char) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(char != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognised() {
        let choices = [("CA", "California"), ("CO", "Colorado"), ("CT", "Connecticut")];
        assert_eq!(nearest("Califronia", &choices), ["California"]);
        assert_eq!(nearest("Conn", &choices), ["Connecticut"]);
        assert!(nearest("Bavaria", &choices).is_empty());
    }
}
