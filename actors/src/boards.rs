//! Boards: one actor for each board and period, folding changes and publishing rows.
