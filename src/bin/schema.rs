//! `schema`: renews the checked-in `schema/` folder, or with `--check` says whether it is stale.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use marketplace::schema_files;

/// Write what the services' code prints, and what it composes to, into a folder
#[derive(Debug, Parser)]
struct Options {
    /// Only say which files are stale; exit code 1 if any is
    #[arg(long)]
    check: bool,
    #[arg(default_value = "schema")]
    folder: PathBuf,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if !options.check {
        schema_files::write(&options.folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let stale = schema_files::stale(&options.folder)?;
    for name in &stale {
        writeln!(
            io::stderr(),
            "{} is stale: run `cargo run --bin schema`",
            options.folder.join(name).display()
        )?;
    }
    Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
