//! From a session to the body of its answer: one piece at a time, so that a reader that takes nothing is felt at once.

use bytes::Bytes;
use futures_util::Stream;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After the last piece.
    Whole,
    /// Now: what was not taken is lost, and the reader sees that its connection broke.
    Broken,
}

/// The reader is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HungUp;

/// The answer is cut short.
#[derive(Debug, thiserror::Error)]
#[error("the stream was cut short")]
pub(crate) struct CutShort;

#[derive(Default)]
struct Slot {
    piece: Option<Bytes>,
    end: Option<End>,
    has_hung_up: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The session's end. Dropped without an end it breaks the stream.
pub(super) struct Writer {
    slot: Arc<Mutex<Slot>>,
}

/// The answer's end.
pub(crate) struct Reader {
    slot: Arc<Mutex<Slot>>,
}

pub(super) fn pipe() -> (Writer, Reader) {
    let slot = Arc::default();
    let writer = Writer {
        slot: Arc::clone(&slot),
    };
    (writer, Reader { slot })
}

impl Writer {
    /// Ready when the last piece has been taken. Who asked is woken by that, and by a reader that hangs up.
    pub(super) fn poll_free(&mut self, context: &mut Context<'_>) -> Poll<Result<(), HungUp>> {
        let mut slot = self.slot.lock();
        if slot.has_hung_up {
            return Poll::Ready(Err(HungUp));
        }
        if !slot
            .writer
            .as_ref()
            .is_some_and(|known| known.will_wake(context.waker()))
        {
            slot.writer = Some(context.waker().clone());
        }
        match slot.piece {
            None => Poll::Ready(Ok(())),
            Some(_) => Poll::Pending,
        }
    }

    /// Puts the next piece; the last one has been taken.
    pub(super) fn put(&mut self, piece: Bytes) {
        let waker = {
            let mut slot = self.slot.lock();
            debug_assert!(slot.piece.is_none(), "one piece at a time");
            slot.piece = Some(piece);
            slot.reader.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Ends the stream.
    pub(super) fn end(self, end: End) {
        self.slot.lock().end = Some(end);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let waker = {
            let mut slot = self.slot.lock();
            if *slot.end.get_or_insert(End::Broken) == End::Broken {
                slot.piece = None;
            }
            slot.reader.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, CutShort>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = self.slot.lock();
        if let Some(piece) = slot.piece.take() {
            let waker = slot.writer.take();
            drop(slot);
            waker.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(Ok(piece)));
        }
        match slot.end {
            Some(End::Whole) => Poll::Ready(None),
            Some(End::Broken) => Poll::Ready(Some(Err(CutShort))),
            None => {
                slot.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let waker = {
            let mut slot = self.slot.lock();
            slot.has_hung_up = true;
            slot.piece = None;
            slot.writer.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}
