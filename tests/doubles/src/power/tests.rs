//! The disk forgets what was not synced, and nothing else; SQLite runs on it as on any other.

use super::*;
use rusqlite::Connection;

fn database(directory: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(directory.join("a.sqlite3")).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; CREATE TABLE t (n INTEGER PRIMARY KEY)"
        ))
        .unwrap();
    connection
}

/// Rows after a cut at every moment, with the marks that had been given by then; none where there is no table yet.
fn rows_after_cuts(synchronous: &str, rest: Rest) -> Vec<(usize, Option<u64>, Loss)> {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::record(directory.path()).unwrap();
    let connection = database(directory.path(), synchronous);
    for n in 0..8_u64 {
        connection.execute("INSERT INTO t VALUES (?1)", [n as i64]).unwrap();
        disk.mark(n);
    }
    let mut random = 7_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        random >> 33
    };
    let cut = |moment| {
        let found = tempfile::tempdir().unwrap();
        let loss = disk.cut(moment, rest, &mut next, found.path()).unwrap();
        let reopened = Connection::open(found.path().join("a.sqlite3")).unwrap();
        let sound: String = reopened
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok", "{rest:?} at {moment}");
        let rows = reopened.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        (disk.marks_before(moment).len(), rows.ok().map(|rows| rows as u64), loss)
    };
    (0..=disk.moments()).map(cut).collect()
}

#[test]
fn what_was_synced_survives_every_cut() {
    for rest in Rest::ALL {
        let cuts = rows_after_cuts("FULL", rest);
        for (told, rows, _) in &cuts {
            assert!(
                rows.unwrap_or(0) >= *told as u64,
                "{rest:?}: {told} told, {rows:?} there"
            );
        }
        assert!(cuts.iter().any(|(_, _, loss)| loss.unsynced > 0), "{rest:?}");
        if matches!(rest, Rest::Torn | Rest::Scattered | Rest::Zeroed) {
            assert!(cuts.iter().any(|(_, _, loss)| loss.torn > 0), "{rest:?}");
        }
    }
}

#[test]
fn what_was_not_synced_is_forgotten() {
    let cuts = rows_after_cuts("NORMAL", Rest::Forgotten);
    let (told, rows, loss) = cuts.last().unwrap();
    assert_eq!((*told, *rows), (8, None), "even the table is gone");
    assert!(loss.unsynced > 8);
}

#[test]
fn a_write_is_torn_between_sectors() {
    assert_eq!(sectors(0, 512), [(0, 512)]);
    assert_eq!(sectors(500, 600), [(0, 12), (12, 524), (524, 600)]);
    assert_eq!(sectors(1_024, 0), []);
}
