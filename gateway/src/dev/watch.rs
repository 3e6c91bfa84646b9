//! Watches the schema files and asks running subgraphs; composes what has changed and swaps it in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::mock::Mocks;
use super::{Banner, DevLog};
use crate::app::Gateway;
use crate::composing::{compose_subgraphs, sources};
use crate::config::Config;
use crate::file_watch::{FilesSeen, files_of};
use crate::outbound::HttpClient;
use crate::render::render;
use crate::schema::ServedSchema;
use crate::source::{self, SchemaInput};

#[derive(Debug)]
pub(super) struct Watcher {
    file: PathBuf,
    poll_files: Duration,
    poll_services: Duration,
    mocks: Mocks,
    client: HttpClient,
    log: DevLog,
    seen: FilesSeen,
    asked: Instant,
    /// The last composition, or what was wrong with it.
    last: Option<Result<String, String>>,
    /// Hints about the schema that is served.
    hints: String,
    schemas: u64,
}

/// A composition that is good to serve.
struct Composed {
    sdl: String,
    subgraphs: usize,
    hints: String,
}

/// Two looks this far apart must agree before files are read: writers take a moment.
const SETTLE: Duration = Duration::from_millis(15);

impl Watcher {
    pub(super) fn new(
        file: PathBuf,
        config: &Config,
        mocks: Mocks,
        client: HttpClient,
        log: DevLog,
    ) -> Self {
        Self {
            seen: FilesSeen::new(files_of(&file)),
            file,
            poll_files: config.dev.poll_files.max(Duration::from_millis(1)),
            poll_services: config.dev.poll_services.max(Duration::from_millis(50)),
            mocks,
            client,
            log,
            asked: Instant::now(),
            last: None,
            hints: String::new(),
            schemas: 1,
        }
    }

    /// Waits until there is a schema to begin with.
    pub(super) async fn first(&mut self) -> (String, Banner) {
        loop {
            let began = Instant::now();
            match self.compose().await {
                Ok(composed) => match self.mocks.update(&composed.sdl) {
                    Ok(()) => {
                        self.announce(&composed, began);
                        self.last = Some(Ok(composed.sdl.clone()));
                        self.hints = composed.hints;
                        return (composed.sdl, Banner::fine(self.hints.clone()));
                    }
                    Err(message) => self.complain(message),
                },
                Err(message) => self.complain(message),
            }
            self.wait_for_change().await;
        }
    }

    /// Takes every change into use, for as long as it is polled.
    pub(super) async fn run(mut self, gateway: Arc<Gateway>) {
        loop {
            self.wait_for_change().await;
            let began = Instant::now();
            match self.compose().await {
                Ok(composed) => self.take_into_use(&gateway, composed, began),
                Err(message) => {
                    self.complain(message.clone());
                    self.show(&gateway, Some(message));
                }
            }
        }
    }

    fn take_into_use(&mut self, gateway: &Gateway, composed: Composed, began: Instant) {
        let same = self.last.as_ref().is_some_and(|last| last.as_ref() == Ok(&composed.sdl));
        if same && self.hints == composed.hints {
            return;
        }
        let Gateway { config, client, passports, telemetry, .. } = gateway;
        let schema = ServedSchema::new(&composed.sdl, config, client, passports.clone(), telemetry)
            .map_err(|error| error.to_string())
            .and_then(|schema| self.mocks.update(&composed.sdl).map(|()| schema));
        match schema {
            Ok(schema) => {
                gateway.schema.store(Arc::new(schema));
                self.schemas += 1;
                self.announce(&composed, began);
                self.last = Some(Ok(composed.sdl));
                self.hints = composed.hints;
                self.show(gateway, None);
            }
            Err(message) => {
                self.complain(message.clone());
                self.show(gateway, Some(message));
            }
        }
    }

    async fn compose(&self) -> Result<Composed, String> {
        let input = source::load(&self.client, &self.file).await.map_err(|e| e.to_string())?;
        match input {
            SchemaInput::Sdl(sdl) => Ok(Composed { sdl, subgraphs: 0, hints: String::new() }),
            SchemaInput::Subgraphs(subgraphs) => match compose_subgraphs(&subgraphs) {
                Ok(composition) => Ok(Composed {
                    sdl: composition.supergraph_sdl,
                    subgraphs: subgraphs.len(),
                    hints: render(&composition.hints, &sources(&subgraphs)),
                }),
                Err(errors) => Err(render(&errors, &sources(&subgraphs))),
            },
        }
    }

    async fn wait_for_change(&mut self) {
        let services = source::has_services(&self.file);
        loop {
            tokio::time::sleep(self.poll_files).await;
            if self.seen.have_changed(SETTLE, || files_of(&self.file)).await {
                return;
            }
            if services && self.asked.elapsed() >= self.poll_services {
                self.asked = Instant::now();
                return;
            }
        }
    }

    fn announce(&self, composed: &Composed, began: Instant) {
        let took = began.elapsed().as_millis();
        let subgraphs = composed.subgraphs;
        self.log.lines("concord", &format!("schema live: {subgraphs} subgraphs, {took} ms"));
        self.log.lines("concord", &composed.hints);
    }

    /// Says what is wrong, once.
    fn complain(&mut self, message: String) {
        let news = Err(message);
        if self.last.as_ref() != Some(&news) {
            if let Err(message) = &news {
                self.log.lines("concord", message);
                self.log.lines("concord", "the last good schema stays");
            }
            self.last = Some(news);
        }
    }

    fn show(&self, gateway: &Gateway, problem: Option<String>) {
        let banner = Banner {
            ok: problem.is_none(),
            text: problem.unwrap_or_default(),
            hints: self.hints.clone(),
            schema: self.schemas,
        };
        gateway.banner.store(Some(Arc::new(banner)));
    }
}
