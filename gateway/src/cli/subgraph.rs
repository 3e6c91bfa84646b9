//! `concord subgraph …`.

use clap::Subcommand;

use super::{Failure, Output, print};
use crate::outbound::HttpClient;
use crate::source::introspect::introspect;

#[derive(Debug, Subcommand)]
pub(crate) enum SubgraphCommand {
    /// Print the SDL of a running subgraph
    Introspect {
        /// The subgraph's GraphQL endpoint
        url: String,
        /// Sent along, e.g. for a credential; may be given several times
        #[arg(long, short = 'H', value_name = "NAME: VALUE")]
        header: Vec<String>,
    },
}

pub(crate) async fn run(command: SubgraphCommand, output: &mut Output<'_>) -> Result<(), Failure> {
    let SubgraphCommand::Introspect { url, header } = command;
    let pair = |header: &'_ String| -> Result<(String, String), Failure> {
        header.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(
            || Failure::usage(format!("`{header}` is not a header; write `Name: value`")),
        )
    };
    let headers = header.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let sdl = introspect(&HttpClient::new(), &url, headers).await.map_err(Failure::input)?;
    print(output, &sdl)
}
