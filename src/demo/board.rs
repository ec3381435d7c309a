//! A board as a viewer keeps it: a snapshot, then changes. Ranks of rows that were not named follow from the order.

use crate::client::BoardRow;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The rows in order.
#[derive(Debug, Default)]
pub(super) struct BoardView {
    pub(super) rows: Vec<Row>,
    /// Messages that changed something.
    pub(super) updates: u64,
}

/// A row with what changed about it lately.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    key: String,
    pub(super) rank: u64,
    pub(super) name: String,
    pub(super) points: u64,
    reached_at: Option<String>,
    /// Points since the last time the board was drawn.
    pub(super) gained: u64,
    /// Places since then; up is positive.
    pub(super) climbed: i64,
}

#[derive(Deserialize)]
struct Message<'m> {
    r#type: &'m str,
    #[serde(borrow, default)]
    topics: Vec<Subscribed<'m>>,
    #[serde(borrow, default)]
    data: Option<&'m RawValue>,
}

#[derive(Deserialize)]
struct Subscribed<'m> {
    #[serde(borrow, default)]
    snapshot: Option<&'m RawValue>,
}

#[derive(Deserialize)]
struct Snapshot {
    entries: Vec<BoardRow>,
}

#[derive(Deserialize)]
struct Update {
    changes: Vec<BoardRow>,
    #[serde(default)]
    removed: Vec<serde_json::Value>,
}

impl BoardView {
    /// Takes a message of the board's topic. Says whether anything changed.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let Ok(message) = serde_json::from_str::<Message<'_>>(text) else {
            return false;
        };
        let is_changed = match message.r#type {
            "subscribed" => {
                let snapshot = message.topics.first().and_then(|topic| topic.snapshot);
                self.begin(snapshot)
            }
            "snapshot" => self.begin(message.data),
            "leaderboard_update" => self.update(message.data),
            _ => false,
        };
        self.updates += u64::from(is_changed);
        is_changed
    }

    fn begin(&mut self, snapshot: Option<&RawValue>) -> bool {
        let Some(snapshot) = snapshot.and_then(|raw| serde_json::from_str::<Snapshot>(raw.get()).ok()) else {
            return false;
        };
        self.rows = snapshot.entries.into_iter().map(Row::new).collect();
        self.sort();
        true
    }

    fn update(&mut self, data: Option<&RawValue>) -> bool {
        let Some(update) = data.and_then(|raw| serde_json::from_str::<Update>(raw.get()).ok()) else {
            return false;
        };
        let removed: Vec<String> = update.removed.iter().map(key_of).collect();
        self.rows.retain(|row| !removed.contains(&row.key));
        for change in update.changes {
            let row = Row::new(change);
            match self.rows.iter_mut().find(|old| old.key == row.key) {
                Some(old) => {
                    old.gained += row.points.saturating_sub(old.points);
                    old.name = row.name;
                    old.points = row.points;
                    old.reached_at = row.reached_at;
                }
                None => self.rows.push(row),
            }
        }
        self.sort();
        true
    }

    /// Points falling, then who reached them first; whoever has none has reached nothing and is last among equals.
    fn sort(&mut self) {
        self.rows.sort_by(|one, other| {
            let reached = |row: &Row| (row.reached_at.is_none(), row.reached_at.clone());
            other
                .points
                .cmp(&one.points)
                .then_with(|| reached(one).cmp(&reached(other)))
        });
        let mut above: Option<(u64, u64)> = None;
        for (place, row) in (1_u64..).zip(&mut self.rows) {
            let rank = match above {
                Some((points, rank)) if points == row.points => rank,
                _ => place,
            };
            if row.rank > 0 {
                row.climbed += i64::try_from(row.rank).unwrap_or(0) - i64::try_from(rank).unwrap_or(0);
            }
            row.rank = rank;
            above = Some((row.points, rank));
        }
    }

    /// Forgets what changed lately.
    pub(super) fn settle(&mut self) {
        for row in &mut self.rows {
            (row.gained, row.climbed) = (0, 0);
        }
    }
}

impl Row {
    fn new(row: BoardRow) -> Self {
        let handle = row.row.as_ref().map(key_of);
        let id = row.user_id.or(row.team_id).map(|id| id.to_string());
        Self {
            key: handle.or(id).unwrap_or_default(),
            // Set by the first sorting: a new row has climbed from nowhere.
            rank: 0,
            name: row.name.unwrap_or_default(),
            points: row.points,
            reached_at: row.reached_at,
            gained: 0,
            climbed: 0,
        }
    }
}

fn key_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_move_rows_and_ranks_follow() {
        let mut view = BoardView::default();
        assert!(view.take(
            r#"{"type":"subscribed","id":1,"topics":[{"topic":"board:all","epoch":"e","offset":4,"snapshot":{"entries":[
            {"rank":1,"row":"a","name":"A","points":50,"reached_at":"2026-01-01T00:00:00.000Z"},
            {"rank":2,"row":"b","name":"B","points":10,"reached_at":"2026-01-02T00:00:00.000Z"},
            {"rank":2,"row":"c","name":"C","points":10,"reached_at":"2026-01-03T00:00:00.000Z"},
            {"rank":4,"row":"d","name":"D","points":0,"reached_at":null}]}}]}"#
        ));
        view.settle();
        assert!(view.take(
            r#"{"type":"leaderboard_update","topic":"board:all","offset":5,"data":{"board":"all","period":"all","removed":["b"],
            "changes":[{"rank":1,"row":"c","name":"C","points":60,"reached_at":"2026-01-04T00:00:00.000Z"}]}}"#
        ));
        let rows: Vec<_> = view
            .rows
            .iter()
            .map(|row| (row.rank, row.name.as_str(), row.gained, row.climbed))
            .collect();
        assert_eq!(rows, [(1, "C", 50, 1), (2, "A", 0, -1), (3, "D", 0, 1)]);
        assert!(!view.take(r#"{"type":"pong","id":1}"#));
    }
}
