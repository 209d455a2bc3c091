//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use http_edge::PeerAddress;
use protocol::ErrorCode;

use crate::api::Api;
use crate::failure::Failure;

/// The address of the client: of the connection, or what the trusted proxies in front of it say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// What is limited as one: an IPv4 address, or the /64 that one customer has of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl ClientAddress {
    /// Finds the client's address behind `proxies` trusted proxies, each of which has appended the address of its peer.
    ///
    /// What stands further left was written by the client and means nothing.
    pub(crate) fn find(peer: IpAddr, headers: &HeaderMap, proxies: usize) -> Self {
        let Some(index) = proxies.checked_sub(1) else {
            return Self(peer.to_canonical());
        };
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let claimed = forwarded.iter().rev().nth(index).and_then(|text| text.trim().parse::<IpAddr>().ok());
        Self(claimed.unwrap_or(peer).to_canonical())
    }

    /// Gives what is limited together with this address.
    pub(crate) fn network(self) -> Network {
        match self.0 {
            IpAddr::V4(_) => Network(self.0),
            IpAddr::V6(address) => Network(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()),
        }
    }

    /// Says whether the client is on this machine.
    pub(crate) fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

impl FromRequestParts<Arc<Api>> for ClientAddress {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let Some(PeerAddress(peer)) = parts.extensions.get() else {
            tracing::error!("the server does not say where a request comes from");
            return Err(ErrorCode::Internal.into());
        };
        Ok(Self::find(peer.ip(), &parts.headers, api.options.trusted_proxies))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use http::HeaderValue;

    use super::*;

    fn find(peer: &str, forwarded: &[&'static str], proxies: usize) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        ClientAddress::find(peer.parse().unwrap(), &headers, proxies).0.to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        assert_eq!(find("10.0.0.1", &["1.1.1.1"], 0), "10.0.0.1");
        assert_eq!(find("10.0.0.1", &["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(find("10.0.0.1", &["6.6.6.6", "1.1.1.1,2.2.2.2"], 2), "1.1.1.1");
        assert_eq!(find("10.0.0.1", &["nonsense"], 1), "10.0.0.1");
        assert_eq!(find("10.0.0.1", &[], 1), "10.0.0.1");
    }

    #[test]
    fn the_addresses_of_one_customer_count_as_one() {
        let network = |text: &str| ClientAddress(text.parse::<IpAddr>().unwrap().to_canonical()).network();
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:ffff::4"));
        assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
        assert_ne!(network("1.1.1.1"), network("1.1.1.2"));
        assert_eq!(network("::ffff:1.1.1.1"), network("1.1.1.1"));
    }
}
