//! `concord lint`: which rules hold where, and what is found. The rules are `federation::lint`'s.

use std::collections::BTreeMap;

use federation::lint::{Edit, LintOptions, LintSource, LintSyntaxError, Rule, Violation};

use crate::config::{LintConfig, LintLevel};
use crate::spelling::did_you_mean;

/// A document to look at.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) file: String,
    pub(crate) sdl: String,
}

impl Document {
    pub(crate) fn new(file: &str, sdl: &str) -> Self {
        Self { file: file.to_owned(), sdl: sdl.to_owned() }
    }
}

/// A violation with its level and its line.
#[derive(Clone, Debug)]
pub(crate) struct LintFinding {
    pub(crate) rule: Rule,
    pub(crate) level: LintLevel,
    pub(crate) coordinate: String,
    pub(crate) message: String,
    pub(crate) document: usize,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Characters.
    pub(crate) length: usize,
    pub(crate) text: String,
    pub(crate) fix: Vec<Edit>,
}

impl LintFinding {
    pub(crate) fn is_error(&self) -> bool {
        self.level == LintLevel::Error
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LintError {
    #[error("lint: there is no rule `{name}`{hint}")]
    UnknownRule { name: String, hint: String },
    #[error(transparent)]
    Syntax { source: LintSyntaxError },
}

impl LintError {
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::UnknownRule { .. } => true,
            Self::Syntax { .. } => false,
        }
    }
}

/// Everything that is found on a level above `off`, in order of place.
pub(crate) fn lint(
    documents: &[Document],
    config: &LintConfig,
) -> Result<Vec<LintFinding>, LintError> {
    let levels = levels(config)?;
    let exceptions = exceptions(config)?;
    let raised = exceptions.iter().filter(|exception| exception.level != LintLevel::Off);
    let mut rules: std::collections::BTreeSet<Rule> = levels
        .iter()
        .filter(|(_, level)| **level != LintLevel::Off)
        .map(|(rule, _)| *rule)
        .collect();
    rules.extend(raised.filter_map(|exception| exception.rule));
    let options = LintOptions { rules, known_tags: config.known_tags.clone() };
    let sources: Vec<LintSource<'_>> = documents
        .iter()
        .map(|document| LintSource { name: &document.file, sdl: &document.sdl })
        .collect();
    let found = federation::lint::lint(&sources, &options)
        .map_err(|source| LintError::Syntax { source })?;
    let level_of = |violation: &Violation| {
        exceptions
            .iter()
            .rev()
            .find(|exception| exception.covers(violation))
            .map_or(levels[&violation.rule], |exception| exception.level)
    };
    Ok(found
        .into_iter()
        .map(|violation| (level_of(&violation), violation))
        .filter(|(level, _)| *level != LintLevel::Off)
        .map(|(level, violation)| finding(documents, level, violation))
        .collect())
}

fn finding(documents: &[Document], level: LintLevel, violation: Violation) -> LintFinding {
    let Violation { rule, document, coordinate, message, span, line, column, fix } = violation;
    let Document { file, sdl } = &documents[document];
    LintFinding {
        rule,
        level,
        coordinate,
        message,
        document,
        file: file.clone(),
        line,
        column,
        length: sdl.get(span).map_or(1, |text| text.chars().count()).max(1),
        text: sdl.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned(),
        fix,
    }
}

/// The level of every rule: recommended ones warn, unless the configuration says otherwise.
fn levels(config: &LintConfig) -> Result<BTreeMap<Rule, LintLevel>, LintError> {
    let usual = |rule: &Rule| {
        let level = if rule.is_recommended() { LintLevel::Warning } else { LintLevel::Off };
        (*rule, level)
    };
    let mut levels: BTreeMap<Rule, LintLevel> = Rule::ALL.iter().map(usual).collect();
    for (name, level) in &config.rules {
        levels.insert(rule(name)?, *level);
    }
    Ok(levels)
}

fn rule(name: &str) -> Result<Rule, LintError> {
    Rule::from_name(name).ok_or_else(|| LintError::UnknownRule {
        name: name.to_owned(),
        hint: did_you_mean(name, Rule::ALL.iter().map(|rule| rule.as_str())),
    })
}

/// Places where a rule has another level.
struct Exception {
    rule: Option<Rule>,
    coordinate: Vec<String>,
    level: LintLevel,
}

impl Exception {
    fn covers(&self, violation: &Violation) -> bool {
        let parts: Vec<&str> = violation.coordinate.split('.').collect();
        self.rule.is_none_or(|rule| rule == violation.rule)
            && parts.len() >= self.coordinate.len()
            && self.coordinate.iter().zip(parts).all(|(pattern, part)| matches(pattern, part))
    }
}

/// `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|start| rest.is_char_boundary(*start))
                .any(|start| matches(after, &rest[start..]))
        }),
    }
}

fn exceptions(config: &LintConfig) -> Result<Vec<Exception>, LintError> {
    config
        .exceptions
        .iter()
        .map(|exception| {
            Ok(Exception {
                rule: exception.rule.as_deref().map(rule).transpose()?,
                coordinate: exception.coordinate.split('.').map(str::to_owned).collect(),
                level: exception.level,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinates(config: &str) -> Vec<(String, LintLevel)> {
        let config: LintConfig = serde_yaml_ng::from_str(config).expect("parses");
        let document = Document::new("a.graphql", "type Query { Bad: Int other_bad: Int }");
        let found = lint(&[document], &config).expect("lints");
        found
            .into_iter()
            .filter(|finding| finding.rule == Rule::FieldNamesShouldBeCamelCase)
            .map(|finding| (finding.coordinate, finding.level))
            .collect()
    }

    #[test]
    fn levels_are_set_by_rule_and_by_coordinate() {
        let (bad, other) = ("Query.Bad".to_owned(), "Query.other_bad".to_owned());
        let warning = LintLevel::Warning;
        assert_eq!(coordinates("{}"), [(bad.clone(), warning), (other.clone(), warning)]);
        assert_eq!(coordinates("rules: { FIELD_NAMES_SHOULD_BE_CAMEL_CASE: off }"), []);
        assert_eq!(
            coordinates("exceptions: [{ coordinate: 'Query.other*' }]"),
            [(bad.clone(), warning)]
        );
        assert_eq!(
            coordinates(
                "rules: { FIELD_NAMES_SHOULD_BE_CAMEL_CASE: off }\nexceptions: [{ rule: FIELD_NAMES_SHOULD_BE_CAMEL_CASE, coordinate: Query.Bad, level: error }]"
            ),
            [(bad, LintLevel::Error)]
        );
    }

    #[test]
    fn unknown_rules_are_refused() {
        let config: LintConfig =
            serde_yaml_ng::from_str("rules: { TYPE_SUFIX: error }").expect("parses");
        let error = lint(&[], &config).expect_err("must be refused").to_string();
        assert!(error.contains("did you mean `TYPE_SUFFIX`"), "{error}");
    }
}
