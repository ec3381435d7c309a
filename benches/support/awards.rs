//! Awards for the journal alone, without an engine: each fits on top of the one before.

use homeroom_schema::contract::sample;
use homeroom_schema::records::Append;
use homeroom_schema::{Durability, SqliteOptions, SqliteStore, TimeMs};
use std::path::Path;

/// Learners of a large school, in no order: each batch touches as many of them as it can.
const LEARNERS: u64 = 10_000;
const QUALIFICATIONS: u64 = 20;

/// A store as a node opens it, with FULL.
pub(crate) fn store(directory: &Path) -> SqliteStore {
    let options = SqliteOptions {
        directory: directory.to_owned(),
        durability: Durability::Full,
        readers: 1,
    };
    SqliteStore::open(options).expect("a fresh directory opens")
}

/// Makes awards that each fit on top of the one before.
pub(crate) struct Awards {
    versions: Vec<u64>,
    made: u64,
    with_keys: bool,
}

impl Awards {
    pub(crate) fn new(with_keys: bool) -> Self {
        Self {
            versions: vec![0; LEARNERS as usize],
            made: 0,
            with_keys,
        }
    }

    pub(crate) fn batch(&mut self, appends: usize) -> Vec<Append> {
        (0..appends).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Append {
        self.made += 1;
        // Fibonacci hashing: scattered, and the same in every run.
        let user = (self.made.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % LEARNERS;
        let version = &mut self.versions[user as usize];
        let total = (*version + 1) * 50;
        let mut append = sample::award(user + 1, *version, 50, total, Some(user % QUALIFICATIONS + 1));
        *version += 1;
        append.key = self
            .with_keys
            .then(|| sample::key(self.made, TimeMs(self.made.cast_signed())));
        append
    }
}
