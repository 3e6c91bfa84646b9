//! `concord compose --watch`: composes again whenever a schema has changed.
//!
//! What does not compose is reported, and the last good output stays.

use std::io::Write;
use std::time::{Duration, Instant};

use super::compose::{ComposeArguments, Report, compose};
use super::serve::stop_signal;
use super::{Failure, Output};
use crate::file_watch::FilesSeen;
use crate::source;

/// How often to look at files.
const POLL_FILES: Duration = Duration::from_millis(50);
/// How often to ask running subgraphs for their schema.
const POLL_SERVICES: Duration = Duration::from_secs(2);
/// Writers take a moment.
const SETTLE: Duration = Duration::from_millis(15);

struct Watcher<'a> {
    arguments: &'a ComposeArguments,
    seen: FilesSeen,
    asked: Instant,
    /// The last composition, or why there was none.
    last: Option<Result<Report, String>>,
}

/// Goes on until it is asked to stop.
pub(super) async fn watch(
    arguments: &ComposeArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let stop = stop_signal().map_err(Failure::input)?;
    let mut watcher = Watcher {
        arguments,
        seen: FilesSeen::new(arguments.files()),
        asked: Instant::now(),
        last: None,
    };
    tokio::select! {
        result = watcher.run(output) => result,
        () = stop => Ok(()),
    }
}

impl Watcher<'_> {
    async fn run(&mut self, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut files_changed = true;
        loop {
            let began = Instant::now();
            let result = match compose(self.arguments).await {
                Ok(report) => Ok(report),
                Err(Failure::Usage { message }) => return Err(Failure::Usage { message }),
                Err(Failure::Findings { message } | Failure::Input { message }) => Err(message),
            };
            // Whoever saves a file wants to know; running subgraphs are asked all the time.
            if files_changed || self.last.as_ref() != Some(&result) {
                self.tell(&result, began.elapsed(), output)?;
            }
            self.last = Some(result);
            files_changed = self.wait_for_change().await;
        }
    }

    fn tell(
        &self,
        result: &Result<Report, String>,
        took: Duration,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let milliseconds = took.as_millis();
        let news = match result {
            Ok(report) if report.ok => {
                let unchanged = self.last.as_ref() == Some(result);
                if unchanged {
                    format!("composed in {milliseconds} ms, nothing has changed")
                } else {
                    self.arguments.tell(report, output)?;
                    format!("composed in {milliseconds} ms")
                }
            }
            Ok(report) => {
                if self.arguments.tells_failures() {
                    self.arguments.tell(report, output)?;
                }
                failed(report.notes.trim_end())
            }
            Err(message) => failed(&format!("error: {message}")),
        };
        writeln!(output.err, "{news}").map_err(Failure::input)
    }

    /// Whether it was files that changed, not perhaps a running subgraph.
    async fn wait_for_change(&mut self) -> bool {
        let services = self.arguments.config.as_deref().is_some_and(source::has_services);
        loop {
            tokio::time::sleep(POLL_FILES).await;
            if self.seen.have_changed(SETTLE, || self.arguments.files()).await {
                return true;
            }
            if services && self.asked.elapsed() >= POLL_SERVICES {
                self.asked = Instant::now();
                return false;
            }
        }
    }
}

fn failed(problems: &str) -> String {
    format!("{problems}\nnot composed, the last good output stays")
}
