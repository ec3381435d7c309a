//! `--lan`: listening where devices can reach the node, and telling under which addresses they do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where to listen for everybody on this port, in order: both protocols on one socket, then IPv4 alone, for systems without
/// IPv6.
pub(super) fn everywhere(port: u16) -> [SocketAddr; 2] {
    [
        SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
        SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
    ]
}

/// What devices can open: one URL for each address of this machine that others can reach, IPv4 first.
pub(super) fn urls(scheme: &str, port: u16) -> Vec<String> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(is_reachable)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    let url = |address| format!("{scheme}://{}", SocketAddr::new(address, port));
    addresses.into_iter().map(url).collect()
}

/// Loopback is this machine alone, and a link-local address needs the name of an interface on the other side.
fn is_reachable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_devices_cannot_open_are_not_told() {
        for (address, is_told) in [
            ("192.168.1.20", true),
            ("127.0.0.1", false),
            ("169.254.7.7", false),
            ("2001:db8::7", true),
            ("fe80::7", false),
            ("::1", false),
        ] {
            assert_eq!(is_reachable(&address.parse().unwrap()), is_told, "{address}");
        }
    }
}
