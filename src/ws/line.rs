//! One socket: frames out in order, frames in when wanted, both in one task. Never what frames say.

use super::close::Close;
use super::transport::{LineEvent, Outbox, Transport};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use homeroom_actors::topics::{Position, TopicName};
use homeroom_schema::limits::{CLOSE_GRACE, CLOSE_LINGER};
use std::task::{Context, Poll};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as Fault;

/// A socket with its outbox.
pub(super) struct Line {
    socket: WebSocket,
    outbox: Outbox<Message>,
}

impl Line {
    /// A line over an upgraded socket.
    pub(super) fn new(socket: WebSocket) -> Self {
        Self {
            socket,
            outbox: Outbox::new(),
        }
    }

    /// Ready with true once when everything has been taken, with false when there was nothing to do.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, axum::Error>> {
        while self.outbox.len() > 0 {
            std::task::ready!(self.socket.poll_ready_unpin(context))?;
            let Some(frame) = self.outbox.pop() else { break };
            let text = if let Message::Text(text) = &frame {
                Some(text.len())
            } else {
                None
            };
            self.outbox.handed_over(text.unwrap_or(0), u64::from(text.is_some()));
            self.socket.start_send_unpin(frame)?;
        }
        if !self.outbox.is_unflushed() {
            return Poll::Ready(Ok(false));
        }
        std::task::ready!(self.socket.poll_flush_unpin(context))?;
        self.outbox.flushed();
        Poll::Ready(Ok(true))
    }
}

impl Transport for Line {
    type Frame = Message;

    const ANSWERS_PINGS: bool = true;

    fn outbox(&self) -> &Outbox<Message> {
        &self.outbox
    }

    fn push(&mut self, frame: Utf8Bytes) {
        self.outbox.put(frame.len(), Message::Text(frame));
    }

    fn push_ping(&mut self) {
        self.outbox.put(0, Message::Ping(bytes::Bytes::new()));
    }

    /// Each message says where it stands.
    fn moved(&mut self, _topic: TopicName, _position: &Position) {}

    fn left(&mut self, _topic: TopicName) {}

    fn poll(&mut self, reading: bool, context: &mut Context<'_>) -> Poll<LineEvent> {
        match self.poll_write(context) {
            Poll::Ready(Ok(true)) => return Poll::Ready(LineEvent::Flushed),
            Poll::Ready(Err(error)) => return Poll::Ready(LineEvent::Ended(ending(error))),
            Poll::Ready(Ok(false)) => {}
            Poll::Pending => self.outbox.count(),
        }
        if !reading {
            return Poll::Pending;
        }
        self.socket.poll_next_unpin(context).map(|read| match read {
            Some(Ok(Message::Close(_))) | None => LineEvent::Ended(Close::Gone),
            Some(Ok(frame)) => {
                if let Message::Ping(_) = frame {
                    // The socket answers by itself, once it is flushed.
                    self.outbox.flush_soon();
                }
                LineEvent::Received(frame)
            }
            Some(Err(error)) => LineEvent::Ended(ending(error)),
        })
    }

    async fn close(mut self, close: Close) {
        close.count();
        if close == Close::Gone {
            // Also answers the close of a client that said goodbye.
            let _ = timeout(CLOSE_GRACE, self.socket.flush()).await;
            return;
        }
        if !close.sends_the_rest() {
            self.outbox.clear();
        }
        self.outbox.put(0, Message::Close(Some(close.frame())));
        let closing = async {
            while !self.outbox.is_clear() {
                if let LineEvent::Ended(_) = self.next(false).await {
                    return;
                }
            }
            // After a frame that could not be read, the rest of it cannot be read either; a connection that is let go with
            // bytes unread is reset, and a reset may overtake the close frame. So it is left open for a moment.
            if matches!(close, Close::TooLarge | Close::InvalidUtf8 | Close::Protocol) {
                return tokio::time::sleep(CLOSE_LINGER).await;
            }
            while let LineEvent::Received(_) | LineEvent::Flushed = self.next(true).await {}
        };
        let _ = timeout(CLOSE_GRACE, closing).await;
    }
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
mod conformance;
#[cfg(test)]
mod tests;
