//! What a request must be like before any route sees it: one `Host` that agrees with its target, and a name that is this
//! node's. The latter keeps pages of others out that have their own name point here (DNS rebinding): a browser then takes the
//! node for theirs. Names that nobody outside can point anywhere are always the node's; others stand in `allowed_hosts`.

use crate::app::App;
use crate::auth;
use crate::config::Config;
use crate::peer::Way;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv4Addr};

/// Paths that answer under any name: probes say nothing, and sessions know their callers by ticket or token.
const ANY_NAME: [&str; 4] = ["/healthz", "/readyz", "/ws", "/events/stream"];
/// Names that end like this are never delegated in public DNS.
const LOCAL_ENDINGS: [&str; 5] = [".local", ".lan", ".localhost", ".internal", ".home.arpa"];

/// Lets requests through that are well-formed and meant for this node.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    match admit(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn admit(app: &App, request: &Request) -> Result<(), Problem> {
    let Some(host) = host(request.version(), request.headers(), request.uri())? else {
        return Ok(());
    };
    // A trusted proxy says which host its client named.
    let host = match request.extensions().get::<Way>().and_then(|way| way.host.as_deref()) {
        Some(named) => named.parse().map_err(|_| invalid_host())?,
        None => host,
    };
    let is_fine = is_known(host.host(), app.config())
        || ANY_NAME.contains(&request.uri().path())
        // Whoever has a token is no page of others.
        || auth::authenticate_bearer(app, request.headers()).is_ok();
    if is_fine { Ok(()) } else { Err(unknown_host()) }
}

/// The one host that a request names. Only HTTP/1.0 may name none.
fn host(version: Version, headers: &HeaderMap, target: &Uri) -> Result<Option<Authority>, Problem> {
    let mut values = headers.get_all(HOST).iter();
    let host = match (values.next(), values.next()) {
        (None, _) if version == Version::HTTP_10 => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(|text| text.parse::<Authority>().ok()),
        _ => None,
    };
    let host = host
        .filter(|host| !host.as_str().contains('@'))
        .ok_or_else(invalid_host)?;
    match target.authority() {
        // The target of a proxy's request must not say something else than what was checked.
        Some(authority) if !authority.as_str().eq_ignore_ascii_case(host.as_str()) => Err(invalid_host()),
        _ => Ok(Some(host)),
    }
}

fn is_known(host: &str, config: &Config) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    if address.parse::<IpAddr>().is_ok() || name.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let is_local = !name.contains('.') || LOCAL_ENDINGS.iter().any(|ending| name.ends_with(ending));
    is_local
        || config.allowed_hosts.iter().any(|allowed| names(allowed, &name))
        || config.allowed_origins.iter().any(|origin| is_of_origin(origin, &name))
}

/// Whether an entry of the setting names this host: itself, everything below it (`*.school.example`), or all (`*`).
fn names(allowed: &str, name: &str) -> bool {
    match allowed.strip_prefix('*') {
        Some("") => true,
        Some(ending) => name.len() > ending.len() && name.ends_with(&ending.to_ascii_lowercase()),
        None => allowed.eq_ignore_ascii_case(name),
    }
}

fn is_of_origin(origin: &str, name: &str) -> bool {
    let authority = origin
        .split_once("://")
        .and_then(|(_, rest)| rest.parse::<Authority>().ok());
    authority.is_some_and(|authority| authority.host().eq_ignore_ascii_case(name))
}

fn invalid_host() -> Problem {
    let detail = "A request has one Host header that names a host, the same as in its target.";
    Problem::new(400, "invalid_host", "Not a host", detail)
}

fn unknown_host() -> Problem {
    let detail = "The node is not known under this name; its setting `allowed_hosts` says which names it has.";
    Problem::new(421, "unknown_host", "Not a name of this node", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn names_that_others_can_point_here_are_known_only_by_setting() {
        let mut config = Config::new("x");
        config.allowed_hosts = vec!["School.example".into(), "*.classes.example".into()];
        config.allowed_origins = vec!["https://pages.example:8443".into()];
        for (host, is_fine) in [
            ("127.0.0.1", true),
            ("192.168.1.20", true),
            ("[::1]", true),
            ("[fe80::1]", true),
            ("localhost", true),
            ("LOCALHOST.", true),
            ("classroom", true),
            ("classroom.local", true),
            ("node.lan", true),
            ("node.internal", true),
            ("school.example", true),
            ("SCHOOL.EXAMPLE.", true),
            ("a.classes.example", true),
            ("pages.example", true),
            ("classes.example", false),
            ("aclasses.example", false),
            ("evil.school.example", false),
            ("school.example.evil.example", false),
            ("evil.example", false),
            ("local.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("1.2.3", false),
        ] {
            assert_eq!(is_known(host, &config), is_fine, "{host}");
        }
        config.allowed_hosts = vec!["*".into()];
        assert!(is_known("evil.example", &config));
    }

    #[test]
    fn a_request_names_one_host() {
        let named = |hosts: &[&'static str], target: &'static str| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            let host = host(Version::HTTP_11, &headers, &Uri::from_static(target));
            host.map_err(|problem| problem.code)
                .map(|host| host.map(|host| host.to_string()))
        };
        assert_eq!(named(&["node:80"], "/me"), Ok(Some("node:80".into())));
        assert_eq!(named(&["node:80"], "http://NODE:80/me"), Ok(Some("node:80".into())));
        for (hosts, target) in [
            (&[][..], "/me"),
            (&[""], "/me"),
            (&["node", "node"], "/me"),
            (&["a@node"], "/me"),
            (&["node/x"], "/me"),
            (&["node"], "http://other/me"),
        ] {
            assert_eq!(named(hosts, target), Err("invalid_host"), "{hosts:?} {target}");
        }
        let host = host(Version::HTTP_10, &HeaderMap::new(), &Uri::from_static("/me"));
        assert_eq!(host, Ok(None), "HTTP/1.0 had no Host");
    }
}
