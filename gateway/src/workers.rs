//! One runtime per core: a connection stays with its worker, and so does all that it needs.
//!
//! The first worker accepts connections and deals them out in turn.

use std::net::SocketAddr;

use axum::serve::Listener;
use futures::future::join_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::app::{ServeError, Server};
use crate::worker;

/// Deeply nested documents are walked recursively.
pub(crate) const STACK_BYTES: usize = 8 * 1024 * 1024;
/// Connections that wait for their worker.
const WAITING: usize = 1024;

/// Serves on this runtime and on `workers - 1` others.
pub(crate) async fn serve(
    server: Server,
    listener: TcpListener,
    workers: usize,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    if workers < 2 {
        return server.serve(Tcp(listener), shutdown).await;
    }
    let address = listener.local_addr().map_err(|source| ServeError::Serve { source })?;
    let (mut hands, mut dealt): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for _ in 0..workers {
        let (hand, receiver) = mpsc::channel(WAITING);
        hands.push(hand);
        dealt.push(Dealt { receiver, address });
    }
    let dealing = tokio::spawn(deal(listener, hands));
    let mut others = Vec::new();
    let mut dealt = dealt.into_iter();
    let own = dealt.next();
    for (number, dealt) in dealt.enumerate() {
        others.push(start(number + 1, server.clone(), dealt, shutdown.clone())?);
    }
    let result = match own {
        Some(own) => server.serve(own, shutdown).await,
        None => Ok(()),
    };
    dealing.abort();
    let ends = join_all(others).await;
    ends.into_iter().filter_map(Result::ok).fold(result, Result::and)
}

/// Starts a worker on a thread of its own; the receiver learns how it ended.
fn start(
    number: usize,
    server: Server,
    dealt: Dealt,
    shutdown: CancellationToken,
) -> Result<oneshot::Receiver<Result<(), ServeError>>, ServeError> {
    let (tell, ended) = oneshot::channel();
    let run = move || {
        worker::become_worker(number);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = match runtime {
            Ok(runtime) => runtime.block_on(server.serve(dealt, shutdown)),
            Err(source) => Err(ServeError::Serve { source }),
        };
        // Nobody listens any more if the process is about to end anyway.
        let _ = tell.send(result);
    };
    std::thread::Builder::new()
        .name(format!("worker-{number}"))
        .stack_size(STACK_BYTES)
        .spawn(run)
        .map_err(|source| ServeError::Serve { source })?;
    Ok(ended)
}

async fn deal(listener: TcpListener, hands: Vec<mpsc::Sender<std::net::TcpStream>>) {
    let mut listener = Tcp(listener);
    for hand in hands.iter().cycle() {
        let (stream, _) = listener.accept().await;
        match stream.into_std() {
            Ok(stream) => {
                // A worker that has ended takes no more connections.
                let _ = hand.send(stream).await;
            }
            Err(error) => tracing::debug!(%error, "connection could not be handed over"),
        }
    }
}

/// Accepts connections and sets `TCP_NODELAY`.
struct Tcp(TcpListener);

impl Listener for Tcp {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The connections that are dealt to one worker.
struct Dealt {
    receiver: mpsc::Receiver<std::net::TcpStream>,
    address: SocketAddr,
}

impl Listener for Dealt {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let Some(stream) = self.receiver.recv().await else {
                // Nothing more comes; the server ends by being told to.
                std::future::pending::<()>().await;
                continue;
            };
            let Ok(peer) = stream.peer_addr() else { continue };
            if let Ok(stream) = TcpStream::from_std(stream) {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
