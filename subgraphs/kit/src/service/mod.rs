//! A service: its GraphQL schema and routes, served over HTTP with everything around it.
//!
//! [`Service`] is only a list of parts until [`Service::serve`]; the order in which a request
//! meets them is written down in `router.rs`.

mod endpoint;
mod feed;
mod observe;
mod probes;
mod router;
mod serve;
mod streaming;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_graphql::{ObjectType, Request, Response, Schema, ServerError, SubscriptionType};
use axum::Router;
use axum::http::HeaderMap;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use crate::caller::{Caller, RequestOrigin};
use crate::clock::Clock;
use crate::credential::Credentials;
use crate::database::Database;
use crate::events::Consumer;
use crate::graphql::{classify, nesting};
use crate::mail::{Recipients, Templates};
use crate::settings::Settings;
use crate::telemetry::Metrics;

pub use serve::{Running, ServeError, StartError};

type Execute = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;
type Subscribe = Arc<dyn Fn(Request) -> BoxStream<'static, Response> + Send + Sync>;
type PerRequest = Arc<dyn Fn(Request, &Caller) -> Request + Send + Sync>;
type Task = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;
type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A service under construction.
pub struct Service {
    name: &'static str,
    settings: Settings,
    database: Database,
    clock: Clock,
    metrics: Metrics,
    graphql: Graphql,
    routes: Router,
    tasks: Vec<(String, Task)>,
    checks: Vec<(String, Check)>,
    templates: Option<Arc<dyn Templates>>,
    recipients: Option<Arc<dyn Recipients>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Runs requests with what resolvers expect to find in their context.
#[derive(Clone)]
struct Graphql {
    execute: Option<Execute>,
    subscribe: Option<Subscribe>,
    per_request: Vec<PerRequest>,
    clock: Clock,
    /// Deeper documents are not even parsed.
    max_nesting: usize,
}

impl Graphql {
    async fn execute(&self, caller: Caller, origin: RequestOrigin, request: Request) -> Response {
        if let Some(refusal) = self.refusal(&request) {
            return refusal;
        }
        let Some(execute) = &self.execute else {
            return Response::default();
        };
        execute(self.prepared(caller, origin, request)).await
    }

    /// The answers to a subscription; one answer to anything else.
    fn subscribe(
        &self,
        caller: Caller,
        origin: RequestOrigin,
        request: Request,
    ) -> BoxStream<'static, Response> {
        if let Some(refusal) = self.refusal(&request) {
            return Box::pin(futures::stream::once(async { refusal }));
        }
        match &self.subscribe {
            Some(subscribe) => subscribe(self.prepared(caller, origin, request)),
            None => Box::pin(futures::stream::empty()),
        }
    }

    fn refusal(&self, request: &Request) -> Option<Response> {
        (nesting(&request.query) > self.max_nesting).then(|| {
            Response::from_errors(vec![ServerError::new("Query is nested too deep.", None)])
        })
    }

    fn prepared(&self, caller: Caller, origin: RequestOrigin, mut request: Request) -> Request {
        for prepare in &self.per_request {
            request = prepare(request, &caller);
        }
        request.data(caller).data(origin).data(self.clock.clone())
    }
}

impl Service {
    /// `name` is the service's everywhere: the audience of its passports, the label of its
    /// metrics, the prefix of its environment variables.
    pub fn new(name: &'static str, settings: Settings, database: Database, clock: Clock) -> Self {
        Self {
            name,
            metrics: Metrics::new(name),
            graphql: Graphql {
                execute: None,
                subscribe: None,
                per_request: Vec::new(),
                clock: clock.clone(),
                max_nesting: settings.limits.recursive_depth,
            },
            settings,
            database,
            clock,
            routes: Router::new(),
            tasks: Vec::new(),
            checks: Vec::new(),
            templates: None,
            recipients: None,
        }
    }

    /// The schema behind `POST /graphql`.
    #[must_use]
    pub fn graphql<Q, M, S>(mut self, schema: Schema<Q, M, S>) -> Self
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let streaming = schema.clone();
        self.graphql.subscribe =
            Some(Arc::new(move |request| Box::pin(streaming.execute_stream(request))));
        self.graphql.execute = Some(Arc::new(move |request| {
            let schema = schema.clone();
            Box::pin(async move { schema.execute(request).await })
        }));
        self
    }

    /// Adds to every request before it runs: its batches, for instance.
    #[must_use]
    pub fn per_request(
        mut self,
        prepare: impl Fn(Request, &Caller) -> Request + Send + Sync + 'static,
    ) -> Self {
        self.graphql.per_request.push(Arc::new(prepare));
        self
    }

    /// Routes beside GraphQL. They are open to everybody unless they check
    /// [`Credentials`] themselves.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// A background task; it should end soon after its token is cancelled.
    #[must_use]
    pub fn task<F>(
        mut self,
        name: &str,
        task: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push((name.to_owned(), Box::new(move |shutdown| Box::pin(task(shutdown)))));
        self
    }

    /// Follows the feed of another service.
    #[must_use]
    pub fn follow(self, name: &str, consumer: Consumer) -> Self {
        self.task(name, move |shutdown| consumer.run(shutdown))
    }

    /// One more condition of readiness.
    #[must_use]
    pub fn ready<F>(mut self, name: &str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name.to_owned(), Arc::new(move || Box::pin(check()))));
        self
    }

    /// Sends the service's mails with these templates.
    #[must_use]
    pub fn mail(mut self, templates: Arc<dyn Templates>) -> Self {
        self.templates = Some(templates);
        self
    }

    /// Resolves mails that are queued for people's ids.
    #[must_use]
    pub fn recipients(mut self, recipients: Arc<dyn Recipients>) -> Self {
        self.recipients = Some(recipients);
        self
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Who may call without a passport.
    pub fn credentials(&self) -> Credentials {
        Credentials::new(&self.settings.services)
    }

    /// Runs a request as this caller, without HTTP.
    pub async fn execute(&self, caller: Caller, request: impl Into<Request>) -> Response {
        let origin = RequestOrigin::default();
        let running = self.graphql.execute(caller, origin, request.into());
        let mut response = self.metrics.scope(running).await;
        classify(&mut response);
        response
    }
}

/// The client's address: the peer's, or what a trusted proxy says it was.
pub fn client_ip(trusted_proxies: &[IpAddr], peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let mut address = peer.ip();
    let forwarded =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    // From the nearest hop outwards, as long as whoever wrote the entry is trusted.
    for hop in hops.into_iter().rev() {
        if !trusted_proxies.contains(&address) {
            break;
        }
        match hop.parse() {
            Ok(earlier) => address = earlier,
            Err(_) => break,
        }
    }
    address
}
