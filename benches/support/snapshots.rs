//! A stopped school without its snapshots, as after a change of their form: everything has to be replayed.

use std::path::Path;

/// Removes every snapshot of a school that is not open, and says how many there were.
pub(crate) fn forget(school: &Path) -> usize {
    let connection = rusqlite::Connection::open(school.join("homeroom.sqlite3")).expect("a database");
    connection
        .execute("DELETE FROM snapshots", [])
        .expect("snapshots can be removed")
}
