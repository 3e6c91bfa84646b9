//! Writes what was asked to a file, for another planner to be compared with
//! (`tests/clients/apollo/requests.js`): one JSON text a line, one line a graph.
//!
//! Conditions are decided before: who skips what is a matter of running a plan as well, and would
//! have to be counted in the other's way.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use serde_json::{Value, json};

use super::operation::RandomOperation;
use crate::gateway::Gateway;

pub(super) struct Export {
    file: BufWriter<File>,
    operations: Vec<Value>,
}

impl Export {
    /// To where `CONCORD_DIFFERENTIAL_EXPORT` says, if it says anything.
    pub(super) fn wanted() -> Option<Self> {
        let path = std::env::var_os("CONCORD_DIFFERENTIAL_EXPORT")?;
        let file =
            File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Some(Self { file: BufWriter::new(file), operations: Vec::new() })
    }

    pub(super) fn operation(&mut self, gateway: &Gateway, operation: &RandomOperation) {
        let query = operation.decided().text();
        let read = gateway.planner.operation(&query, None).unwrap();
        let plan = gateway.planner.plan(&read, &gateway.options).unwrap();
        let size = plan.size();
        self.operations.push(json!({
            "query": query,
            "requests": size.requests,
            "waves": size.depth,
            "plan": plan.to_string(),
        }));
    }

    pub(super) fn graph(&mut self, gateway: &Gateway, seed: u64) {
        let line = json!({
            "seed": seed,
            "supergraph": gateway.supergraph_sdl,
            "labels": gateway.options.override_labels,
            "operations": std::mem::take(&mut self.operations),
        });
        writeln!(self.file, "{line}").unwrap();
    }

    pub(super) fn end(mut self) {
        self.file.flush().unwrap();
    }
}
