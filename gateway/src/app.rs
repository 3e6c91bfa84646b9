//! The running gateway: built from a configuration, serving on a listener it is given.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use axum::Router;
use axum::serve::Listener;
use federation::diagnostic::Diagnostic;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::auth::passport::{PassportError, PassportOffice};
use crate::auth::token::{AuthenticationError, Authenticator};
use crate::composing::{self, ComposeError};
use crate::config::Config;
use crate::dev::Banner;
use crate::http::client_address::{TrustedProxies, TrustedProxyError};
use crate::http::front::MakeFront;
use crate::http::graphql::RequestIds;
use crate::http::{RouterError, router};
use crate::outbound::HttpClient;
use crate::plan_file::{self, PlanFileError};
use crate::reload::Watch;
use crate::schema::{SchemaError, ServedSchema};
use crate::source::LoadError;
use crate::telemetry::Telemetry;
use crate::usage::{UsageError, UsageRecorder};
use crate::workers;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) config: Config,
    pub(crate) schema: ArcSwap<ServedSchema>,
    pub(crate) authenticator: Authenticator,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) passports: Option<Arc<PassportOffice>>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) client: HttpClient,
    pub(crate) usage: Option<Arc<UsageRecorder>>,
    /// For GraphiQL, while the graph is developed.
    pub(crate) banner: ArcSwapOption<Banner>,
    pub(crate) request_ids: RequestIds,
    stopping: AtomicBool,
}

/// A gateway that is ready to serve.
#[derive(Debug)]
pub struct App {
    gateway: Arc<Gateway>,
    router: Router,
    watch: Option<Watch>,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("no supergraph: set exactly one of `supergraph.file` and `supergraph.sdl`")]
    NoSupergraph,
    #[error(transparent)]
    Load { source: LoadError },
    #[error("supergraph.yaml does not compose\n{rendered}")]
    Composition { diagnostics: Vec<Diagnostic>, rendered: String },
    #[error(transparent)]
    Schema { source: SchemaError },
    #[error(transparent)]
    Plans { source: PlanFileError },
    #[error(transparent)]
    Authentication { source: AuthenticationError },
    #[error(transparent)]
    Passport { source: PassportError },
    #[error(transparent)]
    TrustedProxy { source: TrustedProxyError },
    #[error(transparent)]
    Router { source: RouterError },
    #[error(transparent)]
    Usage { source: UsageError },
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("server failed: {source}")]
    Serve { source: std::io::Error },
}

impl Gateway {
    /// Told to stop: finishes what it has, wants nothing new.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl App {
    /// Loads (or composes) the supergraph and everything else the configuration names.
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let client = HttpClient::new();
        let telemetry = Telemetry::new();
        let passports = if config.passport.enabled {
            let office = PassportOffice::new(&config.passport)
                .map_err(|source| BuildError::Passport { source })?;
            Some(Arc::new(office))
        } else {
            None
        };
        let watch = Watch::new(&config.supergraph);
        let sdl = supergraph_sdl(&config, &client).await?;
        let schema = ServedSchema::new(&sdl, &config, &client, passports.clone(), &telemetry)
            .map_err(|source| BuildError::Schema { source })?;
        if let Some(file) = &config.plan_cache.compiled {
            plan_file::load(file, &schema, &config.limits)
                .map_err(|source| BuildError::Plans { source })?;
        }
        let authenticator = Authenticator::new(&config.authentication, &client)
            .map_err(|source| BuildError::Authentication { source })?;
        let trusted_proxies = TrustedProxies::parse(&config.server.trusted_proxies)
            .map_err(|source| BuildError::TrustedProxy { source })?;
        let usage = Box::pin(UsageRecorder::open(&config.usage))
            .await
            .map_err(|source| BuildError::Usage { source })?;
        let gateway = Arc::new(Gateway {
            schema: ArcSwap::from_pointee(schema),
            authenticator,
            trusted_proxies,
            passports,
            telemetry,
            client,
            usage,
            banner: ArcSwapOption::empty(),
            request_ids: RequestIds::new(),
            stopping: AtomicBool::new(false),
            config,
        });
        let router = router(gateway.clone(), &gateway.config.server)
            .map_err(|source| BuildError::Router { source })?;
        Ok(Self { gateway, router, watch })
    }

    pub(crate) fn gateway(&self) -> Arc<Gateway> {
        self.gateway.clone()
    }

    /// Answers on `listener` until `shutdown`, then finishes open requests within
    /// `server.shutdown_timeout`. Runs on the current runtime.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        self.serve_with(listener, 1, shutdown).await
    }

    /// The same with `workers` threads, of which the current one is the first. The current runtime
    /// should be one for a single thread.
    pub async fn serve_with(
        self,
        listener: TcpListener,
        workers: usize,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let Self { gateway, router, watch } = self;
        // Background work ends with the server, however that ends.
        let background = CancellationToken::new();
        let _stop_background = background.clone().drop_guard();
        if let Some(watch) = watch {
            spawn_until(&background, watch.run(gateway.clone()));
        }
        if let Some(usage) = gateway.usage.clone() {
            spawn_until(&background, usage.run());
        }
        let warm_up = gateway.clone();
        spawn_until(&background, async move { warm_up.authenticator.warm_up().await });
        let following = gateway.clone();
        spawn_until(&background, async move {
            let lag = following.telemetry.revocations_lag.clone();
            following.authenticator.follow_revocations(&lag).await;
        });
        if let Some(office) = gateway.passports.clone() {
            spawn_until(&background, async move { office.keep_fresh().await });
        }

        workers::serve(Server { gateway, router }, listener, workers, shutdown).await
    }
}

/// What every worker runs.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    gateway: Arc<Gateway>,
    router: Router,
}

impl Server {
    pub(crate) async fn serve<L: Listener<Addr = SocketAddr>>(
        self,
        listener: L,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let Self { gateway, router } = self;
        let service = MakeFront { gateway: gateway.clone(), router };
        let told = shutdown.clone();
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(async move { told.cancelled().await });
        let grace = gateway.config.server.shutdown_timeout;
        let impatience = async {
            shutdown.cancelled().await;
            gateway.stopping.store(true, Ordering::Relaxed);
            tokio::time::sleep(grace).await;
        };
        let served = tokio::select! {
            result = server.into_future() => result.map_err(|source| ServeError::Serve { source }),
            () = impatience => {
                tracing::warn!("open requests were broken off");
                Ok(())
            }
        };
        if let Some(usage) = &gateway.usage {
            usage.flush().await;
        }
        served
    }
}

/// The SDL to serve, composed first if the configuration names a `supergraph.yaml`.
pub(crate) async fn supergraph_sdl(
    config: &Config,
    client: &HttpClient,
) -> Result<String, BuildError> {
    let file: &PathBuf = match (&config.supergraph.file, &config.supergraph.sdl) {
        (None, Some(sdl)) => return Ok(sdl.clone()),
        (Some(file), None) => file,
        (None, None) | (Some(_), Some(_)) => return Err(BuildError::NoSupergraph),
    };
    composing::supergraph_sdl(client, file).await.map_err(|error| match error {
        ComposeError::Load { source } => BuildError::Load { source },
        ComposeError::Composition { diagnostics, rendered } => {
            BuildError::Composition { diagnostics, rendered }
        }
    })
}

fn spawn_until(stop: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    });
}
