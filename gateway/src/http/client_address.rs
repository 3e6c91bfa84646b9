//! The client's address: the TCP peer, or what trusted proxies say about it.

use std::net::IpAddr;

use http::HeaderMap;

/// Addresses and networks whose `X-Forwarded-For` counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u128,
    /// Leading bits that count, of 128.
    prefix: u8,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "`server.trusted_proxies`: `{text}` is not an address such as 10.0.0.7 or a network such as 10.0.0.0/8"
)]
pub struct TrustedProxyError {
    text: String,
}

impl TrustedProxies {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, TrustedProxyError> {
        let network = |text: &String| {
            Network::parse(text).ok_or_else(|| TrustedProxyError { text: text.clone() })
        };
        entries.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Walks `X-Forwarded-For` from the right for as long as the addresses are trusted: the
    /// first one that is not is the client; what stands left of it may be invented.
    pub(crate) fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if self.0.is_empty() {
            return client;
        }
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for entry in forwarded.into_iter().rev() {
            if !self.contains(client) {
                break;
            }
            let Ok(address) = entry.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        client
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let (bits, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then(|| Self { address: as_bits(address), prefix: prefix + offset })
    }

    fn contains(self, address: IpAddr) -> bool {
        let differing = self.address ^ as_bits(address);
        self.prefix == 0 || differing >> (128 - u32::from(self.prefix)) == 0
    }
}

/// IPv4 addresses as IPv6 sees them, so that one comparison serves both.
fn as_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &str) -> String {
        let entries: Vec<String> = trusted.iter().map(|&entry| entry.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().expect("a header value"));
        let proxies = TrustedProxies::parse(&entries).expect("networks");
        proxies.client_address(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_peer_is_the_client() {
        assert_eq!(client(&[], "192.0.2.1", "203.0.113.9"), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", "203.0.113.9"), "192.0.2.1");
    }

    #[test]
    fn trusted_proxies_are_skipped_from_the_right() {
        assert_eq!(
            client(&["10.0.0.0/8"], "10.1.2.3", "198.51.100.1, 203.0.113.9, 10.9.9.9"),
            "203.0.113.9"
        );
        assert_eq!(client(&["10.0.0.7"], "::ffff:10.0.0.7", "2001:db8::1"), "2001:db8::1");
        assert_eq!(client(&["10.0.0.7"], "10.0.0.7", "not-an-address"), "10.0.0.7");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(TrustedProxies::parse(&["10.0.0.0/33".to_owned()]).is_err());
        assert!(TrustedProxies::parse(&["proxy.example".to_owned()]).is_err());
    }
}
