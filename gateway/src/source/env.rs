//! `${env.NAME}` in configuration files, as Rover and the Apollo Router write it, with
//! `${env.NAME:-default}` for what may be missing.

/// Why a placeholder could not be filled.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    #[error(
        "line {line}: environment variable `{name}` is not set; set it or write `${{env.{name}:-default}}`"
    )]
    NotSet { name: String, line: usize },
    #[error("line {line}: `${{` without a closing `}}`")]
    Unclosed { line: usize },
    #[error("line {line}: `${{{text}}}` is not understood; write `${{env.NAME}}`")]
    Unknown { text: String, line: usize },
}

/// Fills all placeholders. Comments are left alone, so that an example in one needs no variable.
pub(crate) fn expand(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut output = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_start().starts_with('#') {
            output.push_str(line);
        } else {
            expand_line(line, index + 1, &variable, &mut output)?;
        }
    }
    Ok(output)
}

fn expand_line(
    text: &str,
    line: usize,
    variable: &impl Fn(&str) -> Option<String>,
    output: &mut String,
) -> Result<(), ExpandError> {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        output.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let end = inside.find('}').ok_or(ExpandError::Unclosed { line })?;
        let placeholder = &inside[..end];
        let named = placeholder
            .strip_prefix("env.")
            .ok_or_else(|| ExpandError::Unknown { text: placeholder.to_owned(), line })?;
        let (name, default) = match named.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (named, None),
        };
        let value = variable(name)
            .or_else(|| default.map(str::to_owned))
            .ok_or_else(|| ExpandError::NotSet { name: name.to_owned(), line })?;
        output.push_str(&value);
        rest = &inside[end + 1..];
    }
    output.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        (name == "HOST").then(|| "shop.example".to_owned())
    }

    #[test]
    fn placeholders_are_filled() {
        let text = "url: http://${env.HOST}:${env.PORT:-4001}/graphql\n# ${env.MISSING}\n";
        let expanded = expand(text, variable).expect("expands");
        assert_eq!(expanded, "url: http://shop.example:4001/graphql\n# ${env.MISSING}\n");
    }

    #[test]
    fn what_cannot_be_filled_names_the_line() {
        let not_set = ExpandError::NotSet { name: "MISSING".into(), line: 2 };
        assert_eq!(expand("a: 1\nb: ${env.MISSING}", variable), Err(not_set));
        assert_eq!(expand("a: ${env.HOST", variable), Err(ExpandError::Unclosed { line: 1 }));
        assert_eq!(
            expand("a: ${HOST}", variable),
            Err(ExpandError::Unknown { text: "HOST".into(), line: 1 })
        );
    }
}
