//! Subgraphs' own programs: started, their output logged, restarted when they end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{DevError, DevLog};
use crate::config::CommandConfig;

/// All programs; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Commands {
    stop: Arc<Stop>,
    keepers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    stopping: AtomicBool,
    told: Mutex<()>,
    wake: Condvar,
}

/// A program that ran for less is in trouble; it is started again more and more slowly.
const SHORT: Duration = Duration::from_secs(5);
const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// How often to look whether a program is still there.
const LOOK: Duration = Duration::from_millis(50);
/// Between asking a program to end and ending it.
const PATIENCE: Duration = Duration::from_secs(3);

impl Commands {
    pub(super) fn start(
        commands: &BTreeMap<String, CommandConfig>,
        log: &DevLog,
    ) -> Result<Self, DevError> {
        let stop = Arc::new(Stop::default());
        let mut started = Self { stop: stop.clone(), keepers: Vec::new() };
        for (name, command) in commands {
            let child = spawn(name, command, log)?;
            let (name, command, log, stop) =
                (name.clone(), command.clone(), log.clone(), stop.clone());
            let keeper = std::thread::spawn(move || keep(&name, &command, child, &log, &stop));
            started.keepers.push(keeper);
        }
        Ok(started)
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.stop.stopping.store(true, Ordering::Relaxed);
        self.stop.wake.notify_all();
        for keeper in self.keepers.drain(..) {
            // A keeper that panicked has said so.
            let _ = keeper.join();
        }
    }
}

fn spawn(name: &str, command: &CommandConfig, log: &DevLog) -> Result<Child, DevError> {
    let CommandConfig { run, folder, env } = command;
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c");
        shell
    };
    shell.arg(run).envs(env).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(folder) = folder {
        shell.current_dir(folder);
    }
    #[cfg(unix)]
    // Its own process group, so that what it starts ends with it.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn().map_err(|source| DevError::Command {
        name: name.to_owned(),
        run: run.clone(),
        source,
    })?;
    if let Some(out) = child.stdout.take() {
        forward(name, out, log);
    }
    if let Some(err) = child.stderr.take() {
        forward(name, err, log);
    }
    log.lines("concord", &format!("started {name}: {run}"));
    Ok(child)
}

/// Ends by itself when the program closes the stream.
fn forward(name: &str, stream: impl Read + Send + 'static, log: &DevLog) {
    let (name, log) = (name.to_owned(), log.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            log.lines(&name, &String::from_utf8_lossy(&line));
        }
    });
}

/// Waits for a program's end and starts it again, until all are to stop.
fn keep(name: &str, command: &CommandConfig, mut child: Child, log: &DevLog, stop: &Stop) {
    let mut delay = FIRST_DELAY;
    loop {
        let began = Instant::now();
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.to_string(),
                Ok(None) => {}
                Err(error) => break error.to_string(),
            }
            if wait(stop, LOOK) {
                end(&mut child);
                return;
            }
        };
        delay = if began.elapsed() < SHORT { (delay * 2).min(LONGEST_DELAY) } else { FIRST_DELAY };
        let again = delay.as_millis();
        log.lines("concord", &format!("{name} ended ({ended}); starting it again in {again} ms"));
        loop {
            if wait(stop, delay) {
                return;
            }
            match spawn(name, command, log) {
                Ok(started) => {
                    child = started;
                    break;
                }
                Err(error) => log.lines("concord", &error.to_string()),
            }
        }
    }
}

/// True if it is time to stop.
fn wait(stop: &Stop, time: Duration) -> bool {
    let told = stop.told.lock().unwrap_or_else(PoisonError::into_inner);
    if stop.stopping.load(Ordering::Relaxed) {
        return true;
    }
    drop(stop.wake.wait_timeout(told, time).unwrap_or_else(PoisonError::into_inner));
    stop.stopping.load(Ordering::Relaxed)
}

fn end(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        // Without `kill` the program is ended below, if not what it has started.
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
    // It may have ended in between.
    let _ = child.kill();
    let _ = child.wait();
}
