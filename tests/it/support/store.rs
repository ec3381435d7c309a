//! Where the nodes of this run keep their data: in the file of their directory, or, with `HOMEROOM_TEST_STORE=postgres`, each
//! in a database of its own on one real server. Tests that are about the file itself keep theirs in it in both runs.

use homeroom_servers::Postgres;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use tempfile::TempDir;

/// By directory: its database, or none for one whose data lies in its file.
static PLACES: LazyLock<Mutex<HashMap<PathBuf, Option<String>>>> = LazyLock::new(Mutex::default);

/// The database of a node on this directory, the same at every start; none for a file.
pub fn url_of(directory: &Path) -> Option<String> {
    let asked = std::env::var("HOMEROOM_TEST_STORE").unwrap_or_default();
    let is_on_a_server = match &*asked {
        "" | "sqlite" => false,
        "postgres" => true,
        other => panic!("HOMEROOM_TEST_STORE is {other}, which is neither sqlite nor postgres"),
    };
    let mut places = PLACES.lock().expect("no panic");
    let is_kept = |directory: &Path| matches!(places.get(directory), Some(None));
    if directory.ancestors().any(is_kept) {
        return None;
    }
    let place = places.entry(directory.to_owned()).or_insert_with(|| {
        is_on_a_server.then(|| {
            let server = Postgres::shared("HOMEROOM_TEST_STORE=postgres");
            server.expect("a server for a run that asks for one").database()
        })
    });
    place.clone()
}

/// Changes what a stopped node on this directory keeps.
pub fn execute(directory: &Path, sql: &str) {
    let Some(url) = url_of(directory) else {
        let file = rusqlite::Connection::open(super::database(directory)).expect("a database");
        return file.execute_batch(sql).expect("a statement for both engines");
    };
    let server = Postgres::shared("HOMEROOM_TEST_STORE=postgres").expect("the server of this run");
    let name = url.rsplit('/').next().expect("a URL with a name");
    let _ = server.query_in(name, sql);
}

/// A new directory, where data lies in a file whatever this run is on.
pub fn directory_of_files() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    keep_in_a_file(directory.path());
    directory
}

/// The data of this directory and of those below it lies in files, whatever this run is on.
pub fn keep_in_a_file(directory: &Path) {
    PLACES.lock().expect("no panic").insert(directory.to_owned(), None);
}
