//! Tables for people: columns that line up, without frames, so that they can be copied and cut.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table as Grid};

/// A table that grows row by row.
pub(super) struct Table(Grid);

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut grid = Grid::new();
        grid.load_style(NOTHING);
        grid.set_content_arrangement(ContentArrangement::Disabled);
        grid.set_header(columns.iter().map(|column| column.to_uppercase()));
        Self(grid)
    }

    pub(super) fn row(&mut self, cells: &[String]) {
        // A line break in a name would end the row for whoever cuts it.
        self.0
            .add_row(cells.iter().map(|cell| cell.replace(char::is_control, " ")));
    }

    pub(super) fn print(&self) {
        for line in self.0.lines() {
            println!("{}", line.strip_prefix(' ').unwrap_or(&line).trim_end());
        }
    }
}
