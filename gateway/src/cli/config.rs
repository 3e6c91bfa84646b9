//! `concord config …`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, Output, print};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the JSON schema of concord.yaml, for editors
    Schema,
    /// Check a concord.yaml
    Validate {
        #[arg(value_name = "FILE", default_value = "concord.yaml")]
        file: PathBuf,
    },
}

pub(crate) fn run(command: ConfigCommand, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        ConfigCommand::Schema => {
            let schema = schemars::schema_for!(Config);
            let text =
                serde_json::to_string_pretty(&schema).expect("a JSON schema can always be written");
            print(output, &text)
        }
        ConfigCommand::Validate { file } => {
            let config = Config::load(&file).map_err(|error| match &error {
                crate::config::ConfigError::Read { .. } => Failure::input(&error),
                crate::config::ConfigError::Expand { .. }
                | crate::config::ConfigError::Parse { .. } => Failure::usage(&error),
            })?;
            crate::lint::lint(&[], &config.lint).map_err(Failure::usage)?;
            print(output, &format!("{}: fine", file.display()))
        }
    }
}
