-- The start of every Homeroom database on SQLite. Times are milliseconds since 1970 in UTC.
-- The same tables and columns, in the same order, stand in ../postgres/0001_start.sql; a test compares them.

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The name of this history: positions that clients remember hold only inside one epoch.
INSERT INTO settings (name, value) VALUES ('epoch', lower(hex(randomblob(8))));
-- Which node writes. Several nodes on one database have several numbers.
INSERT INTO settings (name, value) VALUES ('writer', '1');

-- The journal. The writer gives event_id, rising in commit order.
CREATE TABLE events (
    event_id    INTEGER NOT NULL PRIMARY KEY,
    stream_kind INTEGER NOT NULL,
    stream_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    event_type  TEXT    NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    writer      INTEGER NOT NULL,
    batch_no    INTEGER NOT NULL,
    body        TEXT    NOT NULL
) STRICT;

-- The only scattered index on the way of an award: each one costs 3 to 7 times in throughput.
CREATE UNIQUE INDEX events_by_stream ON events (stream_kind, stream_id, version);

-- Free text that belongs to an event, beside the journal so that it can be erased.
CREATE TABLE event_notes (
    event_id INTEGER NOT NULL PRIMARY KEY,
    note     TEXT    NOT NULL
) STRICT;

CREATE TABLE learner_heads (
    user_id    INTEGER NOT NULL PRIMARY KEY,
    version    INTEGER NOT NULL,
    total      INTEGER NOT NULL CHECK (total >= 0),
    reached_at INTEGER
) STRICT;

CREATE TABLE users (
    user_id     INTEGER NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    alias       TEXT,
    role        TEXT    NOT NULL CHECK (role IN ('student', 'mentor', 'staff')),
    created_at  INTEGER NOT NULL,
    archived_at INTEGER
) STRICT;

CREATE TABLE qualifications (
    qualification_id INTEGER NOT NULL PRIMARY KEY,
    name             TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    archived_at      INTEGER
) STRICT;

CREATE TABLE units (
    unit_id          INTEGER NOT NULL PRIMARY KEY,
    title            TEXT    NOT NULL,
    qualification_id INTEGER REFERENCES qualifications (qualification_id) DEFERRABLE INITIALLY DEFERRED,
    skills           TEXT    NOT NULL DEFAULT '[]',
    created_at       INTEGER NOT NULL,
    archived_at      INTEGER
) STRICT;

CREATE TABLE teams (
    team_id     INTEGER NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    mentor_id   INTEGER REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    created_at  INTEGER NOT NULL,
    archived_at INTEGER
) STRICT;

CREATE TABLE team_members (
    team_id   INTEGER NOT NULL REFERENCES teams (team_id) DEFERRABLE INITIALLY DEFERRED,
    user_id   INTEGER NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    role      TEXT,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolments (
    qualification_id INTEGER NOT NULL REFERENCES qualifications (qualification_id) DEFERRABLE INITIALLY DEFERRED,
    user_id          INTEGER NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    enrolled_at      INTEGER NOT NULL,
    PRIMARY KEY (qualification_id, user_id)
) STRICT, WITHOUT ROWID;

-- The hot tables below have no foreign keys on SQLite: the node checks the roster before it writes.
CREATE TABLE user_progress (
    user_id             INTEGER NOT NULL,
    unit_id             INTEGER NOT NULL,
    progress_percentage INTEGER NOT NULL CHECK (progress_percentage BETWEEN 0 AND 100),
    last_accessed       INTEGER NOT NULL,
    completed_at        INTEGER,
    PRIMARY KEY (user_id, unit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_achievements (
    user_id          INTEGER NOT NULL,
    achievement_type TEXT    NOT NULL,
    tier             TEXT    NOT NULL,
    earned_at        INTEGER NOT NULL,
    achievement_data TEXT    NOT NULL DEFAULT '{}',
    PRIMARY KEY (user_id, achievement_type, tier)
) STRICT, WITHOUT ROWID;

-- The ledger, refusals included; each entry belongs to the event with its id.
CREATE TABLE user_points (
    event_id         INTEGER NOT NULL PRIMARY KEY,
    user_id          INTEGER NOT NULL,
    kind             TEXT    NOT NULL,
    action_type      TEXT    NOT NULL,
    points           INTEGER NOT NULL,
    reference_id     INTEGER NOT NULL,
    unit_id          INTEGER,
    qualification_id INTEGER,
    total            INTEGER NOT NULL CHECK (total >= 0),
    reason           TEXT,
    occurred_at      INTEGER NOT NULL
) STRICT;

-- Each qualification's range grows only at its end, so that this one costs little.
CREATE INDEX user_points_by_qualification ON user_points (qualification_id, event_id)
    WHERE qualification_id IS NOT NULL;

CREATE TABLE team_awards (
    team_id      INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    reference_id INTEGER NOT NULL,
    settled      INTEGER NOT NULL DEFAULT FALSE,
    PRIMARY KEY (team_id, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX team_awards_unsettled ON team_awards (team_id, version) WHERE NOT settled;

CREATE TABLE snapshots (
    stream_kind INTEGER NOT NULL,
    stream_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    PRIMARY KEY (stream_kind, stream_id)
) STRICT;

-- With rowids on purpose: rows go to the end of the table, and only the narrow index of the hashes is scattered.
CREATE TABLE idempotency_keys (
    key_hash    BLOB    NOT NULL PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    stream_kind INTEGER,
    stream_id   INTEGER,
    version     INTEGER,
    total       INTEGER,
    level       INTEGER,
    body        TEXT
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE tokens (
    token_id   INTEGER NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL,
    role       TEXT    NOT NULL,
    user_id    INTEGER REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    label      TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
