//! The tables as they are moved: their columns, what kind each is, and their keys. A test compares them with the migrations.

use super::Value;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers of 64 bits.
    Int,
    /// Whole numbers of 16 bits, where the engine has them.
    Small,
    /// Other numbers.
    Real,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Moments.
    Time,
    /// JSON.
    Json,
    /// Truths.
    Bool,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is a part of the key.
    pub is_key: bool,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
}

impl Table {
    /// Whether it holds settings: rows of a new store give way to those that are moved into it.
    #[must_use]
    pub fn is_settings(&self) -> bool {
        self.name == "settings"
    }

    /// The columns of the key.
    pub fn key(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.columns.iter().filter(|column| column.is_key)
    }

    /// The values of a row's key.
    pub(crate) fn key_of(&self, record: &[Value]) -> Vec<Value> {
        let key = self.columns.iter().zip(record).filter(|(column, _)| column.is_key);
        key.map(|(_, value)| value.clone()).collect()
    }

    /// The statement of a page: `SELECT … FROM … WHERE (key) > (?1, …) ORDER BY key LIMIT ?n`, from the start without a place.
    pub(crate) fn page_sql(&self, is_from_start: bool) -> String {
        let key: Vec<&str> = self.key().map(|column| column.name).collect();
        let places: Vec<String> = (1..=key.len()).map(|place| format!("?{place}")).collect();
        let behind = match is_from_start {
            true => String::new(),
            false => format!(" WHERE ({}) > ({})", key.join(", "), places.join(", ")),
        };
        let limit = if is_from_start { 1 } else { key.len() + 1 };
        format!(
            "SELECT {} FROM {}{behind} ORDER BY {} LIMIT ?{limit}",
            self.column_names(),
            self.name,
            key.join(", ")
        )
    }

    /// The names of all columns, with commas.
    pub(crate) fn column_names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        names.join(", ")
    }
}

const fn of(name: &'static str, kind: Kind) -> Column {
    let is_key = false;
    Column { name, kind, is_key }
}

const fn key(name: &'static str, kind: Kind) -> Column {
    let is_key = true;
    Column { name, kind, is_key }
}

/// All tables but the versions of the schema: what is referred to before what refers to it, and the settings, which say
/// whether a copy has ended, last.
pub const TABLES: &[Table] = &[
    Table {
        name: "users",
        columns: &[
            key("user_id", Kind::Int),
            of("name", Kind::Text),
            of("alias", Kind::Text),
            of("role", Kind::Text),
            of("created_at", Kind::Time),
            of("archived_at", Kind::Time),
            of("erased_at", Kind::Time),
        ],
    },
    Table {
        name: "qualifications",
        columns: &[
            key("qualification_id", Kind::Int),
            of("name", Kind::Text),
            of("created_at", Kind::Time),
            of("archived_at", Kind::Time),
        ],
    },
    Table {
        name: "units",
        columns: &[
            key("unit_id", Kind::Int),
            of("title", Kind::Text),
            of("qualification_id", Kind::Int),
            of("skills", Kind::Json),
            of("created_at", Kind::Time),
            of("archived_at", Kind::Time),
        ],
    },
    Table {
        name: "teams",
        columns: &[
            key("team_id", Kind::Int),
            of("name", Kind::Text),
            of("mentor_id", Kind::Int),
            of("created_at", Kind::Time),
            of("archived_at", Kind::Time),
        ],
    },
    Table {
        name: "team_members",
        columns: &[
            key("team_id", Kind::Int),
            key("user_id", Kind::Int),
            of("role", Kind::Text),
            of("joined_at", Kind::Time),
        ],
    },
    Table {
        name: "enrolments",
        columns: &[
            key("qualification_id", Kind::Int),
            key("user_id", Kind::Int),
            of("enrolled_at", Kind::Time),
        ],
    },
    Table {
        name: "user_preferences",
        columns: &[
            key("user_id", Kind::Int),
            of("leaderboard", Kind::Text),
            of("own_change_at", Kind::Time),
        ],
    },
    Table {
        name: "pins",
        columns: &[
            key("user_id", Kind::Int),
            of("hash", Kind::Text),
            of("set_at", Kind::Time),
        ],
    },
    Table {
        name: "tokens",
        columns: &[
            key("token_id", Kind::Int),
            of("hash", Kind::Bytes),
            of("role", Kind::Text),
            of("user_id", Kind::Int),
            of("label", Kind::Text),
            of("created_at", Kind::Time),
            of("expires_at", Kind::Time),
            of("revoked_at", Kind::Time),
        ],
    },
    Table {
        name: "events",
        columns: &[
            key("event_id", Kind::Int),
            of("stream_kind", Kind::Small),
            of("stream_id", Kind::Int),
            of("version", Kind::Int),
            of("event_type", Kind::Text),
            of("occurred_at", Kind::Time),
            of("recorded_at", Kind::Time),
            of("writer", Kind::Int),
            of("batch_no", Kind::Int),
            of("body", Kind::Json),
        ],
    },
    Table {
        name: "event_notes",
        columns: &[key("event_id", Kind::Int), of("note", Kind::Text)],
    },
    Table {
        name: "learner_heads",
        columns: &[
            key("user_id", Kind::Int),
            of("version", Kind::Int),
            of("total", Kind::Int),
            of("reached_at", Kind::Time),
        ],
    },
    Table {
        name: "user_points",
        columns: &[
            key("event_id", Kind::Int),
            of("user_id", Kind::Int),
            of("kind", Kind::Text),
            of("action_type", Kind::Text),
            of("points", Kind::Int),
            of("reference_id", Kind::Int),
            of("unit_id", Kind::Int),
            of("qualification_id", Kind::Int),
            of("total", Kind::Int),
            of("reason", Kind::Text),
            of("occurred_at", Kind::Time),
        ],
    },
    Table {
        name: "point_parts",
        columns: &[
            key("event_id", Kind::Int),
            key("part", Kind::Int),
            of("occurred_at", Kind::Time),
            of("qualification_id", Kind::Int),
            of("points", Kind::Int),
        ],
    },
    Table {
        name: "user_progress",
        columns: &[
            key("user_id", Kind::Int),
            key("unit_id", Kind::Int),
            of("progress_percentage", Kind::Small),
            of("last_accessed", Kind::Time),
            of("completed_at", Kind::Time),
        ],
    },
    Table {
        name: "user_achievements",
        columns: &[
            key("user_id", Kind::Int),
            key("achievement_type", Kind::Text),
            key("tier", Kind::Text),
            of("earned_at", Kind::Time),
            of("achievement_data", Kind::Json),
        ],
    },
    Table {
        name: "resources",
        columns: &[
            key("contributor_id", Kind::Int),
            key("reference_id", Kind::Int),
            of("contributed", Kind::Int),
            of("uses", Kind::Int),
            of("ratings", Kind::Int),
            of("rating_sum", Kind::Int),
        ],
    },
    Table {
        name: "quiz_times",
        columns: &[
            key("reference_id", Kind::Int),
            key("bucket_ms", Kind::Int),
            of("n", Kind::Int),
        ],
    },
    Table {
        name: "user_results",
        columns: &[
            key("user_id", Kind::Int),
            key("reference_id", Kind::Int),
            of("unit_id", Kind::Int),
            of("score", Kind::Real),
            of("occurred_at", Kind::Time),
        ],
    },
    Table {
        name: "team_awards",
        columns: &[
            key("team_id", Kind::Int),
            key("version", Kind::Int),
            of("reference_id", Kind::Int),
            of("settled", Kind::Bool),
        ],
    },
    Table {
        name: "announcements",
        columns: &[
            key("announcement_id", Kind::Int),
            of("team_id", Kind::Int),
            of("user_id", Kind::Int),
            of("text", Kind::Text),
            of("at", Kind::Time),
        ],
    },
    Table {
        name: "audit",
        columns: &[
            key("audit_id", Kind::Int),
            of("at", Kind::Time),
            of("token_id", Kind::Int),
            of("role", Kind::Text),
            of("user_id", Kind::Int),
            of("act", Kind::Text),
            of("subject_kind", Kind::Text),
            of("subject_id", Kind::Int),
            of("detail", Kind::Json),
        ],
    },
    Table {
        name: "idempotency_keys",
        columns: &[
            key("key_hash", Kind::Bytes),
            of("fingerprint", Kind::Bytes),
            of("created_at", Kind::Time),
            of("status", Kind::Small),
            of("stream_kind", Kind::Small),
            of("stream_id", Kind::Int),
            of("version", Kind::Int),
            of("total", Kind::Int),
            of("level", Kind::Int),
            of("body", Kind::Text),
            of("about", Kind::Int),
        ],
    },
    Table {
        name: "activity_blocks",
        columns: &[
            key("last_event_id", Kind::Int),
            of("from_at", Kind::Time),
            of("to_at", Kind::Time),
            of("facts", Kind::Int),
            of("bytes", Kind::Bytes),
        ],
    },
    Table {
        name: "snapshots",
        columns: &[
            key("stream_kind", Kind::Small),
            key("stream_id", Kind::Int),
            of("version", Kind::Int),
            of("bytes", Kind::Bytes),
        ],
    },
    Table {
        name: "settings",
        columns: &[key("name", Kind::Text), of("value", Kind::Text)],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::SQLITE;
    use std::collections::BTreeMap;

    #[test]
    fn every_column_of_every_table_is_moved() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        for step in SQLITE {
            database.execute_batch(step.sql).unwrap();
        }
        let mut real: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        let columns = "SELECT t.name, c.name, c.pk > 0 FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid";
        let mut statement = database.prepare(columns).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let column = (row.get(1).unwrap(), row.get(2).unwrap());
            real.entry(row.get(0).unwrap()).or_default().push(column);
        }
        let moved: BTreeMap<String, Vec<(String, bool)>> = TABLES
            .iter()
            .map(|table| {
                let columns = table
                    .columns
                    .iter()
                    .map(|column| (column.name.to_owned(), column.is_key));
                (table.name.to_owned(), columns.collect())
            })
            .collect();
        assert_eq!(moved, real);
        assert_eq!(moved.len(), TABLES.len());
    }

    #[test]
    fn a_page_begins_behind_a_key() {
        let members = TABLES.iter().find(|table| table.name == "team_members").unwrap();
        assert_eq!(
            members.page_sql(false),
            "SELECT team_id, user_id, role, joined_at FROM team_members WHERE (team_id, user_id) > (?1, ?2) \
             ORDER BY team_id, user_id LIMIT ?3"
        );
        assert!(members.page_sql(true).ends_with("ORDER BY team_id, user_id LIMIT ?1"));
    }
}
