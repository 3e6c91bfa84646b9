//! Connections to one subgraph over plain HTTP/1.1, kept open between requests.
//!
//! A connection belongs to the worker that opened it, whose runtime drives it: so no answer wakes
//! another thread, and no lock is ever waited for. Everything else (TLS, HTTP/2) goes through
//! [`crate::outbound::HttpClient`].

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use crate::outbound::Answer;
use crate::worker;

/// A server may close a connection that has been silent for a minute.
const MAX_IDLE: Duration = Duration::from_secs(50);
const MAX_IDLE_CONNECTIONS: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Pool {
    host: String,
    port: u16,
    /// What requests carry as `Host`.
    authority: HeaderValue,
    /// What they carry in the first line.
    path: Uri,
    idle: Vec<Mutex<Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    connection: SendRequest<Full<Bytes>>,
    since: Instant,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    #[error("no connection: {source}")]
    Connect { source: std::io::Error },
    #[error("connection broke: {source}")]
    Broken { source: hyper::Error },
    #[error("answer is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
}

impl Pool {
    /// None if the address is not one of plain HTTP.
    pub(crate) fn new(uri: &Uri) -> Option<Self> {
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::try_from(authority.as_str()).ok()?,
            path: path.parse().ok()?,
            idle: (0..worker::MAX_WORKERS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Sends a request (its URI and `Host` are set here) and reads the whole answer.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        max_bytes: usize,
    ) -> Result<Answer, PoolError> {
        *request.uri_mut() = self.path.clone();
        request.headers_mut().insert(http::header::HOST, self.authority.clone());
        loop {
            let (mut connection, is_fresh) = match self.take() {
                Some(connection) => (connection, false),
                None => (self.connect().await?, true),
            };
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    let body = read(body, max_bytes).await?;
                    self.put(connection);
                    return Ok(Answer { status: parts.status, body });
                }
                // The server had closed the connection before it saw any of the request.
                Err(mut error) if !is_fresh => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(PoolError::Broken { source: error.into_error() }),
                },
                Err(error) => return Err(PoolError::Broken { source: error.into_error() }),
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, PoolError> {
        let connecting = async {
            let stream = connect_any(&self.host, self.port).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(|source| PoolError::Connect { source })?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|source| PoolError::Broken { source })?;
        tokio::spawn(async move {
            // Whoever waits for an answer learns of the failure there.
            let _ = driver.await;
        });
        Ok(connection)
    }

    /// The connection used last of those that are ready.
    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle();
        let mut at = idle.len();
        while at > 0 {
            at -= 1;
            let Idle { connection, since } = &idle[at];
            if connection.is_closed() || since.elapsed() > MAX_IDLE {
                idle.swap_remove(at);
            } else if connection.is_ready() {
                return Some(idle.remove(at).connection);
            }
        }
        None
    }

    fn put(&self, connection: SendRequest<Full<Bytes>>) {
        let mut idle = self.idle();
        if !connection.is_closed() && idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle[worker::current()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect_any(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = None;
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into()))
}

/// Reads a body; one that arrives in one piece is not copied.
async fn read(mut body: Incoming, max_bytes: usize) -> Result<Bytes, PoolError> {
    let too_large = PoolError::TooLarge { max_bytes };
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > max_bytes {
        return Err(too_large);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| PoolError::Broken { source })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > max_bytes {
            return Err(too_large);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(expected.max(first.len() + data.len()));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}
