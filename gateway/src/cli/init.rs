//! `concord init`: a new graph in an empty folder.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Output, print};

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The folder; made if it is not there
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Write even if some of the files are there; those are left alone
    #[arg(long)]
    force: bool,
}

/// What a new graph consists of.
const FILES: [(&str, &str); 6] = [
    ("supergraph.yaml", include_str!("../../assets/init/supergraph.yaml")),
    ("concord.yaml", include_str!("../../assets/init/concord.yaml")),
    ("schema/products.graphql", include_str!("../../assets/init/products.graphql")),
    ("mocks/products.yaml", include_str!("../../assets/init/mocks.yaml")),
    ("operations/products.graphql", include_str!("../../assets/init/operations.graphql")),
    (".github/workflows/schema.yml", include_str!("../../assets/init/workflow.yml")),
];

pub(crate) fn init(arguments: InitArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let InitArguments { folder, force } = arguments;
    let taken: Vec<&str> =
        FILES.iter().map(|(name, _)| *name).filter(|name| folder.join(name).exists()).collect();
    if !taken.is_empty() && !force {
        return Err(Failure::usage(format!(
            "{} has `{}` already; use an empty folder, or --force to add what is missing",
            folder.display(),
            taken.join("`, `")
        )));
    }
    for (name, text) in FILES.iter().filter(|(name, _)| !taken.contains(name)) {
        write(&folder.join(name), text)?;
        print(output, &format!("wrote {}", folder.join(name).display()))?;
    }
    print(
        output,
        "\nNow: concord dev --supergraph supergraph.yaml --config concord.yaml --mock products",
    )
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::input(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
