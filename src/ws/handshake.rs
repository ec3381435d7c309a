//! Before a socket is one: is it an upgrade, from a page that may, by somebody known, in a protocol that we speak. In this
//! order, so that a ticket is used up only by an upgrade that nothing else stands against.

use super::door::{self, Credential};
use super::line::Line;
use crate::app::App;
use crate::problem::Problem;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use homeroom_schema::limits::{FRAME_BYTES_MAX, FRAME_OUT_BYTES_MAX, UPGRADE_DEADLINE};
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
    door::check_origin(app, parts)?;
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
    let caller = Credential::of(app, parts)?.redeem(app)?;
    door::charge(app, parts, &caller)?;
    let (socket, upgraded) = oneshot::channel::<WebSocket>();
    let line = async move {
        let upgraded = timeout(UPGRADE_DEADLINE, upgraded).await;
        upgraded.ok()?.ok().map(Line::new)
    };
    door::open_session(app, parts, caller, line, Vec::new())?;
    Ok(bounded(upgrade).on_upgrade(|upgraded| async {
        // Without a receiver the session has given up waiting.
        let _ = socket.send(upgraded);
    }))
}

/// An upgrade with the bounds of the protocol. No compression: an offer of permessage-deflate is not answered, which
/// declines it.
pub(super) fn bounded(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(FRAME_OUT_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
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
