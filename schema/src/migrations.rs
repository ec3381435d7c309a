//! The steps that make and change the tables, one file an engine, side by side. Running them is each store's own affair.

use sha2::{Digest, Sha256};

/// One step of the schema: a file of statements, run whole or not at all.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The schema version after it, from 1.
    pub version: u32,
    /// A name for people.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

impl Migration {
    /// SHA-256 of the statements in hexadecimal: a file that changed after it ran is noticed.
    #[must_use]
    pub fn checksum(&self) -> String {
        use std::fmt::Write as _;
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}

/// The steps for SQLite, in order.
pub const SQLITE: &[Migration] = &[
    Migration {
        version: 1,
        name: "start",
        sql: include_str!("migrations/sqlite/0001_start.sql"),
    },
    Migration {
        version: 2,
        name: "privacy",
        sql: include_str!("migrations/sqlite/0002_privacy.sql"),
    },
    Migration {
        version: 3,
        name: "activity",
        sql: include_str!("migrations/sqlite/0003_activity.sql"),
    },
    Migration {
        version: 4,
        name: "boards",
        sql: include_str!("migrations/sqlite/0004_boards.sql"),
    },
    Migration {
        version: 5,
        name: "ledger",
        sql: include_str!("migrations/sqlite/0005_ledger.sql"),
    },
    Migration {
        version: 6,
        name: "point_parts",
        sql: include_str!("migrations/sqlite/0006_point_parts.sql"),
    },
    Migration {
        version: 7,
        name: "evidence",
        sql: include_str!("migrations/sqlite/0007_evidence.sql"),
    },
    Migration {
        version: 8,
        name: "announcements",
        sql: include_str!("migrations/sqlite/0008_announcements.sql"),
    },
    Migration {
        version: 9,
        name: "pins",
        sql: include_str!("migrations/sqlite/0009_pins.sql"),
    },
];

/// The steps for Postgres and its relatives, in order.
pub const POSTGRES: &[Migration] = &[
    Migration {
        version: 1,
        name: "start",
        sql: include_str!("migrations/postgres/0001_start.sql"),
    },
    Migration {
        version: 2,
        name: "privacy",
        sql: include_str!("migrations/postgres/0002_privacy.sql"),
    },
    Migration {
        version: 3,
        name: "activity",
        sql: include_str!("migrations/postgres/0003_activity.sql"),
    },
    Migration {
        version: 4,
        name: "boards",
        sql: include_str!("migrations/postgres/0004_boards.sql"),
    },
    Migration {
        version: 5,
        name: "ledger",
        sql: include_str!("migrations/postgres/0005_ledger.sql"),
    },
    Migration {
        version: 6,
        name: "point_parts",
        sql: include_str!("migrations/postgres/0006_point_parts.sql"),
    },
    Migration {
        version: 7,
        name: "evidence",
        sql: include_str!("migrations/postgres/0007_evidence.sql"),
    },
    Migration {
        version: 8,
        name: "announcements",
        sql: include_str!("migrations/postgres/0008_announcements.sql"),
    },
    Migration {
        version: 9,
        name: "pins",
        sql: include_str!("migrations/postgres/0009_pins.sql"),
    },
];

/// The newest schema version that this program knows.
pub const KNOWN: u32 = SQLITE[SQLITE.len() - 1].version;

const _: () = assert!(SQLITE.len() == POSTGRES.len(), "both engines take the same steps");

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables with their columns, in the order of the file.
    fn tables(sql: &str) -> Vec<(String, Vec<String>)> {
        let mut tables: Vec<(String, Vec<String>)> = Vec::new();
        let mut inside = false;
        for line in sql.lines() {
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                tables.push((rest.trim_end_matches(" (").to_owned(), Vec::new()));
                inside = true;
            } else if line.starts_with(')') {
                inside = false;
            } else if inside && !line.starts_with("--") && !line.starts_with("PRIMARY KEY") && !line.is_empty() {
                let column = line.split_whitespace().next().unwrap().to_owned();
                tables.last_mut().unwrap().1.push(column);
            }
        }
        tables
    }

    /// Tables with the columns that are added to them.
    fn columns_added(sql: &str) -> Vec<Vec<&str>> {
        let added = sql.lines().filter(|line| line.starts_with("ALTER TABLE "));
        added
            .map(|line| line.split_whitespace().skip(2).take(4).collect())
            .collect()
    }

    fn indexes(sql: &str) -> Vec<String> {
        let text = sql
            .lines()
            .filter(|line| !line.trim().starts_with("--"))
            .collect::<Vec<_>>()
            .join(" ");
        text.split(';')
            .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|statement| statement.starts_with("CREATE") && statement.contains("INDEX"))
            .collect()
    }

    #[test]
    fn both_engines_have_the_same_tables_columns_and_indexes() {
        for (sqlite, postgres) in SQLITE.iter().zip(POSTGRES) {
            assert_eq!((sqlite.version, sqlite.name), (postgres.version, postgres.name));
            assert_eq!(tables(sqlite.sql), tables(postgres.sql));
            assert_eq!(columns_added(sqlite.sql), columns_added(postgres.sql));
            assert_eq!(indexes(sqlite.sql), indexes(postgres.sql));
        }
        assert_eq!(tables(SQLITE[0].sql).len(), 17, "the parser of this test sees them all");
        assert_eq!(
            (tables(SQLITE[1].sql).len(), columns_added(SQLITE[1].sql).len()),
            (1, 2)
        );
        assert_eq!(tables(SQLITE[6].sql).len(), 3);
    }

    #[test]
    fn the_journal_has_one_unique_index() {
        for steps in [SQLITE, POSTGRES] {
            let on_events: Vec<_> = steps
                .iter()
                .flat_map(|step| indexes(step.sql))
                .filter(|index| index.contains(" ON events "))
                .collect();
            assert_eq!(
                on_events,
                ["CREATE UNIQUE INDEX events_by_stream ON events (stream_kind, stream_id, version)"]
            );
        }
    }

    #[test]
    fn versions_rise_by_one() {
        for steps in [SQLITE, POSTGRES] {
            for (index, step) in steps.iter().enumerate() {
                assert_eq!(step.version as usize, index + 1);
                assert_eq!(step.checksum().len(), 64);
            }
        }
    }
}
