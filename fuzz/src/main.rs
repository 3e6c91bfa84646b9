//! Feeds damaged SDL to composition, contracts and the supergraph reader.
//!
//! Inputs are made from the corpus (`fuzz/corpus` and the composition cases) by moving, copying,
//! cutting and exchanging tokens, lines and bytes; a seed gives the same inputs again. An input
//! must give a result within seconds and without a panic. One that composes must also print back
//! to the same bytes, be a supergraph that can be read, and not depend on the subgraphs' order.
//! What fails is written to `fuzz/failures` and ends the run.

mod mutate;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use federation::composition::{ContractFilter, Limits, SubgraphSource, compose_within, contract};
use federation::supergraph::Supergraph;
use mutate::Mutator;

/// Longer than this for a few kilobytes is a hang, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let argument = |name: &str, default: u64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let (seconds, seed) = (argument("--seconds", 60), argument("--seed", 1));
    // Deep inputs are bounded by composition itself; the usual stack must do.
    let worker = std::thread::Builder::new().stack_size(8 << 20);
    let run = worker.spawn(move || fuzz(Duration::from_secs(seconds), seed));
    match run.map(std::thread::JoinHandle::join) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn fuzz(duration: Duration, seed: u64) -> bool {
    let corpus = corpus();
    println!("{} files in the corpus, seed {seed}", corpus.len());
    let mut mutator = Mutator::new(corpus, seed);
    let started = Instant::now();
    let (mut inputs, mut composed) = (0_u64, 0_u64);
    let mut slowest = Duration::ZERO;
    while started.elapsed() < duration {
        let subgraphs = mutator.next_input();
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&subgraphs)));
        let took = begun.elapsed();
        slowest = slowest.max(took);
        inputs += 1;
        let problem = match outcome {
            Ok(Ok(success)) => {
                composed += u64::from(success);
                (took > PATIENCE).then(|| format!("took {took:?}"))
            }
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some("panicked".to_owned()),
        };
        if let Some(problem) = problem {
            println!("input {inputs} {problem}; written to {}", keep(&subgraphs).display());
            return false;
        }
    }
    println!("{inputs} inputs, {composed} composed, slowest {slowest:?}: clean");
    true
}

/// Whether it composed, or what is wrong with the answer.
fn check(texts: &[String]) -> Result<bool, String> {
    let limits = Limits { satisfiability_steps: 200_000 };
    let sources = |order: &mut dyn Iterator<Item = (usize, &String)>| -> Vec<SubgraphSource> {
        order
            .map(|(index, sdl)| SubgraphSource {
                name: format!("s{index}"),
                url: "http://example".to_owned(),
                sdl: sdl.clone(),
            })
            .collect()
    };
    let filter = ContractFilter {
        include: vec!["a".to_owned()],
        exclude: vec!["internal".to_owned()],
        hide_unreachable: true,
    };
    for text in texts {
        let _ = contract(text, &filter);
        let _ = Supergraph::parse(text);
    }
    let given = compose_within(sources(&mut texts.iter().enumerate()), &limits);
    let reversed = compose_within(sources(&mut texts.iter().enumerate().rev()), &limits);
    let sdl = match (given, reversed) {
        (Err(_), Err(_)) => return Ok(false),
        (Ok(given), Ok(reversed)) if given.supergraph_sdl == reversed.supergraph_sdl => {
            given.supergraph_sdl
        }
        _ => return Err("depends on the order of subgraphs".to_owned()),
    };
    match contract(&sdl, &ContractFilter::default()) {
        Ok(printed) if printed == sdl => {}
        Ok(_) => return Err("does not print back to the same bytes".to_owned()),
        Err(errors) => return Err(format!("cannot be read back: {}", errors[0])),
    }
    let _ = contract(&sdl, &filter);
    Supergraph::parse(&sdl).map_err(|error| format!("is no supergraph: {error}"))?;
    Ok(true)
}

fn keep(texts: &[String]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
    for (index, text) in texts.iter().enumerate() {
        let _ = fs::create_dir_all(&folder);
        let _ = fs::write(folder.join(format!("s{index}.graphql")), text);
    }
    folder
}

fn corpus() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open =
        vec![here.join("corpus"), here.join("../gateway/crates/federation/tests/composition")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "graphql") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
}
