//! What a session asks of the way to its reader, whichever it is, and the accounting of what waits there. Never what frames
//! say.
//!
//! **Accounting.** A session has three kinds of things that wait, and each is bounded:
//!
//! - Topic messages are pulled: [`Outbox::has_room`] is false from [`SESSION_GATHER_BYTES`] on, and then topics are left alone
//!   until the reader has taken what is here. A reader that is behind holds a position, not a queue.
//! - Replies are asked for: while there is no room, the session reads no further requests, so at most one reply and the
//!   answers of [`SESSION_COMMANDS_MAX`](homeroom_schema::limits::SESSION_COMMANDS_MAX) commands come on top.
//! - What a stuck reader would have to read later costs nothing here, but it counts: for each of its user topics, messages
//!   published since it got stuck × `LAG_MESSAGE_BYTES`. Together with what may be gathered, past `OUTBOX_BYTES_MAX`, the
//!   session ends (4008); `holds` adds that up. A reader that catches up on old messages is not stuck.
//!
//! A frame is shared by all sessions until its reader can take it; only then is it copied into the buffer of one flush.

use super::close::Close;
use axum::extract::ws::{Message, Utf8Bytes};
use homeroom_actors::topics::{Position, TopicName};
use homeroom_schema::limits::{SESSION_GATHER_BYTES, WRITE_BYTES_PER_SECOND_MIN, WRITE_STALL};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// The way to one reader: a socket, or a stream of events. Each session is compiled for its own, so that none of this costs
/// a choice or a box for a message.
pub(super) trait Transport: Send + 'static {
    /// What waits is of this kind.
    type Frame: Send;

    /// Whether the reader can answer pings, and so be found silent.
    const ANSWERS_PINGS: bool;

    /// What waits.
    fn outbox(&self) -> &Outbox<Self::Frame>;

    /// Puts a text frame at the end. The bound is kept by those who ask [`Outbox::has_room`] first; replies need not.
    fn push(&mut self, frame: Utf8Bytes);

    /// Puts a sign of life at the end.
    fn push_ping(&mut self);

    /// From the next frame on, a topic stands here.
    fn moved(&mut self, topic: TopicName, position: &Position);

    /// From the next frame on, a topic is no longer held.
    fn left(&mut self, topic: TopicName);

    /// Hands over what waits, and reads if wanted. Nothing is lost between calls.
    fn poll(&mut self, reading: bool, context: &mut Context<'_>) -> Poll<LineEvent>;

    /// Ends the session: says why, gives the other side a moment to hear it, and lets go of the connection.
    fn close(self, close: Close) -> impl Future<Output = ()> + Send;

    /// Waits for the next event. Cancel-safe.
    fn next(&mut self, reading: bool) -> impl Future<Output = LineEvent> + Send {
        poll_fn(move |context| self.poll(reading, context))
    }
}

/// What happened on the way to the reader.
#[derive(Debug)]
pub(super) enum LineEvent {
    /// A frame came.
    Received(Message),
    /// Everything that waited has been taken.
    Flushed,
    /// The session is over.
    Ended(Close),
}

/// What waits for one reader, with its size and how long it may wait.
pub(super) struct Outbox<F> {
    waiting: VecDeque<F>,
    /// Bytes that wait here or in the connection's buffer since it was last empty.
    bytes: usize,
    /// Whether something was handed over that has not been flushed.
    unflushed: bool,
    /// By then the reader has to take something; none while nothing waits.
    stalls_at: Option<Instant>,
    frames_sent: metrics::Counter,
    /// Over all sessions; what of it is this one's is `counted`. Only what its reader did not take at once is counted.
    outbox_bytes: metrics::Gauge,
    counted: usize,
}

impl<F> Outbox<F> {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            unflushed: false,
            stalls_at: None,
            frames_sent: metrics::counter!("homeroom_frames_sent_total"),
            outbox_bytes: metrics::gauge!("homeroom_outbox_bytes"),
            counted: 0,
        }
    }

    /// Puts a frame of so many bytes at the end.
    pub(super) fn put(&mut self, bytes: usize, frame: F) {
        self.bytes += bytes;
        self.waiting.push_back(frame);
        self.stalls_at.get_or_insert_with(|| stall_deadline(bytes));
    }

    /// Takes the frame that is to leave first.
    pub(super) fn pop(&mut self) -> Option<F> {
        self.waiting.pop_front()
    }

    /// A piece of so many bytes, with so many frames of text in it, is handed over.
    pub(super) fn handed_over(&mut self, bytes: usize, frames: u64) {
        self.unflushed = true;
        if frames > 0 {
            self.stalls_at = Some(stall_deadline(bytes));
            self.frames_sent.increment(frames);
        }
    }

    /// All that was handed over has been taken.
    pub(super) fn flushed(&mut self) {
        self.unflushed = false;
        self.bytes = 0;
        self.count();
        self.stalls_at = None;
    }

    /// The reader has not taken everything at once, or has now.
    pub(super) fn count(&mut self) {
        if self.counted != self.bytes {
            self.outbox_bytes.increment(self.bytes as f64 - self.counted as f64);
            self.counted = self.bytes;
        }
    }

    /// Something that did not come from here has to be flushed.
    pub(super) fn flush_soon(&mut self) {
        self.unflushed = true;
        self.stalls_at.get_or_insert_with(|| Instant::now() + WRITE_STALL);
    }

    /// Throws away what has not been handed over.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Whether more may be gathered.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < SESSION_GATHER_BYTES
    }

    /// How many frames have not been handed over.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether something was handed over that has not been flushed.
    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Whether nothing waits.
    pub(super) fn is_clear(&self) -> bool {
        self.waiting.is_empty() && !self.unflushed
    }

    /// When the reader counts as stuck unless it takes something before.
    pub(super) fn stalls_at(&self) -> Option<Instant> {
        self.stalls_at
    }
}

impl<F> Drop for Outbox<F> {
    fn drop(&mut self) {
        self.outbox_bytes.decrement(self.counted as f64);
    }
}

/// A large frame may take its time, as long as it goes at all.
fn stall_deadline(bytes: usize) -> Instant {
    let seconds = bytes / WRITE_BYTES_PER_SECOND_MIN;
    Instant::now() + WRITE_STALL + Duration::from_secs(seconds as u64)
}
