//! The four sockets, bound before anything else starts: a port in use is the most frequent
//! mishap and must cost nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// Bound, not yet accepting.
#[derive(Debug)]
pub struct Listeners {
    pub gateway: TcpListener,
    pub users: TcpListener,
    pub reviews: TcpListener,
    pub payments: TcpListener,
}

#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error(
        "port {port} for the {service} is in use. Stop the program that has it, or start with --port {free} (takes {free} to {})",
        free + 3
    )]
    InUse { service: &'static str, port: u16, free: u16 },
    #[error(
        "cannot listen on port {port} for the {service}: {source}. Choose another first port with --port N"
    )]
    Refused { service: &'static str, port: u16, source: io::Error },
    #[error("--port {port} leaves no room for three more ports after it. Choose one up to 65532")]
    TooHigh { port: u16 },
}

impl Listeners {
    /// `first` for the gateway, the next three for users, reviews and payments; with 0 the
    /// system chooses four.
    pub async fn bind(first: u16) -> Result<Self, PortError> {
        if first > u16::MAX - 3 {
            return Err(PortError::TooHigh { port: first });
        }
        let port = |offset: u16| if first == 0 { 0 } else { first + offset };
        Ok(Self {
            gateway: bind("gateway", port(0)).await?,
            users: bind("users service", port(1)).await?,
            reviews: bind("reviews service", port(2)).await?,
            payments: bind("payments service", port(3)).await?,
        })
    }
}

async fn bind(service: &'static str, port: u16) -> Result<TcpListener, PortError> {
    match TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(PortError::InUse { service, port, free: four_free_ports().await })
        }
        Err(source) => Err(PortError::Refused { service, port, source }),
    }
}

/// The first of four free ports in a row, for the remedy.
async fn four_free_ports() -> u16 {
    for first in (4100..5000).step_by(10) {
        let mut held = Vec::new();
        for port in first..first + 4 {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => held.push(listener),
                Err(_) => break,
            }
        }
        if held.len() == 4 {
            return first;
        }
    }
    5000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named_with_the_remedy() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = bind("gateway", port).await.unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("--port") && !error.contains('\n'),
            "{error}"
        );
    }

    #[tokio::test]
    async fn no_room_after_the_last_port() {
        assert!(matches!(Listeners::bind(65_533).await, Err(PortError::TooHigh { port: 65_533 })));
    }
}
