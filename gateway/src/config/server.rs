//! The listening side: addresses, timeouts, browsers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// `--listen` takes precedence.
    pub listen: SocketAddr,
    /// Where GraphQL is answered.
    pub path: String,
    /// After this the answer is sent with what has arrived and `GATEWAY_TIMEOUT` errors.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// How long open requests may take to end when the server is told to stop.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub shutdown_timeout: Duration,
    /// Serve GraphiQL at `/`.
    pub graphiql: bool,
    /// What GraphiQL shows at first; empty for a query that lists the root fields.
    pub graphiql_query: String,
    /// Answer `__schema` and `__type`.
    pub introspection: bool,
    /// Addresses (`10.0.0.7`) or networks (`10.0.0.0/8`) whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<String>,
    pub compression: CompressionConfig,
    pub cors: CorsConfig,
    pub csrf: CsrfConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000),
            path: "/graphql".to_owned(),
            request_timeout: Duration::from_mins(1),
            shutdown_timeout: Duration::from_secs(10),
            graphiql: true,
            graphiql_query: String::new(),
            introspection: true,
            trusted_proxies: Vec::new(),
            compression: CompressionConfig::default(),
            cors: CorsConfig::default(),
            csrf: CsrfConfig::default(),
        }
    }
}

/// Answers are compressed with gzip for clients that accept it. Off by default: it costs many times
/// what answering does, and usually a proxy in front does it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompressionConfig {
    pub enabled: bool,
    /// Smaller answers are sent as they are.
    pub min_bytes: u16,
}

impl Default for CompressionConfig {
    fn default() -> Self {
        Self { enabled: false, min_bytes: 4 * 1024 }
    }
}

/// Which pages in a browser may read answers. No cookies are used, so any origin is harmless
/// where the gateway can only be reached by those who may use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CorsConfig {
    pub enabled: bool,
    /// Origins such as `https://shop.example`; empty means any.
    pub origins: Vec<String>,
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self { enabled: true, origins: Vec::new() }
    }
}

/// Refuses what a foreign page can make a browser send without asking first (a preflight).
/// Clients that are not browsers are never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CsrfConfig {
    pub enabled: bool,
    /// Any of these on a request shows that the browser asked first.
    pub required_headers: Vec<String>,
}

impl Default for CsrfConfig {
    fn default() -> Self {
        let required_headers = [
            "x-concord-require-preflight",
            "apollo-require-preflight",
            "x-apollo-operation-name",
            "graphql-require-preflight",
        ];
        Self { enabled: true, required_headers: required_headers.map(str::to_owned).into() }
    }
}
