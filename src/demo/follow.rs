//! Follows `board:all` over the live socket and keeps the screen up to date; comes back when the socket is lost.

use super::board::BoardView;
use super::screen::Screen;
use crate::client::{Backoff, Client, ClientError, Incoming, LiveSocket};
use tokio::time::{Instant, MissedTickBehavior, interval};

const SUBSCRIBE: &str = r#"{"type":"subscribe","id":1,"topics":[{"topic":"board:all"}]}"#;

/// Follows the board until it cannot any more; says why.
pub(super) async fn follow(viewer: &Client, screen: &mut Screen) -> ClientError {
    let mut backoff = Backoff::default();
    let mut board = BoardView::default();
    let started = Instant::now();
    loop {
        let error = match LiveSocket::open(viewer).await {
            Ok(socket) => watch(socket, &mut board, screen, started, &mut backoff).await,
            Err(error) => error,
        };
        if !error.is_worth_retrying() {
            return error;
        }
        match backoff.next_wait(error.retry_after()) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return error,
        }
    }
}

async fn watch(
    mut socket: LiveSocket,
    board: &mut BoardView,
    screen: &mut Screen,
    started: Instant,
    backoff: &mut Backoff,
) -> ClientError {
    if let Err(error) = socket.send(SUBSCRIBE.into()).await {
        return error;
    }
    let mut frames = interval(screen.frame());
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            incoming = socket.next() => match incoming {
                Ok(Incoming::Other { text, .. }) => {
                    board.take(&text);
                    backoff.reset();
                }
                Ok(Incoming::Error { problem, .. }) => return ClientError::Refused(Box::new(problem)),
                Ok(Incoming::Ack { .. }) => {}
                Err(error) => return error,
            },
            _ = frames.tick() => {
                screen.draw(board, started.elapsed());
                board.settle();
            }
        }
    }
}
