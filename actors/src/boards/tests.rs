//! Boards under test: a client's copy of a window, and how boards are read.

mod history;
mod life;
mod periods;
mod timing;

use crate::domain::board::{Score, Standing};
use crate::engine::{BoardPart, Subscription, TopicSnapshot};
use crate::error::EngineError;
use crate::hub::harness::{
    IDLE, WINDOW, World, enrolment_row, member_row, qualification, team, team_row, unit, user, user_row,
};
use crate::hub::{Hub, RosterChange};
use crate::journal::LearnerChange;
use crate::topics::{BoardChanges, BoardName, Inbox, Message, Period, Position, TopicRead};
use crate::views::{BoardPage, BoardRow};
use futures_util::FutureExt as _;
use homeroom_schema::limits::{BOARDS_MAX, PAGE_MAX, TOPIC_RING_MAX, TOPIC_TICK};
use homeroom_schema::records::{Row, UserRole};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, advance, sleep};

const PEOPLE: u64 = 9;

fn boards() -> Vec<BoardName> {
    let mut boards = vec![BoardName::All, BoardName::Teams];
    boards.extend((1..=3).map(|id| BoardName::Team(team(id))));
    boards.extend((1..=2).map(|id| BoardName::Qualification(qualification(id))));
    boards
}

async fn read(hub: &Hub, board: BoardName) -> Result<BoardPage, EngineError> {
    let front = hub.board(board, Period::All, BoardPart::Front, PAGE_MAX).await?.front;
    let page = hub.board(board, Period::All, BoardPart::From(0), PAGE_MAX).await?;
    Ok(BoardPage { front, ..page })
}

fn standings(page: &BoardPage) -> Vec<Standing> {
    let score = |row: &BoardRow| Score {
        points: row.points.key(),
        reached_at: row.reached_at,
    };
    let rows = page.rows.iter();
    rows.map(|row| Standing {
        id: row.id,
        score: score(row),
    })
    .collect()
}

/// A client's copy of a window, kept up by messages alone.
struct Mirror {
    inbox: Arc<Inbox>,
    hold: Subscription,
    window: Vec<BoardRow>,
    front: Vec<BoardRow>,
    version: u64,
    messages: usize,
    told: usize,
}

impl Mirror {
    async fn new(hub: &Hub, board: BoardName) -> Self {
        let inbox = Inbox::new();
        let hold = hub.subscribe_board(board, Period::All, None, &inbox, 0).await.unwrap();
        assert!(!hold.recovered);
        let mut mirror = Self {
            inbox,
            window: Vec::new(),
            front: Vec::new(),
            version: 0,
            messages: 0,
            told: 0,
            hold,
        };
        let snapshot = mirror.hold.snapshot.take().unwrap();
        mirror.take(snapshot);
        mirror
    }

    fn take(&mut self, snapshot: TopicSnapshot) {
        let TopicSnapshot::Board(page) = snapshot else {
            unreachable!()
        };
        assert_eq!(page.epoch, self.hold.position.epoch);
        assert!(page.rows.len() <= WINDOW);
        self.window.clone_from(&page.rows);
        self.front.clone_from(&page.front);
        apply(&mut self.front, &BoardChanges::default());
        self.version = page.version;
    }

    /// Reads on, as a session does when its inbox says so.
    fn pump(&mut self) {
        let _ = self.inbox.ready().now_or_never();
        loop {
            match self.hold.topic.read_after(&self.hold.position, 16) {
                TopicRead::Entries(entries) if entries.is_empty() => return,
                TopicRead::Entries(entries) => {
                    for entry in entries {
                        assert_eq!(entry.offset, self.hold.position.offset + 1);
                        self.hold.position.offset = entry.offset;
                        let Message::Board {
                            version, window, front, ..
                        } = &entry.message
                        else {
                            unreachable!()
                        };
                        assert!(*version > self.version, "versions rise");
                        self.version = *version;
                        apply(&mut self.window, window);
                        apply(&mut self.front, front);
                        self.messages += 1;
                    }
                }
                TopicRead::Forgotten | TopicRead::Restarted => {
                    let (position, snapshot) = self.hold.topic.snapshot().unwrap();
                    self.hold.position = position;
                    self.take(snapshot);
                    self.told += 1;
                }
            }
        }
    }

    fn check(&self, page: &BoardPage) {
        assert_eq!(
            self.window,
            page.rows[..page.rows.len().min(WINDOW)],
            "the window by messages"
        );
        let mut front = page.front.clone();
        apply(&mut front, &BoardChanges::default());
        assert_eq!(self.front, front, "a projector's places by messages");
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.hold.topic.detach(&self.inbox, 0);
    }
}

/// What a client does with changes: rows by id, order and ranks from points.
fn apply(rows: &mut Vec<BoardRow>, BoardChanges { changes, removed }: &BoardChanges) {
    rows.retain(|row| !removed.contains(&row.id) && !changes.iter().any(|change| change.id == row.id));
    rows.extend(changes.iter().cloned());
    rows.sort_by_key(|row| {
        (
            std::cmp::Reverse(row.points.key()),
            row.reached_at.is_none(),
            row.reached_at,
            row.id,
        )
    });
    for place in 0..rows.len() {
        rows[place].rank = match place.checked_sub(1).map(|above| &rows[above]) {
            Some(above) if above.points == rows[place].points => above.rank,
            _ => place as u64 + 1,
        };
    }
}
