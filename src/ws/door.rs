//! Before there is a session: is it from a page that may, who is it, and is there room. The same for sockets and streams.

use super::request::TopicWish;
use super::session;
use super::transport::Transport;
use crate::app::App;
use crate::auth::{self, Principal, browser};
use crate::peer::Way;
use crate::problem::Problem;
use crate::rates::{self, RateCell, Work};
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use homeroom_actors::sessions::SessionInfo;
use serde::Deserialize;
use std::future::Future;

/// What a caller shows at the door.
pub(super) enum Credential {
    /// A token in the header: known already.
    Known(Principal),
    /// From a browser. It is used up when it is looked at, so that comes last.
    Ticket(String),
}

#[derive(Deserialize)]
struct TicketQuery {
    ticket: Option<String>,
}

impl Credential {
    /// By header, or from a browser by ticket.
    pub(super) fn of(app: &App, parts: &Parts) -> Result<Self, Problem> {
        if parts.headers.contains_key(AUTHORIZATION) || parts.headers.contains_key(browser::SESSION_HEADER) {
            return auth::authenticate(app, &parts.headers).map(Self::Known);
        }
        match Query::<TicketQuery>::try_from_uri(&parts.uri) {
            Ok(Query(TicketQuery { ticket: Some(ticket) })) => Ok(Self::Ticket(ticket)),
            Ok(_) | Err(_) => Err(Problem::unauthenticated()),
        }
    }

    /// Who it is.
    pub(super) fn redeem(self, app: &App) -> Result<Principal, Problem> {
        match self {
            Self::Known(caller) => Ok(caller),
            Self::Ticket(ticket) => auth::authenticate_ticket(app, &ticket),
        }
    }
}

/// Takes the request out of the caller's budget.
pub(super) fn charge(app: &App, parts: &Parts, caller: &Principal) -> Result<(), Problem> {
    let rates = parts.extensions.get::<RateCell>().cloned().unwrap_or_default();
    rates::charge(app, caller, &rates, Work::Read)
}

/// Takes a session in before anything is answered, so that a refusal is still an HTTP answer. It starts with the way to its
/// reader, which may yet fail to come.
pub(super) fn open_session<T: Transport>(
    app: &App,
    parts: &Parts,
    caller: Principal,
    line: impl Future<Output = Option<T>> + Send + 'static,
    wishes: Vec<TopicWish>,
) -> Result<(), Problem> {
    let address = parts.extensions.get::<Way>().and_then(|way| way.client);
    let own = app.own_sessions().take(&caller, address)?;
    let info = SessionInfo {
        token_id: caller.token_id,
        user_id: caller.user_id,
        expires_at: caller.expires_at,
    };
    let session_app = app.clone();
    app.engine().sessions().open(info, move |control| async move {
        if let Some(line) = line.await {
            session::run(session_app, caller, line, wishes, control).await;
        }
        drop(own);
    })?;
    Ok(())
}

/// Whether a request comes from a page that may open sessions here.
pub(super) fn check_origin(app: &App, parts: &Parts) -> Result<(), Problem> {
    let way = parts.extensions.get::<Way>().cloned().unwrap_or_default();
    check(&parts.headers, &way, &app.config().allowed_origins)
}

/// A page may open a socket when it comes from this node, as far as the `Host` header or a trusted proxy tells, or from an
/// origin that the settings allow. Programs send no `Origin`. Where it is known whether the page's side speaks TLS only that
/// scheme is the node's own; otherwise both are, since a proxy that nobody named may end TLS.
fn check(headers: &HeaderMap, way: &Way, allowed: &[String]) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return Ok(()),
        (Some(origin), None) => origin.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => "",
    };
    let is_allowed = |known: &String| known.trim_end_matches('/').eq_ignore_ascii_case(origin);
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = way.host.as_deref().or(named).unwrap_or_default();
    let is_scheme = way
        .is_secure
        .is_none_or(|is_secure| origin.starts_with("https://") == is_secure);
    if (is_scheme && is_own(origin, host)) || allowed.iter().any(is_allowed) {
        return Ok(());
    }
    let detail = "pages of this origin may not open sockets here; the node's settings can allow it";
    Err(Problem::new(403, "origin_not_allowed", "Origin not allowed", detail))
}

fn is_own(origin: &str, host: &str) -> bool {
    let (origin, usual_port) = match origin.split_once("://") {
        Some(("http", authority)) => (authority, 80),
        Some(("https", authority)) => (authority, 443),
        _ => return false,
    };
    let (Ok(origin), Ok(host)) = (origin.parse::<Authority>(), host.parse::<Authority>()) else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual_port);
    let is_plain = !origin.as_str().contains('@') && !host.as_str().contains('@');
    is_plain && origin.host().eq_ignore_ascii_case(host.host()) && port(&origin) == port(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nodes_own_pages_and_allowed_ones_open_sockets() {
        let allowed = ["https://school.example/".to_owned()];
        for (origin, host, is_fine) in [
            (None, "node:8080", true),
            (Some("http://node:8080"), "node:8080", true),
            (Some("http://NODE:8080"), "node:8080", true),
            (Some("https://node"), "node", true),
            (Some("https://node"), "node:443", true),
            (Some("http://[::1]:8080"), "[::1]:8080", true),
            (Some("https://school.example"), "node:8080", true),
            (Some("null"), "node:8080", false),
            (Some(""), "node:8080", false),
            (Some("http://node"), "node:8080", false),
            (Some("http://node:8081"), "node:8080", false),
            (Some("http://node:8080.evil.example"), "node:8080", false),
            (Some("http://evilnode:8080"), "node:8080", false),
            (Some("http://evil.example@node:8080"), "node:8080", false),
            (Some("http://node:8080/path"), "node:8080", false),
            (Some("file://node:8080"), "node:8080", false),
            (Some("https://school.example.evil"), "node:8080", false),
            (Some("http://school.example"), "node:8080", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            let checked = check(&headers, &Way::default(), &allowed);
            assert_eq!(checked.is_ok(), is_fine, "{origin:?} at {host}");
        }
    }

    #[test]
    fn what_is_known_of_the_way_decides_scheme_and_host() {
        for (origin, is_secure, host, is_fine) in [
            ("https://node", Some(true), None, true),
            ("http://node", Some(true), None, false),
            ("http://node", Some(false), None, true),
            ("https://node", Some(false), None, false),
            ("https://school.example", Some(true), Some("school.example"), true),
            ("https://node", Some(true), Some("school.example"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "node".parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            let way = Way {
                client: None,
                is_secure,
                host: host.map(str::to_owned),
            };
            let checked = check(&headers, &way, &[]);
            assert_eq!(checked.is_ok(), is_fine, "{origin} {way:?}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "node".parse().unwrap());
        headers.append(ORIGIN, "http://node".parse().unwrap());
        headers.append(ORIGIN, "http://node".parse().unwrap());
        assert!(check(&headers, &Way::default(), &[]).is_err());
    }
}
