//! `concord compose`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use federation::diagnostic::{Diagnostic, Label};
use federation::supergraph::Supergraph;
use serde_json::{Value, json};

use super::compose_watch::watch;
use super::{Failure, Output, deliver};
use crate::composing::{compose_subgraphs, sources};
use crate::file_watch::files_of;
use crate::outbound::HttpClient;
use crate::render::render;
use crate::source::{self, LoadError, SchemaInput, SubgraphSource};

#[derive(Debug, Args)]
pub(crate) struct ComposeArguments {
    /// The subgraphs, in Rover's format
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "subgraphs",
        required_unless_present = "subgraphs"
    )]
    pub(super) config: Option<PathBuf>,
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
    pub(super) output: Option<PathBuf>,
    /// Compose again whenever a schema has changed; the last good output stays meanwhile
    #[arg(long)]
    watch: bool,
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

/// What there is to say about one composition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) ok: bool,
    /// In the format asked for.
    pub(super) text: String,
    /// Errors or hints, with their places.
    pub(super) notes: String,
}

/// A subgraph, or a folder full of them.
#[derive(Clone, Debug)]
enum Given {
    Subgraph { name: String, file: PathBuf },
    Folder(PathBuf),
}

impl ComposeArguments {
    /// Writes the report, except for errors that only people read.
    pub(super) fn tell(&self, report: &Report, output: &mut Output<'_>) -> Result<(), Failure> {
        if self.format == ComposeFormat::Sdl && !report.notes.is_empty() {
            writeln!(output.err, "{}", report.notes.trim_end()).map_err(Failure::input)?;
        }
        deliver(output, self.output.as_deref(), &report.text)
    }

    /// Has a failed composition a form for programs, too?
    pub(super) fn tells_failures(&self) -> bool {
        self.format == ComposeFormat::Json && self.output.is_none()
    }

    /// All that is read from disk.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = self.config.as_deref().map(files_of).unwrap_or_default();
        for given in &self.subgraphs {
            match given {
                Given::Subgraph { name: _, file } => files.push(file.clone()),
                Given::Folder(folder) => {
                    // A folder that cannot be read is reported when it is composed.
                    files.extend(self.schema_files(folder).unwrap_or_default());
                }
            }
        }
        files
    }

    /// The `.graphql` files of a folder by name, but for the one that is written.
    fn schema_files(&self, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let refuse = |error| Failure::input(format!("{}: {error}", folder.display()));
        let written = self.output.as_ref().and_then(|path| path.canonicalize().ok());
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(refuse)? {
            let path = entry.map_err(refuse)?.path();
            let is_schema = path.extension().is_some_and(|extension| extension == "graphql");
            if is_schema && (written.is_none() || path.canonicalize().ok() != written) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
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

pub(crate) async fn run(
    arguments: ComposeArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if arguments.watch {
        return watch(&arguments, output).await;
    }
    let report = compose(&arguments).await?;
    if !report.ok && arguments.format != ComposeFormat::Json {
        return Err(Failure::Findings { message: report.notes });
    }
    arguments.tell(&report, output)?;
    if report.ok { Ok(()) } else { Err(Failure::Findings { message: String::new() }) }
}

/// Composes once.
pub(super) async fn compose(arguments: &ComposeArguments) -> Result<Report, Failure> {
    let subgraphs = load(arguments).await?;
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
    let diagnostics = match &composed {
        Ok(composed) => &composed.hints,
        Err(errors) => errors,
    };
    let notes = render(diagnostics, &sources(&subgraphs));
    let text = match (&composed, arguments.format) {
        (result, ComposeFormat::Json) => serde_json::to_string_pretty(&as_json(result.as_ref()))
            .expect("JSON can always be written"),
        (Err(_), ComposeFormat::Sdl | ComposeFormat::Text) => String::new(),
        (Ok(composed), ComposeFormat::Sdl) => {
            if arguments.api {
                composed.api_sdl.clone()
            } else {
                composed.supergraph_sdl.clone()
            }
        }
        (Ok(composed), ComposeFormat::Text) => {
            let hints = composed.hints.len();
            format!("{notes}composed {} subgraphs, {hints} hints\n", subgraphs.len())
        }
    };
    Ok(Report { ok: composed.is_ok(), text, notes })
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
                let files = arguments.schema_files(folder)?;
                if files.is_empty() {
                    return Err(Failure::input(LoadError::EmptyFolder { path: folder.clone() }));
                }
                for file in files {
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
