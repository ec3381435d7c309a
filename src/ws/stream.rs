//! One stream of server-sent events: frames out in order, each with an id that carries the positions of all topics. Nothing
//! comes in. Never what frames say.

mod bookmark;
mod pipe;

pub(super) use bookmark::Bookmark;
pub(super) use pipe::Reader;

use super::close::{self, Close};
use super::reply;
use super::transport::{LineEvent, Outbox, Transport};
use axum::extract::ws::Utf8Bytes;
use bytes::{BufMut, Bytes, BytesMut};
use homeroom_actors::topics::{Position, TopicName};
use homeroom_schema::limits::CLOSE_GRACE;
use pipe::{End, HungUp, Writer};
use std::task::{Context, Poll};
use tokio::time::timeout;

/// A stream with its outbox.
pub(super) struct EventStream {
    pipe: Writer,
    outbox: Outbox<Event>,
    bookmark: Bookmark,
}

/// What waits for the reader.
pub(super) enum Event {
    /// A message, with the id that stands for having seen it; the last message of all has none.
    Message { id: Option<String>, frame: Utf8Bytes },
    /// How long to wait before coming back after the end, in milliseconds.
    Retry(u32),
    /// A comment: keeps what is in between from taking the connection for dead.
    Comment,
}

impl EventStream {
    /// A stream and its other end, to be sent as the body of an answer. `bookmark` is where the reader comes back to.
    pub(super) fn new(bookmark: Bookmark) -> (Self, Reader) {
        let (pipe, reader) = pipe::pipe();
        let mut stream = Self {
            pipe,
            outbox: Outbox::new(),
            bookmark,
        };
        // At once, so that the head of the answer leaves, and readers of a node that dies do not come back together.
        stream.put(Event::Retry(close::retry_after_ms()));
        (stream, reader)
    }

    fn put(&mut self, event: Event) {
        self.outbox.put(event.len(), event);
    }

    /// Ready with true once when everything has been taken, with false when there was nothing to do.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, HungUp>> {
        // Asked first, also with nothing to send: a reader that hangs up wakes whoever asked.
        std::task::ready!(self.pipe.poll_free(context))?;
        if self.outbox.len() > 0 {
            let (chunk, frames) = self.gather();
            self.outbox.handed_over(chunk.len(), frames);
            self.pipe.put(chunk);
            std::task::ready!(self.pipe.poll_free(context))?;
        }
        if !self.outbox.is_unflushed() {
            return Poll::Ready(Ok(false));
        }
        self.outbox.flushed();
        Poll::Ready(Ok(true))
    }

    /// Everything that waits, as one piece, and how many messages are in it.
    fn gather(&mut self) -> (Bytes, u64) {
        let (mut chunk, mut frames) = (BytesMut::new(), 0);
        while let Some(event) = self.outbox.pop() {
            chunk.reserve(event.len());
            frames += u64::from(matches!(event, Event::Message { .. }));
            event.write(&mut chunk);
        }
        (chunk.freeze(), frames)
    }
}

impl Transport for EventStream {
    type Frame = Event;

    const ANSWERS_PINGS: bool = false;

    fn outbox(&self) -> &Outbox<Event> {
        &self.outbox
    }

    fn push(&mut self, frame: Utf8Bytes) {
        let id = Some(self.bookmark.encode());
        self.put(Event::Message { id, frame });
    }

    fn push_ping(&mut self) {
        self.put(Event::Comment);
    }

    fn moved(&mut self, topic: TopicName, position: &Position) {
        self.bookmark.put(topic, position);
    }

    fn left(&mut self, topic: TopicName) {
        self.bookmark.remove(topic);
    }

    fn poll(&mut self, _reading: bool, context: &mut Context<'_>) -> Poll<LineEvent> {
        match self.poll_write(context) {
            Poll::Ready(Ok(true)) => Poll::Ready(LineEvent::Flushed),
            Poll::Ready(Err(HungUp)) => Poll::Ready(LineEvent::Ended(Close::Gone)),
            Poll::Ready(Ok(false)) => Poll::Pending,
            Poll::Pending => {
                self.outbox.count();
                Poll::Pending
            }
        }
    }

    async fn close(mut self, close: Close) {
        close.count();
        match close {
            Close::Gone => return,
            // What it has not taken never came; its last id is before that.
            Close::SlowConsumer => return self.pipe.end(End::Broken),
            _ => {}
        }
        if !close.sends_the_rest() {
            self.outbox.clear();
        }
        let retry_after_ms = close.retry_after_ms();
        if let Some(retry_after_ms) = retry_after_ms {
            self.put(Event::Retry(retry_after_ms));
        }
        // Without an id: what was thrown away above has not been seen.
        let frame = reply::closed(close, retry_after_ms);
        self.put(Event::Message { id: None, frame });
        let closing = async {
            while !self.outbox.is_clear() {
                if let LineEvent::Ended(_) = self.next(false).await {
                    return;
                }
            }
        };
        let _ = timeout(CLOSE_GRACE, closing).await;
        let is_whole = self.outbox.is_clear();
        self.pipe.end(if is_whole { End::Whole } else { End::Broken });
    }
}

impl Event {
    /// Bytes of it on the wire, at most.
    fn len(&self) -> usize {
        match self {
            Self::Message { id, frame } => "id: \ndata: \n\n".len() + id.as_ref().map_or(0, String::len) + frame.len(),
            Self::Retry(_) => "retry: 4294967295\n\n".len(),
            Self::Comment => ":\n\n".len(),
        }
    }

    /// Frames are JSON in one line, and ids are letters and digits: nothing here can look like another field.
    fn write(&self, chunk: &mut BytesMut) {
        match self {
            Self::Message { id, frame } => {
                if let Some(id) = id {
                    chunk.put_slice(b"id: ");
                    chunk.put_slice(id.as_bytes());
                    chunk.put_slice(b"\n");
                }
                chunk.put_slice(b"data: ");
                chunk.put_slice(frame.as_str().as_bytes());
                chunk.put_slice(b"\n\n");
            }
            Self::Retry(retry_after_ms) => chunk.put_slice(format!("retry: {retry_after_ms}\n\n").as_bytes()),
            Self::Comment => chunk.put_slice(b":\n\n"),
        }
    }
}

#[cfg(test)]
mod tests;
