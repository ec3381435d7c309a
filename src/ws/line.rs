//! One socket and what waits for it: frames out in order, frames in when wanted, both in one task. Never what frames say.
//!
//! **Accounting.** A session has three kinds of things that wait, and each is bounded:
//!
//! - Topic messages are pulled: [`Line::has_room`] is false from [`SESSION_GATHER_BYTES`] on, and then topics are left alone
//!   until the socket has taken what is here. A reader that is behind holds a position, not a queue.
//! - Replies are asked for: while there is no room, the session reads no further requests, so at most one reply and the
//!   answers of [`SESSION_COMMANDS_MAX`](homeroom_schema::limits::SESSION_COMMANDS_MAX) commands come on top.
//! - What a stuck reader would have to read later costs nothing here, but it counts: for each of its user topics, messages
//!   published since the socket got stuck × `LAG_MESSAGE_BYTES`. Together with what may be gathered, past `OUTBOX_BYTES_MAX`,
//!   the session ends (4008); `holds` adds that up. A reader that catches up on old messages is not stuck.
//!
//! A frame is shared by all sessions until the socket can take it; only then is it copied into the socket's own buffer,
//! which holds one flush.

use super::close::Close;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use homeroom_schema::limits::{CLOSE_GRACE, SESSION_GATHER_BYTES, WRITE_BYTES_PER_SECOND_MIN, WRITE_STALL};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Error as Fault;

/// A socket with its outbox.
pub(super) struct Line {
    socket: WebSocket,
    waiting: VecDeque<Message>,
    /// Bytes that wait here or in the socket's buffer since it was last empty.
    bytes: usize,
    /// Whether the socket's buffer holds something that was not flushed.
    unflushed: bool,
    /// By then the socket has to take something; none while nothing waits.
    stalls_at: Option<Instant>,
    frames_sent: metrics::Counter,
    // Over all sessions; what of it is this one's is `bytes`.
    outbox_bytes: metrics::Gauge,
}

/// What happened on a socket.
#[derive(Debug)]
pub(super) enum LineEvent {
    /// A frame came.
    Received(Message),
    /// Everything that waited has been taken.
    Flushed,
    /// The session is over.
    Ended(Close),
}

impl Line {
    /// A line over an upgraded socket.
    pub(super) fn new(socket: WebSocket) -> Self {
        Self {
            socket,
            waiting: VecDeque::new(),
            bytes: 0,
            unflushed: false,
            stalls_at: None,
            frames_sent: metrics::counter!("homeroom_frames_sent_total"),
            outbox_bytes: metrics::gauge!("homeroom_outbox_bytes"),
        }
    }

    /// Puts a text frame at the end. The bound is kept by those who ask [`Line::has_room`] first; replies need not.
    pub(super) fn push(&mut self, frame: Utf8Bytes) {
        self.put(frame.len(), Message::Text(frame));
    }

    /// Puts a ping at the end.
    pub(super) fn push_ping(&mut self) {
        self.put(0, Message::Ping(bytes::Bytes::new()));
    }

    /// Sends what the socket has queued by itself (pongs), even if nothing else comes.
    pub(super) fn flush_soon(&mut self) {
        self.unflushed = true;
        self.stalls_at.get_or_insert_with(|| Instant::now() + WRITE_STALL);
    }

    /// Whether more may be gathered.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < SESSION_GATHER_BYTES
    }

    /// Whether nothing waits.
    pub(super) fn is_clear(&self) -> bool {
        self.waiting.is_empty() && !self.unflushed
    }

    /// When the socket counts as stuck unless it takes something before.
    pub(super) fn stalls_at(&self) -> Option<Instant> {
        self.stalls_at
    }

    fn put(&mut self, bytes: usize, frame: Message) {
        self.bytes += bytes;
        self.outbox_bytes.increment(bytes as f64);
        self.waiting.push_back(frame);
        self.stalls_at.get_or_insert_with(|| stall_deadline(bytes));
    }

    /// Hands over what waits, and reads if wanted. Cancel-safe: nothing is lost between calls.
    pub(super) async fn next(&mut self, reading: bool) -> LineEvent {
        poll_fn(|context| self.poll(reading, context)).await
    }

    fn poll(&mut self, reading: bool, context: &mut Context<'_>) -> Poll<LineEvent> {
        match self.poll_write(context) {
            Poll::Ready(Ok(true)) => return Poll::Ready(LineEvent::Flushed),
            Poll::Ready(Err(error)) => return Poll::Ready(LineEvent::Ended(ending(error))),
            Poll::Ready(Ok(false)) | Poll::Pending => {}
        }
        if !reading {
            return Poll::Pending;
        }
        self.socket.poll_next_unpin(context).map(|read| match read {
            Some(Ok(Message::Close(_))) | None => LineEvent::Ended(Close::Gone),
            Some(Ok(frame)) => LineEvent::Received(frame),
            Some(Err(error)) => LineEvent::Ended(ending(error)),
        })
    }

    /// Ready with true once when everything has been taken, with false when there was nothing to do.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, axum::Error>> {
        while !self.waiting.is_empty() {
            std::task::ready!(self.socket.poll_ready_unpin(context))?;
            let Some(frame) = self.waiting.pop_front() else { break };
            if let Message::Text(text) = &frame {
                self.stalls_at = Some(stall_deadline(text.len()));
                self.frames_sent.increment(1);
            }
            self.unflushed = true;
            self.socket.start_send_unpin(frame)?;
        }
        if !self.unflushed {
            return Poll::Ready(Ok(false));
        }
        std::task::ready!(self.socket.poll_flush_unpin(context))?;
        self.unflushed = false;
        self.outbox_bytes.decrement(std::mem::take(&mut self.bytes) as f64);
        self.stalls_at = None;
        Poll::Ready(Ok(true))
    }

    /// Ends the session: says why, gives the other side a moment to hear it, and lets go of the connection.
    pub(super) async fn close(mut self, close: Close) {
        metrics::counter!("homeroom_closes_total", "code" => close.code().to_string()).increment(1);
        if close == Close::Gone {
            // Also answers the close of a client that said goodbye.
            let _ = timeout(CLOSE_GRACE, self.socket.flush()).await;
            return;
        }
        if !close.sends_the_rest() {
            self.waiting.clear();
        }
        self.waiting.push_back(Message::Close(Some(close.frame())));
        let closing = async {
            while !self.is_clear() {
                if let LineEvent::Ended(_) = self.next(false).await {
                    return;
                }
            }
            // After a frame that could not be read, the rest of it cannot be read either; a connection that is let go with
            // bytes unread is reset, and a reset may overtake the close frame. So it is left open until the grace is over.
            if matches!(close, Close::TooLarge | Close::InvalidUtf8 | Close::Protocol) {
                std::future::pending::<()>().await;
            }
            while let LineEvent::Received(_) | LineEvent::Flushed = self.next(true).await {}
        };
        let _ = timeout(CLOSE_GRACE, closing).await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.outbox_bytes.decrement(self.bytes as f64);
    }
}

/// A large frame may take its time, as long as it goes at all.
fn stall_deadline(bytes: usize) -> Instant {
    let seconds = bytes / WRITE_BYTES_PER_SECOND_MIN;
    Instant::now() + WRITE_STALL + Duration::from_secs(seconds as u64)
}

/// What an error of the socket means for the session.
fn ending(error: axum::Error) -> Close {
    match error.into_inner().downcast_ref::<Fault>() {
        Some(Fault::Capacity(_)) => Close::TooLarge,
        Some(Fault::Utf8(_)) => Close::InvalidUtf8,
        Some(Fault::WriteBufferFull(_)) => Close::Unavailable,
        Some(Fault::Protocol(fault)) if !is_lost(fault) => Close::Protocol,
        _ => Close::Gone,
    }
}

fn is_lost(fault: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError::{ResetWithoutClosingHandshake, SendAfterClosing};
    matches!(fault, ResetWithoutClosingHandshake | SendAfterClosing)
}

#[cfg(test)]
mod tests;
