//! The header `Forwarded` (RFC 7239): its hops, nearest first. Reads what is well-formed, and nothing else into it.

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use std::net::{IpAddr, SocketAddr};

/// What one proxy says of the request that it got.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// Who sent it; none when the proxy does not tell.
    pub(super) address: Option<IpAddr>,
    /// Whether by TLS.
    pub(super) is_secure: Option<bool>,
    /// Which host they named.
    pub(super) host: Option<String>,
}

/// All hops, the nearest first.
pub(super) fn hops(headers: &HeaderMap) -> Vec<Hop> {
    let values = headers
        .get_all(FORWARDED)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let hops = values.flat_map(|value| split(value, ',')).map(hop);
    let mut hops: Vec<_> = hops.collect();
    hops.reverse();
    hops
}

/// An address with or without a port and brackets.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// What a protocol's name says.
pub(super) fn is_secure(proto: &str) -> Option<bool> {
    match proto.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

fn hop(text: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(text, ';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = address(value),
            "proto" => hop.is_secure = is_secure(value),
            "host" => hop.host = Some(value.to_owned()),
            _ => {}
        }
    }
    hop
}

/// Splits at a separator outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(|letter| {
        is_quoted ^= letter == '"';
        letter == separator && !is_quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}
