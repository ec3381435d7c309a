//! Before a socket is one: is it an upgrade, from a page that may, by somebody known, in a protocol that we speak. In this
//! order, so that a ticket is used up only by an upgrade that nothing else stands against.

use super::session;
use crate::app::App;
use crate::auth::{self, Principal};
use crate::peer::Way;
use crate::problem::Problem;
use crate::rates::{self, RateCell, Work};
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use homeroom_actors::sessions::SessionInfo;
use homeroom_schema::limits::{FRAME_BYTES_MAX, FRAME_OUT_BYTES_MAX, UPGRADE_DEADLINE};
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The subprotocol, offered by clients and named in the answer.
pub const SUBPROTOCOL: &str = "homeroom.v1";

/// Bytes read from a socket at once. It is allocated with each socket.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes gathered before they are written to the connection.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;

/// `GET /ws`.
pub async fn upgrade(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match admit(&app, &mut parts).await {
        Ok(response) => response,
        Err(problem) => {
            let is_upgrade_required = problem.status == 426;
            let mut response = problem.into_response();
            if is_upgrade_required {
                response
                    .headers_mut()
                    .insert(UPGRADE, HeaderValue::from_static("websocket"));
            }
            response
        }
    }
}

async fn admit(app: &App, parts: &mut Parts) -> Result<Response, Problem> {
    let way = parts.extensions.get::<Way>().cloned().unwrap_or_default();
    check_origin(&parts.headers, &way, &app.config().allowed_origins)?;
    let upgrade = WebSocketUpgrade::from_request_parts(parts, app).await;
    let upgrade = upgrade.map_err(|_| not_an_upgrade(&parts.headers))?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let detail = format!("offer the subprotocol {SUBPROTOCOL} in Sec-WebSocket-Protocol");
        return Err(Problem::new(
            400,
            "subprotocol_required",
            "No known subprotocol",
            detail,
        ));
    }
    let caller = authenticate(app, parts).await?;
    let rates = parts.extensions.get::<RateCell>().cloned().unwrap_or_default();
    rates::charge(app, &caller, &rates, Work::Read)?;
    let socket = open_session(app, caller)?;
    // No compression: an offer of permessage-deflate is not answered, which declines it.
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(FRAME_OUT_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(|upgraded| async {
        // Without a receiver the session has given up waiting.
        let _ = socket.send(upgraded);
    }))
}

/// Takes a session in before the upgrade is answered, so that a refusal is still an HTTP answer. It starts with the socket.
fn open_session(app: &App, caller: Principal) -> Result<oneshot::Sender<WebSocket>, Problem> {
    let own = app.own_sessions().take(&caller)?;
    let (sender, upgraded) = oneshot::channel();
    let info = SessionInfo {
        token_id: caller.token_id,
        user_id: caller.user_id,
        expires_at: caller.expires_at,
    };
    let session_app = app.clone();
    app.engine().sessions().open(info, move |control| async move {
        if let Ok(Ok(socket)) = timeout(UPGRADE_DEADLINE, upgraded).await {
            session::run(session_app, caller, socket, control).await;
        }
        drop(own);
    })?;
    Ok(sender)
}

#[derive(Deserialize)]
struct TicketQuery {
    ticket: Option<String>,
}

/// By header, or from a browser by ticket.
async fn authenticate(app: &App, parts: &mut Parts) -> Result<Principal, Problem> {
    if parts.headers.contains_key(AUTHORIZATION) {
        return auth::authenticate(app, &parts.headers);
    }
    match Query::<TicketQuery>::from_request_parts(parts, app).await {
        Ok(Query(TicketQuery { ticket: Some(ticket) })) => auth::authenticate_ticket(app, &ticket),
        Ok(_) | Err(_) => Err(Problem::unauthenticated()),
    }
}

fn not_an_upgrade(headers: &HeaderMap) -> Problem {
    if headers.contains_key(UPGRADE) {
        let detail = "this is no WebSocket handshake of version 13 (RFC 6455, section 4.1)";
        Problem::new(400, "invalid_handshake", "Not a WebSocket handshake", detail)
    } else {
        let detail = "this is the address of a WebSocket; the same messages as a stream of HTTP: see the API's pages";
        Problem::new(426, "upgrade_required", "Upgrade required", detail)
    }
}

/// A page may open a socket when it comes from this node, as far as the `Host` header or a trusted proxy tells, or from an
/// origin that the settings allow. Programs send no `Origin`. Where it is known whether the page's side speaks TLS only that
/// scheme is the node's own; otherwise both are, since a proxy that nobody named may end TLS.
fn check_origin(headers: &HeaderMap, way: &Way, allowed: &[String]) -> Result<(), Problem> {
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
            let checked = check_origin(&headers, &Way::default(), &allowed);
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
            let checked = check_origin(&headers, &way, &[]);
            assert_eq!(checked.is_ok(), is_fine, "{origin} {way:?}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "node".parse().unwrap());
        headers.append(ORIGIN, "http://node".parse().unwrap());
        headers.append(ORIGIN, "http://node".parse().unwrap());
        assert!(check_origin(&headers, &Way::default(), &[]).is_err());
    }
}
