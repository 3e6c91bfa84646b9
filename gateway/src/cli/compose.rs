//! `concord compose`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use federation::diagnostic::{Diagnostic, Label};
use federation::supergraph::Supergraph;
use serde_json::{Value, json};

use super::{Failure, Output, deliver};
use crate::composing::{compose_subgraphs, sources};
use crate::outbound::HttpClient;
use crate::render::render;
use crate::source::{self, SchemaInput, SubgraphSource};

#[derive(Debug, Args)]
pub(crate) struct ComposeArguments {
    /// The subgraphs, in Rover's format
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "subgraphs",
        required_unless_present = "subgraphs"
    )]
    config: Option<PathBuf>,
    /// Subgraphs as NAME=SCHEMA.graphql, or folders of files that are named after subgraphs
    #[arg(value_name = "NAME=FILE|FOLDER", value_parser = parse_given)]
    subgraphs: Vec<Given>,
    #[arg(long, value_enum, default_value = "sdl")]
    format: ComposeFormat,
    /// Print the API schema instead of the supergraph
    #[arg(long)]
    api: bool,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ComposeFormat {
    Sdl,
    Json,
    Text,
}

/// A supergraph and what clients see of it.
struct Composed {
    supergraph_sdl: String,
    api_sdl: String,
    hints: Vec<Diagnostic>,
}

/// A subgraph, or a folder full of them.
#[derive(Clone, Debug)]
enum Given {
    Subgraph { name: String, file: PathBuf },
    Folder(PathBuf),
}

fn parse_given(text: &str) -> Result<Given, String> {
    if Path::new(text).is_dir() {
        return Ok(Given::Folder(text.into()));
    }
    parse_pair(text).map(|(name, file)| Given::Subgraph { name, file })
}

pub(super) fn parse_pair(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err("write NAME=FILE, e.g. users=schema/users.graphql".to_owned()),
    }
}

pub(crate) async fn compose(
    arguments: ComposeArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let subgraphs = load(&arguments).await?;
    let composed = compose_subgraphs(&subgraphs).and_then(|composition| {
        // Whoever asks for the supergraph alone need not wait for it to be read again.
        let needed = arguments.api || arguments.format == ComposeFormat::Json;
        let api_sdl = if needed { api_sdl(&composition.supergraph_sdl)? } else { String::new() };
        Ok(Composed {
            supergraph_sdl: composition.supergraph_sdl,
            api_sdl,
            hints: composition.hints,
        })
    });
    let rendered = |diagnostics: &[Diagnostic]| render(diagnostics, &sources(&subgraphs));
    let text = match (&composed, arguments.format) {
        (result, ComposeFormat::Json) => serde_json::to_string_pretty(&as_json(result.as_ref()))
            .expect("JSON can always be written"),
        (Err(errors), ComposeFormat::Sdl | ComposeFormat::Text) => {
            return Err(Failure::Findings { message: rendered(errors) });
        }
        (Ok(composed), ComposeFormat::Sdl) => {
            if !composed.hints.is_empty() {
                writeln!(output.err, "{}", rendered(&composed.hints).trim_end())
                    .map_err(Failure::input)?;
            }
            if arguments.api { composed.api_sdl.clone() } else { composed.supergraph_sdl.clone() }
        }
        (Ok(composed), ComposeFormat::Text) => {
            let hints = rendered(&composed.hints);
            format!(
                "{hints}composed {} subgraphs, {} hints\n",
                subgraphs.len(),
                composed.hints.len()
            )
        }
    };
    deliver(output, arguments.output.as_deref(), &text)?;
    match composed {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::Findings { message: String::new() }),
    }
}

async fn load(arguments: &ComposeArguments) -> Result<Vec<SubgraphSource>, Failure> {
    if let Some(path) = &arguments.config {
        return match source::load(&HttpClient::new(), path).await.map_err(Failure::input)? {
            SchemaInput::Subgraphs(subgraphs) => Ok(subgraphs),
            SchemaInput::Sdl(_) => {
                Err(Failure::usage(format!("{}: --config takes a .yaml file", path.display())))
            }
        };
    }
    let mut subgraphs = Vec::new();
    for given in &arguments.subgraphs {
        match given {
            Given::Subgraph { name, file } => subgraphs.push(load_one(name.clone(), file)?),
            Given::Folder(folder) => {
                for file in schema_files(folder)? {
                    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    subgraphs.push(load_one(name, &file)?);
                }
            }
        }
    }
    Ok(subgraphs)
}

fn load_one(name: String, file: &Path) -> Result<SubgraphSource, Failure> {
    let sdl = source::read(file).map_err(Failure::input)?;
    Ok(SubgraphSource { name, url: String::new(), sdl, origin: file.display().to_string() })
}

/// The `.graphql` files of a folder by name.
fn schema_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let refuse = |error| Failure::input(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        if path.extension().is_some_and(|extension| extension == "graphql") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Failure::input(format!("{}: has no .graphql files", folder.display())));
    }
    files.sort();
    Ok(files)
}

/// What composition has accepted can be read back; if not, that is worth a bug report.
fn api_sdl(supergraph_sdl: &str) -> Result<String, Vec<Diagnostic>> {
    match Supergraph::parse(supergraph_sdl) {
        Ok(supergraph) => Ok(supergraph.api_schema().to_string()),
        Err(error) => Err(vec![Diagnostic {
            code: "INTERNAL_ERROR".to_owned(),
            severity: federation::diagnostic::Severity::Error,
            message: format!("the composed supergraph cannot be read: {error}"),
            labels: Vec::new(),
            help: Some("this is a bug of Concord; please report it with your subgraphs".to_owned()),
        }]),
    }
}

fn as_json(result: Result<&Composed, &Vec<Diagnostic>>) -> Value {
    let hint = |hint: &Diagnostic| json!({ "code": hint.code, "message": hint.message });
    match result {
        Ok(Composed { supergraph_sdl, api_sdl, hints }) => json!({
            "ok": true,
            "errors": [],
            "hints": hints.iter().map(hint).collect::<Value>(),
            "supergraphSdl": supergraph_sdl,
            "apiSdl": api_sdl,
        }),
        Err(errors) => json!({
            "ok": false,
            "errors": errors.iter().map(error).collect::<Value>(),
            "hints": [],
            "supergraphSdl": null,
            "apiSdl": null,
        }),
    }
}

fn error(error: &Diagnostic) -> Value {
    let location = |label: &Label| json!({ "subgraph": label.subgraph, "line": label.line, "column": label.column });
    json!({
        "code": error.code,
        "message": error.message,
        "locations": error.labels.iter().map(location).collect::<Value>(),
    })
}
