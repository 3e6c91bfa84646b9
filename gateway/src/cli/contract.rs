//! `concord contract`: the part of a supergraph that some clients may see.

use std::path::PathBuf;

use clap::Args;
use federation::composition::{ContractFilter, contract};
use federation::supergraph::Supergraph;

use super::{Failure, Output, deliver};
use crate::composing::{ComposeError, supergraph_sdl};
use crate::outbound::HttpClient;
use crate::render::{Source, render};

#[derive(Debug, Args)]
pub(crate) struct ContractArguments {
    /// Supergraph SDL, or a supergraph.yaml that is composed first
    #[arg(long, value_name = "FILE")]
    supergraph: PathBuf,
    /// Only fields and unions with this tag, or in a type with it; may be given several times
    #[arg(long, value_name = "TAG")]
    include: Vec<String>,
    /// Nothing with this tag; may be given several times
    #[arg(long, value_name = "TAG")]
    exclude: Vec<String>,
    /// No types that clients cannot get to
    #[arg(long)]
    hide_unreachable: bool,
    /// Print the API schema instead of the supergraph
    #[arg(long)]
    api: bool,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn run(
    arguments: ContractArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let ContractArguments { supergraph: file, include, exclude, hide_unreachable, api, output: to } =
        arguments;
    let whole = supergraph_sdl(&HttpClient::new(), &file).await.map_err(|error| match error {
        ComposeError::Load { source } => Failure::input(source),
        ComposeError::Composition { rendered, .. } => Failure::Findings { message: rendered },
    })?;
    let filter = ContractFilter { include, exclude, hide_unreachable };
    let sdl = contract(&whole, &filter).map_err(|diagnostics| {
        let origin = file.display().to_string();
        let source = Source { name: "supergraph", origin: &origin, text: &whole };
        Failure::Findings { message: render(&diagnostics, &[source]) }
    })?;
    if !api {
        return deliver(output, to.as_deref(), &sdl);
    }
    let supergraph = Supergraph::parse(&sdl).map_err(Failure::input)?;
    deliver(output, to.as_deref(), &supergraph.api_schema().to_string())
}
