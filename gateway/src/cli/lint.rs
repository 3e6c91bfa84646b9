//! `concord lint`.

use std::path::{Path, PathBuf};

use clap::Args;
use federation::lint::{Rule, apply_edits};
use serde_json::{Value, json};

use super::check::style;
use super::{Failure, Output, deliver, print};
use crate::check::lint_json;
use crate::check::lint_text;
use crate::config::{Config, LintConfig, LintLevel};
use crate::lint::{self, Document, LintFinding};
use crate::outbound::HttpClient;
use crate::source::{self, SchemaInput};

#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// Schemas, or supergraph.yaml files for all of their subgraphs
    #[arg(value_name = "FILE", required_unless_present = "rules")]
    files: Vec<PathBuf>,
    /// Configuration (concord.yaml): its `lint` part
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mend what can be mended without a difference for clients, in the files
    #[arg(long)]
    fix: bool,
    /// List all rules
    #[arg(long)]
    rules: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: LintFormat,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LintFormat {
    Text,
    Json,
}

pub(crate) async fn lint(arguments: LintArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    if arguments.rules {
        return print(output, &rules());
    }
    let config = match &arguments.config {
        Some(path) => Config::load(path).map_err(Failure::usage)?.lint,
        None => LintConfig::default(),
    };
    let mut documents = load(&arguments.files).await?;
    let mut found = run(&documents, &config)?;
    let before = found.len();
    if arguments.fix {
        // The edits of two rules could meet in the same text, so each round applies one.
        for _ in Rule::ALL {
            if !fix(&mut documents, &found)? {
                break;
            }
            found = run(&documents, &config)?;
        }
    }
    let fixed = before.saturating_sub(found.len());
    let errors = found.iter().filter(|finding| finding.is_error()).count();
    let text = match arguments.format {
        LintFormat::Json => as_json(&found, fixed),
        LintFormat::Text => {
            let text = lint_text(&found, style());
            let warnings = found.len() - errors;
            let fixed = if arguments.fix { format!(", {fixed} fixed") } else { String::new() };
            format!("{text}{errors} errors, {warnings} warnings{fixed}\n")
        }
    };
    deliver(output, arguments.output.as_deref(), &text)?;
    if errors == 0 { Ok(()) } else { Err(Failure::Findings { message: String::new() }) }
}

fn run(documents: &[Document], config: &LintConfig) -> Result<Vec<LintFinding>, Failure> {
    lint::lint(documents, config).map_err(|error| {
        if error.is_usage() { Failure::usage(error) } else { Failure::input(error) }
    })
}

fn rules() -> String {
    let line = |rule: &Rule| {
        let level = if rule.is_recommended() { "warning" } else { "off" };
        format!("{:<48} {level:<8} {}\n", rule.as_str(), rule.description())
    };
    Rule::ALL.iter().map(line).collect()
}

async fn load(files: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    let client = HttpClient::new();
    let mut documents = Vec::new();
    for file in files {
        match source::load(&client, file).await.map_err(Failure::input)? {
            SchemaInput::Sdl(sdl) => {
                documents.push(Document::new(&file.display().to_string(), &sdl));
            }
            SchemaInput::Subgraphs(subgraphs) => documents.extend(
                subgraphs.iter().map(|subgraph| Document::new(&subgraph.origin, &subgraph.sdl)),
            ),
        }
    }
    Ok(documents)
}

/// Mends the violations of one rule in each file; false if nothing was left to mend. What came
/// from elsewhere (a running service) is left alone.
fn fix(documents: &mut [Document], found: &[LintFinding]) -> Result<bool, Failure> {
    let mut mended = false;
    for (index, document) in documents.iter_mut().enumerate() {
        let of_document =
            found.iter().filter(|finding| finding.document == index && !finding.fix.is_empty());
        let Some(rule) = of_document.clone().next().map(|finding| finding.rule) else { continue };
        let edits = of_document
            .filter(|finding| finding.rule == rule)
            .flat_map(|finding| finding.fix.iter().cloned());
        let (text, _) = apply_edits(&document.sdl, edits);
        let path = Path::new(&document.file);
        if path.is_file() && text != document.sdl {
            std::fs::write(path, &text)
                .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
            document.sdl = text;
            mended = true;
        }
    }
    Ok(mended)
}

fn as_json(found: &[LintFinding], fixed: usize) -> String {
    let ok = !found.iter().any(|finding| finding.level == LintLevel::Error);
    let findings: Value = found.iter().map(lint_json).collect();
    let value = json!({ "version": 1, "ok": ok, "fixed": fixed, "findings": findings });
    serde_json::to_string_pretty(&value).expect("JSON can always be written")
}
