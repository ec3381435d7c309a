//! The board in a terminal, redrawn in place; plain lines where standard output is no terminal.

use super::board::{BoardView, Row};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

/// Rows on a terminal and in a plain line: what fits a small window beside the instructions.
const ROWS_SHOWN: usize = 15;
const ROWS_IN_LINE: usize = 5;
const BAR_CHARS: u64 = 24;
const NAME_CHARS: usize = 24;
/// A gain stays visible for one frame.
const FRAME_ON_TERMINAL: Duration = Duration::from_millis(700);
const FRAME_OF_LINES: Duration = Duration::from_secs(2);

/// Where the board is drawn.
pub(super) struct Screen {
    is_terminal: bool,
    lines_drawn: usize,
    updates_drawn: u64,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: std::io::stdout().is_terminal(),
            lines_drawn: 0,
            updates_drawn: 0,
        }
    }

    /// How often it is worth drawing.
    pub(super) const fn frame(&self) -> Duration {
        if self.is_terminal {
            FRAME_ON_TERMINAL
        } else {
            FRAME_OF_LINES
        }
    }

    /// Draws the board, if anything changed.
    pub(super) fn draw(&mut self, board: &BoardView, elapsed: Duration) {
        let is_changed = board.updates != self.updates_drawn;
        if !self.is_terminal && !is_changed {
            return;
        }
        self.updates_drawn = board.updates;
        let text = if self.is_terminal {
            self.frame_text(board, elapsed)
        } else {
            line(board, elapsed)
        };
        let mut out = std::io::stdout().lock();
        // A terminal or pipe that is gone does not end the demo.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// The block of lines, over the one before.
    fn frame_text(&mut self, board: &BoardView, elapsed: Duration) -> String {
        let mut text = String::new();
        if self.lines_drawn > 0 {
            let _ = write!(text, "\x1b[{}A\r", self.lines_drawn);
        }
        let lines = lines(board, elapsed);
        self.lines_drawn = lines.len();
        for line in lines {
            let _ = writeln!(text, "\x1b[2K{line}");
        }
        text
    }
}

fn lines(board: &BoardView, elapsed: Duration) -> Vec<String> {
    let top = board.rows.first().map_or(1, |row| row.points.max(1));
    let points: u64 = board.rows.iter().map(|row| row.points).sum();
    let (count, seconds) = (board.rows.len(), elapsed.as_secs());
    let mut lines = vec![
        format!(
            "{seconds:>4} s   {count} places shown, {points} points, {} updates",
            board.updates
        ),
        String::new(),
    ];
    lines.extend(board.rows.iter().take(ROWS_SHOWN).map(|row| row_line(row, top)));
    lines.resize(ROWS_SHOWN + 2, String::new());
    lines
}

fn row_line(row: &Row, top: u64) -> String {
    let name: String = row.name.chars().take(NAME_CHARS).collect();
    let filled = (row.points * BAR_CHARS).div_ceil(top);
    let bar: String = (0..BAR_CHARS)
        .map(|place| if place < filled { '█' } else { '·' })
        .collect();
    let change = match (row.gained, row.climbed) {
        (0, 0) => String::new(),
        (0, climbed) if climbed < 0 => format!("▼{}", -climbed),
        (0, climbed) => format!("▲{climbed}"),
        (gained, climbed) if climbed > 0 => format!("+{gained} ▲{climbed}"),
        (gained, _) => format!("+{gained}"),
    };
    format!("{:>4}  {name:<NAME_CHARS$} {bar} {:>6}  {change}", row.rank, row.points)
}

fn line(board: &BoardView, elapsed: Duration) -> String {
    let mut text = format!("{:>4} s", elapsed.as_secs());
    for row in board.rows.iter().take(ROWS_IN_LINE) {
        let _ = write!(text, "  {}. {}: {}", row.rank, row.name, row.points);
        if row.gained > 0 {
            let _ = write!(text, " (+{})", row.gained);
        }
    }
    let changed = board.rows.iter().filter(|row| row.gained > 0).count();
    let _ = writeln!(text, "  | {changed} of {} gained", board.rows.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> BoardView {
        let mut board = BoardView::default();
        board.take(
            r#"{"type":"snapshot","topic":"board:all","epoch":"e","offset":1,"data":{"entries":[
            {"rank":1,"row":"a","name":"Calm Otter","points":100,"reached_at":"2026-01-01T00:00:00.000Z"},
            {"rank":2,"row":"b","name":"Quick Heron","points":0,"reached_at":null}]}}"#,
        );
        board
    }

    #[test]
    fn every_line_fits_a_terminal_of_eighty() {
        let lines = lines(&board(), Duration::from_secs(3));
        assert_eq!(lines.len(), ROWS_SHOWN + 2);
        assert!(lines.iter().all(|line| line.chars().count() < 80));
        assert!(lines[2].contains("Calm Otter") && lines[2].contains('█') && lines[3].contains('·'));
    }

    #[test]
    fn a_plain_line_has_no_control_characters() {
        let text = line(&board(), Duration::from_secs(3));
        assert_eq!(text, "   3 s  1. Calm Otter: 100  2. Quick Heron: 0  | 0 of 2 gained\n");
    }
}
