//! Who is at the other end of a connection, and what a proxy in front says of whoever is behind it. Believed only of proxies
//! that the settings trust: anybody can send these headers.

mod forwarded;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::IpAddr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Hops that are looked at, from the nearest on. What lies behind is as unknown as without a header.
const HOPS_MAX: usize = 16;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether the connection itself is TLS.
    pub is_tls: bool,
}

/// How a request came here, as far as that can be believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Who sent it; none when it came by no connection (in tests of handlers).
    pub client: Option<IpAddr>,
    /// Whether it came by TLS; none when that is not known, since an unknown proxy may end it.
    pub is_secure: Option<bool>,
    /// The host that the client named, when a proxy says so; otherwise the header `Host` has it.
    pub host: Option<String>,
}

impl Way {
    /// The way of a request with these headers from this peer.
    #[must_use]
    pub fn of(peer: Option<Peer>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let Some(peer) = peer else { return Self::default() };
        let way = Self {
            client: Some(peer.address),
            is_secure: peer.is_tls.then_some(true),
            host: None,
        };
        if !is_trusted(peer.address, trusted) {
            return way;
        }
        if headers.contains_key(axum::http::header::FORWARDED) {
            way.behind(forwarded::hops(headers), trusted)
        } else {
            way.behind_x(headers, trusted)
        }
    }

    /// The nearest hop that is no trusted proxy is the client; what it says of host and protocol is what that client used.
    fn behind(mut self, hops: Vec<forwarded::Hop>, trusted: &[IpNet]) -> Self {
        for hop in hops.into_iter().take(HOPS_MAX) {
            self.is_secure = hop.is_secure.or(self.is_secure);
            self.host = hop.host.or(self.host);
            let Some(address) = hop.address else { return self };
            self.client = Some(address);
            if !is_trusted(address, trusted) {
                return self;
            }
        }
        self
    }

    fn behind_x(mut self, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let mut hops = listed(headers, &FORWARDED_FOR);
        hops.reverse();
        for hop in hops.into_iter().take(HOPS_MAX) {
            let Some(address) = forwarded::address(hop) else { break };
            self.client = Some(address);
            if !is_trusted(address, trusted) {
                break;
            }
        }
        // These lists do not say which hop they are of: the last one is of the proxy that is nearest.
        if let Some(proto) = listed(headers, &FORWARDED_PROTO).last() {
            self.is_secure = forwarded::is_secure(proto).or(self.is_secure);
        }
        self.host = listed(headers, &FORWARDED_HOST).last().map(|host| (*host).to_owned());
        self
    }
}

/// The addresses that a setting names: single ones, and networks as in `10.0.0.0/8`. None when one is neither.
pub(crate) fn networks(texts: &[String]) -> Result<Vec<IpNet>, &String> {
    let network = |text: &str| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    texts.iter().map(|text| network(text).map_err(|_| text)).collect()
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The items of a header that may come several times, each with several items.
fn listed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h str> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let items = values.flat_map(|value| value.split(',')).map(str::trim);
    items.filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'r> = (
        &'r str,
        &'r [(&'static str, &'r str)],
        &'r str,
        Option<bool>,
        Option<&'r str>,
    );

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = networks(&["10.0.0.0/8".into(), "::1".into()]).unwrap();
        let rows: &[Row<'_>] = &[
            ("192.0.2.1", &[], "192.0.2.1", None, None),
            (
                "192.0.2.1",
                &[("x-forwarded-for", "8.8.8.8"), ("x-forwarded-proto", "https")],
                "192.0.2.1",
                None,
                None,
            ),
            (
                "192.0.2.1",
                &[("forwarded", "for=8.8.8.8;proto=https;host=evil")],
                "192.0.2.1",
                None,
                None,
            ),
            ("10.1.1.1", &[], "10.1.1.1", None, None),
            ("10.1.1.1", &[("x-forwarded-for", "8.8.8.8")], "8.8.8.8", None, None),
            (
                "10.1.1.1",
                &[("x-forwarded-for", "6.6.6.6, 8.8.8.8, 10.2.2.2")],
                "8.8.8.8",
                None,
                None,
            ),
            (
                "10.1.1.1",
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "8.8.8.8")],
                "8.8.8.8",
                None,
                None,
            ),
            (
                "10.1.1.1",
                &[("x-forwarded-for", "8.8.8.8, rubbish")],
                "10.1.1.1",
                None,
                None,
            ),
            (
                "10.1.1.1",
                &[("x-forwarded-for", "[2001:db8::1]:99")],
                "2001:db8::1",
                None,
                None,
            ),
            (
                "::1",
                &[("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")],
                "::1",
                Some(true),
                Some("a.example"),
            ),
            ("::1", &[("x-forwarded-proto", "https, http")], "::1", Some(false), None),
            (
                "::1",
                &[("forwarded", "for=8.8.8.8;proto=https;host=a.example")],
                "8.8.8.8",
                Some(true),
                Some("a.example"),
            ),
            (
                "::1",
                &[(
                    "forwarded",
                    "for=6.6.6.6;host=evil, for=\"[2001:db8::1]:4711\";proto=https;host=\"a.example\", for=10.0.0.2",
                )],
                "2001:db8::1",
                Some(true),
                Some("a.example"),
            ),
            (
                "::1",
                &[("forwarded", "for=unknown;proto=https")],
                "::1",
                Some(true),
                None,
            ),
        ];
        for (peer, sent, client, is_secure, host) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in *sent {
                headers.append(*name, value.parse().unwrap());
            }
            let peer = Peer {
                address: peer.parse().unwrap(),
                is_tls: false,
            };
            let way = Way::of(Some(peer), &headers, &trusted);
            assert_eq!(way.client, Some(client.parse().unwrap()), "{sent:?}");
            assert_eq!((way.is_secure, way.host.as_deref()), (*is_secure, *host), "{sent:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_named() {
        assert_eq!(networks(&["10.0.0.1".into(), "proxy".into()]), Err(&"proxy".into()));
        assert_eq!(networks(&[]), Ok(vec![]));
    }
}
