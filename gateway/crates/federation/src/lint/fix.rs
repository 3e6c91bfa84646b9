//! Applies edits to a text.

use super::Edit;

/// The text with all edits that do not overlap an earlier one, and how many were left out.
pub fn apply_edits(text: &str, edits: impl IntoIterator<Item = Edit>) -> (String, usize) {
    let mut edits: Vec<Edit> = edits.into_iter().collect();
    edits.sort_by(|a, b| {
        (a.span.start, a.span.end, &a.text).cmp(&(b.span.start, b.span.end, &b.text))
    });
    edits.dedup();
    let mut output = String::with_capacity(text.len());
    let (mut done, mut left_out) = (0, 0);
    for Edit { span, text: replacement } in edits {
        let Some(untouched) = text.get(done..span.start).filter(|_| span.start >= done) else {
            left_out += 1;
            continue;
        };
        output.push_str(untouched);
        output.push_str(&replacement);
        done = span.end;
    }
    output.push_str(text.get(done..).unwrap_or_default());
    (output, left_out)
}
