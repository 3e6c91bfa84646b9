//! The command line of `marketplace`.

use std::path::PathBuf;

use clap::Parser;

/// The Concord marketplace: users, reviews and payments behind one GraphQL gateway, in one
/// process, on embedded SQLite, with demo data.
///
/// GraphiQL is on the first port; the services have the three after it.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Options {
    /// Folder for the databases and the demo log-ins; created when missing
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// First of four ports: gateway, users, reviews, payments
    #[arg(long, value_name = "PORT", default_value_t = 4000)]
    pub port: u16,
    /// Throw away what the folder holds and load the demo data anew
    #[arg(long)]
    pub reset: bool,
    /// Start with empty databases
    #[arg(long)]
    pub no_demo: bool,
    /// Log filter, e.g. info, or payments=debug
    #[arg(long, value_name = "FILTER", default_value = "warn", env = "RUST_LOG")]
    pub log: String,
}
