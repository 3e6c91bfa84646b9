//! Both sides of a check: an API schema, a supergraph, or subgraphs that are composed first;
//! from files, folders, git revisions, running services and introspection answers.

use std::path::{Path, PathBuf};

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use federation::diagnostic::Diagnostic;
use federation::supergraph::Supergraph;

use super::{CheckError, git};
use crate::composing::{compose_subgraphs, sources};
use crate::outbound::HttpClient;
use crate::render::render;
use crate::source::{
    self, LoadError, SchemaInput, SubgraphSource, introspect, introspection_json,
    is_supergraph_yaml,
};

/// One side, ready to be compared.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) origin: String,
    pub(super) api_schema: Schema,
    pub(super) supergraph: Option<Supergraph>,
    pub(super) supergraph_sdl: Option<String>,
    /// The texts in which elements can be found.
    pub(super) texts: Vec<SourceText>,
    pub(super) hints: Vec<Diagnostic>,
    pub(super) subgraphs: Vec<SubgraphSource>,
}

/// A schema document as somebody has written it.
#[derive(Clone, Debug)]
pub(super) struct SourceText {
    pub(super) file: String,
    pub(super) text: String,
}

/// The head, or why its subgraphs do not compose.
#[derive(Debug)]
pub(super) enum Head {
    Loaded(Box<Side>),
    Broken { origin: String, errors: Vec<Diagnostic>, subgraphs: Vec<SubgraphSource> },
}

/// Schemas that replace those of the head's subgraphs, or are added to them.
pub(super) type Replacements = Vec<(String, PathBuf)>;

/// What has been read for a side; making something of it needs nothing but a processor.
#[derive(Debug)]
pub(super) struct Unbuilt {
    origin: String,
    input: SchemaInput,
}

pub(super) async fn read_head(
    client: &HttpClient,
    head: &str,
    replacements: &Replacements,
) -> Result<Unbuilt, CheckError> {
    let mut input = load(client, head).await?;
    replace(&mut input, replacements)?;
    Ok(Unbuilt { origin: head.to_owned(), input })
}

pub(super) fn build_head(head: Unbuilt) -> Result<Head, CheckError> {
    let Unbuilt { origin, input } = head;
    match build(input, origin.clone())? {
        Ok(side) => Ok(Head::Loaded(Box::new(side))),
        Err((errors, subgraphs)) => Ok(Head::Broken { origin, errors, subgraphs }),
    }
}

fn replace(input: &mut SchemaInput, replacements: &Replacements) -> Result<(), CheckError> {
    for (name, path) in replacements {
        let SchemaInput::Subgraphs(subgraphs) = input else {
            return Err(CheckError::NotSubgraphs { name: name.clone() });
        };
        let sdl = source::read(path).map_err(|source| CheckError::Load { source })?;
        let origin = path.display().to_string();
        if let Some(subgraph) = subgraphs.iter_mut().find(|subgraph| subgraph.name == *name) {
            (subgraph.sdl, subgraph.origin) = (sdl, origin);
        } else {
            let (name, url) = (name.clone(), String::new());
            subgraphs.push(SubgraphSource { name, url, sdl, origin });
        }
    }
    Ok(())
}

/// What the base names: an address or file if there is one of that name, else the head's file at
/// that git revision.
pub(super) async fn read_base(
    client: &HttpClient,
    base: &str,
    head: &str,
) -> Result<Unbuilt, CheckError> {
    let (input, origin) = if is_address(base) || Path::new(base).exists() {
        (load(client, base).await?, base.to_owned())
    } else if is_address(head) {
        let reason = "and the head is an address, so there is no file to look up in git".to_owned();
        return Err(CheckError::NoSuchBase { base: base.to_owned(), reason });
    } else {
        (load_revision(client, base, Path::new(head)).await?, format!("{base}:{head}"))
    };
    Ok(Unbuilt { origin, input })
}

pub(super) fn build_base(base: Unbuilt) -> Result<Side, CheckError> {
    let Unbuilt { origin, input } = base;
    build(input, origin.clone())?.map_err(|(errors, subgraphs)| CheckError::BaseComposition {
        origin,
        rendered: render(&errors, &sources(&subgraphs)),
    })
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

async fn load(client: &HttpClient, what: &str) -> Result<SchemaInput, CheckError> {
    let failed = |source: LoadError| CheckError::Load { source };
    if is_address(what) {
        return match introspect::introspect_graph(client, what).await {
            Ok(sdl) => Ok(SchemaInput::Sdl(sdl)),
            Err(source) => Err(failed(LoadError::Graph { origin: what.to_owned(), source })),
        };
    }
    let path = Path::new(what);
    if path.is_dir() {
        let yaml = path.join("supergraph.yaml");
        if yaml.is_file() {
            return source::load(client, &yaml).await.map_err(failed);
        }
        let files = schema_files(path).map_err(failed)?;
        return from_folder(path, &files, &source::read).map_err(failed);
    }
    if is_json(path) {
        let text = source::read(path).map_err(failed)?;
        return from_json(path, &text).map_err(failed);
    }
    source::load(client, path).await.map_err(failed)
}

async fn load_revision(
    client: &HttpClient,
    revision: &str,
    head: &Path,
) -> Result<SchemaInput, CheckError> {
    let no_base = |error: LoadError| CheckError::NoSuchBase {
        base: revision.to_owned(),
        reason: error.to_string(),
    };
    if !git::is_revision(revision, head) {
        let reason = "git knows no such revision here".to_owned();
        return Err(CheckError::NoSuchBase { base: revision.to_owned(), reason });
    }
    let failed = |source: LoadError| CheckError::Load { source };
    let read_file = |path: &Path| git::show(revision, path);
    let yaml = head.join("supergraph.yaml");
    if head.is_dir() && !yaml.is_file() {
        let mut files = git::list(revision, head).map_err(no_base)?;
        files.retain(|file| is_sdl(file) && file.parent() == Some(head));
        return from_folder(head, &files, &read_file).map_err(failed);
    }
    let head = if head.is_dir() { &yaml } else { head };
    let text = git::show(revision, head).map_err(no_base)?;
    if is_json(head) {
        return from_json(head, &text).map_err(failed);
    }
    if !is_supergraph_yaml(head) {
        return Ok(SchemaInput::Sdl(text));
    }
    source::load_subgraphs(client, head, &text, &read_file)
        .await
        .map(SchemaInput::Subgraphs)
        .map_err(failed)
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn is_sdl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension == "graphql" || extension == "gql" || extension == "graphqls"
    })
}

fn from_json(path: &Path, text: &str) -> Result<SchemaInput, LoadError> {
    introspection_json::to_sdl(text)
        .map(SchemaInput::Sdl)
        .map_err(|source| LoadError::IntrospectionJson { path: path.to_owned(), source })
}

fn schema_files(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        files.push(entry.map_err(failed)?.path());
    }
    files.retain(|file| is_sdl(file) && file.is_file());
    files.sort();
    Ok(files)
}

/// A folder is one schema in several files.
fn from_folder(
    folder: &Path,
    files: &[PathBuf],
    read: &dyn Fn(&Path) -> Result<String, LoadError>,
) -> Result<SchemaInput, LoadError> {
    if files.is_empty() {
        return Err(LoadError::EmptyFolder { path: folder.to_owned() });
    }
    let mut sdl = String::new();
    for file in files {
        sdl.push_str(&read(file)?);
        sdl.push('\n');
    }
    Ok(SchemaInput::Sdl(sdl))
}

type NotComposed = (Vec<Diagnostic>, Vec<SubgraphSource>);

fn build(input: SchemaInput, origin: String) -> Result<Result<Side, NotComposed>, CheckError> {
    match input {
        SchemaInput::Sdl(text) if text.trim().is_empty() => {
            Err(CheckError::InvalidSchema { origin, message: NOTHING.to_owned() })
        }
        SchemaInput::Sdl(text) if text.contains("join__Graph") => {
            let texts = vec![SourceText { file: origin.clone(), text: text.clone() }];
            from_supergraph(origin, text, texts).map(Ok)
        }
        SchemaInput::Sdl(text) => from_api_schema(origin, text).map(Ok),
        SchemaInput::Subgraphs(subgraphs) => match compose_subgraphs(&subgraphs) {
            Ok(composition) => {
                let text = |subgraph: &SubgraphSource| SourceText {
                    file: subgraph.origin.clone(),
                    text: subgraph.sdl.clone(),
                };
                let texts = subgraphs.iter().map(text).collect();
                let side = from_supergraph(origin, composition.supergraph_sdl, texts)?;
                Ok(Ok(Side { hints: composition.hints, subgraphs, ..side }))
            }
            Err(errors) => Ok(Err((errors, subgraphs))),
        },
    }
}

fn from_supergraph(
    origin: String,
    sdl: String,
    texts: Vec<SourceText>,
) -> Result<Side, CheckError> {
    match Supergraph::parse(&sdl) {
        Ok(supergraph) => Ok(Side {
            origin,
            api_schema: Schema::clone(supergraph.api_schema()),
            supergraph: Some(supergraph),
            supergraph_sdl: Some(sdl),
            texts,
            hints: Vec::new(),
            subgraphs: Vec::new(),
        }),
        Err(error) => Err(CheckError::InvalidSchema { origin, message: error.to_string() }),
    }
}

/// Built, not validated: a schema that breaks a rule of the specification (no `Query` yet, say)
/// can still be compared, and a pull request that mends it must be possible.
fn from_api_schema(origin: String, sdl: String) -> Result<Side, CheckError> {
    match Schema::builder().adopt_orphan_extensions().parse(&*sdl, origin.as_str()).build() {
        Ok(schema) if is_empty(&schema) => {
            Err(CheckError::InvalidSchema { origin, message: NOTHING.to_owned() })
        }
        Ok(api_schema) => Ok(Side {
            texts: vec![SourceText { file: origin.clone(), text: sdl }],
            origin,
            api_schema,
            supergraph: None,
            supergraph_sdl: None,
            hints: Vec::new(),
            subgraphs: Vec::new(),
        }),
        Err(errors) => {
            Err(CheckError::InvalidSchema { origin, message: format!("\n{}", errors.errors) })
        }
    }
}

const NOTHING: &str = "defines nothing";

/// An empty file is a mistake; compared with it, everything would have been removed.
fn is_empty(schema: &Schema) -> bool {
    schema.types.values().all(ExtendedType::is_built_in)
        && schema.directive_definitions.values().all(apollo_compiler::Node::is_built_in)
}
