//! Everything running: bind, open, load, start, compose, serve; and the way back.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use federation::diagnostic::Diagnostic;
use gateway::App;
use kit::{Database, DatabaseError, DatabaseOptions, Durability, Running};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::data_folder::{DataFolder, DataFolderError};
use crate::demo::Dataset;
use crate::demo::load::{self, LoadError};
use crate::demo::logins::{self, Login};
use crate::ports::{Listeners, PortError};
use crate::supergraph::{Addresses, supergraph};

/// The three services and the gateway, running.
#[derive(Debug)]
pub struct Stack {
    folder: DataFolder,
    logins: Vec<Login>,
    gateway_address: SocketAddr,
    gateway: JoinHandle<Result<(), gateway::ServeError>>,
    users: Running,
    reviews: Running,
    payments: Running,
    /// The gateway stops first, so that no answer is cut off by a service that is gone.
    stop_gateway: CancellationToken,
    stop_services: CancellationToken,
}

/// Why the marketplace did not start, or stopped. One line each, with the remedy where the user
/// has one.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error(transparent)]
    Folder(#[from] DataFolderError),
    #[error(transparent)]
    Port(#[from] PortError),
    #[error("the {service} database cannot be opened: {source}. Start with --reset to begin anew")]
    Database { service: &'static str, source: DatabaseError },
    #[error("the demo data cannot be loaded: {0}. Start with --reset to begin anew")]
    Load(#[from] LoadError),
    #[error("the {service} service does not start: {message}")]
    Service { service: &'static str, message: String },
    #[error("the services' schemas do not compose: {}", first_message(diagnostics))]
    Composition { diagnostics: Vec<Diagnostic> },
    #[error("the gateway does not start: {0}")]
    Gateway(#[from] gateway::BuildError),
    #[error("reviews did not catch up with the other services' events; see the log (--log info)")]
    NotCaughtUp,
    #[error("the {part} stopped: {message}")]
    Stopped { part: &'static str, message: String },
    #[error("demo-logins.json: {0}")]
    Logins(#[source] std::io::Error),
}

fn first_message(diagnostics: &[Diagnostic]) -> &str {
    diagnostics.first().map_or("no reason given", |diagnostic| diagnostic.message.as_str())
}

impl Stack {
    /// Starts everything. `progress` is told, a line at a time, what takes long.
    pub async fn start(
        options: &Options,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, StackError> {
        let folder = DataFolder::open(&options.data_dir, options.reset)?;
        let listeners = Listeners::bind(options.port).await?;
        let logins = load_once(&folder, options, progress).await?;
        let parts = Parts::start(&folder, listeners).await?;
        parts.caught_up().await?;
        let Parts { users, reviews, payments, stop_services, gateway_listener } = parts;

        let gateway_address = local_address(&gateway_listener);
        let addresses =
            Addresses { users: users.url(), reviews: reviews.url(), payments: payments.url() };
        let composition = supergraph(&addresses)
            .map_err(|diagnostics| StackError::Composition { diagnostics })?;
        let app = App::build(gateway_config(composition.supergraph_sdl, &addresses)).await?;
        let stop_gateway = CancellationToken::new();
        let gateway = tokio::spawn(app.serve(gateway_listener, stop_gateway.clone()));
        Ok(Self {
            folder,
            logins,
            gateway_address,
            gateway,
            users,
            reviews,
            payments,
            stop_gateway,
            stop_services,
        })
    }

    /// Waits until a part ends by itself, which none should.
    pub async fn failed(&mut self) -> StackError {
        let (part, message) = tokio::select! {
            result = &mut self.gateway => ("gateway", outcome(result)),
            result = &mut self.users.handle => ("users service", outcome(result)),
            result = &mut self.reviews.handle => ("reviews service", outcome(result)),
            result = &mut self.payments.handle => ("payments service", outcome(result)),
        };
        StackError::Stopped { part, message }
    }

    /// Finishes what is in flight, the gateway first, then closes the databases.
    pub async fn stop(self) -> Result<(), StackError> {
        let Self {
            folder: _folder,
            gateway,
            users,
            reviews,
            payments,
            stop_gateway,
            stop_services,
            ..
        } = self;
        stop_gateway.cancel();
        finished("gateway", gateway).await?;
        stop_services.cancel();
        finished("users service", users.handle).await?;
        finished("reviews service", reviews.handle).await?;
        finished("payments service", payments.handle).await
    }

    /// Name and base URL of every part.
    pub fn urls(&self) -> [(&'static str, String); 4] {
        [
            ("gateway", self.gateway_url()),
            ("users", self.users_url()),
            ("reviews", local_url(self.reviews.address)),
            ("payments", self.payments_url()),
        ]
    }

    pub fn gateway_url(&self) -> String {
        local_url(self.gateway_address)
    }

    pub fn users_url(&self) -> String {
        local_url(self.users.address)
    }

    pub fn payments_url(&self) -> String {
        local_url(self.payments.address)
    }

    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Who can sign in; empty without demo data.
    pub fn logins(&self) -> &[Login] {
        &self.logins
    }
}

/// What the gateway needs before it can be built.
struct Parts {
    users: Running,
    reviews: Running,
    payments: Running,
    stop_services: CancellationToken,
    gateway_listener: tokio::net::TcpListener,
}

impl Parts {
    async fn start(folder: &DataFolder, listeners: Listeners) -> Result<Self, StackError> {
        let Listeners { gateway, users, reviews, payments } = listeners;
        let gateway_url = local_url(local_address(&gateway));
        let users_url = local_url(local_address(&users));
        let payments_url = local_url(local_address(&payments));
        let stop = CancellationToken::new();

        let mut config = users::Config::default();
        common(&mut config.kit, folder, "users", &gateway_url, &users_url);
        config.identity.links.clone_from(&users_url);
        config.peers.reviews_url = local_url(local_address(&reviews));
        config.peers.payments_url.clone_from(&payments_url);
        let users = users::start(config, users, stop.clone()).await.map_err(|error| {
            StackError::Service { service: "users", message: error.to_string() }
        })?;

        let mut config = payments::Config::default();
        common(&mut config.kit, folder, "payments", &gateway_url, &payments_url);
        config.users_url.clone_from(&users_url);
        let payments = payments::start(config, payments, stop.clone()).await.map_err(|error| {
            StackError::Service { service: "payments", message: error.to_string() }
        })?;

        let mut config = reviews::Config::default();
        let reviews_url = local_url(local_address(&reviews));
        common(&mut config.kit, folder, "reviews", &gateway_url, &reviews_url);
        config.kit.database.durability = Durability::Normal;
        config.peers.users_url = users_url;
        config.peers.payments_url = payments_url;
        let reviews = reviews::start(config, reviews, stop.clone()).await.map_err(|error| {
            StackError::Service { service: "reviews", message: error.to_string() }
        })?;
        Ok(Self { users, reviews, payments, stop_services: stop, gateway_listener: gateway })
    }

    /// Waits until reviews knows the names, products and purchases that the others know.
    async fn caught_up(&self) -> Result<(), StackError> {
        for (source, database) in
            [("users", &self.users.database), ("payments", &self.payments.database)]
        {
            let reached = load::reached(&self.reviews.database, source, database);
            match tokio::time::timeout(Duration::from_mins(1), reached).await {
                Ok(result) => result.map_err(LoadError::from)?,
                Err(_) => return Err(StackError::NotCaughtUp),
            }
        }
        Ok(())
    }
}

/// Loads the demo data into an empty folder; gives back who can sign in.
async fn load_once(
    folder: &DataFolder,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Login>, StackError> {
    if folder.clear_interrupted_load()? {
        progress("The first start was interrupted; loading the demo data anew.");
    }
    if options.no_demo {
        return Ok(Vec::new());
    }
    if !folder.is_empty() {
        return logins::read(&folder.logins_file()).map_err(StackError::Logins);
    }
    folder.loading_starts()?;
    let data = Dataset::generate();
    let databases = load::Databases {
        users: open(folder, "users").await?,
        reviews: open(folder, "reviews").await?,
        payments: open(folder, "payments").await?,
    };
    load::load(&databases, &data, progress).await?;
    databases.close().await?;
    let logins = logins::logins(&data.people);
    logins::write(&folder.logins_file(), &logins).map_err(StackError::Logins)?;
    folder.loading_done()?;
    Ok(logins)
}

async fn open(folder: &DataFolder, service: &'static str) -> Result<Database, StackError> {
    let options = DatabaseOptions { durability: Durability::Normal, ..DatabaseOptions::default() };
    Database::connect(&folder.database_url(service), options)
        .await
        .map_err(|source| StackError::Database { service, source })
}

/// What is the same for all three services.
fn common(
    settings: &mut kit::Settings,
    folder: &DataFolder,
    service: &str,
    gateway_url: &str,
    own_url: &str,
) {
    settings.database.url = folder.database_url(service);
    settings.passport.jwks_url = format!("{gateway_url}/.well-known/jwks.json");
    own_url.clone_into(&mut settings.public_url);
}

fn gateway_config(supergraph_sdl: String, addresses: &Addresses) -> gateway::config::Config {
    let mut config = gateway::config::Config::default();
    config.supergraph.sdl = Some(supergraph_sdl);
    config.server.graphiql_query = format!("{}\n", crate::banner::QUERY);
    config.limits = gateway::config::LimitsConfig::strict();
    config.passport.enabled = true;
    config.authentication.jwks = vec![gateway::config::JwksConfig {
        url: Some(format!("{}/.well-known/jwks.json", addresses.users)),
        audiences: vec!["concord".to_owned()],
        ..gateway::config::JwksConfig::default()
    }];
    config.authentication.required_claims = ["iat", "jti", "client_id"].map(str::to_owned).to_vec();
    let credential = kit::settings::development_credential("gateway");
    let credential = gateway::config::Secret::from(credential.expose());
    config.authentication.revocations = Some(gateway::config::RevocationsConfig {
        url: format!("{}/internal/revocations", addresses.users),
        credential: credential.clone(),
        ..gateway::config::RevocationsConfig::default()
    });
    config.authentication.introspection = Some(gateway::config::IntrospectionConfig {
        url: format!("{}/oauth/introspect", addresses.users),
        credential,
        ..gateway::config::IntrospectionConfig::default()
    });
    config
}

fn local_address(listener: &tokio::net::TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound socket has an address")
}

fn local_url(address: SocketAddr) -> String {
    format!("http://localhost:{}", address.port())
}

async fn finished<E: std::error::Error>(
    part: &'static str,
    handle: JoinHandle<Result<(), E>>,
) -> Result<(), StackError> {
    // A part that failed before was awaited by `failed`, and must not be polled again.
    if handle.is_finished() {
        return Ok(());
    }
    match handle.await {
        Ok(Ok(())) => Ok(()),
        other => Err(StackError::Stopped { part, message: outcome(other) }),
    }
}

fn outcome<E: std::error::Error>(result: Result<Result<(), E>, JoinError>) -> String {
    match result {
        Ok(Ok(())) => "without a reason".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}
