-- What analytics are computed from: the facts of the journal, packed. The same columns stand in ../postgres/0003_activity.sql.

-- A block holds the facts of learners up to its last event, and behind those of the block before it. All of it can be
-- computed from the events again: an empty table is filled anew.
CREATE TABLE activity_blocks (
    last_event_id INTEGER NOT NULL PRIMARY KEY,
    from_at       INTEGER NOT NULL,
    to_at         INTEGER NOT NULL,
    facts         INTEGER NOT NULL CHECK (facts > 0),
    bytes         BLOB    NOT NULL
) STRICT;
