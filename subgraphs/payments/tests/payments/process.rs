//! The service as a real process that can be killed, on a database that survives it.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use kit::{Caller, Clock, Database, testing::Passports};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

/// A place for databases and configuration.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) passports: Passports,
    config: PathBuf,
    _dir: tempfile::TempDir,
}

impl Site {
    /// `extra` is more configuration, in TOML; `users_url` may be its first line.
    pub(crate) async fn new(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match std::env::var(kit::testing::POSTGRES_VARIABLE) {
            Ok(server) => create_database(&server).await,
            Err(_) => format!("sqlite://{}?mode=rwc", dir.path().join("payments.sqlite").display()),
        };
        let passports = Passports::new(Clock::system());
        let settings = passports.settings();
        let nobody =
            if extra.contains("users_url") { "" } else { "users_url = \"http://127.0.0.1:9\"\n" };
        let config = dir.path().join("payments.toml");
        let text = format!(
            "{nobody}{extra}\n[database]\nurl = \"{url}\"\ndurability = \"normal\"\n\
             [log]\nlevel = \"debug\"\n\
             [processing]\nstale = \"2s\"\npoll = \"50ms\"\ntimeout = \"2s\"\n\
             [[passport.keys]]\nkid = \"{}\"\nx = \"{}\"\n",
            settings.keys[0].kid, settings.keys[0].x
        );
        std::fs::write(&config, text).unwrap();
        Self { url, passports, config, _dir: dir }
    }

    pub(crate) async fn database(&self) -> Database {
        let options = kit::settings::Settings::default().database.options();
        let database = Database::connect(&self.url, options).await.unwrap();
        database.migrate_up::<migrations::payments::Migrator>().await.unwrap();
        database
    }

    /// Runs one of the program's commands to its end: whether it went well, and what it said.
    pub(crate) fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payments"));
        let output = command.arg("--config").arg(&self.config).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// Starts the service; with a failpoint it ends there.
    pub(crate) fn start(&self, failpoint: Option<&str>) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payments"));
        command.arg("--config").arg(&self.config).args(["--listen", "127.0.0.1:0"]);
        if let Some(name) = failpoint {
            command.env("FAILPOINT", format!("{name}:abort"));
        }
        Process::start(command, "serving")
    }
}

async fn create_database(server: &str) -> String {
    let name = format!("concord_test_{}", kit::id::new_id(Clock::system().now()).simple());
    let admin = sea_orm::Database::connect(server).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// A running process; killed with the value.
pub(crate) struct Process {
    child: Child,
    /// Its lines as they come; disconnected when it has ended.
    heard: Receiver<String>,
    client: reqwest::Client,
    pub(crate) url: String,
    /// Everything it has written so far.
    pub(crate) said: Arc<Mutex<String>>,
}

impl Process {
    /// Waits for the line that says where it listens.
    #[expect(clippy::zombie_processes, reason = "waited for when the value is dropped")]
    pub(crate) fn start(mut command: Command, word: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, heard) = std::sync::mpsc::channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for pipe in pipes {
            let (lines, said) = (lines.clone(), said.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    said.lock().unwrap().push_str(&line);
                    // Nobody listens any more when the test is over.
                    drop(lines.send(line));
                }
            });
        }
        drop(lines);
        while let Ok(line) = heard.recv_timeout(Duration::from_mins(1)) {
            if let Some(port) = line.contains(word).then(|| port_in(&line)).flatten() {
                let url = format!("http://127.0.0.1:{port}");
                return Self { child, heard, client: reqwest::Client::new(), url, said };
            }
        }
        panic!("the process did not start:\n{}", said.lock().unwrap());
    }

    /// The way a power cut ends it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as whoever started it does.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_mins(1);
        // Its pipes are closed with it.
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the process did not end")
                }
            }
        }
        self.child.wait().unwrap()
    }

    /// Asks through HTTP; `None` when the process went away over it.
    pub(crate) async fn ask(
        &self,
        site: &Site,
        caller: &Caller,
        query: &str,
        variables: Value,
    ) -> Option<Value> {
        let answer = self
            .client
            .post(format!("{}/graphql", self.url))
            .header(kit::passport::HEADER, site.passports.mint("payments", caller))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .ok()?;
        answer.json().await.ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.rsplit_once("127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Asks again and again until the answer is as wanted, and leaves the processor to those who are
/// asked in between.
pub(crate) async fn eventually<F: Future<Output = Option<T>>, T>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let mut every = tokio::time::interval(Duration::from_millis(10));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        every.tick().await;
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
    }
}
