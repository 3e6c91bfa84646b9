//! The differential oracle: random graphs, rows and operations. The gateway's answer must be the
//! one that a single service with all the rows gives.
//!
//! Seeds are fixed. `CONCORD_DIFFERENTIAL_OPERATIONS=100000` asks so many, and
//! `CONCORD_DIFFERENTIAL_SEED=7` begins with another graph. What differs is shrunk and printed
//! as the files of a conformance case. `CONCORD_DIFFERENTIAL_VERBOSE=1` shows how far it is,
//! `CONCORD_DIFFERENTIAL_REFUSED=1` what composition says to graphs that are passed over.
//! `CONCORD_DIFFERENTIAL_EXPORT=FILE` writes down what was asked and how many requests it took.

mod dice;
mod export;
mod graph;
mod operation;
mod sdl;
mod shrink;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use federation::operation::OperationError;
use federation::planner::PlanOptions;
use federation::planner::verify::verify;

use self::dice::Dice;
use self::export::Export;
use self::graph::random_graph;
use self::operation::{RandomOperation, random_operation};
use crate::gateway::Gateway;
use crate::memory::invent;

const OPERATIONS: u64 = 400;
/// Operations on one graph.
const EACH: u64 = 20;

#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    subgraphs: Vec<(&'static str, String)>,
    labels: BTreeSet<String>,
    operation: RandomOperation,
}

/// How a case ends.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Right,
    /// Does not compose, or the operation is not valid: nothing is tested.
    Void,
    Wrong(String),
}

#[test]
fn random_operations_on_random_graphs() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let wanted = setting("CONCORD_DIFFERENTIAL_OPERATIONS").unwrap_or(OPERATIONS);
    let first = setting("CONCORD_DIFFERENTIAL_SEED").unwrap_or(0);
    let tolerated = setting("CONCORD_DIFFERENTIAL_TOLERATED").unwrap_or(0);
    let verbose = std::env::var_os("CONCORD_DIFFERENTIAL_VERBOSE").is_some();
    let mut export = Export::wanted();
    let (mut right, mut graphs, mut composed) = (0, 0, 0);
    let mut wrong: Vec<String> = Vec::new();
    let mut seed = first;
    while right < wanted {
        graphs += 1;
        let subgraphs = random_graph(seed);
        let labels: BTreeSet<String> = [("on".to_owned())].into_iter().collect();
        let gateway = gateway(&subgraphs, &labels, seed);
        if verbose {
            say(&format!("seed {seed}: {}, {right} right", gateway.is_some()));
        }
        if let Some(gateway) = gateway {
            composed += 1;
            for number in 0..EACH {
                let dice = Dice::new(seed * 1_000 + number + 17);
                let schema = gateway.planner.supergraph().api_schema();
                let operation = random_operation(schema, dice);
                match outcome(&gateway, &operation, number % 10 == 0) {
                    Outcome::Right => {
                        right += 1;
                        if let Some(export) = &mut export {
                            export.operation(&gateway, &operation);
                        }
                    }
                    Outcome::Void => {}
                    Outcome::Wrong(reason) => {
                        if verbose {
                            say(&format!("wrong: {}\n{reason}", operation.text()));
                        }
                        let labels = labels.clone();
                        let case = Case { seed, subgraphs: subgraphs.clone(), labels, operation };
                        wrong.push(case.report());
                        say(&wrong[wrong.len() - 1]);
                        break;
                    }
                }
            }
            if let Some(export) = &mut export {
                export.graph(&gateway, seed);
            }
        }
        seed += 1;
        assert!(wrong.len() as u64 <= tolerated, "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
    if let Some(export) = export {
        export.end();
    }
    say(&format!(
        "{right} operations right, {} wrong, on {composed} graphs of {graphs}",
        wrong.len()
    ));
    assert!(wrong.is_empty());
    assert!(composed * 4 > graphs, "only {composed} of {graphs} graphs compose");
}

fn gateway(
    subgraphs: &[(&'static str, String)],
    labels: &BTreeSet<String>,
    seed: u64,
) -> Option<Gateway> {
    let sources: Vec<(&str, &str)> = subgraphs.iter().map(|(name, sdl)| (*name, &**sdl)).collect();
    let options = PlanOptions { override_labels: labels.clone(), ..PlanOptions::default() };
    let rows = catch_unwind(|| invent(&sources, usize::try_from(seed % 1_000).unwrap(), None));
    match Gateway::with_options(&sources, rows.ok()??, options) {
        Ok(gateway) => Some(gateway),
        Err(refused) => {
            if std::env::var_os("CONCORD_DIFFERENTIAL_REFUSED").is_some() {
                say(&format!("seed {seed}: {refused}"));
            }
            None
        }
    }
}

fn outcome(gateway: &Gateway, operation: &RandomOperation, verified: bool) -> Outcome {
    let (text, variables) = (operation.text(), operation.used_variables());
    let read = match gateway.planner.operation(&text, None) {
        Ok(read) => read,
        Err(OperationError::Validation(_)) => return Outcome::Void,
        Err(error) => return Outcome::Wrong(error.to_string()),
    };
    let answered = catch_unwind(AssertUnwindSafe(|| gateway.answer(&read, &text, &variables)));
    let answers = match answered {
        Ok(Some(Ok(answers))) => answers,
        Ok(Some(Err(error))) => return Outcome::Wrong(format!("no plan: {error}")),
        Ok(None) => return Outcome::Void,
        Err(_) => return Outcome::Wrong("panics".to_owned()),
    };
    let same_errors = answers.explains_the_same();
    if answers.data != answers.expected_data || !same_errors {
        return Outcome::Wrong(format!("{answers:?}"));
    }
    if verified {
        let violations = verify(&gateway.planner, &read, &gateway.options, &answers.plan);
        if let Some(violation) = violations.first() {
            return Outcome::Wrong(format!("not sound: {violation}\n{answers:?}"));
        }
    }
    Outcome::Right
}

/// Progress, for who watches.
#[expect(clippy::print_stderr, reason = "a long run is watched")]
fn say(line: &str) {
    eprintln!("{line}");
}

impl Case {
    fn gateway(&self) -> Option<Gateway> {
        gateway(&self.subgraphs, &self.labels, self.seed)
    }

    fn report(self) -> String {
        let seed = self.seed;
        let small = self.shrink(|gateway, operation| {
            matches!(outcome(gateway, operation, true), Outcome::Wrong(_))
        });
        let reason = small.gateway().map(|gateway| outcome(&gateway, &small.operation, true));
        let mut report = format!("==== seed {seed}\n");
        for (name, sdl) in &small.subgraphs {
            write!(report, "---- {name}.graphql\n{sdl}").unwrap();
        }
        let operation = &small.operation;
        write!(report, "---- query.graphql\n{}\n", operation.text()).unwrap();
        writeln!(report, "---- variables {}", operation.used_variables()).unwrap();
        if let Some(Outcome::Wrong(reason)) = reason {
            writeln!(report, "{reason}").unwrap();
        }
        report
    }
}
